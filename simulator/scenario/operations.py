"""
What rules about one operation can say: conditions and consequences that it cannot have are complained about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, Protocol

from simulator.kernel.model.submission import INBOUND
from simulator.schema.node import Node, Problems, child_path

__all__ = ["Operated", "refuse_impossible", "words_of_operations"]

_SEND: Final = "send"


class Operated(Protocol):
    """
    Something a provider serves, with the word that rules use for it.
    """

    @property
    def operation(self) -> str:
        """The word."""
        ...

    @property
    def sends(self) -> bool:
        """Whether it submits messages."""
        ...

    @property
    def recipients(self) -> object | None:
        """What tells whom a call that sends nothing is about; None: it is about nobody."""
        ...


class _Kind(NamedTuple):
    """
    What calls of one operation are: senders of messages, about somebody.
    """

    sends: bool
    about: bool


def words_of_operations(routes: Iterable[Operated]) -> list[str]:
    """Return every word that `operation:` may have for *routes*, sorted."""
    return sorted({route.operation for route in routes} | {_SEND, INBOUND})


def _kinds(routes: Iterable[Operated]) -> Mapping[str, _Kind]:
    kinds = {_SEND: _Kind(sends=True, about=True)}
    for route in routes:
        before = kinds.get(route.operation, _Kind(sends=False, about=False))
        about = before.about or route.sends or route.recipients is not None
        kinds[route.operation] = _Kind(before.sends or route.sends, about)
    return kinds


def refuse_impossible(node: Node, path: str, problems: Problems, routes: Iterable[Operated]) -> None:
    """Note whatever the rule in *node* wants of an operation that has nothing of the kind."""
    when, then = _part(node, "when"), _part(node, "then")
    operation = when.get("operation")
    word = operation[1].value if operation is not None else None
    if not isinstance(word, str):
        return
    for place, name, why in _impossible(word, _kinds(routes)):
        part = when if place == "when" else then
        if name in part:
            problems.add(part[name][0], child_path(child_path(path, place), name), why)


def _impossible(word: str, kinds: Mapping[str, _Kind]) -> Iterator[tuple[str, str, str]]:
    """Yield where a rule about operation *word* may have no what, and why."""
    if word == INBOUND:
        acts = "what a recipient does"
        yield "when", "credential", f"{acts} has no credential, so this rule would never apply"
        yield "then", "answer", f"{acts} is no call, so there is no answer; its webhooks can be changed"
        yield "then", "fate", f"{acts} is no message of yours, so it has no fate; its webhooks can be changed"
        return
    kind = kinds.get(word)
    if kind is None or kind.sends:
        return
    senders = ", ".join(sorted(name for name, each in kinds.items() if each.sends))
    sends = f"{word} sends nothing"
    yield "when", "sender", f"{sends}, so it has no sender, and this rule would never apply"
    yield "when", "text", f"{sends}, so it has no text, and this rule would never apply"
    if not kind.about:
        never = f"calls of {word} are about no recipient, so this rule would never apply"
        yield "when", "recipient", never
    yield "then", "fate", f"{sends}, so no message has this fate; operations that send: {senders}"
    yield "then", "webhooks", f"{sends}, so no webhooks come of it; operations that send: {senders}"


def _part(node: Node, name: str) -> Mapping[str, tuple[Node, Node]]:
    part = node.value.get(name) if isinstance(node.value, dict) else None
    return part[1].value if part is not None and isinstance(part[1].value, dict) else {}

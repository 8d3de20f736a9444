"""
How the software under test is reached: written once, for every hardship.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from simulator.scenario.calls import COMMAND, REQUEST
from simulator.scenario.expect import audits_shape
from simulator.scenario.goals import Ask
from simulator.scenario.loader import ScenarioError, Vocabulary
from simulator.scenario.yaml import YamlError, parse
from simulator.schema.node import Json, Node, Problems, describe, did_you_mean, node_of
from simulator.schema.shapes import AnyJson, Either, Field, Invalid, MapOf, Mapped, Record, Shape, Text

__all__ = ["WORDS", "Call", "Software", "parts_of", "read_software"]

WORDS: Final = ("recipient", "recipients", "text", "ttl", "n")
"""What is filled into calls: a number or all of them, the text, how long it is of use, the call's number."""

_UNREACHED: Final = "nobody said how your software is reached: expected --software FILE, or --drive CALL"
_BLANK: Final = re.compile(r"\{([A-Za-z_]+)(?::0\d{1,2})?\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """
    One call of the software's own API, with blanks.
    """

    call: tuple[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json = None

    def has(self, word: str) -> bool:
        """Return True when *word* is filled in somewhere."""
        return word in _blanks([self.call[1], self.body])


def _blanks(plain: Json) -> set[str]:
    if isinstance(plain, str):
        return set(_BLANK.findall(plain))
    parts: Sequence[Json] = (
        list(plain.values()) if isinstance(plain, dict) else plain if isinstance(plain, list) else ()
    )
    return {word for part in parts for word in _blanks(part)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """
    Everything the exam knows of the software under test.
    """

    drive: Call
    bulk: Call | None = None
    """Sends to several recipients at once; None: `drive` does, if it has `{recipients}`."""
    revoke: Call | None = None
    restart: tuple[str, str] | None = None
    reset: tuple[str, str] | None = None
    ask: tuple[Ask, ...] = ()
    providers: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    tree: Mapping[str, Json] = field(default_factory=dict)
    """The same as it was written."""


def _call(call: tuple[str, str], headers: Mapping[str, str] | None = None, body: Json = None) -> Call:
    template = Call(call=call, headers=headers or {}, body=body)
    for word in sorted(_blanks([call[1], body])):
        if word not in WORDS:
            blanks = ", ".join(f"{{{name}}}" for name in WORDS)
            raise ValueError(f'"{{{word}}}" is not filled in, only {blanks} are{did_you_mean(word, WORDS)}')
    return template


_CALL: Final[Shape[Call]] = Either[Call](
    Mapped(REQUEST, lambda call: Call(call=call)),
    Record(
        _call,
        [
            Field("call", REQUEST, "The call.", required=True),
            Field("headers", MapOf(Text(0, 1_000), Text(1, 100), max_items=50), "Its headers."),
            Field("body", AnyJson(), "Its JSON body; {recipient}, {text}, {ttl} in texts are filled in."),
        ],
        doc="A call of your own API.",
    ),
)


def _shape(providers: Mapping[str, Vocabulary]) -> Shape[Software]:
    accounts: Shape[Mapping[str, Mapping[str, object]]] = Record(
        dict,
        [
            Field(name, provider.settings, f"Settings of the {name} account.")
            for name, provider in providers.items()
        ],
    )
    return Record(
        Software,
        [
            Field("drive", _CALL, "Makes your software send {text} to {recipient}.", required=True),
            Field("bulk", _CALL, "Makes it send to all {recipients} in one call."),
            Field("revoke", _CALL, "Makes it pull back the last message to {recipient}."),
            Field("restart", COMMAND, "Makes whoever runs it restart it."),
            Field("reset", COMMAND, "Makes it forget everything; called before each hardship."),
            Field("ask", audits_shape(providers), "What it is asked, as `integrator:` of a scenario."),
            Field("providers", accounts, "Accounts, as in a scenario: webhook targets and secrets."),
        ],
        doc="How the software under test is reached.",
        what="how your software is reached",
    )


def parts_of(
    provider: str,
    *,
    drive: str = "",
    ask: Sequence[str] = (),
    reset: str = "",
    webhook: str = "",
    inbound: str = "",
) -> dict[str, Json]:
    """Return what options of a command line say, in the words of the file; raises ScenarioError."""
    parts: dict[str, Json] = {}
    if drive:
        parts["drive"] = _plain(drive, "--drive")
    if ask:
        parts["ask"] = [_plain(question, "--ask") for question in ask]
    if reset:
        parts["reset"] = reset
    targets = (("webhook", webhook), ("inbound", inbound))
    settings: dict[str, Json] = {
        name: {"url": url.replace("{provider}", provider)} for name, url in targets if url
    }
    if settings:
        parts["providers"] = {provider: settings}
    return parts


def _plain(text: str, origin: str) -> Json:
    return _parsed(text, origin).plain()


def _parsed(text: str, origin: str) -> Node:
    try:
        return parse(text, origin)
    except YamlError as trouble:
        raise ScenarioError(trouble.problems.render(origin)) from None


def read_software(
    text: str, origin: str, providers: Mapping[str, Vocabulary], parts: Mapping[str, Json]
) -> Software:
    """
    Return how the software is reached, by a file's *text* and the *parts* that replace some of it.

    Raises ScenarioError with every complaint.
    """
    problems = Problems()
    node = _parsed(text, origin) if text else Node({})
    if not isinstance(node.value, dict):
        raise ScenarioError([f"{origin}:1:1: expected how your software is reached, got {describe(node)}"])
    entries = dict(node.value)
    for name, part in parts.items():
        # Of accounts, the command line gives settings; of everything else, the whole.
        before = entries[name][1] if name in entries and name == "providers" else None
        entries[name] = (Node(name), _over(before, part))
    if not text and "drive" not in entries:
        raise ScenarioError([_UNREACHED])
    node = node._replace(value=entries)
    software = _shape(providers).read(node, "", problems)
    if isinstance(software, Invalid) or problems:
        raise ScenarioError(problems.render(origin))
    return replace(software, tree={name: value.plain() for name, (_, value) in entries.items()})


def _over(before: Node | None, part: Json) -> Node:
    """Return *part* over what a file says, mapping by mapping."""
    if before is None or not isinstance(before.value, dict) or not isinstance(part, dict):
        return node_of(part)
    entries = dict(before.value)
    for name, value in part.items():
        entries[name] = (Node(name), _over(entries[name][1] if name in entries else None, value))
    return before._replace(value=entries)

"""
Messages and webhooks of a space: narrowed by calling, read by iterating.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from simulator.client.calls import SpaceCalls
from simulator.client.records import SimulatedMessage, SimulatedWebhook, message_of, webhook_of
from simulator.client.vocabulary import MessageState, ProviderName, WebhookStateName

__all__ = ["Messages", "Webhooks", "given"]

T = TypeVar("T")

__tracebackhide__ = True

_SHOWN_MAX = 20


class Messages:
    """
    The messages of a space: `messages(state="delivered")` are some of them, `.one()` is the only one.
    """

    def __init__(self, calls: SpaceCalls, query: Mapping[str, str]) -> None:
        self._calls = calls
        self._query = query

    def of(
        self,
        *,
        to: str = "",
        provider: ProviderName | None = None,
        recipient: str = "",
        state: MessageState | None = None,
        sender: str = "",
        id: str = "",
        name: str = "",
    ) -> Messages:
        """Return those to this recipient (two words for it), and so on; `name` is one of their call."""
        query = given(
            provider=provider, recipient=to or recipient, state=state, sender=sender, id=id, name=name
        )
        return Messages(self._calls, {**self._query, **query})

    __call__ = of

    def all(self) -> list[SimulatedMessage]:
        """Return them, oldest first."""
        return [message_of(self._calls, row) for row in _rows(self._calls, "/messages", self._query)]

    def one(self) -> SimulatedMessage:
        """Return the only one; raises AssertionError that tells what there is instead."""
        return _the_only("message", self.all(), self._query, lambda: Messages(self._calls, {}).all())

    def __iter__(self) -> Iterator[SimulatedMessage]:
        return iter(self.all())

    def __len__(self) -> int:
        return _total(self._calls, "/messages", self._query)

    def __repr__(self) -> str:
        return repr(self.all())


class Webhooks:
    """
    The webhooks of a space: `webhooks(state="lost")` are some of them, `.one()` is the only one.
    """

    def __init__(self, calls: SpaceCalls, query: Mapping[str, str]) -> None:
        self._calls = calls
        self._query = query

    def of(
        self,
        *,
        to: str = "",
        provider: ProviderName | None = None,
        recipient: str = "",
        state: WebhookStateName | None = None,
    ) -> Webhooks:
        """Return those about this recipient (two words for it), of this provider, or in this state."""
        query = given(provider=provider, recipient=to or recipient, state=state)
        return Webhooks(self._calls, {**self._query, **query})

    __call__ = of

    def all(self) -> list[SimulatedWebhook]:
        """Return them, oldest first."""
        return [webhook_of(row) for row in _rows(self._calls, "/webhooks", self._query)]

    def one(self) -> SimulatedWebhook:
        """Return the only one; raises AssertionError that tells what there is instead."""
        return _the_only("webhook", self.all(), self._query, lambda: Webhooks(self._calls, {}).all())

    def __iter__(self) -> Iterator[SimulatedWebhook]:
        return iter(self.all())

    def __len__(self) -> int:
        return _total(self._calls, "/webhooks", self._query)

    def __repr__(self) -> str:
        return repr(self.all())


def given(**conditions: str | None) -> dict[str, str]:
    """Return the conditions that say something."""
    return {name: value for name, value in conditions.items() if value}


def _rows(calls: SpaceCalls, path: str, query: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = calls.call("GET", path, query={**query, "limit": "100000"})["items"]
    return rows


def _total(calls: SpaceCalls, path: str, query: Mapping[str, str]) -> int:
    return int(calls.call("GET", path, query={**query, "limit": "0"})["total"])


def _the_only(
    what: str, items: Sequence[T], query: Mapping[str, str], everything: Callable[[], Sequence[T]]
) -> T:
    """Return the only one of *items*, or tell what there is instead: of none, all that there are."""
    if len(items) == 1:
        return items[0]
    conditions = ", ".join(f"{name} {value!r}" for name, value in query.items())
    expected = f"one {what} with {conditions}" if conditions else f"one {what}"
    others = everything() if query and not items else items
    lines = [f"  {item!r}" for item in others[:_SHOWN_MAX]]
    if len(others) > _SHOWN_MAX:
        lines.append(f"  and {len(others) - _SHOWN_MAX} more")
    instead = "; there are\n" if lines and not items else "\n" if lines else ""
    raise AssertionError(f"expected {expected}, got {len(items)}{instead}" + "\n".join(lines))

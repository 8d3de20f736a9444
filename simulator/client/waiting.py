"""
Waiting for what software in another thread or process does, and for the next message.
"""

from __future__ import annotations

from typing import Any, Literal, overload

from simulator.client.calls import SpaceCalls
from simulator.client.lists import given
from simulator.client.records import (
    SimulatedMessage,
    SimulatedRequest,
    SimulatedWebhook,
    message_of,
    request_of,
    webhook_of,
)
from simulator.client.vocabulary import MessageState, ProviderName, WebhookStateName
from simulator.control import ControlError

__all__ = ["Waiting"]

__tracebackhide__ = True


class Waiting:
    """
    What a space can be waited for.
    """

    def __init__(self, calls: SpaceCalls) -> None:
        self._calls = calls
        self._taken: set[tuple[str, str, int]] = set()

    @overload
    def wait_for(
        self,
        what: Literal["messages"] = "messages",
        *,
        count: int = 1,
        within: str = "5s",
        to: str = "",
        provider: ProviderName | None = None,
        state: MessageState | None = None,
        sender: str = "",
        name: str = "",
    ) -> list[SimulatedMessage]: ...

    @overload
    def wait_for(
        self,
        what: Literal["webhooks"],
        *,
        count: int = 1,
        within: str = "5s",
        to: str = "",
        provider: ProviderName | None = None,
        state: WebhookStateName | None = None,
    ) -> list[SimulatedWebhook]: ...

    @overload
    def wait_for(
        self, what: Literal["requests"], *, count: int = 1, within: str = "5s"
    ) -> list[SimulatedRequest]: ...

    def wait_for(
        self,
        what: Literal["messages", "webhooks", "requests"] = "messages",
        *,
        count: int = 1,
        within: str = "5s",
        to: str = "",
        provider: str | None = None,
        state: str | None = None,
        sender: str = "",
        name: str = "",
    ) -> list[Any]:
        """
        Return the messages, webhooks or requests, once there are *count*.

        Raises AssertionError with the nearest miss after *within*, in real time.  For
        live clocks, other threads and other processes; a frozen clock needs no waiting.
        """
        self._calls.refuse_to_block("simulator.wait_for_async")
        query = _query(
            what, count, within, given(recipient=to, provider=provider, state=state, sender=sender, name=name)
        )
        try:
            answer = self._calls.call("GET", "/wait", query=query)
            rows = self._calls.call("GET", "/requests") if what == "requests" else answer
        except ControlError as trouble:
            raise _missed(trouble) from None
        return _records(self._calls, what, rows)

    async def wait_for_async(
        self,
        what: Literal["messages", "webhooks", "requests"] = "messages",
        *,
        count: int = 1,
        within: str = "5s",
        to: str = "",
        provider: ProviderName | None = None,
        state: MessageState | WebhookStateName | None = None,
    ) -> list[Any]:
        """Do what `wait_for` does while the running loop goes on."""
        query = _query(what, count, within, given(recipient=to, provider=provider, state=state))
        try:
            answer = await self._calls.call_async("GET", "/wait", None, query)
        except ControlError as trouble:
            raise _missed(trouble) from None
        if what == "requests":
            answer = await self._calls.call_async("GET", "/requests")
        return _records(self._calls, what, answer)

    def next_message(
        self, *, to: str = "", provider: ProviderName | None = None, within: str = "5s"
    ) -> SimulatedMessage:
        """
        Return the oldest message that was not returned by it before, as soon as there is one.

        For tests that decide a fate by hand: `.deliver()`, `.fail("absent")`, `.expire()`.
        """
        conditions = given(recipient=to, provider=provider)
        message = self._not_taken(conditions)
        if message is None:
            self._calls.refuse_to_block("simulator.next_message_async")
            count = self._count(conditions) + 1
            query = _query("messages", count, within, conditions)
            try:
                self._calls.call("GET", "/wait", query=query)
            except ControlError as trouble:
                raise _missed(trouble) from None
            message = self._not_taken(conditions)
        return self._take(message)

    async def next_message_async(
        self, *, to: str = "", provider: ProviderName | None = None, within: str = "5s"
    ) -> SimulatedMessage:
        """Do what `next_message` does while the running loop goes on."""
        conditions = given(recipient=to, provider=provider)
        message = self._not_taken(conditions)
        if message is None:
            query = _query("messages", self._count(conditions) + 1, within, conditions)
            try:
                await self._calls.call_async("GET", "/wait", None, query)
            except ControlError as trouble:
                raise _missed(trouble) from None
            message = self._not_taken(conditions)
        return self._take(message)

    def _count(self, conditions: dict[str, str]) -> int:
        return int(self._calls.call("GET", "/messages", query={**conditions, "limit": "0"})["total"])

    def _not_taken(self, conditions: dict[str, str]) -> SimulatedMessage | None:
        rows = self._calls.call("GET", "/messages", query={**conditions, "limit": "100000"})["items"]
        messages = (message_of(self._calls, row) for row in rows)
        return next((message for message in messages if _key(message) not in self._taken), None)

    def _take(self, message: SimulatedMessage | None) -> SimulatedMessage:
        assert message is not None, "expected a message that was not taken yet; another thread was faster"
        self._taken.add(_key(message))
        return message


def _key(message: SimulatedMessage) -> tuple[str, str, int]:
    return message.provider, message.recipient, message.ordinal


def _query(what: str, count: int, within: str, conditions: dict[str, str]) -> dict[str, str]:
    return {"for": what, "count": str(count), "within": within, **conditions}


def _missed(trouble: ControlError) -> Exception:
    return AssertionError(str(trouble)) if trouble.status == 408 else trouble


def _records(calls: SpaceCalls, what: str, answer: dict[str, Any]) -> list[Any]:
    rows = answer["items"]
    if what == "messages":
        return [message_of(calls, row) for row in rows]
    return [webhook_of(row) if what == "webhooks" else request_of(row) for row in rows]

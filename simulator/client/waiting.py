"""
Waiting for what software in another thread or process does, and for the next message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.client.calls import SpaceCalls
from simulator.client.records import SimulatedMessage, message_of, request_of, webhook_of
from simulator.control import ControlError

__all__ = ["MessageLine", "wait", "wait_async"]

__tracebackhide__ = True


def wait(calls: SpaceCalls, what: str, count: int, within: str, conditions: Mapping[str, str]) -> list[Any]:
    """Return what was waited for; raises AssertionError with the nearest miss."""
    calls.refuse_to_block("simulator.wait_for_async")
    try:
        answer = calls.call("GET", "/wait", query=_query(what, count, within, conditions))
    except ControlError as trouble:
        raise _missed(trouble) from None
    return _records(calls, what, calls.call("GET", "/requests") if what == "requests" else answer)


async def wait_async(
    calls: SpaceCalls, what: str, count: int, within: str, conditions: Mapping[str, str]
) -> list[Any]:
    """Do what `wait` does while the running loop goes on."""
    try:
        answer = await calls.call_async("GET", "/wait", None, _query(what, count, within, conditions))
    except ControlError as trouble:
        raise _missed(trouble) from None
    if what == "requests":
        answer = await calls.call_async("GET", "/requests")
    return _records(calls, what, answer)


class MessageLine:
    """
    The messages of a space in a line, from which each is taken once.
    """

    def __init__(self, calls: SpaceCalls) -> None:
        self._calls = calls
        self._taken: set[tuple[str, str, int]] = set()

    def begin_again(self) -> None:
        """Forget what was taken."""
        self._taken.clear()

    def next(self, conditions: Mapping[str, str], within: str) -> SimulatedMessage:
        """Return the first message that was not taken yet, as soon as there is one."""
        message = self._first(conditions)
        if message is None:
            self._calls.refuse_to_block("simulator.next_message_async")
            wait(self._calls, "messages", self._count(conditions) + 1, within, conditions)
            message = self._first(conditions)
        return self._take(message)

    async def next_async(self, conditions: Mapping[str, str], within: str) -> SimulatedMessage:
        """Do what `next` does while the running loop goes on."""
        message = self._first(conditions)
        if message is None:
            await wait_async(self._calls, "messages", self._count(conditions) + 1, within, conditions)
            message = self._first(conditions)
        return self._take(message)

    def _count(self, conditions: Mapping[str, str]) -> int:
        return int(self._calls.call("GET", "/messages", query={**conditions, "limit": "0"})["total"])

    def _first(self, conditions: Mapping[str, str]) -> SimulatedMessage | None:
        rows = self._calls.call("GET", "/messages", query={**conditions, "limit": "100000"})["items"]
        messages = (message_of(self._calls, row) for row in rows)
        return next((message for message in messages if _key(message) not in self._taken), None)

    def _take(self, message: SimulatedMessage | None) -> SimulatedMessage:
        assert message is not None, "expected a message that was not taken yet; another thread was faster"
        self._taken.add(_key(message))
        return message


def _key(message: SimulatedMessage) -> tuple[str, str, int]:
    return message.provider, message.recipient, message.ordinal


def _query(what: str, count: int, within: str, conditions: Mapping[str, str]) -> dict[str, str]:
    return {"for": what, "count": str(count), "within": within, **conditions}


def _missed(trouble: ControlError) -> Exception:
    return AssertionError(str(trouble)) if trouble.status == 408 else trouble


def _records(calls: SpaceCalls, what: str, answer: Mapping[str, Any]) -> list[Any]:
    rows = answer["items"]
    if what == "messages":
        return [message_of(calls, row) for row in rows]
    return [webhook_of(row) if what == "webhooks" else request_of(row) for row in rows]

"""
What a test reads of a space: messages, webhooks and calls, as they were when it asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, cast
from urllib.parse import parse_qsl

from simulator.client.calls import SpaceCalls
from simulator.client.vocabulary import MessageState, MoveName, WebhookStateName

__all__ = [
    "SimulatedMessage",
    "SimulatedRequest",
    "SimulatedWebhook",
    "message_of",
    "move_body",
    "request_of",
    "webhook_of",
]

__tracebackhide__ = True


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SimulatedMessage:
    """
    A message as it was when it was asked for; `deliver`, `fail` and the like decide what becomes of it.
    """

    id: str
    provider: str
    recipient: str
    ordinal: int
    state: MessageState
    code: str
    reason: str
    sender: str
    text: str
    parts: int
    accepted_ms: int
    changed_ms: int
    decided_by: Mapping[str, str]
    _calls: SpaceCalls = field(repr=False, compare=False)

    def __repr__(self) -> str:
        code = f" {self.code}" if self.code else ""
        return f"<{self.provider} {self.recipient} #{self.ordinal} {self.state}{code} {self.text!r}>"

    def deliver(self) -> SimulatedMessage:
        """Deliver it now, and send what is owed for that; return it as it is then."""
        return self._moved("deliver")

    def read(self) -> SimulatedMessage:
        """Let the recipient read it now; return it as it is then."""
        return self._moved("read")

    def fail(self, code: str | Mapping[str, object] = "") -> SimulatedMessage:
        """
        Let it fail now; return it as it is then.

        The code is one of the provider's (`"EC_ABSENT_SUBSCRIBER"`), a reason that all
        of them understand (`"absent"`), or what `fail:` says in a scenario.
        """
        return self._moved("fail", code)

    def expire(self) -> SimulatedMessage:
        """Let it expire now; return it as it is then."""
        return self._moved("expire")

    def revoke(self) -> SimulatedMessage:
        """Take it back now; return it as it is then."""
        return self._moved("revoke")

    async def move_async(self, move: MoveName, code: str | Mapping[str, object] = "") -> SimulatedMessage:
        """Do what `deliver`, `fail` and the others do while the running loop goes on."""
        await self._calls.call_async("POST", f"/messages/{self.id}/move", move_body(move, code), self._of)
        await self._calls.drain_async()
        return message_of(self._calls, await self._calls.call_async("GET", self._path, None, self._of))

    def explain(self) -> list[str]:
        """Return its story as lines."""
        return list(self._calls.call("GET", f"{self._path}/explain", None, self._of)["story"])

    def now(self) -> SimulatedMessage:
        """Return it as it is now."""
        return message_of(self._calls, self._calls.call("GET", self._path, None, self._of))

    @property
    def _path(self) -> str:
        return f"/messages/{self.id}"

    @property
    def _of(self) -> dict[str, str]:
        return {"provider": self.provider}

    def _moved(self, move: MoveName, code: str | Mapping[str, object] = "") -> SimulatedMessage:
        self._calls.refuse_to_block("message.move_async")
        self._calls.call("POST", f"{self._path}/move", move_body(move, code), self._of)
        self._calls.drain()
        return self.now()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SimulatedWebhook:
    """
    A webhook as it was when it was asked for, with its attempts.
    """

    id: str
    provider: str
    recipient: str
    target: str
    state: WebhookStateName
    intended: str
    purposes: Sequence[str]
    due_ms: int
    reports: tuple[str, ...]
    body: str
    attempts: tuple[Mapping[str, Any], ...]

    def __repr__(self) -> str:
        reports = ", ".join(self.reports)
        attempts = ", ".join(str(attempt["status"] or attempt["error"]) for attempt in self.attempts)
        return f"<{self.provider} {self.recipient} [{reports}] {self.state} attempts [{attempts}]>"

    def json(self) -> Any:
        """Return its body, decoded."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SimulatedRequest:
    """
    A call of the software under test, and what it was answered.
    """

    at_ms: int
    provider: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """By names in small letters; what proves who calls is withheld."""
    status: int
    turned_away: str | None
    """Why it never reached the provider's work: `no route`, `credential`, …"""
    why: str
    """What was wrong with it."""
    request: str
    """The body that came."""
    answer: str
    """The body that was answered."""

    def __repr__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        why = f" ({self.why})" if self.why else ""
        return f"<{self.provider} {self.method} {self.path}{query} answered {self.status}{why}>"

    def json(self) -> Any:
        """Return the body that came, decoded."""
        return json.loads(self.request)

    def answered_json(self) -> Any:
        """Return the body that was answered, decoded."""
        return json.loads(self.answer)

    @property
    def parameters(self) -> dict[str, str]:
        """The query by names; of one that came several times, the last value."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


def move_body(move: MoveName, code: object) -> dict[str, object]:
    """Return the body of a move."""
    return {"move": move, "code": code} if code else {"move": move}


def message_of(calls: SpaceCalls, row: Mapping[str, Any]) -> SimulatedMessage:
    """Return a message from what the control API shows of it."""
    values = {spec.name: row[spec.name] for spec in fields(SimulatedMessage) if spec.name != "_calls"}
    return SimulatedMessage(**values, _calls=calls)


def webhook_of(row: Mapping[str, Any]) -> SimulatedWebhook:
    """Return a webhook from what the control API shows of it."""
    values = {spec.name: row[spec.name] for spec in fields(SimulatedWebhook)}
    lists = {name: tuple(values[name]) for name in ("purposes", "reports", "attempts")}
    return SimulatedWebhook(**{**values, **lists})


def request_of(row: Mapping[str, Any]) -> SimulatedRequest:
    """Return a call from what the control API shows of it."""
    values = {spec.name: row[spec.name] for spec in fields(SimulatedRequest)}
    pairs = cast("Sequence[Sequence[str]]", values["headers"])
    return SimulatedRequest(**{**values, "headers": {name.lower(): value for name, value in pairs}})

"""
A space in a test's hands: recipients, time, messages, webhooks.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from simulator.control import Control, ControlError, LocalControl
from simulator.scenario.shipped import find_scenario, shipped_instead

__all__ = [
    "Messages",
    "RecipientHandle",
    "SimulatedMessage",
    "SimulatedRequest",
    "SimulatedWebhook",
    "Simulator",
    "Webhooks",
]

# A failed test shows the call that was made, and none of the frames below it.
__tracebackhide__ = True

_FILE_OR_NAME: Final = r"[\w./~ -]+\.ya?ml|[A-Za-z0-9-]+"
"""A line that is no YAML mapping: the name of a file, or of a shipped scenario."""


class SimulatedMessage(NamedTuple):
    """
    A message as it is now.
    """

    id: str
    provider: str
    recipient: str
    ordinal: int
    state: str
    code: str
    sender: str
    text: str
    parts: int
    accepted_ms: int
    changed_ms: int
    decided_by: Mapping[str, str]


class SimulatedWebhook(NamedTuple):
    """
    A webhook as it is now, with its attempts.
    """

    id: str
    provider: str
    recipient: str
    target: str
    state: str
    intended: str
    reports: tuple[str, ...]
    body: str
    attempts: tuple[Mapping[str, Any], ...]


class Messages:
    """
    The messages of a space; narrowed by `of`, read by iterating.
    """

    def __init__(self, simulator: Simulator, query: Mapping[str, str]) -> None:
        self._simulator = simulator
        self._query = query

    def of(
        self,
        *,
        provider: str = "",
        recipient: str = "",
        state: str = "",
        sender: str = "",
        id: str = "",
        name: str = "",
    ) -> Messages:
        """Return those with this provider, recipient, state, sender, id, or name (an id of their call)."""
        query = _given(provider=provider, recipient=recipient, state=state, sender=sender, id=id, name=name)
        return Messages(self._simulator, {**self._query, **query})

    def all(self) -> list[SimulatedMessage]:
        """Return them, oldest first."""
        page = self._simulator.call("GET", "/messages", query={**self._query, "limit": "100000"})
        return [
            SimulatedMessage(**{name: row[name] for name in SimulatedMessage._fields})
            for row in page["items"]
        ]

    def one(self) -> SimulatedMessage:
        """Return the only one; raises AssertionError that tells what there is instead."""
        messages = self.all()
        _check_one(
            "message", self._query, [f"{m.provider} {m.recipient} #{m.ordinal} {m.state}" for m in messages]
        )
        return messages[0]

    def __iter__(self) -> Iterator[SimulatedMessage]:
        return iter(self.all())

    def __len__(self) -> int:
        page = self._simulator.call("GET", "/messages", query={**self._query, "limit": "0"})
        return int(page["total"])


class Webhooks:
    """
    The webhooks of a space; narrowed by `of`, read by iterating.
    """

    def __init__(self, simulator: Simulator, query: Mapping[str, str]) -> None:
        self._simulator = simulator
        self._query = query

    def of(self, *, provider: str = "", recipient: str = "", state: str = "") -> Webhooks:
        """Return those with this provider, recipient or state."""
        query = _given(provider=provider, recipient=recipient, state=state)
        return Webhooks(self._simulator, {**self._query, **query})

    def all(self) -> list[SimulatedWebhook]:
        """Return them, oldest first."""
        page = self._simulator.call("GET", "/webhooks", query={**self._query, "limit": "100000"})
        return [_webhook(row) for row in page["items"]]

    def one(self) -> SimulatedWebhook:
        """Return the only one; raises AssertionError that tells what there is instead."""
        webhooks = self.all()
        _check_one(
            "webhook",
            self._query,
            [f"{w.provider} {w.recipient} [{', '.join(w.reports)}] {w.state}" for w in webhooks],
        )
        return webhooks[0]

    def __iter__(self) -> Iterator[SimulatedWebhook]:
        return iter(self.all())

    def __len__(self) -> int:
        page = self._simulator.call("GET", "/webhooks", query={**self._query, "limit": "0"})
        return int(page["total"])


def _given(**conditions: str) -> dict[str, str]:
    return {name: value for name, value in conditions.items() if value}


def _check_one(what: str, query: Mapping[str, str], lines: Sequence[str]) -> None:
    if len(lines) != 1:
        listed = "".join(f"\n  {line}" for line in lines[:20])
        conditions = ", ".join(f"{name} {value!r}" for name, value in query.items())
        expected = f"one {what} with {conditions}" if conditions else f"one {what}"
        raise AssertionError(f"expected {expected}, got {len(lines)}{listed}")


def _webhook(row: Mapping[str, Any]) -> SimulatedWebhook:
    values = {name: row[name] for name in SimulatedWebhook._fields}
    return SimulatedWebhook(
        **{**values, "reports": tuple(values["reports"]), "attempts": tuple(values["attempts"])}
    )


def _duration(by: str | timedelta) -> str:
    return f"{by // timedelta(milliseconds=1)}ms" if isinstance(by, timedelta) else by


def _instant(start: object) -> object:
    if isinstance(start, timedelta):
        raise TypeError(f"expected an instant, got a span, {start!r}; advance() takes that")
    if not isinstance(start, datetime):
        return start
    if start.tzinfo is None:
        raise ValueError(f"expected an instant with its zone, got {start!r}")
    return start.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _written(scenario: object) -> object:
    """Return a scenario as the control API takes it: YAML text or an object."""
    if isinstance(scenario, str) and "\n" not in scenario and re.fullmatch(_FILE_OR_NAME, scenario):
        path = find_scenario(scenario)
        if not path.exists():
            raise ValueError(f"there is no scenario {scenario!r}{shipped_instead(path)}")
        scenario = path
    if isinstance(scenario, Path):
        return scenario.read_text(encoding="utf-8")
    return dict(scenario) if isinstance(scenario, Mapping) else scenario


class SimulatedRequest(NamedTuple):
    """
    A call of the integrator, and what it was answered.
    """

    at_ms: int
    provider: str
    method: str
    path: str
    query: str
    status: int
    request: str
    """The body that came."""
    answer: str
    """The body that was answered."""

    def json(self) -> Any:
        """Return the body that came, decoded."""
        return json.loads(self.request)


class RecipientHandle:
    """
    A recipient, or all with a prefix (`+4179*`), whose circumstances a test changes.
    """

    def __init__(self, simulator: Simulator, address: str) -> None:
        self._simulator = simulator
        self.address = address

    def set(
        self,
        *,
        reachable: bool | None = None,
        blocked: bool | None = None,
        blacklisted: bool | None = None,
        known: bool | None = None,
        capable: bool | Sequence[str] | None = None,
        follower: bool | None = None,
        session: bool | None = None,
        tester: str | None = None,
        operator: str | None = None,
    ) -> None:
        """Change circumstances from now on; what is not given stays as it is."""
        given = {
            "reachable": reachable,
            "blocked": blocked,
            "blacklisted": blacklisted,
            "known": known,
            "capable": list(capable) if isinstance(capable, Sequence) else capable,
            "follower": follower,
            "session": session,
            "tester": tester,
            "operator": operator,
        }
        changed = {name: value for name, value in given.items() if value is not None}
        self._simulator.call("PATCH", f"/recipients/{self.address}", changed)

    def go_offline(self) -> None:
        """Switch the phone off: messages wait."""
        self.set(reachable=False)

    def come_back(self) -> None:
        """Switch the phone on again: what waits is delivered, in order."""
        self.set(reachable=True)

    def writes(self, text: str, *, provider: str, to: str = "") -> None:
        """Let the recipient write to the integrator."""
        body = {"provider": provider, "writes": text, **({"to": to} if to else {})}
        self._simulator.call("POST", f"/recipients/{self.address}/inbound", body)

    def does(self, act: str, *, provider: str, to: str = "", data: object = None) -> None:
        """Let the recipient do something else, in the provider's words."""
        body = {"provider": provider, "does": act, "data": data, **({"to": to} if to else {})}
        self._simulator.call("POST", f"/recipients/{self.address}/inbound", body)


class Simulator:
    """
    One space of a running simulator.

    The same for a server in this process, in another, or in a container: only the
    control differs.
    """

    def __init__(self, control: Control, space: str = "default") -> None:
        self.control = control
        self.space = space

    @classmethod
    def create(cls, control: Control, **settings: object) -> Simulator:
        """
        Create a space (name, seed, clock, start, scenario, providers) and return it.

        The scenario may be a path, the name of a shipped one, YAML text, or an object.
        The clock, frozen unless another is given, starts at 2026-01-05T09:00:00Z, or
        at *start*: an instant, or "now".
        """
        if "scenario" in settings:
            settings = {**settings, "scenario": _written(settings["scenario"])}
        if "start" in settings:
            clock = settings.get("clock", "frozen")
            mode = dict(clock) if isinstance(clock, Mapping) else {"mode": clock}
            settings = {**settings, "clock": {**mode, "start": _instant(settings["start"])}}
            del settings["start"]
        made = control.call("POST", "/spaces", settings)
        return cls(control, made["name"])

    def call(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> Any:
        """Run an operation of the control API on this space; raises ControlError."""
        return self.control.call(method, f"/spaces/{self.space}{path}", body, query)

    def delete(self) -> None:
        """End the space: it sends nothing more."""
        self.call("DELETE", "")

    # -- where it is ----------------------------------------------------------------------------

    def url(self, provider: str) -> str:
        """Return the base URL that the integrator is to use for *provider*."""
        return str(self._account(provider)["url"])

    def credential(self, provider: str) -> str:
        """Return a credential that leads to this space, whatever the URL."""
        return str(self._account(provider)["credential"])

    def _account(self, provider: str) -> Mapping[str, Any]:
        accounts: Mapping[str, Mapping[str, Any]] = self.call("GET", "")["providers"]
        if provider not in accounts:
            raise ValueError(f"there is no provider {provider!r}; known: {', '.join(accounts)}")
        return accounts[provider]

    @property
    def seed(self) -> int:
        """The seed of the space."""
        return int(self.call("GET", "")["seed"])

    # -- setting it up --------------------------------------------------------------------------

    def configure(self, provider: str, **settings: object) -> None:
        """Change a provider's settings: `configure("infobip", webhook={"url": …})`."""
        self.call("PUT", f"/providers/{provider}", settings)

    def load(self, scenario: str | Path | Mapping[str, object]) -> None:
        """
        Put a scenario in force with its seed and clock.

        It is a path, the name of a shipped one, YAML text, or an object.

        Refused, with the reason, when something was sent already from another seed
        or the clock has left another start.
        """
        self.call("PUT", "/scenario", _written(scenario))

    def recipient(self, address: str) -> RecipientHandle:
        """Return a recipient by address, or all with a prefix (`+4179*`)."""
        return RecipientHandle(self, address)

    # -- time -----------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        """The space's time in milliseconds since it began."""
        return int(self.call("GET", "/clock")["now_ms"])

    def advance(self, by: str | timedelta) -> None:
        """
        Move the clock by *by*, such as "10m", and drain: webhooks of every due instant, in order.

        Blocks.  On a running event loop it refuses: a webhook receiver on that
        loop could never answer.  Use `advance_async` there.
        """
        self._blocking("advance_async")
        self.call("POST", "/clock/advance", {"by": _duration(by)})

    def advance_to(self, instant: str | datetime) -> None:
        """Move the clock to an instant, such as "2026-01-05T12:00:00Z", and drain."""
        self._blocking("advance_async")
        self.call("POST", "/clock/advance", {"to": _instant(instant)})

    def settle(self) -> None:
        """Move the clock until nothing is due any more."""
        self._blocking("settle_async")
        self.call("POST", "/clock/advance", {"until": "settled"})

    async def advance_async(self, by: str | timedelta) -> None:
        """Do what `advance` does while the running loop goes on."""
        await self._call_async("POST", "/clock/advance", {"by": _duration(by)})

    async def settle_async(self) -> None:
        """Do what `settle` does while the running loop goes on."""
        await self._call_async("POST", "/clock/advance", {"until": "settled"})

    def _blocking(self, instead: str) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        raise RuntimeError(
            f"this would block the running event loop, and a webhook receiver on it could never answer; "
            f"await simulator.{instead}(…) instead"
        )

    async def _call_async(self, method: str, path: str, body: object) -> Any:
        full = f"/spaces/{self.space}{path}"
        if isinstance(self.control, LocalControl):
            return await self.control.call_async(method, full, body)
        return await asyncio.to_thread(self.control.call, method, full, body)

    # -- looking --------------------------------------------------------------------------------

    @property
    def messages(self) -> Messages:
        """The messages of the space."""
        return Messages(self, {})

    @property
    def webhooks(self) -> Webhooks:
        """The webhooks of the space."""
        return Webhooks(self, {})

    @property
    def requests(self) -> list[SimulatedRequest]:
        """The last thousand calls that came, oldest first: what the software under test really sent."""
        rows = self.call("GET", "/requests", query={"limit": "100000"})["items"]
        return [SimulatedRequest(**{name: row[name] for name in SimulatedRequest._fields}) for row in rows]

    def move(self, message_id: str, move: str, code: object = None) -> None:
        """Deliver, fail, expire, read or revoke a message now."""
        body = {"move": move} if code is None else {"move": move, "code": code}
        self.call("POST", f"/messages/{message_id}/move", body)

    def explain(self, message_id: str) -> list[str]:
        """Return the story of a message as lines."""
        return list(self.call("GET", f"/messages/{message_id}/explain")["story"])

    def report(self, format: str = "html") -> str:
        """Return the evidence of the space: `html`, `junit`, `jsonl` or `har`."""
        document = self.control.fetch(f"/spaces/{self.space}/report", {"format": format})
        return document.decode()

    def narrative(self) -> list[str]:
        """Return the journal as lines for people."""
        return [str(entry["line"]) for entry in self.call("GET", "/journal")]

    def wait(self, what: str = "messages", *, count: int = 1, within: str = "5s", **query: str) -> None:
        """
        Return when there are *count* messages, webhooks or requests; raises AssertionError in the end.

        For live clocks and other processes; a frozen clock needs no waiting.
        """
        asked = {"for": what, "count": str(count), "within": within, **query}
        try:
            self.call("GET", "/wait", query=asked)
        except ControlError as trouble:
            if trouble.status == 408:
                raise AssertionError(str(trouble)) from None
            raise

"""
A space in a test's hands: recipients, time, messages, webhooks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from simulator.control import Control, ControlError, LocalControl

__all__ = ["Messages", "RecipientHandle", "SimulatedMessage", "SimulatedWebhook", "Simulator", "Webhooks"]


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

    def of(self, **query: str) -> Messages:
        """Return those with this provider, recipient, state, sender or id."""
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
        if len(messages) != 1:
            listed = "".join(f"\n  {m.provider} {m.recipient} #{m.ordinal} {m.state}" for m in messages[:20])
            conditions = ", ".join(f"{name} {value!r}" for name, value in self._query.items())
            expected = f"one message with {conditions}" if conditions else "one message"
            raise AssertionError(f"expected {expected}, got {len(messages)}{listed}")
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

    def of(self, **query: str) -> Webhooks:
        """Return those with this provider, recipient or state."""
        return Webhooks(self._simulator, {**self._query, **query})

    def all(self) -> list[SimulatedWebhook]:
        """Return them, oldest first."""
        page = self._simulator.call("GET", "/webhooks", query={**self._query, "limit": "100000"})
        return [_webhook(row) for row in page["items"]]

    def __iter__(self) -> Iterator[SimulatedWebhook]:
        return iter(self.all())

    def __len__(self) -> int:
        page = self._simulator.call("GET", "/webhooks", query={**self._query, "limit": "0"})
        return int(page["total"])


def _webhook(row: Mapping[str, Any]) -> SimulatedWebhook:
    values = {name: row[name] for name in SimulatedWebhook._fields}
    return SimulatedWebhook(
        **{**values, "reports": tuple(values["reports"]), "attempts": tuple(values["attempts"])}
    )


def _written(scenario: object) -> object:
    """Return a scenario as the control API takes it: YAML text or an object."""
    if isinstance(scenario, str) and "\n" not in scenario and scenario.endswith((".yaml", ".yml")):
        scenario = Path(scenario)
    if isinstance(scenario, Path):
        return scenario.read_text(encoding="utf-8")
    return dict(scenario) if isinstance(scenario, Mapping) else scenario


class RecipientHandle:
    """
    A recipient, or all with a prefix (`+4179*`), whose circumstances a test changes.
    """

    def __init__(self, simulator: Simulator, address: str) -> None:
        self._simulator = simulator
        self.address = address

    def set(self, **circumstances: object) -> None:
        """Change circumstances from now on: reachable, blocked, blacklisted, known, capable ..."""
        self._simulator.call("PATCH", f"/recipients/{self.address}", circumstances)

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
        Create a space (name, seed, clock, scenario, providers) and return it.

        The scenario may be a path, YAML text, or an object.
        """
        if "scenario" in settings:
            settings = {**settings, "scenario": _written(settings["scenario"])}
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
        return str(self.call("GET", "")["providers"][provider]["url"])

    def credential(self, provider: str) -> str:
        """Return a credential that leads to this space, whatever the URL."""
        return str(self.call("GET", "")["providers"][provider]["credential"])

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
        Put a scenario in force with its seed and clock: a path, YAML text, or an object.

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

    def advance(self, by: str) -> None:
        """
        Move the clock by *by*, such as "10m", and drain: webhooks of every due instant, in order.

        Blocks.  On a running event loop it refuses: a webhook receiver on that
        loop could never answer.  Use `advance_async` there.
        """
        self._blocking("advance_async")
        self.call("POST", "/clock/advance", {"by": by})

    def settle(self) -> None:
        """Move the clock until nothing is due any more."""
        self._blocking("settle_async")
        self.call("POST", "/clock/advance", {"until": "settled"})

    async def advance_async(self, by: str) -> None:
        """Do what `advance` does while the running loop goes on."""
        await self._call_async("POST", "/clock/advance", {"by": by})

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

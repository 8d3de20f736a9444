"""
A space in a test's hands: recipients, time, messages, webhooks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple, overload

from simulator.client.calls import SpaceCalls
from simulator.client.complaints import (
    COMPLAINTS,
    idle_rules_of,
    turned_away,
    webhooks_unacknowledged,
)
from simulator.client.held import HeldWebhooks
from simulator.client.lists import Messages, Webhooks, given
from simulator.client.recipient import RecipientHandle
from simulator.client.records import (
    SimulatedMessage,
    SimulatedRequest,
    SimulatedWebhook,
    move_body,
    request_of,
)
from simulator.client.story import Story, story_of
from simulator.client.vocabulary import (
    ClockModeName,
    Complaint,
    MessageState,
    MoveName,
    ProviderName,
    Then,
    WebhookStateName,
    When,
)
from simulator.client.waiting import MessageLine, wait, wait_async
from simulator.client.writing import beside, duration, instant, scenario_text
from simulator.control import Control

__all__ = ["AddedRule", "Simulator"]

# Tests fail where they are wrong, not in here.
__tracebackhide__ = True


class AddedRule:
    """
    A rule that a test put in force.
    """

    def __init__(self, calls: SpaceCalls, name: str) -> None:
        self._calls = calls
        self.name = name

    def __repr__(self) -> str:
        return f"<rule {self.name!r}>"

    @property
    def applied(self) -> int:
        """How often it has decided something so far; 0 when the scenario was replaced since."""
        uses = self._calls.call("GET", "/rules")["items"]
        return sum(int(use["total"]) for use in uses if use["name"] == self.name)


class _Remembered(NamedTuple):
    """
    How a space was made and set up, to do so again.
    """

    made_with: Mapping[str, object]
    configured: list[tuple[str, Mapping[str, object]]]


class Simulator:
    """
    One space of a running simulator.

    The same for a server in this process, in another, or in a container: only the
    control differs.
    """

    def __init__(self, control: Control, space: str = "default") -> None:
        self._calls = SpaceCalls(control, space)
        self.control = control
        self.space = space
        self.folder = Path()
        """Where `load` looks for files, too; the fixtures' is that of the test."""
        self._line = MessageLine(self._calls)
        self._remembered = _Remembered({}, [])

    @classmethod
    def create(
        cls,
        control: Control,
        *,
        name: str = "",
        seed: int | None = None,
        default_seed: int | None = None,
        clock: ClockModeName | Mapping[str, object] | None = None,
        start: str | datetime | None = None,
        scenario: str | Path | Mapping[str, object] | None = None,
        providers: Mapping[str, Mapping[str, object]] | None = None,
    ) -> Simulator:
        """
        Create a space and return it.

        The scenario may be a path, the name of a shipped one, YAML text, or an object.
        The clock, frozen unless another is given, starts at 2026-01-05T09:00:00Z, or
        at *start*: an instant, or "now".  The default seed counts where neither the
        seed nor the scenario says one.
        """
        timing: object = clock
        if start is not None:
            mode = dict(clock) if isinstance(clock, Mapping) else {"mode": clock or "frozen"}
            timing = {**mode, "start": instant(start)}
        written = {
            "name": name or None,
            "seed": seed,
            "default_seed": default_seed,
            "clock": timing,
            "scenario": scenario_text(scenario) if scenario is not None else None,
            "providers": providers,
        }
        return cls._made(control, {key: value for key, value in written.items() if value is not None})

    @classmethod
    def _made(cls, control: Control, settings: Mapping[str, object]) -> Simulator:
        space = cls(control, control.call("POST", "/spaces", settings)["name"])
        space._remembered = _Remembered(settings, [])
        return space

    def __repr__(self) -> str:
        return f"<simulator space {self.space!r} at {self.control.url}>"

    def call(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> Any:
        """Run an operation of the control API on this space; raises ControlError."""
        return self._calls.call(method, path, body, query)

    # -- its life -------------------------------------------------------------------------------

    def delete(self) -> None:
        """End the space: it sends nothing more."""
        self.call("DELETE", "")

    def reset(self, seed: int | None = None) -> None:
        """
        Begin again: nothing was sent, no time has passed.  For spaces that several tests share.

        Addresses, credentials, and what `configure` said stay; so does the scenario that
        the space was made with.  Without a *seed* it is the one of before.
        """
        again = {
            **self._remembered.made_with,
            "name": self.space,
            "seed": self.seed if seed is None else seed,
        }
        self.delete()
        self.control.call("POST", "/spaces", again)
        for provider, settings in self._remembered.configured:
            self.call("PUT", f"/providers/{provider}", settings)
        self._line.begin_again()

    @contextmanager
    def fresh(self, seed: int | None = None) -> Iterator[Simulator]:
        """
        Yield another space, made and configured like this one, for the length of a block.

        Its seed is that of this one, if not given, so that a repeated block meets the same.
        What fails in the block is told with the story of its space.
        """
        settings = {name: value for name, value in self._remembered.made_with.items() if name != "name"}
        space = Simulator._made(self.control, {**settings, "seed": self.seed if seed is None else seed})
        space.folder = self.folder
        for provider, configured in self._remembered.configured:
            space.configure_as(provider, configured)
        try:
            yield space
        except BaseException as failure:
            failure.add_note(str(space.story()))
            raise
        finally:
            space.delete()

    # -- where it is ----------------------------------------------------------------------------

    def url(self, provider: ProviderName) -> str:
        """Return the base URL that the software under test is to use for *provider*."""
        return str(self._account(provider)["url"])

    def credential(self, provider: ProviderName) -> str:
        """Return a credential that leads to this space, whatever the URL."""
        return str(self._account(provider)["credential"])

    def key_file(self, provider: ProviderName, folder: Path | str) -> Path:
        """Write a key of this space into *folder* and return its path, where a provider signs in with one."""
        key = self.call("POST", f"/providers/{provider}/actions/mint_key", {})
        path = Path(folder) / f"{provider}-{self.space}-key.json"
        path.write_text(json.dumps(key, indent=2), encoding="utf-8")
        return path

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

    def configure(self, provider: ProviderName, **settings: object) -> None:
        """Change a provider's settings: `configure("infobip", webhook={"url": …})`."""
        self.configure_as(provider, settings)

    def configure_as(self, provider: str, settings: Mapping[str, object]) -> None:
        """Do what `configure` does with settings that stand in a mapping."""
        self.call("PUT", f"/providers/{provider}", settings)
        self._remembered.configured.append((provider, settings))

    def load(self, scenario: str | Path | Mapping[str, object]) -> None:
        """
        Put a scenario in force with its seed and clock.

        It is a path, beside the test, too, the name of a shipped one, YAML text, or an object.

        Refused, with the reason, when something was sent already from another seed
        or the clock has left another start.
        """
        self.call("PUT", "/scenario", scenario_text(beside(scenario, self.folder)))

    def rule(self, *, then: Then, when: When | None = None, name: str = "") -> AddedRule:
        """Put a rule in force, before those that are: in each place the latest that applies decides."""
        rule = {"then": then, **({"when": when} if when else {}), **({"name": name} if name else {})}
        return AddedRule(self._calls, self.call("POST", "/rules", rule)["name"])

    def recipient(self, address: str) -> RecipientHandle:
        """Return a recipient by address, or all with a prefix (`+4179*`)."""
        return RecipientHandle(self._calls, address)

    def hold_webhooks(self, provider: ProviderName | None = None, *, rate: str = "") -> HeldWebhooks:
        """Hold webhooks back in a `with` block; at its end they are sent, at once or at a rate (`100/s`)."""
        return HeldWebhooks(self._calls, provider, rate)

    # -- time -----------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        """The space's time in milliseconds since it began."""
        return int(self.call("GET", "/clock")["now_ms"])

    @property
    def now(self) -> datetime:
        """The space's time."""
        return datetime.fromisoformat(self.call("GET", "/clock")["now"])

    def advance(self, by: str | timedelta) -> None:
        """
        Move the clock by *by*, such as "10m", and drain: webhooks of every due instant, in order.

        Blocks.  On a running event loop it refuses: a webhook receiver on that
        loop could never answer.  Use `advance_async` there.
        """
        self._advance("advance_async", {"by": duration(by)})

    def advance_to(self, to: str | datetime) -> None:
        """Move the clock to an instant, such as "2026-01-05T12:00:00Z", and drain."""
        self._advance("advance_to_async", {"to": instant(to)})

    def settle(self) -> None:
        """Move the clock until nothing is due any more."""
        self._advance("settle_async", {"until": "settled"})

    async def advance_async(self, by: str | timedelta) -> None:
        """Do what `advance` does while the running loop goes on."""
        await self._calls.call_async("POST", "/clock/advance", {"by": duration(by)})

    async def advance_to_async(self, to: str | datetime) -> None:
        """Do what `advance_to` does while the running loop goes on."""
        await self._calls.call_async("POST", "/clock/advance", {"to": instant(to)})

    async def settle_async(self) -> None:
        """Do what `settle` does while the running loop goes on."""
        await self._calls.call_async("POST", "/clock/advance", {"until": "settled"})

    def _advance(self, instead: str, how: Mapping[str, str]) -> None:
        self._calls.refuse_to_block(f"simulator.{instead}")
        self.call("POST", "/clock/advance", how)

    # -- waiting --------------------------------------------------------------------------------

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
        conditions = given(recipient=to, provider=provider, state=state, sender=sender, name=name)
        return wait(self._calls, what, count, within, conditions)

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
        conditions = given(recipient=to, provider=provider, state=state)
        return await wait_async(self._calls, what, count, within, conditions)

    def next_message(
        self, *, to: str = "", provider: ProviderName | None = None, within: str = "5s"
    ) -> SimulatedMessage:
        """
        Return the oldest message that was not returned by it before, as soon as there is one.

        For tests that decide a fate by hand: `.deliver()`, `.fail("absent")`, `.expire()`.
        """
        return self._line.next(given(recipient=to, provider=provider), within)

    async def next_message_async(
        self, *, to: str = "", provider: ProviderName | None = None, within: str = "5s"
    ) -> SimulatedMessage:
        """Do what `next_message` does while the running loop goes on."""
        return await self._line.next_async(given(recipient=to, provider=provider), within)

    # -- looking --------------------------------------------------------------------------------

    @property
    def messages(self) -> Messages:
        """The messages of the space; `messages(to=…, state=…)` are some of them."""
        return Messages(self._calls, {})

    @property
    def webhooks(self) -> Webhooks:
        """The webhooks of the space; `webhooks(state=…)` are some of them."""
        return Webhooks(self._calls, {})

    @property
    def requests(self) -> list[SimulatedRequest]:
        """The last thousand calls that came, oldest first: what the software under test really sent."""
        return [request_of(row) for row in self.call("GET", "/requests", query={"limit": "100000"})["items"]]

    def move(self, message_id: str, move: MoveName, code: object = None) -> None:
        """Deliver, fail, expire, read or revoke a message now, by its id."""
        self.call("POST", f"/messages/{message_id}/move", move_body(move, code))

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

    def story(self) -> Story:
        """Return what a report of a failure shows: seed, time, the end of the narrative, near misses."""
        return story_of(self._calls)

    def complaints(self, *kinds: Complaint) -> dict[Complaint, list[str]]:
        """
        Return what a strict test would be held against, by kind; of all kinds, if none is given.

        That is: webhooks that were not acknowledged, calls that hit no route, refused
        credentials, rules that never applied.
        """
        complaints: dict[Complaint, list[str]] = {}
        for kind in kinds or tuple(COMPLAINTS):
            if kind == "webhooks":
                lines = list(webhooks_unacknowledged(self.webhooks, self.now_ms))
            elif kind == "rules":
                lines = list(idle_rules_of(self.call("GET", "")))
            else:
                why = {"routes": "no route", "credentials": "credential"}[kind]
                lines = list(turned_away(self.requests, why))
            if lines:
                complaints[kind] = lines
        return complaints

"""
A space: one isolated simulation with its pulse.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from enum import StrEnum
from typing import Final, NamedTuple

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.engine.still import still
from simulator.kernel.model.clock import EPOCH_MS_DEFAULT, Clock
from simulator.kernel.model.rules import Rule
from simulator.kernel.model.scenario import NOW, ClockMode, ClockSpec, Scenario
from simulator.kernel.model.turns import InTurns, at_once
from simulator.kernel.store.journal import Journal
from simulator.kernel.store.messages import MESSAGES_MAX
from simulator.provider import Provider, open_gateway
from simulator.provider.account import Forgets
from simulator.runtime.collector import look_again
from simulator.runtime.dispatcher import Dispatcher, outgoing
from simulator.runtime.driver import Driver
from simulator.runtime.people import crowd
from simulator.runtime.tap import Tap, tapped
from simulator.runtime.transport.seam import Transport
from simulator.runtime.turns import Turn, taking_turns
from simulator.secrecy import secrets_in

__all__ = ["Exchange", "ScenarioConflict", "Space", "TurnedAway", "urls_in"]

_EXCHANGES_MAX = 1_000
_LARGE: Final = 4_000
"""What has more entries, messages and webhooks is read aside."""
_SECRETS_MAX = 1_000
_EARLY_STEPS: Final = 100


class ScenarioConflict(ValueError):
    """
    A scenario wants a seed or a clock that its space cannot have any more.
    """


class TurnedAway(StrEnum):
    """
    Why a call never reached the provider's work.
    """

    NO_ROUTE = "no route"
    CREDENTIAL = "credential"
    TOO_LARGE = "too large"
    GUEST = "guest"
    """Its host may not call here."""


class Exchange(NamedTuple):
    """
    One call of the integrator and what it was answered, kept for the reader.
    """

    at_ms: int
    provider: str
    method: str
    path: str
    status: int
    request: bytes
    answer: bytes
    query: Sequence[tuple[str, str]] = ()
    headers: Iterable[tuple[str, str]] = ()
    latency_real_us: int = 0
    """From when it came until its answer was made; 0: nobody measured it."""
    turned_away: TurnedAway | None = None
    why: str = ""
    """What was wrong with it, where its answer does not come from a rule."""


class Space:
    """
    One isolated simulation on a server, with its clock, accounts and webhooks.
    """

    def __init__(
        self,
        name: str,
        providers: Mapping[str, Provider],
        client: Callable[[], Transport],
        *,
        seed: int = 0,
        clock: ClockSpec | None = None,
        messages_max: int = MESSAGES_MAX,
    ) -> None:
        spec = clock or ClockSpec()
        self.name = name
        self.simulation = Simulation(
            seed=seed,
            clock=Clock(_start_unix_ms(spec)),
            journal=Journal(wall=wall_unix_ms),
            messages_max=messages_max,
        )
        self._waiters: set[asyncio.Future[None]] = set()
        agents = {provider.name: provider.user_agent for provider in providers.values()}
        self.dispatcher = Dispatcher(self.simulation, client, self._after_webhook, agents)
        self.driver = Driver(self.simulation, self.dispatcher, self.note_change)
        fetch = tapped(outgoing(client), lambda: self.tap)
        self.gateways = {
            provider.name: open_gateway(provider, self.simulation, name, fetch)
            for provider in providers.values()
        }
        self.exchanges: deque[Exchange] = deque(maxlen=_EXCHANGES_MAX)
        self.exchange_count = 0
        self._secrets: dict[str, None] = {}
        self.scenario_text = ""
        """The text of the scenario in force, where it came as one; for the reader only."""
        self.closed = False
        self._dissolving: asyncio.Task[None] | None = None
        self.driver.start(spec)

    @property
    def seed(self) -> int:
        """What everything in this space is drawn from."""
        return self.simulation.chance.seed

    @property
    def tap(self) -> Tap | None:
        """Who is told of everything that comes in and goes out, such as a recorder."""
        return self.dispatcher.tap

    @tap.setter
    def tap(self, tap: Tap | None) -> None:
        self.dispatcher.tap = tap

    def _after_webhook(self) -> None:
        self.driver.nudge()

    def note_change(self) -> None:
        """Tell whoever waits for something in this space to look again."""
        if self._waiters:
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)
            self._waiters.clear()

    async def wait_change(self, within_real_s: float) -> bool:
        """Return True when something has changed, False when *within_real_s* went by first."""
        if within_real_s <= 0:
            return False
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait_for(waiter, within_real_s)
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)
        return True

    def load(self, scenario: Scenario) -> None:
        """Put *scenario* in force; raises ValueError when it names a provider that is not here."""
        at_once(self.loading(scenario))

    def loading(self, scenario: Scenario) -> InTurns[None]:
        """Do the same in turns, for a long one."""
        unknown = sorted(set(scenario.providers) - set(self.gateways))
        if unknown:
            raise ValueError(f"unknown provider {unknown[0]!r}; known: {', '.join(sorted(self.gateways))}")
        for provider, settings in scenario.providers.items():
            self.configure(provider, settings)
        for item in scenario.timeline:
            if item.providers:
                self._note_secrets(item.providers)
            yield
        yield from self.simulation.loading(scenario, crowd(scenario.people))
        self.driver.nudge()

    def replace(self, scenario: Scenario) -> None:
        """Put *scenario* in force with its own seed and clock; see `replacing`."""
        at_once(self.replacing(scenario))

    def replacing(self, scenario: Scenario) -> InTurns[None]:
        """
        Put *scenario* in force in turns, with its own seed and clock, if it names any.

        Raises ScenarioConflict, and changes nothing, where these came too late: ids
        and fates were drawn from another seed, or dates were told of another time.
        """
        conflicts = self.conflicts(scenario)
        if conflicts:
            raise ScenarioConflict("; ".join(conflicts))
        simulation, spec = self.simulation, scenario.clock
        if scenario.seed is not None:
            simulation.chance.reseed(scenario.seed)
        if spec is not None:
            self._apply(spec)
        yield from self.loading(scenario)

    def add_rule(self, rule: Rule) -> None:
        """Put *rule* in force, before those that are; its name is to be its own."""
        self.simulation.add_rule(rule)
        self.driver.nudge()

    def set_clock(self, spec: ClockSpec) -> None:
        """
        Let time pass as *spec* says, from its start where it names one.

        Raises ScenarioConflict, and changes nothing, when dates were told of another time already.
        """
        if conflict := self._start_conflict(spec):
            raise ScenarioConflict(conflict)
        self._apply(spec, always=True)

    def _apply(self, spec: ClockSpec, *, always: bool = False) -> None:
        driver = self.driver
        if spec.start_unix_ms is not None:
            self.simulation.clock.epoch_ms = _start_unix_ms(spec)
        before = (driver.mode, driver.rate, driver.grace_real_ms)
        if always or (spec.mode, spec.rate, spec.grace_real_ms) != before:
            driver.set_mode(spec)

    def conflicts(self, scenario: Scenario) -> list[str]:
        """Return why the seed and the start of *scenario* cannot be those of this space any more."""
        simulation = self.simulation
        conflicts = []
        if scenario.seed not in (None, self.seed) and not simulation.untouched:
            conflicts.append(
                f"its seed is {scenario.seed}, and what was sent here so far was drawn from {self.seed}: "
                "create a space for it, or leave the seed out"
            )
        if scenario.clock is not None and (conflict := self._start_conflict(scenario.clock)):
            conflicts.append(conflict)
        return conflicts

    def _start_conflict(self, spec: ClockSpec) -> str:
        clock = self.simulation.clock
        if spec.start_unix_ms in (None, clock.epoch_ms):
            return ""
        if not clock.now_ms and self.simulation.untouched:
            return ""
        start = clock.datetime(_start_unix_ms(spec) - clock.epoch_ms)
        return (
            f"its clock starts at {start:%Y-%m-%dT%H:%M:%SZ}, and the one here started at "
            f"{clock.datetime(0):%Y-%m-%dT%H:%M:%SZ} and has gone on: "
            "create a space for it, or leave the start out"
        )

    def configure(self, provider: str, settings: Mapping[str, object]) -> None:
        """Change a provider's settings from now on; targets that will be refused are told in the journal."""
        self.simulation.configure(provider, settings)
        self._note_secrets(settings)
        gateway = self.gateways[provider]
        for url in urls_in(settings):
            if why := gateway.why_not(url):
                gateway.note("webhooks will be lost", why=why)

    def _note_secrets(self, settings: Mapping[str, object]) -> None:
        self._secrets.update(dict.fromkeys(secrets_in(settings)))
        while len(self._secrets) > _SECRETS_MAX:
            del self._secrets[next(iter(self._secrets))]

    def settings_secrets(self) -> Iterator[str]:
        """Yield the secrets of settings that are in force, were, or will be by the timeline."""
        yield from self._secrets
        for gateway in self.gateways.values():
            yield from gateway.account.credentials

    def secrets(self) -> Iterator[str]:
        """Yield what nobody is to read in evidence: secrets of settings, and the credentials of calls."""
        yield from self.settings_secrets()
        yield from {message.submission.credential for message in self.simulation.messages.values()}

    def still(self) -> Space:
        """Return a copy as it is now, to be read beside the work of this one; see `kernel.engine.still`."""
        twin = copy(self)
        twin.simulation = still(self.simulation)
        twin.exchanges = self.exchanges.copy()
        return twin

    @property
    def is_large(self) -> bool:
        """True when reading all of it would keep others waiting."""
        simulation = self.simulation
        scenario = simulation.scenario
        return (
            len(simulation.journal)
            + len(simulation.messages)
            + len(simulation.outbox.webhooks)
            + 5 * (len(scenario.rules) + len(scenario.recipients) + len(scenario.timeline))
        ) > _LARGE

    async def send_early(self, patience_real_s: float) -> None:
        """Send the reports that a rule wants before the answer; wait for them, but not for ever."""
        now_ms = self.simulation.clock.now_ms
        while self.simulation.next_due() == now_ms:
            turn = Turn()
            self.simulation.fire(now_ms, _EARLY_STEPS, turn.over)
            await asyncio.sleep(0)
        await self.dispatcher.flush(patience_real_s)

    def dissolve(self) -> None:
        """Let go of what a closed space holds, in turns of the loop; after that it is of no use any more."""
        self._dissolving = asyncio.create_task(self.dissolved())

    async def dissolved(self) -> None:
        """Return when nothing is left of it."""
        self.exchanges.clear()
        await taking_turns(self._forgetting())
        await taking_turns(self.simulation.dissolving())
        look_again()

    def _forgetting(self) -> InTurns[None]:
        # To ask an account whether it forgets takes longer than to let it.
        forgetting = {
            provider: gateway.account.forget
            for provider, gateway in self.gateways.items()
            if isinstance(gateway.account, Forgets)
        }
        for message in list(self.simulation.messages.values()):
            forget = forgetting.get(message.key.provider)
            if forget is not None:
                forget(message)
            yield

    async def close(self) -> None:
        """End the space: nothing is sent any more."""
        self.closed = True
        self.note_change()
        self.driver.close()
        await self.dispatcher.close()


def urls_in(settings: object) -> Iterator[str]:
    """Yield every address that stands in settings."""
    match settings:
        case str() if "://" in settings:
            yield settings
        case Mapping():
            for part in settings.values():
                yield from urls_in(part)
        case list() | tuple():
            for part in settings:
                yield from urls_in(part)
        case _:
            pass


def wall_unix_ms() -> int:
    """Return the machine's own time in milliseconds since 1970; for the reader only."""
    return time.time_ns() // 1_000_000


def _start_unix_ms(spec: ClockSpec) -> int:
    if spec.start_unix_ms == NOW:
        return wall_unix_ms()
    if spec.start_unix_ms is not None:
        return spec.start_unix_ms
    # A live clock shows today's dates; the others start where every run starts.
    return wall_unix_ms() if spec.mode is ClockMode.LIVE else EPOCH_MS_DEFAULT

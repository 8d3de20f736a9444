"""
The runner: serves a scenario, drives the integrator, lets time pass, and judges.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Final

from simulator import __version__
from simulator.evidence.result import Check, Load, RunResult, Scorecard
from simulator.evidence.text import rates
from simulator.evidence.words import latency
from simulator.kernel.model.scenario import ClockMode, TimelineItem
from simulator.kernel.model.units import format_offset
from simulator.run.audit import Audit, Finding
from simulator.run.beginning import IntegratorUnreachable, await_answer, await_listeners, reset
from simulator.run.checks import checks, given_up, impossible_acts
from simulator.run.course import Course
from simulator.run.driving import Driven, DriveReport, arrivals, make_call
from simulator.run.growth import figures_of, growth_checks
from simulator.run.meter import Meter
from simulator.run.pulse import Pulse, beating
from simulator.run.sends import invalid_check, relation_check
from simulator.run.settling import call_off, settle
from simulator.run.software import Software, SoftwareEnded
from simulator.run.stories import Stories
from simulator.run.told import Outranks
from simulator.run.unused import unused_checks
from simulator.run.wishes import after_stop_check, in_order_check
from simulator.runtime.guard import Guard
from simulator.runtime.space import Space
from simulator.runtime.transport.client import open_client
from simulator.runtime.transport.seam import Transport
from simulator.scenario.goals import Ask, Drive, RunFile, SendGoals
from simulator.server.app import Server
from simulator.server.spaces import DEFAULT_SPACE

__all__ = ["IntegratorUnreachable", "RunOptions", "makes_calls", "run"]

_LOOK_REAL_S: Final = 0.1
_CALLS_AT_ONCE = 256
_LONG_US = 1_000_000
_LATE_WORK_REAL_S: Final = 10.0
_PATIENCE_REAL_S: Final = 1.0
_STOOD_STILL = (
    "; the clock stood still while they were open: software that tries again inside a call needs --live"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """
    How a run is carried out.
    """

    wait_for: str = ""
    """A URL of the integrator that must answer before the run begins."""
    within_real_s: float = 30.0
    """How long to wait for the integrator, and for its first call."""
    quiet_real_s: float = 1.0
    """Without `drive` and `storm`: the run begins to drain when no call came for so long."""
    at_most_real_s: float | None = None
    """After this long a run that has not ended is judged as it stands, and has failed."""
    allow_targets: tuple[str, ...] = ()
    give_up: int = 0
    """After so many attempts in a row of which none was acknowledged the run ends; 0: never."""
    start: str = ""
    """A command that the run begins, restarts when the timeline says so, and ends: the software itself."""


async def run(
    server: Server,
    plan: RunFile,
    options: RunOptions,
    progress: Callable[[Space, Meter], None] = lambda _space, _meter: None,
) -> RunResult:
    """
    Carry out *plan* in the default space of a started server and return the verdict.

    Raises IntegratorUnreachable when there is nobody to test.
    """
    space = server.registry.get(DEFAULT_SPACE)
    course = Course(plan)
    meter = course.meter = Meter(space)
    shown = asyncio.get_running_loop().create_task(_show(space, meter, progress))
    server.registry.courses[space.name] = course
    software = Software(options.start, server.url) if options.start else None
    try:
        if software is not None:
            await software.start()
        guard = Guard(options.allow_targets)
        async with open_client(guard) as client, beating(space) as pulse:
            stage = _Stage(server, plan, options, client, space, software)
            if options.wait_for:
                await await_answer(options.wait_for, client, options.within_real_s)
            await await_listeners(plan.drive, guard)
            await reset(plan.reset, client)
            before = await figures_of(plan.expect.stays_below, client)
            ended, gave_up = await _ends(_play(stage), options, space)
            audits = [await _asked(stage, ask) for ask in plan.expect.integrator]
            # A live clock goes on: what is judged is how things were when the run was over.
            card = course.scorecard(space, lag_max_ms=stage.report.lag_max_ms, load=_load(space, pulse))
            results = _judged(stage, card, audits, ended)
            if gave_up:
                results.append(given_up(gave_up))
            results += growth_checks(
                plan.expect.stays_below, before, await figures_of(plan.expect.stays_below, client)
            )
    except SoftwareEnded as trouble:
        raise IntegratorUnreachable(str(trouble)) from None
    finally:
        shown.cancel()
        meter.end()
        if software is not None:
            await software.stop()
    progress(space, meter)
    result = RunResult(
        scenario=plan.scenario.name,
        source=plan.scenario.source,
        seed=space.seed,
        version=__version__,
        checks=tuple(results),
        scorecard=card,
        space=space,
        elapsed_real_s=meter.elapsed_real_s,
        drive=stage.report.summary() if plan.drive else None,
        planned_ms=tuple(course.planned_ms(space)),
    )
    course.end(result)
    return result


class _Stage:
    """What a run is carried out with."""

    def __init__(
        self,
        server: Server,
        plan: RunFile,
        options: RunOptions,
        client: Transport,
        space: Space,
        software: Software | None,
    ) -> None:
        self.url = server.url
        self.plan = plan
        self.options = options
        self.client = client
        self.space = space
        self.software = software
        self.providers = server.registry.providers
        self.report = DriveReport()
        self.errands = DriveReport()
        """Calls that make the software do anything else but send."""
        self.stories = Stories(space.simulation)
        self._late_left_s = _LATE_WORK_REAL_S
        drive = plan.drive + tuple(_errand(item) for item in plan.scenario.timeline if item.software)
        self.calls: Callable[[], Iterator[Driven]] = lambda: arrivals(drive, space.simulation.chance)

    async def meanwhile(self) -> None:
        """Let what software sends late, in place of another message say, have its end as well."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._late_left_s):
                await settle(self.space, 0)
        self._late_left_s -= loop.time() - began_s

    @property
    def outranks(self) -> Mapping[str, Outranks]:
        """Which of two ends counts, by each provider's own word."""
        return {name: provider.outranks for name, provider in self.providers.items()}

    @property
    def within_ms(self) -> int:
        """How long refused sends may take to be tried again."""
        return (self.plan.expect.sends or SendGoals()).within_ms

    @property
    def live(self) -> bool:
        """True when the clock goes on by itself."""
        return self.space.driver.mode is ClockMode.LIVE

    async def make(self, driven: Driven, due_s: float | None = None) -> None:
        """Make one call, or restart the software."""
        drive = driven.drive
        if not drive.method:
            if self.software is None:
                raise SoftwareEnded("the timeline restarts what --start began, and there is no --start")
            await self.software.restart()
            if self.options.wait_for:
                await await_answer(self.options.wait_for, self.client, self.options.within_real_s)
            return
        report = self.report if drive.sends else self.errands
        await make_call(driven, self.space.simulation.people, self.client, report, due_s)


def _errand(item: TimelineItem) -> Drive:
    method, _, url = item.software.rpartition(" ")
    return Drive(method=method, url=url if method else "", at_ms=item.at_ms, sends=False)


async def _asked(stage: _Stage, ask: Ask) -> tuple[Audit, Finding]:
    audit = Audit(ask, stage.space.simulation, stage.client, stage.providers, stage.stories)
    return audit, await audit.find(stage.meanwhile)


async def _let_work(stage: _Stage) -> None:
    """Give software that acknowledges and works later the time for what it is still to send."""
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + _PATIENCE_REAL_S
    while _awaits_more(stage) and (left_s := ends_s - loop.time()) > 0:
        await stage.space.wait_change(left_s)
        began_s = loop.time()
        await stage.meanwhile()
        ends_s += loop.time() - began_s


def _awaits_more(stage: _Stage) -> bool:
    """Return True while messages are missing that one or another expectation asks for."""
    expect, simulation = stage.plan.expect, stage.space.simulation
    if expect.messages is not None and len(simulation.messages) < (expect.messages.at_least or 0):
        return True
    relations = expect.sends.relations if expect.sends is not None else ()
    return not all(relation_check(relation, simulation, stage.outranks).passed for relation in relations)


def _judged(
    stage: _Stage, card: Scorecard, audits: Sequence[tuple[Audit, Finding]], ended: bool
) -> list[Check]:
    space, plan, report = stage.space, stage.plan, stage.report
    simulation = space.simulation
    results = checks(plan.expect, simulation, card, stage.stories, outranks=stage.outranks, moving=stage.live)
    sends = plan.expect.sends or SendGoals()
    if sends.after_stop_max is not None:
        results.append(after_stop_check(sends.after_stop_max, simulation))
    if sends.in_order:
        results.append(in_order_check(plan.drive, simulation, stage.providers))
    # The stories of a verdict are told from the journal, so the audit comes last.
    expected = [*results, *(audit.check(finding) for audit, finding in audits)]
    results = []
    if not ended:
        results.append(_endless(space, stage.options))
    if plan.drive:
        results.append(_driven(stage, still=not stage.live))
        if report.made and not space.exchange_count:
            results.append(_sent_nothing(stage.url))
    if stage.errands.refused:
        results.append(_errands(stage.errands))
    results += impossible_acts(simulation.state.impossible_acts)
    limit = sends.invalid_max
    invalid = invalid_check(limit, simulation)
    if not invalid.passed or (plan.expect.sends is not None and limit):
        results.append(invalid)
    results += unused_checks(space, report, asked=sum(finding.judged for _, finding in audits))
    unmet = any(not check.passed for check in (*expected, *results))
    if expected and not unmet and not any(check.judged for check in expected):
        results.append(
            Check(name="expect: something is judged", passed=False, detail="there was nothing to judge by")
        )
    late = [check for check in expected if check.name.startswith("integrator")]
    return [*(check for check in expected if check not in late), *results, *late]


def _load(space: Space, pulse: Pulse) -> Load:
    return Load(
        lag_p99_us=pulse.lag_p99_us,
        behind_max_ms=pulse.behind_max_ms,
        attempts_per_s_max=pulse.attempts_per_s_max,
        saturated=pulse.saturated,
        places=sum(account.policy.in_flight_max for account in space.simulation.accounts.values()),
    )


async def _ends(play: Coroutine[None, None, None], options: RunOptions, space: Space) -> tuple[bool, str]:
    """Return whether a run came to its end in time, and why its receiver was given up, if it was."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + options.at_most_real_s if options.at_most_real_s is not None else inf
    playing = loop.create_task(play)
    gave_up = ""
    try:
        while not playing.done() and loop.time() < deadline_s and not gave_up:
            await asyncio.wait({playing}, timeout=min(_LOOK_REAL_S, deadline_s - loop.time()))
            gave_up = space.dispatcher.in_vain.why(options.give_up)
    finally:
        await call_off(playing)
    if not playing.cancelled():
        playing.result()
        return True, ""
    return bool(gave_up), gave_up


def _endless(space: Space, options: RunOptions) -> Check:
    simulation = space.simulation
    due_ms = simulation.next_due()
    nothing = "nothing is due" if due_ms is None else f"the next thing is due at {format_offset(due_ms)}"
    return Check(
        name=f"the run ends within {options.at_most_real_s:g} s",
        passed=False,
        detail=f"at {format_offset(simulation.clock.now_ms)} {nothing}, "
        f"{simulation.outbox.in_flight} webhooks are in flight",
    )


def _driven(stage: _Stage, still: bool) -> Check:
    report = stage.report
    hint = _STOOD_STILL if still and report.latencies.rank(100) > _LONG_US else ""
    parts = [f"{count} × {status}" for status, count in sorted(report.statuses.items())]
    parts += [f"{count} × {name}" for name, count in sorted(report.failures.items())]
    return Check(
        name="drive: every call succeeds",
        passed=report.refused == 0,
        detail=f"{report.made} calls: {', '.join(parts) or 'none'}; {'; '.join(_times(report))}{hint}",
        lines=(f"the first without success: {report.first_failure}", *_kept(stage)) if report.refused else (),
    )


def _times(report: DriveReport) -> Iterator[str]:
    """Yield how long calls took, and on a live clock how late they were, and at which rate they were made."""
    answered = f"p50 {latency(report.latencies.rank(50))}, p99 {latency(report.latencies.rank(99))}"
    if not len(report.lates):
        yield answered
        return
    if report.pace.asked_per_s is not None:
        yield rates(report.pace.asked_per_s, report.pace.reached_per_s)
    yield f"late p99 {latency(report.lates.rank(99))}"
    yield f"answered − due {answered}"


def _kept(stage: _Stage) -> Iterator[str]:
    """Yield what may be the matter where calls failed although the message was accepted here."""
    messages = stage.space.simulation.messages.values()
    accepted = {_digits(message.key.recipient) for message in messages if not message.injected}
    failed = {_digits(recipient) for recipient in stage.report.failed_on}
    if failed & accepted:
        yield (
            "its message was accepted here; if your software kept its data, it has the id already, for the "
            f"ids are those of the last run of seed {stage.space.seed}: empty the database (reset: in the "
            "file calls your software before each run), or take another --seed"
        )


def _digits(recipient: str) -> str:
    return "".join(filter(str.isdigit, recipient))


def _errands(report: DriveReport) -> Check:
    return Check(
        name="software: every call succeeds",
        passed=False,
        detail=f"{report.refused} of {report.made} calls of the timeline did not",
        lines=(report.first_failure,),
    )


def _sent_nothing(url: str) -> Check:
    return Check(
        name="drive: something is sent",
        passed=False,
        detail=f"no call came to {url}; point your software there",
    )


async def _show(space: Space, meter: Meter, progress: Callable[[Space, Meter], None]) -> None:
    while True:
        progress(space, meter)
        await asyncio.sleep(0.5)


def makes_calls(plan: RunFile) -> bool:
    """Return True when a run makes messages or calls itself, so that nobody has to begin."""
    return bool(plan.drive) or any(item.storm is not None for item in plan.scenario.timeline)


async def _play(stage: _Stage) -> None:
    if not makes_calls(stage.plan):
        await _wait_for_calls(stage.space, stage.options)
    await (_play_live(stage) if stage.live else _play_virtual(stage))
    await settle(stage.space, stage.within_ms)
    await _let_work(stage)


async def _wait_for_calls(space: Space, options: RunOptions) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + options.within_real_s
    while space.exchange_count == 0:
        if not await space.wait_change(deadline - loop.time()) and space.exchange_count == 0:
            raise IntegratorUnreachable(
                f"no call came in {options.within_real_s:g} s; point your software at the simulator, "
                f"or let the scenario drive it (drive:) or make messages (storm:)"
            )
    while True:
        count = space.exchange_count
        await asyncio.sleep(options.quiet_real_s)
        if space.exchange_count == count:
            return


async def _play_virtual(stage: _Stage) -> None:
    """Let virtual time pass as fast as the integrator answers: nothing is ever late."""
    simulation, driver = stage.space.simulation, stage.space.driver
    start_ms = simulation.state.scenario_start_ms
    due: list[Driven] = []
    for driven in stage.calls():
        if due and (driven.at_ms != due[0].at_ms or len(due) >= _CALLS_AT_ONCE):
            await _make(stage, start_ms, due)
            due = []
        due.append(driven)
    if due:
        await _make(stage, start_ms, due)
    await driver.advance(None)


async def _make(stage: _Stage, start_ms: int, due: list[Driven]) -> None:
    at_ms = start_ms + due[0].at_ms
    if at_ms > stage.space.simulation.clock.now_ms:
        await stage.space.driver.advance(at_ms)
    # One after the other, so that the order of arrival is the order of the file.
    for driven in due:
        await stage.make(driven)


async def _play_live(stage: _Stage) -> None:
    """Keep the schedule in real time: a late call is made at once and its lag is seen, never hidden."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    under_way: set[asyncio.Task[None]] = set()
    together = 0
    for driven in stage.calls():
        due_s = started + driven.at_ms / 1000 / stage.space.driver.rate
        wait_s = due_s - loop.time()
        # Late calls are made at once, all together, and yet those before them get on.
        together += 1
        if wait_s > 0 or together == _CALLS_AT_ONCE:
            await asyncio.sleep(max(0.0, wait_s))
            together = 0
        task = loop.create_task(stage.make(driven, due_s))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)

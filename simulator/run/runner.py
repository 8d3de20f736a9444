"""
The runner: serves a scenario, drives the integrator, lets time pass, and judges.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from simulator import __version__
from simulator.evidence.result import Check, RunResult
from simulator.evidence.scorecard import nearest_rank, scorecard
from simulator.evidence.words import latency
from simulator.kernel.engine.arrivals import last_arrival_ms
from simulator.kernel.model.scenario import ClockMode, Scenario
from simulator.kernel.model.units import format_offset
from simulator.kernel.webhooks.outbox import PENDING
from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.run.audit import audit
from simulator.run.checks import checks, judge_of
from simulator.run.driving import Driven, DriveReport, arrivals, make_call
from simulator.runtime.guard import Guard
from simulator.runtime.space import Space
from simulator.runtime.transport.client import open_client
from simulator.runtime.transport.redirects import followed
from simulator.runtime.transport.seam import Terms, Transport
from simulator.scenario.goals import RunFile
from simulator.server.app import Server
from simulator.server.spaces import DEFAULT_SPACE

__all__ = ["IntegratorUnreachable", "RunOptions", "makes_calls", "run"]

_POLL_REAL_S = 0.05
_PROBE = Terms(timeout_real_ms=2_000)
_CALLS_AT_ONCE = 256
_LONG_US = 1_000_000
_IDLE_REAL_S = 30.0
"""A live run goes on at once when nothing is due for longer than this, and nobody waits for anything."""
_QUIET_REAL_S = 1.0
_STOOD_STILL = (
    "; the clock stood still while they were open: software that tries again inside a call needs --live"
)


class IntegratorUnreachable(ConnectionError):
    """
    The integrator did not show up in time.
    """


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


async def run(
    server: Server,
    plan: RunFile,
    options: RunOptions,
    progress: Callable[[Space], None] = lambda _: None,
) -> RunResult:
    """
    Carry out *plan* in the default space of a started server and return the verdict.

    Raises IntegratorUnreachable when there is nobody to test.
    """
    space = server.registry.get(DEFAULT_SPACE)
    report = DriveReport()
    server.registry.judges[space.name] = judge_of(plan.expect)
    shown = asyncio.get_running_loop().create_task(_show(space, progress))
    try:
        async with open_client(Guard(options.allow_targets)) as client:
            if options.wait_for:
                await _wait_for(options, client)
            ended = await _ends(_play(space, plan, options, client, report), options)
            # The stories of a verdict are told from the journal, so the audit comes last.
            card = scorecard(space, lag_max_ms=report.lag_max_ms)
            results = checks(plan.expect, space.simulation, card)
            if not ended:
                results.append(_endless(space, options))
            if plan.drive:
                results.append(_driven(report, still=space.driver.mode is not ClockMode.LIVE))
                if report.made and not space.exchange_count:
                    results.append(_sent_nothing(server.url))
            if space.simulation.state.impossible_acts:
                results.append(_impossible(space.simulation.state.impossible_acts))
            if plan.expect.integrator is not None:
                results.append(await audit(plan.expect.integrator, space.simulation, client))
    finally:
        shown.cancel()
    progress(space)
    return RunResult(
        scenario=plan.scenario.name,
        source=plan.scenario.source,
        seed=space.seed,
        version=__version__,
        checks=tuple(results),
        scorecard=card,
        space=space,
    )


async def _ends(play: Awaitable[None], options: RunOptions) -> bool:
    try:
        async with asyncio.timeout(options.at_most_real_s) as limit:
            await play
    except TimeoutError:
        if not limit.expired():
            raise
        return False
    return True


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


def _impossible(acts: Sequence[str]) -> Check:
    return Check(
        name="acts: every one is possible",
        passed=False,
        detail=f"{len(acts)} were not, the first: {acts[0]}",
        lines=tuple(acts[1:]),
    )


def _driven(report: DriveReport, still: bool) -> Check:
    latencies = sorted(report.latencies_us)
    p50_us, p99_us, longest_us = (nearest_rank(latencies, percent) for percent in (50, 99, 100))
    hint = _STOOD_STILL if still and longest_us > _LONG_US else ""
    counts = [f"{count} × {status}" for status, count in sorted(report.statuses.items())]
    counts += [f"{count} × {name}" for name, count in sorted(report.failures.items())]
    return Check(
        name="drive: every call succeeds",
        passed=report.refused == 0,
        detail=f"{report.made} calls: {', '.join(counts) or 'none'}; "
        f"p50 {latency(p50_us)}, p99 {latency(p99_us)}{hint}",
        lines=(f"the first without success: {report.first_failure}",) if report.first_failure else (),
    )


def _sent_nothing(url: str) -> Check:
    return Check(
        name="drive: something is sent",
        passed=False,
        detail=f"no call came to {url}; point your software there",
    )


async def _show(space: Space, progress: Callable[[Space], None]) -> None:
    while True:
        progress(space)
        await asyncio.sleep(0.5)


async def _wait_for(options: RunOptions, client: Transport) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + options.within_real_s
    problem = "it did not answer"
    while loop.time() < deadline:
        reply = await followed(client, WebhookRequest(url=options.wait_for, body=b"", method="GET"), _PROBE)
        if 0 < reply.status < 500:
            return
        problem = f"it answers {reply.status}" if reply.status else reply.error
        await asyncio.sleep(_POLL_REAL_S)
    raise IntegratorUnreachable(
        f"{options.wait_for} is not ready after {options.within_real_s:g} s: {problem}"
    )


def makes_calls(plan: RunFile) -> bool:
    """Return True when a run makes messages or calls itself, so that nobody has to begin."""
    return bool(plan.drive) or any(item.storm is not None for item in plan.scenario.timeline)


async def _play(
    space: Space, plan: RunFile, options: RunOptions, client: Transport, report: DriveReport
) -> None:
    if not makes_calls(plan):
        await _wait_for_calls(space, options)
    if space.driver.mode is ClockMode.LIVE:
        await _play_live(space, plan, client, report)
    else:
        await _play_virtual(space, plan, client, report)


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


async def _play_virtual(space: Space, plan: RunFile, client: Transport, report: DriveReport) -> None:
    """Let virtual time pass as fast as the integrator answers: nothing is ever late."""
    start_ms = space.simulation.state.scenario_start_ms
    due: list[Driven] = []
    for driven in arrivals(plan.drive):
        if due and (driven.at_ms != due[0].at_ms or len(due) >= _CALLS_AT_ONCE):
            await _make(space, start_ms, due, client, report)
            due = []
        due.append(driven)
    if due:
        await _make(space, start_ms, due, client, report)
    await space.driver.advance(None)


async def _make(
    space: Space, start_ms: int, due: list[Driven], client: Transport, report: DriveReport
) -> None:
    at_ms = start_ms + due[0].at_ms
    if at_ms > space.simulation.clock.now_ms:
        await space.driver.advance(at_ms)
    # One after the other, so that the order of arrival is the order of the file.
    for driven in due:
        await make_call(driven, space.simulation.people, client, report)


async def _play_live(space: Space, plan: RunFile, client: Transport, report: DriveReport) -> None:
    """Keep the schedule in real time: a late call is made at once and its lag is seen, never hidden."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    under_way: set[asyncio.Task[None]] = set()
    for driven in arrivals(plan.drive):
        wait_s = started + driven.at_ms / 1000 / space.driver.rate - loop.time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        report.note_lag(int(-wait_s * 1000))
        call = make_call(driven, space.simulation.people, client, report, loop.time() + min(wait_s, 0.0))
        task = loop.create_task(call)
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
    await _settle_live(space, plan.scenario)


async def _settle_live(space: Space, scenario: Scenario) -> None:
    """
    Let real time pass until nothing is due, but for what only the messages themselves wait for.

    An expiry in two days would keep a run of half a minute.  But time that software
    under test may be waiting for is never skipped: a retry of a webhook, an item of
    the timeline, or anything that is due soon.
    """
    simulation, driver = space.simulation, space.driver
    loop = asyncio.get_running_loop()
    last_ms = simulation.state.scenario_start_ms + max(
        (last_arrival_ms(item) for item in scenario.timeline), default=0
    )
    calls, quiet_since_s = space.exchange_count, loop.time()
    while not simulation.settled:
        await space.wait_change(0.25)
        driver.sync()
        if space.exchange_count != calls:
            calls, quiet_since_s = space.exchange_count, loop.time()
        due_ms, now_ms = simulation.next_due(), simulation.clock.now_ms
        if (
            due_ms is not None
            and due_ms - now_ms > _IDLE_REAL_S * 1_000 * driver.rate
            and loop.time() - quiet_since_s > _QUIET_REAL_S
            and now_ms >= last_ms
            and not any(webhook.state in PENDING for webhook in simulation.outbox.webhooks.values())
        ):
            await driver.advance(due_ms)

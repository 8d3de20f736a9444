"""
Loads over several workers, as `simulator run --workers` and `simulator replay --workers` want them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from simulator.commands.ending import when_asked_to_end
from simulator.commands.exits import (
    COULD_NOT_START,
    EXPECTATIONS_FAILED,
    INTERRUPTED,
    INVALID,
    could_not_bind,
)
from simulator.commands.obstacles import tell_obstacles
from simulator.commands.terminal import say
from simulator.commands.watching import Shown, watched
from simulator.evidence.result import Check, RunResult
from simulator.kernel.model.scenario import ClockMode
from simulator.load.crew import Crew
from simulator.load.extra import MissingExtra
from simulator.load.firing import fire_shared
from simulator.load.front import fronting
from simulator.load.live import View, view_of
from simulator.load.parts import Part
from simulator.load.refire import Firing, LoadReport
from simulator.load.run import Shared, run_shared
from simulator.provider import Provider
from simulator.scenario.goals import RunFile

__all__ = ["Door", "Interrupts", "share", "share_firing"]


def share(
    plan: RunFile, text: str, providers: Mapping[str, Provider], shared: Shared, door: Door, show: Shown
) -> tuple[int, RunResult | None]:
    """Carry *plan* out over workers; return the exit code and the result, if there is one."""
    if tell_obstacles(plan.scenario.source or plan.scenario.name, plan, providers, shared.workers):
        return INVALID, None
    clock = shared.clock
    live_rate = clock.rate if clock.mode is ClockMode.LIVE else 0

    async def run(interrupts: Interrupts) -> RunResult:
        crews: list[Crew[Part]] = []

        def look() -> View | None:
            return _view(crews, live_rate)

        async with fronting(door.host, door.port, look) as front:
            with interrupts.heard(), watched(look, show):
                door.opened(front.port)
                say(f"{plan.scenario.name}: {shared.workers} workers, metrics at port {front.port}", err=True)
                result = await run_shared(plan, text, providers, shared, crews.append)
            return replace(result, checks=(*result.checks, *_uncalled(front.calls)))

    interrupts = Interrupts()
    try:
        result = asyncio.run(run(interrupts))
    except (MissingExtra, OSError) as trouble:
        why = f"cannot begin: {could_not_bind(trouble)}" if isinstance(trouble, OSError) else trouble
        say(f"simulator: {why}", err=True)
        return COULD_NOT_START, None
    if interrupts.count:
        return INTERRUPTED, result
    return (0 if result.passed else EXPECTATIONS_FAILED), result


def _uncalled(calls: int) -> list[Check]:
    """Return the check that nobody called a run that takes no calls, where somebody did."""
    detail = f"{calls} came and were answered 503: no worker serves, so the run shows nothing about them"
    return [Check(name="calls: none comes", passed=False, detail=detail)] if calls else []


class Door(NamedTuple):
    """
    Where a run over workers tells how it goes on.
    """

    host: str
    port: int
    opened: Callable[[int], None]
    """Told of the port that was bound."""


def share_firing(folder: Path, firing: Firing, workers: int, show: Shown) -> tuple[LoadReport, bool]:
    """Fire a record's webhooks over workers; return the report, and whether somebody interrupted it."""

    async def run(interrupts: Interrupts) -> LoadReport:
        crews: list[Crew[LoadReport]] = []
        with interrupts.heard(), watched(lambda: _view(crews, 1), show):
            return await fire_shared(folder, firing, workers, crews.append)

    interrupts = Interrupts()
    return asyncio.run(run(interrupts)), bool(interrupts.count)


def _view(crews: Sequence[Crew[Any]], live_rate: int) -> View | None:
    progress = crews[0].progress() if crews else []
    return view_of(progress, crews[0].elapsed_real_s, live_rate) if progress else None


class Interrupts:
    """
    Ctrl-C and polite ends from elsewhere: the task is cancelled, and whoever runs it can tell.
    """

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Cancel the task of the block when somebody interrupts it."""
        task = asyncio.current_task()
        assert task is not None

        def interrupt() -> None:
            self.count += 1
            if self.count == 1:
                say("interrupted: what was measured is told; once more ends it at once", err=True)
            task.cancel()

        when_asked_to_end(lambda _: interrupt())
        yield

"""
A run over several workers: the same story as in one process, at the speed of all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from simulator.evidence.result import RunResult
from simulator.kernel.model.clock import EPOCH_MS_DEFAULT
from simulator.kernel.model.scenario import NOW, ClockMode, ClockSpec
from simulator.kernel.model.shard import Shard
from simulator.load.crew import Crew
from simulator.load.histogram import Histogram
from simulator.load.keeper import Limits
from simulator.load.merging import merged
from simulator.load.parts import Job, Part
from simulator.provider import Provider
from simulator.scenario.goals import RunFile

__all__ = ["Shared", "run_shared"]


class Shared(NamedTuple):
    """
    How a run is shared among workers.
    """

    workers: int
    seed: int
    clock: ClockSpec
    allow_targets: tuple[str, ...] = ()
    at_most_real_s: float | None = None
    give_up: int = 0
    limits: Limits = Limits()


async def run_shared(
    plan: RunFile,
    text: str,
    providers: Mapping[str, Provider],
    shared: Shared,
    watching: Callable[[Crew[Part]], None] = lambda _: None,
    started: Callable[[Sequence[int]], None] = lambda _: None,
) -> RunResult:
    """
    Carry out *plan*, whose text is *text*, over workers of which each owns the recipients of its shard.

    *watching* is given the crew before it begins, *started* the processes when they do.
    When this is cancelled the workers stop, and what they measured is the result.
    Raises MissingExtra without the extra `load`.
    """
    # Whoever lacks it hears of it now, and not from a worker.
    Histogram()
    clock = replace(shared.clock, start_unix_ms=_start_unix_ms(shared.clock))
    jobs = [
        Job(
            text=text,
            source=plan.scenario.source,
            shard=Shard(number, shared.workers),
            seed=shared.seed,
            clock=clock,
            allow_targets=shared.allow_targets,
            give_up=shared.give_up,
            limits=shared.limits,
        )
        for number in range(shared.workers)
    ]
    crew = Crew(jobs, Part)
    watching(crew)
    brought = await crew.bring(shared.at_most_real_s, started)
    return merged(plan, brought, providers, workers=shared.workers, seed=shared.seed, clock=clock)


def _start_unix_ms(clock: ClockSpec) -> int:
    """Return when the clocks of all workers start: at one instant, whatever they take to begin."""
    if clock.start_unix_ms is not None and clock.start_unix_ms != NOW:
        return clock.start_unix_ms
    if clock.start_unix_ms == NOW or clock.mode is ClockMode.LIVE:
        return time.time_ns() // 1_000_000
    return EPOCH_MS_DEFAULT

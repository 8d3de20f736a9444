"""
Recorded webhooks as load over several workers: each fires those of its shard, on the one schedule.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from simulator.kernel.model.shard import Shard
from simulator.load.crew import Crew
from simulator.load.orders import Orders
from simulator.load.parts import FireJob, Progress, Ready
from simulator.load.refire import Firing, LoadReport, refire
from simulator.run.bundle import read_bundle
from simulator.runtime.collector import keep_short

__all__ = ["fire", "fire_shared"]

_TOLD_REAL_S: Final = 0.5


async def fire(job: FireJob, tell: Callable[[object], None], orders: Orders) -> LoadReport:
    """Fire the webhooks of one shard, in the process of a worker."""
    bundle = read_bundle(Path(job.folder))
    loop = asyncio.get_running_loop()
    next_s = loop.time()

    def progress(report: LoadReport, under_way: int) -> None:
        nonlocal next_s
        if loop.time() >= next_s:
            next_s = loop.time() + _TOLD_REAL_S
            tell(Progress(0, 0, 0, under_way, 0, report.measures))

    keep_short()
    tell(Ready(os.getpid()))
    report = await refire(bundle, job.firing, progress, orders.started, orders.stopped)
    tell(Progress(0, 0, 0, 0, 0, report.measures))
    return report


async def fire_shared(
    folder: Path, firing: Firing, workers: int, watching: Callable[[Crew[LoadReport]], None] = lambda _: None
) -> LoadReport:
    """Fire the webhooks of the bundle in *folder* over workers; return what they report together."""
    # The receiver meets as many at once as it would from one process.
    jobs = [FireJob(str(folder), _of_shard(firing, Shard(number, workers))) for number in range(workers)]
    crew = Crew(jobs, LoadReport)
    watching(crew)
    brought = await crew.bring()
    report = LoadReport()
    for part in brought.parts:
        report.join(part)
    report.troubles = tuple(brought.troubles)
    return report


def _of_shard(firing: Firing, shard: Shard) -> Firing:
    """Return *firing* for one shard, with its part of the places."""
    return firing._replace(shard=shard, at_once_max=max(1, shard.part(firing.at_once_max)))

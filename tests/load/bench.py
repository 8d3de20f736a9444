"""
Shards run one after the other in the test's own process: what processes of their own are compared with.
"""

from __future__ import annotations

import asyncio
import pickle

from harness import Receiver
from simulator.evidence.result import RunResult
from simulator.kernel.model.clock import EPOCH_MS_DEFAULT
from simulator.kernel.model.scenario import ClockSpec
from simulator.kernel.model.shard import Shard
from simulator.load.crew import Brought
from simulator.load.keeper import Limits
from simulator.load.merging import merged
from simulator.load.parts import Job
from simulator.load.sharding import work
from simulator.provider import discover
from simulator.scenario.loader import load_run

__all__ = ["in_this_process"]


class _NoOrders:
    """Nobody interrupts."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()

    async def started(self) -> None:
        """Begin at once."""


async def in_this_process(
    receiver: Receiver,
    scenario: str,
    workers: int,
    *,
    seed: int = 7,
    limits: Limits = Limits(),
    give_up: int = 0,
) -> RunResult:
    """Run every shard one after the other, here, and merge what they bring."""
    written = scenario.replace("RECEIVER", receiver.url)
    plan = load_run(written, "storm.yaml", discover())
    clock = ClockSpec(start_unix_ms=EPOCH_MS_DEFAULT)
    parts = []
    for number in range(workers):
        shard = Shard(number, workers)
        job = Job(
            text=written,
            source="storm.yaml",
            shard=shard,
            seed=seed,
            clock=clock,
            limits=limits,
            give_up=give_up,
        )
        part = await work(job, lambda _: None, _NoOrders())  # type: ignore[arg-type]
        parts.append(pickle.loads(pickle.dumps(part)))
    return merged(plan, Brought(parts, (), 1.0), discover(), workers=workers, seed=seed, clock=clock)

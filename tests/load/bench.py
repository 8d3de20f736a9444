"""
Storms in worker processes, and shards one after the other in the test's own: what those are compared with.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from harness import Receiver
from simulator.evidence.result import RunResult
from simulator.kernel.model.clock import EPOCH_MS_DEFAULT
from simulator.kernel.model.scenario import ClockSpec
from simulator.kernel.model.shard import Shard
from simulator.load.crew import Brought, Crew
from simulator.load.keeper import Limits
from simulator.load.merging import merged
from simulator.load.parts import Job, Part
from simulator.load.run import Shared, run_shared
from simulator.load.sharding import work
from simulator.provider import discover
from simulator.scenario.loader import load_run

__all__ = ["STORM", "begun", "command", "in_this_process", "shared"]

STORM = """
name: a storm for several
providers: {infobip: {webhook: {url: RECEIVER/reports, in_flight: 8, retry: [1s, 5s]}}}
recipients: {"+4170000000*": {reachable: {from: 0s, until: 2h, is: false}}}
rules:
  - name: nervous network
    when: {recipient: "+417*"}
    then: {webhooks: {duplicate: {share: 10%, within: 30s}, delay: 0s..9s}}
timeline:
  - at: 1s
    provider: infobip
    storm: {messages: 600, rate: 100/s, recipient: "+417", arrivals: poisson, mix: {deliver: 70%, fail: 20%}}
  - {at: 5s, provider: infobip, recipient: "+41799*", count: 40, rate: 10/s, writes: hello}
expect:
  messages: {final: 100%, at_least: 600}
  webhooks: {acknowledged: 100%, lost: 0}
"""


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


async def shared(
    receiver: Receiver,
    scenario: str,
    workers: int,
    *,
    clock: ClockSpec = ClockSpec(),
    watching: Callable[[Crew[Part]], None] = lambda _: None,
    **options: Any,
) -> RunResult:
    """Run a scenario over worker processes of their own."""
    written = scenario.replace("RECEIVER", receiver.url)
    providers = discover()
    plan = load_run(written, "storm.yaml", providers)
    how = Shared(workers, 7, clock, **options)
    return await run_shared(plan, written, providers, how, watching)


@asynccontextmanager
async def begun(*words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Begin a program that finds our modules; it does not outlive the block."""
    process = await asyncio.create_subprocess_exec(
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def command(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Begin a command of ours."""
    async with begun(sys.executable, "-m", "simulator.cli", *arguments) as process:
        yield process

"""
One shard of a scenario, run to its end in the process of a worker.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from simulator.evidence.result import Load
from simulator.kernel.model.message import Message
from simulator.kernel.model.scenario import ClockMode, ClockSpec
from simulator.load.histogram import Histogram
from simulator.load.keeper import Keeper
from simulator.load.obstacles import addressed_once
from simulator.load.orders import Orders
from simulator.load.parts import Job, Part, Progress, Ready
from simulator.provider import discover
from simulator.run.audit import Audit, Finding
from simulator.run.judged import Judged
from simulator.run.pulse import Pulse, beating
from simulator.run.settling import call_off, settle
from simulator.run.stories import Stories
from simulator.runtime.collector import keep_short
from simulator.runtime.guard import Guard
from simulator.runtime.space import Space
from simulator.runtime.transport.client import open_client
from simulator.runtime.transport.seam import Transport
from simulator.scenario.goals import About, Ask, RunFile
from simulator.scenario.loader import load_run

__all__ = ["work"]

_TOLD_REAL_S: Final = 0.5
_LOOK_REAL_S: Final = 0.05


async def work(job: Job, tell: Callable[[object], None], orders: Orders) -> Part:
    """Run one shard to its end, or until it is stopped, and return what came of it."""
    providers = discover()
    plan = load_run(job.text, job.source, providers)
    async with open_client(Guard(job.allow_targets)) as client:
        frozen = replace(job.clock, mode=ClockMode.FROZEN)
        space = Space("default", providers, lambda: client, seed=job.seed, clock=frozen)
        space.simulation.state.shard = job.shard
        tell(Ready(os.getpid()))
        await orders.started()
        keeper = _keeper(space, plan, job)
        space.load(plan.scenario)
        keep_short()
        async with beating(space) as pulse:
            run = _Run(space, keeper, pulse, job)
            ended, gave_up = await run.play(orders, tell, job.clock)
            findings = [] if orders.stopped.is_set() else await run.ask(plan, client)
        # Nothing goes on while what there is is counted.
        await space.close()
        return run.part(plan, ended, gave_up, findings)


def _keeper(space: Space, plan: RunFile, job: Job) -> Keeper:
    asks = plan.expect.integrator
    left = [job.shard.part(ask.limit) for ask in asks]

    once = addressed_once(plan.scenario)
    judged = Judged(plan.expect, Histogram, job.limits.unusual)
    return Keeper(
        space,
        judged,
        job.limits,
        claims=partial(_claims, asks, left),
        recipients=plan.scenario.recipients,
        once=once,
    )


def _claims(asks: tuple[Ask, ...], left: list[int], message: Message) -> bool:
    """Return True when an audit that has room left is about *message*; its room is taken."""
    claimed = False
    for number, ask in enumerate(asks):
        if ask.about is About.DRIVEN or ask.provider not in ("", message.key.provider) or not left[number]:
            continue
        if ask.rule and ask.rule not in (message.rule, message.faults_rule):
            continue
        left[number] -= 1
        claimed = True
    return claimed


class _Run:
    """One shard under way."""

    def __init__(self, space: Space, keeper: Keeper, pulse: Pulse, job: Job) -> None:
        self._space = space
        self._keeper = keeper
        self._pulse = pulse
        self._job = job

    async def play(
        self, orders: Orders, tell: Callable[[object], None], clock: ClockSpec
    ) -> tuple[bool, str]:
        """Let time pass until nothing is due; return whether it came to that, and why it gave up."""
        space = self._space
        if clock.mode is not ClockMode.FROZEN:
            space.set_clock(replace(clock, start_unix_ms=None))
        self._keeper.start()
        loop = asyncio.get_running_loop()
        playing = loop.create_task(settle(space, 0))
        stopped = loop.create_task(orders.stopped.wait())
        next_s = loop.time()
        gave_up = ""
        try:
            while not playing.done() and not stopped.done() and not gave_up:
                if loop.time() >= next_s:
                    next_s = loop.time() + _TOLD_REAL_S
                    tell(self.progress())
                await asyncio.wait(
                    {playing, stopped}, timeout=_LOOK_REAL_S, return_when=asyncio.FIRST_COMPLETED
                )
                gave_up = space.dispatcher.in_vain.why(self._job.give_up)
            if playing.done():
                playing.result()
            tell(self.progress())
            return playing.done(), gave_up
        finally:
            stopped.cancel()
            await call_off(playing)

    def progress(self) -> Progress:
        """Return how far it is."""
        space, dispatcher = self._space, self._space.dispatcher
        due_ms = space.simulation.next_due()
        return Progress(
            space.simulation.clock.now_ms,
            self._keeper.judged.messages.total + len(space.simulation.messages),
            dispatcher.waiting,
            space.simulation.outbox.in_flight - dispatcher.waiting,
            space.driver.late_real_us(due_ms) // 1_000 if due_ms is not None else 0,
            self._keeper.measures,
        )

    async def ask(self, plan: RunFile, client: Transport) -> list[Finding]:
        """Ask the integrator what it believes about this shard's messages."""
        space, findings = self._space, []

        async def meanwhile() -> None:
            await settle(space, 0)

        stories = Stories(space.simulation)
        for ask in plan.expect.integrator:
            share = replace(ask, limit=self._job.shard.part(ask.limit))
            audit = Audit(share, space.simulation, client, discover(), stories)
            findings.append(await audit.find(meanwhile))
        return findings

    def part(self, plan: RunFile, ended: bool, gave_up: str, findings: list[Finding]) -> Part:
        """Return all that is to be brought back."""
        space, keeper, pulse = self._space, self._keeper, self._pulse
        simulation = space.simulation
        keeper.finish()
        places = (account.policy.in_flight_max for account in simulation.accounts.values())
        return Part(
            shard=self._job.shard,
            now_ms=simulation.clock.now_ms,
            ended=ended,
            gave_up=gave_up,
            judged=keeper.judged,
            measures=keeper.measures,
            journalled=keeper.journalled,
            order_violations=keeper.order_violations,
            recovery_ms=keeper.outages.recovery_ms(simulation.clock.now_ms),
            kept=keeper.kept,
            entries=keeper.unnamed,
            refusals=list(simulation.refusals.values())[: self._job.limits.unusual],
            applied=simulation.state.applied,
            unmet=frozenset(keeper.unmet),
            impossible_acts=simulation.state.impossible_acts,
            findings=findings,
            load=Load(
                lag_p99_us=pulse.lag_p99_us,
                behind_max_ms=pulse.behind_max_ms,
                attempts_per_s_max=pulse.attempts_per_s_max,
                saturated=pulse.saturated,
                places=sum(map(self._job.shard.part, places)),
            ),
            resident_max_bytes=_resident_max_bytes(),
        )


def _resident_max_bytes() -> int:
    """Return how much memory this process held at most; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1_024

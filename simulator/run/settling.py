"""
When a run may end: nothing is due, and software that was refused has had its time to try again.
"""

from __future__ import annotations

import asyncio
from typing import Final

from simulator.kernel.engine.arrivals import last_arrival_ms
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.message import Refused, Rung
from simulator.kernel.model.scenario import ClockMode
from simulator.kernel.webhooks.webhook import WebhookState
from simulator.run.refusals import refused_for_good
from simulator.runtime.space import Space

__all__ = ["call_off", "retries_end_ms", "settle"]

_IDLE_REAL_S: Final = 30.0
"""A live run goes on at once when nothing is due for longer than this, and nobody waits for anything."""
_QUIET_REAL_S: Final = 1.0
_STEP_REAL_S: Final = 0.05
_STEP_MS: Final = 2_000
"""Beside a clock that stands still, software waits in real time: so much passes for each such wait."""


def retries_end_ms(simulation: Simulation, within_ms: int) -> int | None:
    """
    Return until when sends that a rule refused may still be tried again; None: none is left.

    *within_ms* counts from the last refusal, and never ends before the rule that
    refuses does, nor a closed port that was opened again.  What was rejected inside
    an answer is no send to try again.
    """
    last_ordinal = simulation.state.numbering.last
    messages = simulation.messages
    waiting: list[Refused] = []
    for key, refused in simulation.refusals.items():
        if refused.rung is not Rung.RULE or refused.id:
            continue
        if last_ordinal(key.provider, key.recipient) > key.ordinal:
            # Whatever came later has a refusal of its own, or was accepted.
            continue
        if key in messages:
            continue
        waiting.append(refused)
    # A clear no to a whole call is nothing to try again, either.
    clear = {refusal.key for refusal in refused_for_good(simulation)} if waiting else set()
    ends_ms = [
        max(refused.at_ms, rule_end_ms(simulation, refused.rule)) + within_ms
        for refused in waiting
        if refused.key not in clear
    ]
    if simulation.state.servers_up_at_ms:
        # Connections that were refused leave no trace here, so whoever tries again is given the time.
        ends_ms.append(simulation.state.servers_up_at_ms + within_ms)
    return max(ends_ms, default=None)


def rule_end_ms(simulation: Simulation, name: str) -> int:
    """Return when the rule *name* ends to apply, on the space's clock; 0: nobody knows."""
    for rule in simulation.scenario.rules:
        if rule.name == name and rule.when.during is not None and rule.when.during[1] is not None:
            return simulation.state.scenario_start_ms + rule.when.during[1]
    return 0


async def call_off(task: asyncio.Task[None]) -> None:
    """
    End *task*, and return when it has ended.

    `asyncio.wait_for` swallows a cancellation that comes together with what it waits for (until
    Python 3.12), and a loop around it would go on: so it is called off until it hears.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_STEP_REAL_S)


async def settle(space: Space, within_ms: int) -> None:
    """Let time pass until nothing is due, and no refused send is waited for any more."""
    if space.driver.mode is ClockMode.LIVE:
        await _settle_live(space, within_ms)
    else:
        await _settle_virtual(space, within_ms)


async def _settle_virtual(space: Space, within_ms: int) -> None:
    """
    Drain; then, while sends wait to be tried again, let virtual time pass beside real time.

    Software waits for a provider by its own watch.  Once nothing else is due, a
    refusal is overcome by the end of its rule, and by tokens that trickle in.
    """
    simulation, driver = space.simulation, space.driver
    while True:
        await driver.advance(None)
        end_ms, now_ms = retries_end_ms(simulation, within_ms), simulation.clock.now_ms
        if end_ms is None or now_ms >= end_ms:
            if simulation.settled:
                return
            # What was tried again was accepted after everything else had happened: it has its own end.
            await asyncio.sleep(_STEP_REAL_S)
            continue
        # Straight to the end of what refuses, then step by step.
        over_ms = end_ms - within_ms
        await driver.advance(max(over_ms, now_ms) if over_ms > now_ms else min(end_ms, now_ms + _STEP_MS))
        await asyncio.sleep(_STEP_REAL_S)


async def _settle_live(space: Space, within_ms: int) -> None:
    """
    Let real time pass until nothing is due, but for what only the messages themselves wait for.

    An expiry in two days would keep a run of half a minute.  But time that software
    under test may be waiting for is never skipped: a retry of a webhook, an item of
    the timeline, a call that was refused, or anything that is due soon.
    """
    simulation, driver = space.simulation, space.driver
    loop = asyncio.get_running_loop()
    last_ms = simulation.state.scenario_start_ms + max(
        (last_arrival_ms(item) for item in simulation.scenario.timeline), default=0
    )
    calls, quiet_since_s = space.exchange_count, loop.time()
    while True:
        end_ms = retries_end_ms(simulation, within_ms)
        waits = driver.answering or (end_ms is not None and simulation.clock.now_ms < end_ms)
        if simulation.settled and not waits:
            return
        await space.wait_change(_STEP_REAL_S if waits else 0.25)
        driver.sync()
        if space.exchange_count != calls:
            calls, quiet_since_s = space.exchange_count, loop.time()
        due_ms, now_ms = simulation.next_due(), simulation.clock.now_ms
        if (
            due_ms is not None
            and not waits
            and due_ms - now_ms > _IDLE_REAL_S * 1_000 * driver.rate
            and loop.time() - quiet_since_s > _QUIET_REAL_S
            and now_ms >= last_ms
            # What is held back once the timeline is over stays so.
            and not any(
                webhook.pending and webhook.state is not WebhookState.HELD
                for webhook in simulation.outbox.webhooks.values()
            )
        ):
            await driver.advance(due_ms)

"""
Contradictions: the opposite of how a message ended, told after the truth, on purpose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from simulator.kernel.engine.steps import Contradiction
from simulator.kernel.model.fates import drawn
from simulator.kernel.model.lifecycle import TERMINAL, Move, State
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey, Reason
from simulator.kernel.store.journal import EntryKind

if TYPE_CHECKING:
    from simulator.kernel.engine.simulation import Simulation

__all__ = ["contradict", "plan_contradiction"]

_ARRIVED = (State.DELIVERED, State.READ)
_FAILURES = ((Move.FAIL, State.FAILED), (Move.EXPIRE, State.EXPIRED))
_ARRIVALS = ((Move.DELIVER, State.DELIVERED),)


def plan_contradiction(simulation: Simulation, message: Message) -> None:
    """Put it on the agenda that the end of *message* is contradicted, if a rule wants that."""
    faults = message.faults
    wanted = faults.contradict if faults is not None else None
    draws = simulation.chance.of(*message.key)
    if wanted is not None and draws.hits("contradict", wanted.share_bp):
        after_ms = drawn(wanted.after, draws, "contradict.after")
        simulation.agenda.add(simulation.clock.now_ms + after_ms, Contradiction(message.key))


def contradict(simulation: Simulation, key: MessageKey) -> None:
    """Owe the opposite of how a message ended; its own state stays what it is."""
    message = simulation.messages.get(key)
    if message is None or message.state not in TERMINAL:
        return
    now_ms = simulation.clock.now_ms
    arrived = message.state in _ARRIVED
    for move, state in _FAILURES if arrived else _ARRIVALS:
        shadow = structs.replace(message, state=state, code="", reason=Reason.NONE, changed_ms=now_ms)
        pulled = simulation.hooks[key.provider].told is not None
        reports = [
            report
            for report in simulation.accounts[key.provider].reports_of(shadow, move)
            if report.target or pulled
        ]
        for report in reports:
            simulation.tell(report)
            if report.target:
                simulation.outbox.owe_contradiction(now_ms, report, message.faults_rule)
            else:
                simulation.journal.add(
                    now_ms,
                    EntryKind.NOTE,
                    key=key,
                    what=f"report contradicts the truth on purpose, for whoever pulls it [{report.label}]",
                    why=f'rule "{message.faults_rule}"' if message.faults_rule else "",
                )
        if reports:
            return
    opposite = "a failure" if arrived else "an arrival"
    simulation.journal.add(
        now_ms,
        EntryKind.NOTE,
        key=key,
        what=f"nothing contradicts it: {key.provider} has no report of {opposite} for this message",
        why=f'rule "{message.faults_rule}"' if message.faults_rule else "",
    )

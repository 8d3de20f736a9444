"""
Contradictions: the opposite of how a message ended, told after the truth, on purpose.
"""

from __future__ import annotations

from msgspec import structs

from simulator.kernel.engine.state import SimulationState
from simulator.kernel.engine.steps import Contradiction
from simulator.kernel.model.fates import drawn
from simulator.kernel.model.lifecycle import TERMINAL, Move, State
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey, Reason
from simulator.kernel.store.journal import EntryKind

__all__ = ["contradict", "plan_contradiction"]

_ARRIVED = (State.DELIVERED, State.READ)
_FAILURES = ((Move.FAIL, State.FAILED), (Move.EXPIRE, State.EXPIRED))
_ARRIVALS = ((Move.DELIVER, State.DELIVERED),)


def plan_contradiction(state: SimulationState, message: Message) -> None:
    """Put it on the agenda that the end of *message* is contradicted, if a rule wants that."""
    faults = message.faults
    wanted = faults.contradict if faults is not None else None
    draws = state.chance.of(*message.key)
    if wanted is not None and draws.hits("contradict", wanted.share_bp):
        after_ms = drawn(wanted.after, draws, "contradict.after")
        state.agenda.add(state.clock.now_ms + after_ms, Contradiction(message.key))


def contradict(state: SimulationState, key: MessageKey) -> None:
    """Owe the opposite of how a message ended; its own state stays what it is."""
    message = state.store.messages.get(key)
    if message is None or message.state not in TERMINAL:
        return
    now_ms = state.clock.now_ms
    arrived = message.state in _ARRIVED
    for move, untrue in _FAILURES if arrived else _ARRIVALS:
        shadow = structs.replace(message, state=untrue, code="", reason=Reason.NONE, changed_ms=now_ms)
        reports = state.accounts[key.provider].changed(shadow, move)
        for report in reports:
            state.outbox.owe_contradiction(now_ms, report, message.faults_rule)
        if reports:
            return
    opposite = "a failure" if arrived else "an arrival"
    state.journal.add(
        now_ms,
        EntryKind.NOTE,
        key=key,
        what=f"nothing contradicts it: {key.provider} has no report of {opposite} for this message",
        why=f'rule "{message.faults_rule}"' if message.faults_rule else "",
    )

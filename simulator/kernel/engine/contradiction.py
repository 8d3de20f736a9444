"""
Contradictions: the opposite of how a message ended, told after the truth, on purpose.
"""

from __future__ import annotations

from msgspec import structs

from simulator.kernel.engine.state import SimulationState
from simulator.kernel.engine.steps import Contradiction
from simulator.kernel.model.lifecycle import TERMINAL, Move, State
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey, Reason
from simulator.kernel.store.facts import NotContradicted
from simulator.kernel.webhooks.decisions import Wait, contradiction_decisions

__all__ = ["contradict", "plan_contradiction"]

_ARRIVED = (State.DELIVERED, State.READ)
_FAILURES = ((Move.FAIL, State.FAILED), (Move.EXPIRE, State.EXPIRED))
_ARRIVALS = ((Move.DELIVER, State.DELIVERED),)


def plan_contradiction(state: SimulationState, message: Message) -> None:
    """Put it on the agenda that the end of *message* is contradicted, if a rule wants that."""
    faults = message.faults
    wanted = faults.contradict if faults is not None else None
    if wanted is None:
        return
    for decision in contradiction_decisions(wanted, state.chance.of(*message.key)):
        if isinstance(decision, Wait):
            state.agenda.add(state.clock.now_ms + decision.ms, Contradiction(message.key))


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
            message.reports += 1
            state.outbox.owe_contradiction(now_ms, report, message.faults_rule, message.reports)
        if reports:
            return
    fact = NotContradicted(key.provider, arrived, message.faults_rule)
    state.journal.add(now_ms, fact, key=key)

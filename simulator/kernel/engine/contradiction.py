"""
Contradictions: the opposite of how a message ended, told after the truth, on purpose.
"""

from __future__ import annotations

from msgspec import structs

from simulator.kernel.engine.owing import tell
from simulator.kernel.engine.state import SimulationState
from simulator.kernel.engine.steps import Contradiction
from simulator.kernel.model.lifecycle import TERMINAL, Move, State
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey, Reason
from simulator.kernel.store.facts import Contradicted, NotContradicted
from simulator.kernel.webhooks.decisions import Wait, contradiction_decisions

__all__ = ["await_truth", "contradict", "plan_untold"]

_ARRIVED = (State.DELIVERED, State.READ)
_FAILURES = ((Move.FAIL, State.FAILED), (Move.EXPIRE, State.EXPIRED))
_ARRIVALS = ((Move.DELIVER, State.DELIVERED),)


def await_truth(state: SimulationState, message: Message) -> bool:
    """Return True when a rule wants the end of *message*, not owed yet, contradicted once it was told."""
    faults = message.faults
    contradict = faults.contradict if faults is not None else None
    if faults is None or contradict is None or not faults.holds(state.clock.now_ms):
        return False
    for decision in contradiction_decisions(contradict, state.chance.of(*message.key)):
        if isinstance(decision, Wait):
            state.outbox.await_truth(message.key, decision.ms)
            return True
    return False


def plan_untold(state: SimulationState, key: MessageKey) -> None:
    """Plan the contradiction of an end that was just owed, if nobody will be told of that end itself."""
    after_ms = state.outbox.take_untold(key)
    if after_ms is not None:
        state.agenda.add(state.clock.now_ms + after_ms, Contradiction(key))


def contradict(state: SimulationState, key: MessageKey) -> None:
    """Owe the opposite of how a message ended; its own state stays what it is."""
    message = state.store.messages.get(key)
    if message is None or message.state not in TERMINAL:
        return
    now_ms = state.clock.now_ms
    arrived = message.state in _ARRIVED
    for move, untrue in _FAILURES if arrived else _ARRIVALS:
        shadow = structs.replace(message, state=untrue, code="", reason=Reason.NONE, changed_ms=now_ms)
        pulled = state.hooks[key.provider].told is not None
        reports = [
            report
            for report in state.accounts[key.provider].reports_of(shadow, move)
            if report.target or pulled
        ]
        for report in reports:
            tell(state, report)
            if report.target:
                sequence = message.count_report()
                report = structs.replace(report, tells=untrue)
                state.outbox.owe_contradiction(now_ms, report, message.faults_rule, sequence)
            else:
                contradicted = Contradicted(report.label, message.faults_rule, pulled=True)
                state.journal.add(now_ms, contradicted, key=key)
        if reports:
            return
    fact = NotContradicted(key.provider, arrived, message.faults_rule)
    state.journal.add(now_ms, fact, key=key)

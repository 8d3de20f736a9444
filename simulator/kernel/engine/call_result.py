"""
What becomes of one call, and what is done to its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from simulator.kernel.engine.decide import Decision, throttled_ms
from simulator.kernel.engine.state import SimulationState
from simulator.kernel.model.message import Message, Refused, Rung
from simulator.kernel.model.rules import AnswerFault, Drop
from simulator.kernel.model.submission import MessageKey, Submission
from simulator.kernel.model.turns import InTurns
from simulator.kernel.webhooks.webhook import Report

__all__ = ["UNDECIDED", "CallRefusal", "CallResult", "Deferred", "Later", "answer_of", "does_the_work"]


class CallRefusal(NamedTuple):
    """
    Why a whole call is refused: the provider's code, the rule, and when a retry may help.
    """

    code: str
    rule: str
    retry_after_ms: int = 0
    rung: Rung = Rung.RULE
    gateway: int = 0
    """The status with which a proxy in front of the provider refuses it; 0: the provider does."""
    why: str = ""
    """What stands against it, where a recipient's circumstances refuse."""


class Later(NamedTuple):
    """
    What a provider that answers before it works wants done after the answer.
    """

    at_ms: int
    name: str
    """Puts the works of one instant in order."""
    prepare: Callable[[Sequence[Submission]], Iterable[Submission]]
    """Makes the provider's own checks, when the work is due; best as a generator."""
    done: Callable[[Sequence[Message | Refused]], Sequence[Report] | InTurns[Sequence[Report]]]
    """Says what the integrator is owed for it."""
    in_turns: bool = True
    """False: nothing else may happen in the midst of the work."""


class Deferred(NamedTuple):
    """
    Work that a call leads to after its answer: what to do, and when it is due.
    """

    at_ms: int
    provider: str
    name: str
    work: InTurns[Sequence[Report]]
    in_turns: bool


class CallResult(Struct, kw_only=True):
    """
    What became of one call, and what is to be done to its answer.
    """

    outcomes: list[Message | Refused] = []
    """One per submission, in order; empty when the call was refused before any work."""
    refused: list[MessageKey] = []
    """What was to be sent by a call that was refused whole, or cut before any work."""
    refusal: CallRefusal | None = None
    stall_real_ms: int = 0
    drop: Drop | None = None
    damage: AnswerFault | None = None
    """What is to be done to the bytes of the answer."""
    damage_key: MessageKey | None = None
    """What draws the damage: the submission that the rule is about."""
    fault_rule: str = ""
    """The rule that does something to the answer itself; the first one, if there are several."""
    about: MessageKey | None = None
    """The submission that this rule applies to."""
    early: bool = False
    """Reports of this call are to be sent before its answer."""
    deferred: Deferred | None = None
    """Work that begins once the call is answered."""
    later: Sequence[Message | Refused] = ()
    """What became of its submissions when that work was done."""
    unread: bool = False
    """The connection broke before the answer was read."""

    @property
    def delays_answer(self) -> bool:
        """True when the answer cannot go out as it is, and at once."""
        return self.early or self.stall_real_ms > 0 or self.drop is not None or self.damage is not None

    @property
    def answer_lost(self) -> bool:
        """True when the client does not get to read what the provider answered to the work that was done."""
        damage = self.damage
        return (
            self.unread
            or self.refusal is not None
            or self.drop is not None
            or (damage is not None and (damage.truncate or damage.garble))
        )


UNDECIDED: Final = CallResult()
"""What became of a call about which nothing is decided, or not yet; it is never changed."""


def answer_of(state: SimulationState, decisions: Sequence[Decision]) -> CallResult:
    """Return what is to be done to the answer of the call that these decisions are about."""
    result = CallResult()
    throttled: set[str] = set()
    for decision in decisions:
        answer = decision.answer
        if answer is None:
            continue
        if answer.alters_answer and not result.fault_rule:
            result.fault_rule, result.about = decision.answer_rule, decision.key
        result.stall_real_ms = max(result.stall_real_ms, answer.stall_real_ms)
        result.drop = result.drop or answer.drop
        if result.damage is None and (answer.truncate or answer.garble or answer.drip_real_ms):
            result.damage, result.damage_key = answer, decision.key
        if result.refusal is None:
            result.refusal = _refusal_of(state, decision, answer, throttled)
    return result


def _refusal_of(
    state: SimulationState, decision: Decision, answer: AnswerFault, throttled: set[str]
) -> CallRefusal | None:
    account = state.accounts[decision.submission.provider]
    if answer.throttle is not None and decision.answer_rule not in throttled:
        throttled.add(decision.answer_rule)
        wait_ms = throttled_ms(state, decision.answer_rule, answer.throttle)
        if wait_ms:
            return CallRefusal(account.throttled_code, decision.answer_rule, wait_ms)
    if answer.gateway:
        code = f"gateway {answer.gateway}"
        return CallRefusal(code, decision.answer_rule, rung=decision.answer_rung, gateway=answer.gateway)
    if answer.refuse and account.refuses_call(answer.refuse):
        rung = decision.answer_rung
        why = answer.why if rung is Rung.CIRCUMSTANCES else ""
        return CallRefusal(answer.refuse, decision.refusing_rule, rung=rung, why=why)
    return None


def does_the_work(decisions: Sequence[Decision]) -> bool:
    """Return True when the work of a call is done although its answer says otherwise."""
    return any(
        j.answer is not None and (j.answer.work_done or j.answer.drop is Drop.AFTER) for j in decisions
    )

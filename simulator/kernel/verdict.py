"""
What becomes of one call, and what is done to its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from simulator.kernel.account import Account
from simulator.kernel.judge import Judge, Judgement
from simulator.kernel.message import Message, Refused, Rung
from simulator.kernel.rule import AnswerFault, Drop
from simulator.kernel.submission import MessageKey
from simulator.kernel.webhook import Report

__all__ = ["CallRefusal", "Deferred", "Verdict", "answer_of", "does_the_work"]


class CallRefusal(NamedTuple):
    """
    Why a whole call is refused: the provider's code, the rule, and when a retry may help.
    """

    code: str
    rule: str
    retry_after_ms: int = 0
    rung: Rung = Rung.RULE


class Deferred(NamedTuple):
    """
    Work that a call leads to after its answer: the errand, and when it is due.
    """

    at_ms: int
    provider: str
    name: str
    run: Callable[[], Sequence[Report]]


class Verdict(Struct, kw_only=True):
    """
    What became of one call, and what is to be done to its answer.
    """

    outcomes: list[Message | Refused] = []
    """One per submission, in order; empty when the call was refused before any work."""
    refusal: CallRefusal | None = None
    stall_real_ms: int = 0
    drop: Drop | None = None
    damage: AnswerFault | None = None
    """What is to be done to the bytes of the answer."""
    damage_key: MessageKey | None = None
    """What draws the damage: the submission that the rule is about."""
    meddler: str = ""
    """The rule that does something to the answer itself; the first one, if there are several."""
    about: MessageKey | None = None
    """The submission that this rule applies to."""
    early: bool = False
    """Reports of this call are to be sent before its answer."""
    deferred: Deferred | None = None
    """Work that begins once the call is answered."""

    @property
    def spoilt(self) -> bool:
        """True when the client does not get to read what the provider answered to the work that was done."""
        damage = self.damage
        return (
            self.refusal is not None
            or self.drop is not None
            or (damage is not None and (damage.truncate or damage.garble))
        )


def answer_of(
    judged: Sequence[Judgement], accounts: Mapping[str, Account], judge: Judge, now_ms: int
) -> Verdict:
    """Return what is to be done to the answer of the call that these judgements are about."""
    verdict = Verdict()
    throttled: set[str] = set()
    for judgement in judged:
        answer = judgement.answer
        if answer is None:
            continue
        if answer.meddles and not verdict.meddler:
            verdict.meddler, verdict.about = judgement.answer_rule, judgement.key
        verdict.stall_real_ms = max(verdict.stall_real_ms, answer.stall_real_ms)
        verdict.drop = verdict.drop or answer.drop
        if verdict.damage is None and (answer.truncate or answer.garble or answer.drip_real_ms):
            verdict.damage, verdict.damage_key = answer, judgement.key
        if verdict.refusal is None:
            verdict.refusal = _refusal_of(judgement, answer, throttled, accounts, judge, now_ms)
    return verdict


def _refusal_of(
    judgement: Judgement,
    answer: AnswerFault,
    throttled: set[str],
    accounts: Mapping[str, Account],
    judge: Judge,
    now_ms: int,
) -> CallRefusal | None:
    account = accounts[judgement.submission.provider]
    if answer.throttle is not None and judgement.answer_rule not in throttled:
        throttled.add(judgement.answer_rule)
        wait_ms = judge.throttle(judgement.answer_rule, answer.throttle, now_ms)
        if wait_ms:
            return CallRefusal(account.throttled_code, judgement.answer_rule, wait_ms)
    if answer.refuse and account.refuses_call(answer.refuse):
        return CallRefusal(answer.refuse, judgement.refusing_rule, rung=judgement.answer_rung)
    return None


def does_the_work(judged: Sequence[Judgement]) -> bool:
    """Return True when the work of a call is done although its answer says otherwise."""
    return any(j.answer is not None and (j.answer.work_done or j.answer.drop is Drop.AFTER) for j in judged)

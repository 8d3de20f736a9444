"""
The intake: from what a call asks for to messages and refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from simulator.kernel.fates import MoveStep
from simulator.kernel.journal import EntryKind
from simulator.kernel.judge import Judgement
from simulator.kernel.lifecycle import Move, State
from simulator.kernel.message import Message, Refused, Rung, why_of
from simulator.kernel.rule import Drop
from simulator.kernel.submission import MessageKey, Submission
from simulator.kernel.verdict import Deferred, Verdict, answer_of, does_the_work
from simulator.kernel.webhook import Report

if TYPE_CHECKING:
    from simulator.kernel.simulation import Simulation

__all__ = ["Intake"]


class Intake:
    """
    Takes in submissions: gives each its ordinal, has it judged, and accepts or refuses it.
    """

    __slots__ = ("_ordinals", "_simulation")

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._ordinals: dict[tuple[str, str], int] = {}

    def submit(self, submissions: Sequence[Submission], *, unanswered: bool = False) -> Verdict:
        """
        Judge the submissions of one call together, then apply them all or none.

        With *unanswered*, the webhooks of the accepted messages wait until
        `answered` says that the call's answer is out.
        """
        judged = [
            self._simulation.judge.judge(s, self.take_key(s.provider, s.recipient)) for s in submissions
        ]
        verdict = self._answer(judged)
        if verdict.drop is Drop.BEFORE or (
            verdict.refusal and not verdict.outcomes and not does_the_work(judged)
        ):
            for judgement in judged:
                self._note_refusal(judgement, verdict)
            return verdict
        for judgement in judged:
            outcome = self.settle(judgement, unanswered)
            verdict.outcomes.append(outcome)
            if isinstance(outcome, Message):
                outcome.untold = verdict.spoilt
                if outcome.faults is not None and outcome.faults.early:
                    verdict.early = True
        return verdict

    def submit_later(
        self,
        submissions: Sequence[Submission],
        *,
        provider: str,
        at_ms: int,
        name: str = "",
        prepare: Callable[[Sequence[Submission]], Sequence[Submission]],
        done: Callable[[Sequence[Message | Refused]], Sequence[Report]],
    ) -> Verdict:
        """
        Judge the answer of a call now, and do its work at *at_ms*, for providers that answer first.

        Whatever rules do to the answer happens at once.  When the work is due,
        *prepare* makes the provider's own checks, the submissions are judged
        together as things stand then, and *done* says what the integrator is
        owed for it.  The work waits for `answered` in any case.
        """
        keys = [self.take_key(s.provider, s.recipient) for s in submissions]
        judged = [self._simulation.judge.judge(s, key) for s, key in zip(submissions, keys, strict=True)]
        verdict = self._answer(judged)
        if verdict.drop is Drop.BEFORE or (verdict.refusal and not does_the_work(judged)):
            for judgement in judged:
                self._note_refusal(judgement, verdict)
            return verdict

        def run() -> Sequence[Report]:
            due = [
                self._simulation.judge.judge(s, key)
                for s, key in zip(prepare(submissions), keys, strict=True)
            ]
            return done([self.settle(judgement, unanswered=False) for judgement in due])

        verdict.deferred = Deferred(at_ms, provider, " ".join([name, *map(str, keys[:1])]), run)
        return verdict

    def consult(self, provider: str, operation: str, credential: str) -> Verdict:
        """Return what rules do to the answer of a call that sends nothing."""
        if not self._simulation.judge.judges_calls(provider, operation):
            return Verdict()
        submission = Submission(provider=provider, recipient="", operation=operation, credential=credential)
        key = self.take_key(provider, f"({operation})")
        judgement = self._simulation.judge.judge_call(submission, key)
        verdict = self._answer([judgement])
        if verdict.refusal or verdict.drop is Drop.BEFORE:
            self._note_refusal(judgement, verdict)
        elif judgement.answer is not None and judgement.answer.refuse:
            self._simulation.journal.add(
                self._simulation.clock.now_ms,
                EntryKind.NOTE,
                provider=provider,
                what=f"{operation} was not refused: the code is about one recipient, and this call has none",
                why=why_of(Rung.RULE, judgement.answer_rule),
                code=judgement.answer.refuse,
            )
        return verdict

    def answered(self, verdict: Verdict) -> None:
        """Let the webhooks and the later work of a call go: its answer is out."""
        deferred = verdict.deferred
        if deferred is not None:
            verdict.deferred = None
            at_ms = max(deferred.at_ms, self._simulation.clock.now_ms)
            self._simulation.run_at(at_ms, deferred.provider, deferred.name, deferred.run)
        for outcome in verdict.outcomes:
            if isinstance(outcome, Message) and outcome.unanswered:
                outcome.unanswered = False
                for webhook in self._simulation.outbox.take_parked(outcome.key):
                    self._simulation.webhook_due(webhook)

    def next_key(self, provider: str, recipient: str) -> MessageKey:
        """Return the key that the next submission to *recipient* will have; takes nothing."""
        return MessageKey(provider, recipient, self._ordinals.get((provider, recipient), 0) + 1)

    def take_key(self, provider: str, recipient: str) -> MessageKey:
        """Return the key of the submission to *recipient* that is being made now."""
        ordinal = self._ordinals.get((provider, recipient), 0) + 1
        self._ordinals[provider, recipient] = ordinal
        return MessageKey(provider, recipient, ordinal)

    def _answer(self, judged: Sequence[Judgement]) -> Verdict:
        simulation = self._simulation
        return answer_of(judged, simulation.accounts, simulation.judge, simulation.clock.now_ms)

    def _note_refusal(self, judgement: Judgement, verdict: Verdict) -> None:
        refusal = verdict.refusal
        rule = refusal.rule if refusal else judgement.answer_rule
        refused = Refused(
            key=judgement.key,
            submission=judgement.submission,
            code=refusal.code if refusal else "",
            # A rule that throttles comes before what the recipient's circumstances would have refused.
            rung=Rung.RULE if rule or judgement.answer is None else judgement.answer_rung,
            rule=rule,
            at_ms=self._simulation.clock.now_ms,
        )
        self._simulation.register.note_refusal(refused)
        self._simulation.journal.add(
            refused.at_ms,
            EntryKind.REFUSED,
            key=refused.key,
            what="the call was refused" if refusal else "the connection was dropped before any work",
            why=why_of(refused.rung, refused.rule),
            code=refused.code,
        )

    def settle(self, judgement: Judgement, unanswered: bool) -> Message | Refused:
        """Accept or refuse what was judged."""
        answer = judgement.answer
        submission = judgement.submission
        refused = submission.refusal
        if not refused and answer is not None and not answer.work_done:
            refused = answer.refuse
        if refused:
            return self._refuse(judgement, refused)
        return self._accept(judgement, unanswered)

    def _refuse(self, judgement: Judgement, code: str) -> Refused:
        submission = judgement.submission
        rung = Rung.PROVIDER if submission.refusal else judgement.answer_rung
        why = judgement.answer.why if judgement.answer is not None and rung is Rung.CIRCUMSTANCES else ""
        draws = self._simulation.chance.of(*judgement.key)
        refused = Refused(
            key=judgement.key,
            submission=submission,
            code=code,
            id=submission.id or self._simulation.accounts[submission.provider].mint_id(judgement.key, draws),
            rung=rung,
            rule=judgement.refusing_rule,
            why=why,
            at_ms=self._simulation.clock.now_ms,
        )
        self._simulation.register.note_refusal(refused)
        self._simulation.journal.add(
            self._simulation.clock.now_ms,
            EntryKind.REFUSED,
            key=judgement.key,
            what="refused",
            why=why_of(rung, judgement.refusing_rule, why),
            ref=refused.id,
            code=code,
        )
        return refused

    def _accept(self, judgement: Judgement, unanswered: bool) -> Message:
        submission = judgement.submission
        account = self._simulation.accounts[submission.provider]
        now_ms = self._simulation.clock.now_ms
        default = account.default_fate(submission)
        draws = self._simulation.chance.of(*judgement.key)
        faults = judgement.webhooks
        if faults is not None:
            faults = faults.counted_from(self._simulation.scenario_start_ms)
        early = faults is not None and faults.early
        scheduled = submission.hold_until_ms > now_ms
        message = Message(
            key=judgement.key,
            id=submission.id or account.mint_id(judgement.key, draws),
            submission=submission,
            state=State.SCHEDULED if scheduled else State.ACCEPTED,
            accepted_ms=now_ms,
            changed_ms=now_ms,
            expires_ms=max(now_ms, submission.hold_until_ms) + submission.validity_ms,
            fate=judgement.fate.completed_by(default) if judgement.fate is not None else default,
            faults=faults,
            rung=judgement.fate_rung,
            rule=judgement.fate_rule,
            faults_rule=judgement.webhooks_rule,
            unanswered=unanswered and not early,
        )
        self._simulation.register.add(message)
        self._simulation.journal.add(
            now_ms,
            EntryKind.ACCEPTED,
            key=message.key,
            state=message.state,
            why=why_of(message.rung, message.rule),
            ref=message.id,
        )
        self._simulation.owe_for(message, account.changed(message, None))
        if scheduled:
            self._simulation.agenda.add(submission.hold_until_ms, MoveStep(message.key, Move.RELEASE))
        else:
            self._simulation.start(message, draws, at_once=early)
        return message

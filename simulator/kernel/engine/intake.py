"""
The intake: from what a call asks for to messages and refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from simulator.kernel.engine.call_result import CallResult, Deferred, answer_of, does_the_work
from simulator.kernel.engine.decide import Decision
from simulator.kernel.model.fates import MoveStep
from simulator.kernel.model.lifecycle import Move, State
from simulator.kernel.model.message import Message, Refused, Rung, why_of
from simulator.kernel.model.rules import Drop
from simulator.kernel.model.submission import MessageKey, Submission
from simulator.kernel.store.journal import EntryKind
from simulator.kernel.webhooks.webhook import Report

if TYPE_CHECKING:
    from simulator.kernel.engine.simulation import Simulation

__all__ = ["Intake"]


class Intake:
    """
    Takes in submissions: gives each its ordinal, has it decided, and accepts or refuses it.
    """

    __slots__ = ("_ordinals", "_simulation")

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._ordinals: dict[tuple[str, str], int] = {}

    def submit(self, submissions: Sequence[Submission], *, unanswered: bool = False) -> CallResult:
        """
        Ladder the submissions of one call together, then apply them all or none.

        With *unanswered*, the webhooks of the accepted messages wait until
        `answered` says that the call's answer is out.
        """
        decisions = [
            self._simulation.ladder.decide(s, self.take_key(s.provider, s.recipient)) for s in submissions
        ]
        result = self._answer(decisions)
        if result.drop is Drop.BEFORE or (
            result.refusal and not result.outcomes and not does_the_work(decisions)
        ):
            for decision in decisions:
                self._note_refusal(decision, result)
            return result
        for decision in decisions:
            outcome = self.settle(decision, unanswered)
            result.outcomes.append(outcome)
            if isinstance(outcome, Message):
                outcome.id_unknown = result.answer_lost
                if outcome.faults is not None and outcome.faults.early:
                    result.early = True
        return result

    def submit_later(
        self,
        submissions: Sequence[Submission],
        *,
        provider: str,
        at_ms: int,
        name: str = "",
        prepare: Callable[[Sequence[Submission]], Sequence[Submission]],
        done: Callable[[Sequence[Message | Refused]], Sequence[Report]],
    ) -> CallResult:
        """
        Ladder the answer of a call now, and do its work at *at_ms*, for providers that answer first.

        Whatever rules do to the answer happens at once.  When the work is due,
        *prepare* makes the provider's own checks, the submissions are decided
        together as things stand then, and *done* says what the integrator is
        owed for it.  The work waits for `answered` in any case.
        """
        keys = [self.take_key(s.provider, s.recipient) for s in submissions]
        decisions = [self._simulation.ladder.decide(s, key) for s, key in zip(submissions, keys, strict=True)]
        result = self._answer(decisions)
        if result.drop is Drop.BEFORE or (result.refusal and not does_the_work(decisions)):
            for decision in decisions:
                self._note_refusal(decision, result)
            return result

        def run() -> Sequence[Report]:
            due = [
                self._simulation.ladder.decide(s, key)
                for s, key in zip(prepare(submissions), keys, strict=True)
            ]
            return done([self.settle(decision, unanswered=False) for decision in due])

        result.deferred = Deferred(at_ms, provider, " ".join([name, *map(str, keys[:1])]), run)
        return result

    def consult(self, provider: str, operation: str, credential: str) -> CallResult:
        """Return what rules do to the answer of a call that sends nothing."""
        if not self._simulation.ladder.acts_on_calls(provider, operation):
            return CallResult()
        submission = Submission(provider=provider, recipient="", operation=operation, credential=credential)
        key = self.take_key(provider, f"({operation})")
        decision = self._simulation.ladder.decide_call(submission, key)
        result = self._answer([decision])
        if result.refusal or result.drop is Drop.BEFORE:
            self._note_refusal(decision, result)
        elif decision.answer is not None and decision.answer.refuse:
            self._simulation.journal.add(
                self._simulation.clock.now_ms,
                EntryKind.NOTE,
                provider=provider,
                what=f"{operation} was not refused: the code is about one recipient, and this call has none",
                why=why_of(Rung.RULE, decision.answer_rule),
                code=decision.answer.refuse,
            )
        return result

    def answered(self, result: CallResult) -> None:
        """Let the webhooks and the later work of a call go: its answer is out."""
        deferred = result.deferred
        if deferred is not None:
            result.deferred = None
            at_ms = max(deferred.at_ms, self._simulation.clock.now_ms)
            self._simulation.run_at(at_ms, deferred.provider, deferred.name, deferred.run)
        for outcome in result.outcomes:
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

    def _answer(self, decisions: Sequence[Decision]) -> CallResult:
        simulation = self._simulation
        return answer_of(decisions, simulation.accounts, simulation.ladder, simulation.clock.now_ms)

    def _note_refusal(self, decision: Decision, result: CallResult) -> None:
        refusal = result.refusal
        rule = refusal.rule if refusal else decision.answer_rule
        refused = Refused(
            key=decision.key,
            submission=decision.submission,
            code=refusal.code if refusal else "",
            # A rule that throttles comes before what the recipient's circumstances would have refused.
            rung=Rung.RULE if rule or decision.answer is None else decision.answer_rung,
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

    def settle(self, decision: Decision, unanswered: bool) -> Message | Refused:
        """Accept or refuse what was decided."""
        answer = decision.answer
        submission = decision.submission
        refused = submission.refusal
        if not refused and answer is not None and not answer.work_done:
            refused = answer.refuse
        if refused:
            return self._refuse(decision, refused)
        return self._accept(decision, unanswered)

    def _refuse(self, decision: Decision, code: str) -> Refused:
        submission = decision.submission
        rung = Rung.PROVIDER if submission.refusal else decision.answer_rung
        why = submission.refusal_why
        if decision.answer is not None and rung is Rung.CIRCUMSTANCES:
            why = decision.answer.why
        draws = self._simulation.chance.of(*decision.key)
        refused = Refused(
            key=decision.key,
            submission=submission,
            code=code,
            id=submission.id or self._simulation.accounts[submission.provider].mint_id(decision.key, draws),
            rung=rung,
            rule=decision.refusing_rule,
            why=why,
            at_ms=self._simulation.clock.now_ms,
        )
        self._simulation.register.note_refusal(refused)
        self._simulation.journal.add(
            self._simulation.clock.now_ms,
            EntryKind.REFUSED,
            key=decision.key,
            what="refused",
            why=why_of(rung, decision.refusing_rule, why),
            ref=refused.id,
            code=code,
        )
        return refused

    def _accept(self, decision: Decision, unanswered: bool) -> Message:
        submission = decision.submission
        account = self._simulation.accounts[submission.provider]
        now_ms = self._simulation.clock.now_ms
        default = account.default_fate(submission)
        draws = self._simulation.chance.of(*decision.key)
        faults = decision.webhooks
        if faults is not None:
            faults = faults.counted_from(self._simulation.scenario_start_ms)
        early = faults is not None and faults.early
        scheduled = submission.hold_until_ms > now_ms
        message = Message(
            key=decision.key,
            id=submission.id or account.mint_id(decision.key, draws),
            submission=submission,
            state=State.SCHEDULED if scheduled else State.ACCEPTED,
            accepted_ms=now_ms,
            changed_ms=now_ms,
            expires_ms=max(now_ms, submission.hold_until_ms) + submission.validity_ms,
            fate=decision.fate.completed_by(default) if decision.fate is not None else default,
            faults=faults,
            rung=decision.fate_rung,
            rule=decision.fate_rule,
            faults_rule=decision.webhooks_rule,
            unanswered=unanswered and not early,
        )
        hooks = self._simulation.hooks[submission.provider]
        if hooks.planned is not None:
            message.fate, message.expires_ms = hooks.planned(message)
        self._simulation.register.add(message)
        self._simulation.journal.add(
            now_ms,
            EntryKind.ACCEPTED,
            key=message.key,
            state=message.state,
            why=why_of(message.rung, message.rule),
            ref=message.id,
        )
        if hooks.noted is not None:
            hooks.noted(message, None)
        self._simulation.owe_for(message, account.reports_of(message, None))
        if scheduled:
            self._simulation.agenda.add(submission.hold_until_ms, MoveStep(message.key, Move.RELEASE))
        else:
            self._simulation.start(message, draws, at_once=early)
        return message

"""
The intake: from what a call asks for to messages and refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

from msgspec import structs

from simulator.kernel.engine.call_result import UNDECIDED, CallResult, Deferred, answer_of, does_the_work
from simulator.kernel.engine.decide import Decision, acts_on_calls, decide, decide_call
from simulator.kernel.engine.moves import start
from simulator.kernel.engine.owing import owe_for, webhook_due
from simulator.kernel.engine.state import SimulationState
from simulator.kernel.engine.steps import ProviderStep
from simulator.kernel.model.fates import MoveStep, station
from simulator.kernel.model.lifecycle import Move, State
from simulator.kernel.model.message import OWN_ID, UNANSWERED, Message, Refused, Rung
from simulator.kernel.model.rules import Drop
from simulator.kernel.model.submission import Submission
from simulator.kernel.model.turns import SLICE, at_once
from simulator.kernel.store.facts import AnswerUnread, RefusalLeftOut, Scope, SendRefused
from simulator.kernel.store.shared_facts import accepted
from simulator.kernel.webhooks.webhook import Report

__all__ = ["answered", "consult", "settle", "submit", "submit_later", "submitting", "unread"]


def submit(
    state: SimulationState, submissions: Sequence[Submission], *, unanswered: bool = False
) -> CallResult:
    """
    Decide the submissions of one call together, then apply them all or none.

    With *unanswered*, the webhooks of the accepted messages wait until
    `answered` says that the call's answer is out.
    """
    return at_once(submitting(state, submissions, unanswered=unanswered))


def submitting(
    state: SimulationState, submissions: Sequence[Submission], *, unanswered: bool = False
) -> Generator[None, None, CallResult]:
    """Do the same a slice at a time: between two of them others may have their turn."""
    decisions = []
    for number, submission in enumerate(submissions, 1):
        decisions.append(decide(state, submission, state.take_key(submission.provider, submission.recipient)))
        if number % SLICE == 0:
            yield
    result = answer_of(state, decisions)
    if result.drop is Drop.BEFORE or (
        result.refusal and not result.outcomes and not does_the_work(decisions)
    ):
        for decision in decisions:
            _note_refusal(state, decision, result)
        return result
    for number, decision in enumerate(decisions, 1):
        outcome = settle(state, decision, unanswered)
        result.outcomes.append(outcome)
        if isinstance(outcome, Message):
            if result.answer_lost:
                outcome.lose_answer(with_id=True)
            if outcome.faults is not None and outcome.faults.early:
                result.early = True
        if number % SLICE == 0:
            yield
    return result


def submit_later(
    state: SimulationState,
    submissions: Sequence[Submission],
    *,
    provider: str,
    at_ms: int,
    name: str = "",
    prepare: Callable[[Sequence[Submission]], Sequence[Submission]],
    done: Callable[[Sequence[Message | Refused]], Sequence[Report]],
) -> CallResult:
    """
    Decide the answer of a call now, and do its work at *at_ms*, for providers that answer first.

    Whatever rules do to the answer happens at once.  When the work is due,
    *prepare* makes the provider's own checks, the submissions are decided
    together as things stand then, and *done* says what the integrator is
    owed for it.  The work waits for `answered` in any case.
    """
    keys = [state.take_key(s.provider, s.recipient) for s in submissions]
    decisions = [decide(state, s, key) for s, key in zip(submissions, keys, strict=True)]
    result = answer_of(state, decisions)
    if result.drop is Drop.BEFORE or (result.refusal and not does_the_work(decisions)):
        for decision in decisions:
            _note_refusal(state, decision, result)
        return result

    def run() -> Sequence[Report]:
        due = [decide(state, s, key) for s, key in zip(prepare(submissions), keys, strict=True)]
        result.later = [settle(state, decision, unanswered=False) for decision in due]
        for outcome in result.later:
            if isinstance(outcome, Message) and result.answer_lost:
                # Ids are told later; that there will be any was in the answer.
                outcome.lose_answer(with_id=False)
        return done(result.later)

    result.deferred = Deferred(at_ms, provider, " ".join([name, *map(str, keys[:1])]), run)
    return result


def consult(
    state: SimulationState,
    provider: str,
    operation: str,
    credential: str,
    recipients: Callable[[], Sequence[str]] | None = None,
) -> CallResult:
    """
    Return what rules do to the answer of a call that sends nothing.

    A call about somebody is one more of its kind for each of its *recipients*, which draws
    and `nth` go by; they are asked for only where a rule may act.
    """
    if not acts_on_calls(state, provider, operation):
        return UNDECIDED
    decisions = [
        decide_call(
            state,
            Submission(provider=provider, recipient=recipient, operation=operation, credential=credential),
            state.take_key(provider, f"{recipient} ({operation})" if recipient else f"({operation})"),
        )
        for recipient in (recipients() if recipients is not None else ()) or ("",)
    ]
    result = answer_of(state, decisions)
    decided = [decision for decision in decisions if decision.answer is not None]
    if result.refusal or result.drop is Drop.BEFORE:
        for decision in decided:
            _note_refusal(state, decision, result)
        return result
    for decision in decided:
        if decision.answer is not None and decision.answer.refuse:
            fact = RefusalLeftOut(operation, decision.answer.refuse, decision.answer_rule)
            state.journal.add(state.clock.now_ms, fact, provider=provider)
    return result


def answered(state: SimulationState, result: CallResult) -> None:
    """Let the webhooks and the later work of a call go: its answer is out."""
    deferred = result.deferred
    if deferred is not None:
        result.deferred = None
        at_ms = max(deferred.at_ms, state.clock.now_ms)
        state.agenda.add(at_ms, ProviderStep(deferred.provider, deferred.name, deferred.run))
    for outcome in result.outcomes:
        if isinstance(outcome, Message) and outcome.unanswered:
            outcome.marks &= ~UNANSWERED
            for webhook in state.outbox.take_parked(outcome.key):
                webhook_due(state, webhook)


def unread(state: SimulationState, result: CallResult) -> None:
    """Note that whoever made a call was gone before its answer was read, and so cannot know what it did."""
    if result.answer_lost:
        return
    result.unread = True
    for outcome in (*result.outcomes, *result.later):
        if isinstance(outcome, Message):
            outcome.lose_answer(with_id=not result.later)
            state.journal.add(state.clock.now_ms, AnswerUnread(), key=outcome.key, ref=outcome.id)


def _note_refusal(state: SimulationState, decision: Decision, result: CallResult) -> None:
    refusal = result.refusal
    rule = refusal.rule if refusal else decision.answer_rule
    refused = Refused(
        key=decision.key,
        submission=decision.submission,
        code=refusal.code if refusal else "",
        # A rule that throttles comes before what the recipient's circumstances would have refused.
        rung=Rung.RULE if rule or decision.answer is None else decision.answer_rung,
        rule=rule,
        why=refusal.why if refusal else "",
        at_ms=state.clock.now_ms,
    )
    state.store.note_refusal(refused)
    result.refused.append(refused.key)
    scope = Scope.CALL if refusal else Scope.CONNECTION
    wait_ms = refusal.retry_after_ms if refusal else 0
    fact = SendRefused(scope, refused.code, refused.rung, refused.rule, refused.why, retry_after_ms=wait_ms)
    state.journal.add(refused.at_ms, fact, key=refused.key)


def settle(state: SimulationState, decision: Decision, unanswered: bool) -> Message | Refused:
    """Accept or refuse what was decided."""
    answer = decision.answer
    submission = decision.submission
    refused = submission.refusal
    if not refused and answer is not None and not answer.work_done:
        refused = answer.refuse
    if refused:
        return _refuse(state, decision, refused)
    return _accept(state, decision, unanswered)


def _refuse(state: SimulationState, decision: Decision, code: str) -> Refused:
    submission = decision.submission
    rung = Rung.PROVIDER if submission.refusal else decision.answer_rung
    why = submission.refusal_why
    if decision.answer is not None and rung is Rung.CIRCUMSTANCES:
        why = decision.answer.why
    draws = state.chance.of_message(decision.key)
    refused = Refused(
        key=decision.key,
        submission=submission,
        code=code,
        id=submission.id or state.accounts[submission.provider].mint_id(decision.key, draws),
        rung=rung,
        rule=decision.refusing_rule,
        why=why,
        at_ms=state.clock.now_ms,
    )
    state.store.note_refusal(refused)
    fact = SendRefused(Scope.RECIPIENT, code, rung, decision.refusing_rule, why)
    state.journal.add(state.clock.now_ms, fact, key=decision.key, ref=refused.id)
    return refused


def _accept(state: SimulationState, decision: Decision, unanswered: bool) -> Message:
    submission = decision.submission
    account = state.accounts[submission.provider]
    now_ms = state.clock.now_ms
    draws = state.chance.of_message(decision.key)
    ruling = state.rulings.of(
        decision.fate,
        account.default_fate(submission),
        decision.webhooks,
        state.scenario_start_ms,
        decision.fate_rung,
        decision.fate_rule,
        decision.webhooks_rule,
    )
    early = ruling.faults is not None and ruling.faults.early
    scheduled = submission.hold_until_ms > now_ms
    mould, text = state.moulds.of(submission)
    message = Message(
        key=decision.key,
        id=submission.id or account.mint_id(decision.key, draws),
        mould=mould,
        text=text,
        hold_until_ms=submission.hold_until_ms,
        state=State.SCHEDULED if scheduled else State.ACCEPTED,
        accepted_ms=now_ms,
        changed_ms=now_ms,
        valid_ms=submission.validity_ms,
        ruling=ruling,
        marks=(OWN_ID if submission.id else 0) | (UNANSWERED if unanswered and not early else 0),
    )
    hooks = state.hooks[submission.provider]
    if hooks.planned is not None:
        fate, expires_ms = hooks.planned(message)
        if fate is not ruling.fate:
            message.ruling = structs.replace(ruling, fate=fate)
        message.valid_ms += expires_ms - message.expires_ms
    state.store.add(message)
    fact = accepted(message.state, ruling.rung, ruling.rule)
    state.journal.add(now_ms, fact, key=message.key, ref=message.id)
    if hooks.noted is not None:
        hooks.noted(message, None)
    owe_for(state, message, account.reports_of(message, None))
    if scheduled:
        state.agenda.add(submission.hold_until_ms, MoveStep(message.key, station(Move.RELEASE)))
    else:
        start(state, message, draws, at_once=early)
    return message

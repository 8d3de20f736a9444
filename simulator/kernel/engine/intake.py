"""
The intake: from what a call asks for to messages and refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from msgspec import structs

from simulator.kernel.engine.call_result import (
    UNDECIDED,
    CallResult,
    Deferred,
    Later,
    answer_of,
    does_the_work,
)
from simulator.kernel.engine.decide import Decision, acts_on_calls, decide, decide_call
from simulator.kernel.engine.moves import start
from simulator.kernel.engine.owing import owe_for, webhook_due
from simulator.kernel.engine.state import SimulationState
from simulator.kernel.engine.steps import WorkStep
from simulator.kernel.model.fates import MoveStep, station
from simulator.kernel.model.lifecycle import Move, State
from simulator.kernel.model.message import OWN_ID, UNANSWERED, Message, Refused, Rung
from simulator.kernel.model.rules import Drop
from simulator.kernel.model.submission import MessageKey, Submission
from simulator.kernel.model.turns import SLICE, InTurns, at_once, gathered, whole
from simulator.kernel.store.facts import AnswerUnread, RefusalLeftOut, Scope, SendRefused
from simulator.kernel.store.shared_facts import accepted
from simulator.kernel.webhooks.webhook import Report

__all__ = [
    "answered",
    "answering",
    "consult",
    "consulting",
    "settle",
    "submit",
    "submitting",
    "submitting_later",
    "unread",
]

_FEW: Final = 3


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
) -> InTurns[CallResult]:
    """Do the same in turns: others may have theirs between two submissions."""
    # What asks for a message or two is over before anybody could have a turn.
    many = len(submissions) > _FEW
    decisions = []
    for submission in submissions:
        decisions.append(
            decide(state, submission, state.numbering.take_key(submission.provider, submission.recipient))
        )
        if many:
            yield
    result = answer_of(state, decisions)
    if result.drop is Drop.BEFORE or (result.refusal and not does_the_work(decisions)):
        yield from _note_refusals(state, decisions, result)
        return result
    for decision in decisions:
        outcome = settle(state, decision, unanswered)
        result.outcomes.append(outcome)
        if isinstance(outcome, Message):
            if result.answer_lost:
                outcome.lose_answer(with_id=True)
            if outcome.faults is not None and outcome.faults.early:
                result.early = True
        if many:
            yield
    return result


def submitting_later(
    state: SimulationState, submissions: Sequence[Submission], provider: str, later: Later
) -> InTurns[CallResult]:
    """
    Decide the answer of a call now, and do its work *later*, for providers that answer first.

    Whatever rules do to the answer happens at once.  When the work is due,
    `prepare` makes the provider's own checks, the submissions are decided
    together as things stand then, and `done` says what the integrator is
    owed for it.  The work waits for `answered` in any case.
    """
    keys = yield from gathered(
        state.numbering.take_key(each.provider, each.recipient) for each in submissions
    )
    decisions = yield from gathered(map(partial(decide, state), submissions, keys))
    result = answer_of(state, decisions)
    if result.drop is Drop.BEFORE or (result.refusal and not does_the_work(decisions)):
        yield from _note_refusals(state, decisions, result)
        return result
    work = _working(state, submissions, keys, later, result)
    name = " ".join([later.name, *map(str, keys[:1])])
    result.deferred = Deferred(later.at_ms, provider, name, work, later.in_turns)
    return result


def _working(
    state: SimulationState,
    submissions: Sequence[Submission],
    keys: Sequence[MessageKey],
    later: Later,
    result: CallResult,
) -> InTurns[Sequence[Report]]:
    """Do the work of a call whose answer is out; return what is owed for it."""
    prepared = yield from gathered(later.prepare(submissions))
    due = yield from gathered(map(partial(decide, state), prepared, keys))
    outcomes: list[Message | Refused] = []
    result.later = outcomes
    for decision in due:
        outcome = settle(state, decision, unanswered=False)
        outcomes.append(outcome)
        if isinstance(outcome, Message) and result.answer_lost:
            # Ids are told later; that there will be any was in the answer.
            outcome.lose_answer(with_id=False)
        yield
    return (yield from whole(later.done(outcomes)))


def consult(state: SimulationState, provider: str, operation: str, credential: str) -> CallResult:
    """Return what rules do to the answer of a call that sends nothing and is about nobody."""
    return at_once(consulting(state, provider, operation, credential, lambda: ()))


def consulting(
    state: SimulationState,
    provider: str,
    operation: str,
    credential: str,
    recipients: Callable[[], Sequence[str]],
) -> InTurns[CallResult]:
    """
    Return what rules do to the answer of a call that sends nothing.

    A call about somebody is one more of its kind for each of its *recipients*, which draws
    and `nth` go by; they are asked for only where a rule may act.
    """
    if not acts_on_calls(state, provider, operation):
        return UNDECIDED
    decisions = yield from gathered(
        decide_call(
            state,
            Submission(provider=provider, recipient=recipient, operation=operation, credential=credential),
            state.numbering.take_key(
                provider, f"{recipient} ({operation})" if recipient else f"({operation})"
            ),
        )
        for recipient in recipients() or ("",)
    )
    result = answer_of(state, decisions)
    decided = [decision for decision in decisions if decision.answer is not None]
    if result.refusal or result.drop is Drop.BEFORE:
        yield from _note_refusals(state, decided, result)
        return result
    for decision in decided:
        if decision.answer is not None and decision.answer.refuse:
            fact = RefusalLeftOut(operation, decision.answer.refuse, decision.answer_rule)
            state.journal.add(state.clock.now_ms, fact, provider=provider)
        yield
    return result


def answered(state: SimulationState, result: CallResult) -> None:
    """Let the webhooks and the later work of a call go: its answer is out."""
    _let_work_go(state, result)
    for outcome in result.outcomes:
        _let_go(state, outcome)


def answering(state: SimulationState, result: CallResult) -> InTurns[None]:
    """Do the same in turns, for a call that asked for thousands."""
    _let_work_go(state, result)
    for number, outcome in enumerate(result.outcomes, 1):
        _let_go(state, outcome)
        if number % SLICE == 0:
            yield


def _let_work_go(state: SimulationState, result: CallResult) -> None:
    deferred = result.deferred
    if deferred is not None:
        result.deferred = None
        at_ms = max(deferred.at_ms, state.clock.now_ms)
        state.agenda.add(at_ms, WorkStep(*deferred[1:]))


def _let_go(state: SimulationState, outcome: Message | Refused) -> None:
    if isinstance(outcome, Message) and outcome.unanswered:
        outcome.marks &= ~UNANSWERED
        for webhook in state.outbox.take_parked(outcome.key):
            webhook_due(state, webhook)


def unread(state: SimulationState, result: CallResult) -> InTurns[None]:
    """
    Note that whoever made a call was gone before its answer was read, and so cannot know what it did.

    That is known from now on; of what was done already it is noted in turns.
    """
    outcomes: list[Message | Refused] = []
    if not result.answer_lost:
        result.unread = True
        outcomes += (*result.outcomes, *result.later)
    return _noting_unread(state, outcomes, with_id=not result.later)


def _noting_unread(
    state: SimulationState, outcomes: Sequence[Message | Refused], *, with_id: bool
) -> InTurns[None]:
    for outcome in outcomes:
        if isinstance(outcome, Message):
            outcome.lose_answer(with_id=with_id)
            state.journal.add(state.clock.now_ms, AnswerUnread(), key=outcome.key, ref=outcome.id)
            yield


def _note_refusals(
    state: SimulationState, decisions: Sequence[Decision], result: CallResult
) -> InTurns[None]:
    for decision in decisions:
        _note_refusal(state, decision, result)
        yield


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

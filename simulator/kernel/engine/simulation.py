"""
One space's simulation: the face of its state, and the only thing that others change it through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from simulator.kernel.engine.account import Account, hooks_of
from simulator.kernel.engine.acts import act_of, try_act
from simulator.kernel.engine.arrivals import ActsStep, StormStep, inject_acts, inject_storm
from simulator.kernel.engine.call_result import CallResult, Later
from simulator.kernel.engine.contradiction import contradict
from simulator.kernel.engine.decide import Considered, considered
from simulator.kernel.engine.intake import (
    answered,
    answering,
    consult,
    consulting,
    submit,
    submitting,
    submitting_later,
    unread,
)
from simulator.kernel.engine.moves import (
    IllegalMove,
    change_recipient,
    changing_recipient,
    move_by_command,
    reschedule,
    suspend,
    take_step,
    wake,
    wake_rest,
)
from simulator.kernel.engine.owing import attempted, owe_all, request_for, webhook_due
from simulator.kernel.engine.rule_index import RuleIndex
from simulator.kernel.engine.script import add_rule, configure, loading, timeline_due
from simulator.kernel.engine.state import SimulationState
from simulator.kernel.engine.steps import (
    ActStep,
    Contradiction,
    ProviderStep,
    TimelineStep,
    Unfinished,
    Wake,
    WakeRest,
    WorkStep,
)
from simulator.kernel.model.clock import Clock
from simulator.kernel.model.fates import MoveStep
from simulator.kernel.model.lifecycle import Move
from simulator.kernel.model.message import Message, Refused, Rung
from simulator.kernel.model.people import People, Person
from simulator.kernel.model.recipient import Directory, Value
from simulator.kernel.model.rules import Act, Rule
from simulator.kernel.model.scenario import Scenario
from simulator.kernel.model.submission import MessageKey, Reason, Submission
from simulator.kernel.model.turns import InTurns, at_once
from simulator.kernel.store.agenda import Step
from simulator.kernel.store.journal import Journal
from simulator.kernel.store.messages import MESSAGES_MAX
from simulator.kernel.webhooks.webhook import Attempt, Report, Webhook, WebhookRequest

__all__ = ["IllegalMove", "Simulation"]


def _never() -> bool:
    return False


class Simulation:
    """
    Messages, recipients, rules, agenda, webhooks and journal of one space.

    Passive: it changes when something is submitted, commanded, or when the
    driver lets the next instant happen (`fire`).
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        clock: Clock | None = None,
        journal: Journal | None = None,
        messages_max: int = MESSAGES_MAX,
    ) -> None:
        state = SimulationState(
            seed=seed,
            clock=clock if clock is not None else Clock(),
            journal=journal if journal is not None else Journal(),
            messages_max=messages_max,
        )
        self.state = state
        # What is the same object for ever stands here too, for those who ask often.
        self.accounts = state.accounts
        self.agenda = state.agenda
        self.chance = state.chance
        self.clock = state.clock
        self.directory = state.directory
        self.journal = state.journal
        self.outbox = state.outbox
        self.messages: dict[MessageKey, Message] = state.store.messages
        """Every message by key, the oldest first."""
        self.refusals: dict[MessageKey, Refused] = state.store.refusals
        """The last submissions that were refused."""

    @property
    def scenario(self) -> Scenario:
        """The scenario in force."""
        return self.state.scenario

    @property
    def people(self) -> People:
        """Who is behind the numbers."""
        return self.state.people

    # -- set-up ---------------------------------------------------------------------------------

    def add_account(self, provider: str, account: Account) -> None:
        """Give the space an account at *provider*."""
        self.accounts[provider] = account
        self.state.hooks[provider] = hooks_of(account)

    def configure(self, provider: str, settings: Mapping[str, object]) -> None:
        """Change settings of the account at *provider* from now on."""
        configure(self.state, provider, settings)

    @property
    def untouched(self) -> bool:
        """True while nobody has sent or done anything, so that nothing was drawn for anybody."""
        return self.state.numbering.untouched

    def load(self, scenario: Scenario, crowd: Sequence[Person] = ()) -> None:
        """
        Replace the scenario; its timeline and windows count from now, its people come from *crowd*.

        Messages on their way keep the fate they have, changed circumstances stay.
        """
        at_once(self.loading(scenario, crowd))

    def loading(self, scenario: Scenario, crowd: Sequence[Person] = ()) -> InTurns[None]:
        """Do the same in turns."""
        return loading(self.state, scenario, crowd)

    def add_rule(self, rule: Rule) -> None:
        """Put *rule* in force, before those that are; `during` counts from the start of their scenario."""
        add_rule(self.state, rule)

    def dissolving(self) -> InTurns[None]:
        """Let go of everything in turns: the space is gone, and freeing all at once would take long."""
        state = self.state
        state.outbox.clear()
        for table in (state.outbox.webhooks, state.store.messages, state.store.refusals):
            while table:
                table.popitem()
                yield
        yield from state.agenda.emptying()
        yield from state.journal.emptying()
        state.timeline, state.scenario, state.rules = [], Scenario(), RuleIndex()
        self.directory = state.directory = Directory()

    # -- sending --------------------------------------------------------------------------------

    def submit(self, submissions: Sequence[Submission], *, unanswered: bool = False) -> CallResult:
        """
        Decide the submissions of one call together, then apply them all or none.

        With *unanswered*, the webhooks of the accepted messages wait until
        `answered` says that the call's answer is out.
        """
        return submit(self.state, submissions, unanswered=unanswered)

    def submitting(self, submissions: Sequence[Submission]) -> InTurns[CallResult]:
        """Do the same for a call whose answer is not out, in turns."""
        return submitting(self.state, submissions, unanswered=True)

    def submitting_later(
        self, submissions: Sequence[Submission], provider: str, later: Later
    ) -> InTurns[CallResult]:
        """Decide the answer of a call now, and do its work *later*; see `intake.submitting_later`."""
        return submitting_later(self.state, submissions, provider, later)

    def consult(self, provider: str, operation: str, credential: str) -> CallResult:
        """Return what rules do to the answer of a call that sends nothing and is about nobody."""
        return consult(self.state, provider, operation, credential)

    def consulting(
        self, provider: str, operation: str, credential: str, recipients: Callable[[], Sequence[str]]
    ) -> InTurns[CallResult]:
        """Do the same for a call about *recipients*, in turns."""
        return consulting(self.state, provider, operation, credential, recipients)

    def told_to_wait(self, result: CallResult, retry_after_s: int) -> None:
        """Note that the answer to a call that was refused whole says when to come back."""
        for key in result.refused:
            if (refused := self.refusals.get(key)) is not None:
                self.state.store.refusals[key] = replace(refused, retry_after_s=retry_after_s)

    def answered(self, result: CallResult) -> None:
        """Let the webhooks and the later work of a call go: its answer is out."""
        answered(self.state, result)

    def answering(self, result: CallResult) -> InTurns[None]:
        """Do the same in turns, for a call that asked for thousands."""
        return answering(self.state, result)

    def unread(self, result: CallResult) -> InTurns[None]:
        """Note in turns that whoever made a call was gone before its answer was read."""
        return unread(self.state, result)

    def next_key(self, provider: str, recipient: str) -> MessageKey:
        """Return the key that the next submission to *recipient* will have; takes nothing."""
        return self.state.numbering.next_key(provider, recipient)

    def take_key(self, provider: str, recipient: str) -> MessageKey:
        """Return the key of the submission to *recipient* that is being made now."""
        return self.state.numbering.take_key(provider, recipient)

    def considered(self, submission: Submission, key: MessageKey, at_ms: int) -> Sequence[Considered]:
        """Return every rule with the reasons why it did not apply to *submission* at *at_ms*."""
        return list(considered(self.state, submission, key, at_ms))

    # -- time -----------------------------------------------------------------------------------

    def next_due(self) -> int | None:
        """Return the next instant at which anything happens, or None."""
        return self.agenda.next_due()

    def fire(self, at_ms: int, slice_max: int = 5_000, enough: Callable[[], bool] = _never) -> bool:
        """
        Move the clock to *at_ms* and let what is due there happen, a slice at a time.

        A slice ends after so many steps, or when somebody has had *enough*, be it in the
        midst of a long step.  Returns True when the instant is not over yet: call again.
        Where slices end changes nothing of what happens, nor its order.
        """
        self.clock.advance_to(at_ms)
        while steps := self.agenda.take(at_ms, slice_max):
            slice_max -= len(steps)
            if not self._let_happen(steps, enough) or slice_max <= 0:
                due_ms = self.agenda.next_due()
                return due_ms is not None and due_ms <= at_ms
        return False

    def _let_happen(self, steps: list[Step], enough: Callable[[], bool]) -> bool:
        """Let steps happen, one after the other; return whether that was all of them."""
        state = self.state
        done = 0
        try:
            for step in steps:
                done += 1
                work = _begin(state, step)
                if work is not None and not _carry_on(work, enough):
                    done -= 1
                    steps[done] = Unfinished(step, work)
                    return False
        finally:
            state.steps_done += done
            if done < len(steps):
                # A step that fails must not take the others of its instant with it.
                self.agenda.give_back(steps[done:])
        return True

    @property
    def settled(self) -> bool:
        """True when nothing is due and nothing is in flight."""
        return self.next_due() is None and self.outbox.in_flight == 0

    # -- commands -------------------------------------------------------------------------------

    def message(self, provider: str, message_id: str) -> Message | None:
        """Return the latest message with this id at *provider*, or None."""
        return self.state.store.find(provider, message_id)

    def names_of(self, submission: Submission) -> Mapping[str, str]:
        """Return what else a submission goes by, such as the id of its call, in its provider's words."""
        names_of = self.state.hooks[submission.provider].names_of
        return {} if names_of is None else names_of(submission)

    def found_by(self, submission: Submission) -> Sequence[str]:
        """Return every id by which a submission may be looked up, beside its own."""
        found_by = self.state.hooks[submission.provider].found_by
        return [*self.names_of(submission).values(), *(found_by(submission) if found_by is not None else ())]

    def move(
        self,
        message: Message,
        move: Move,
        code: str = "",
        reason: Reason = Reason.NONE,
        *,
        by: Rung = Rung.CONTROL,
    ) -> None:
        """
        Move a message now; its story says *by* whom: the test, unless a client's own call did it.

        Raises IllegalMove when the state table or the recipient forbids it.
        """
        move_by_command(self.state, message, move, code, reason, by)

    def reschedule(self, message: Message, at_ms: int) -> None:
        """Move the sending of a scheduled message to *at_ms*; its old step leaves the agenda."""
        reschedule(self.state, message, at_ms)

    def suspend(self, message: Message) -> None:
        """Take the sending of a scheduled message off the agenda, until it is rescheduled."""
        suspend(self.state, message)

    def change_recipient(
        self, pattern: str, traits: Mapping[str, Value], why: str = "control", *, span_ms: int | None = None
    ) -> None:
        """Change circumstances of an address or a prefix (`+4179*`) from now on, or for *span_ms*."""
        change_recipient(self.state, pattern, traits, why, span_ms)

    def changing_recipient(
        self, pattern: str, traits: Mapping[str, Value], why: str = "control", *, span_ms: int | None = None
    ) -> InTurns[None]:
        """Do the same in turns, for many may be back."""
        return changing_recipient(self.state, pattern, traits, why, span_ms)

    def act(self, provider: str, recipient: str, act: Act) -> Sequence[Report]:
        """
        Let a recipient do something; return what the integrator is owed for it.

        Raises ImpossibleAct when this recipient cannot do that at *provider*.
        """
        return act_of(self.state, provider, recipient, act)

    def run_at(self, at_ms: int, provider: str, name: str, run: Callable[[], Sequence[Report]]) -> None:
        """Let a provider do something of its own at *at_ms*; *name* puts those of one instant in order."""
        self.agenda.add(at_ms, ProviderStep(provider, name, run))

    def owe(self, report: Report) -> None:
        """Owe the integrator a report that no message caused."""
        owe_all(self.state, [report])

    def attempted(self, webhook: Webhook, attempt: Attempt) -> None:
        """Record an attempt at a webhook, and what the account makes of the integrator's answer to it."""
        attempted(self.state, webhook, attempt)

    def request_for(self, webhook: Webhook, attempt: int = 0) -> WebhookRequest:
        """Return the request of a webhook's *attempt* (0: the next one), damaged if a rule wants it."""
        return request_for(self.state, webhook, attempt)


def _carry_on(work: InTurns[None], enough: Callable[[], bool]) -> bool:
    """Go on with *work* until somebody has had enough; return whether that was all of it."""
    return all(not enough() for _ in work)


def _begin(state: SimulationState, step: Step) -> InTurns[None] | None:
    """Let a step happen; return what may take longer, to be carried out in turns."""
    match step:
        case MoveStep():
            take_step(state, step)
        case Webhook():
            webhook_due(state, step)
        case Unfinished(work=work):
            return work
        case TimelineStep():
            return timeline_due(state, step.item, step.number)
        case Wake(recipient=recipient):
            state.waiting.came(recipient, state.clock.now_ms)
            if recipient in state.waiting:
                return wake(state, recipient)
        case WakeRest():
            return wake_rest(state, step)
        case ActStep():
            return _acting(state, step)
        case Contradiction(key=key):
            contradict(state, key)
        case StormStep():
            return inject_storm(state, step)
        case ActsStep():
            return inject_acts(state, step)
        case ProviderStep():
            return _owing(state, step.run())
        case WorkStep():
            return _working(state, step)
    return None


def _acting(state: SimulationState, step: ActStep) -> InTurns[None]:
    try_act(state, step.provider, step.recipient, step.act, by="reply", about=step.about)
    yield


def _working(state: SimulationState, step: WorkStep) -> InTurns[None]:
    reports = (yield from step.work) if step.in_turns else at_once(step.work)
    yield from _owing(state, reports)


def _owing(state: SimulationState, reports: Sequence[Report]) -> InTurns[None]:
    for report in reports:
        owe_all(state, [report])
        yield

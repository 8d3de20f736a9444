"""
One space's simulation: the only thing that changes its state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from simulator.kernel.engine.account import Account, Hooks, ImpossibleAct, hooks_of
from simulator.kernel.engine.arrivals import ActsStep, StormStep, inject_acts, inject_storm
from simulator.kernel.engine.call_result import CallResult
from simulator.kernel.engine.contradiction import contradict, plan_contradiction
from simulator.kernel.engine.decide import Ladder
from simulator.kernel.engine.intake import Intake
from simulator.kernel.engine.steps import ActStep, Contradiction, ProviderStep, TimelineStep, Wake
from simulator.kernel.model.chance import Chance, Draws
from simulator.kernel.model.clock import Clock
from simulator.kernel.model.fates import Ending, MoveStep, drawn, plan
from simulator.kernel.model.lifecycle import TERMINAL, Move, State, next_state
from simulator.kernel.model.message import Message, Rung, why_of
from simulator.kernel.model.people import People, Person
from simulator.kernel.model.recipient import Directory, Value
from simulator.kernel.model.rules import Act
from simulator.kernel.model.scenario import Scenario, TimelineItem
from simulator.kernel.model.submission import MessageKey, Reason, Submission
from simulator.kernel.store.agenda import Agenda
from simulator.kernel.store.journal import EntryKind, Journal
from simulator.kernel.store.messages import MessageStore
from simulator.kernel.store.waiting import WaitingRoom
from simulator.kernel.webhooks.damage import damaged
from simulator.kernel.webhooks.outbox import Outbox
from simulator.kernel.webhooks.webhook import Attempt, Report, Webhook, WebhookPolicy, WebhookRequest

__all__ = ["IllegalMove", "Simulation"]


class IllegalMove(ValueError):
    """
    A command cannot apply; the text says what stands against it.
    """


_MESSAGES_MAX = 1_000_000
_IMPOSSIBLE_MAX = 100


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
        messages_max: int = _MESSAGES_MAX,
    ) -> None:
        self.clock = clock if clock is not None else Clock()
        self.steps_done = 0
        """How many steps have fallen due so far; with the clock, it tells a moment from all others."""
        self.chance = Chance(seed)
        self.journal = journal if journal is not None else Journal()
        self.agenda = Agenda()
        self.directory = Directory()
        self.people = People((), self.chance)
        self.impossible_acts: list[str] = []
        """What the scenario wanted recipients to do and they could not; the first few."""
        self.accounts: dict[str, Account] = {}
        self.hooks: dict[str, Hooks] = {}
        """What accounts do beyond what all must, by provider."""
        self.outbox = Outbox(
            self.agenda, self.journal, self.chance, self._policy_of, self._signs, self._again
        )
        self.register = MessageStore(messages_max)
        self.intake = Intake(self)
        self.scenario = Scenario()
        self.rule_lines: dict[str, int] = {}
        """Where each rule stands in its file, by name."""
        self.scenario_start_ms = 0
        self.scenario_seq = 0
        self.ladder = Ladder(self)
        self._waiting = WaitingRoom()
        self._timeline: list[tuple[int, TimelineStep]] = []
        self.configured: Callable[[], None] = lambda: None
        """Called when settings of an account have changed."""

    # -- set-up ---------------------------------------------------------------------------------

    def add_account(self, provider: str, account: Account) -> None:
        """Give the space an account at *provider*."""
        self.accounts[provider] = account
        self.hooks[provider] = hooks_of(account)

    def configure(self, provider: str, settings: Mapping[str, object]) -> None:
        """Change settings of the account at *provider* from now on."""
        self.accounts[provider].configure(settings)
        what = f"settings changed: {', '.join(sorted(settings))}"
        self.journal.add(self.clock.now_ms, EntryKind.SETTINGS, provider=provider, what=what)
        self.configured()

    def load(self, scenario: Scenario, crowd: Sequence[Person] = ()) -> None:
        """
        Replace the scenario; its timeline and windows count from now, its people come from *crowd*.

        Messages on their way keep the fate they have, changed circumstances stay.
        """
        for at_ms, step in self._timeline:
            self.agenda.remove(at_ms, step)
        now_ms = self.clock.now_ms
        self.scenario = scenario
        self.rule_lines = {rule.name: rule.line for rule in scenario.rules}
        self.people = People(crowd, self.chance)
        self.scenario_start_ms = now_ms
        self.ladder = Ladder(self)
        self.directory.load(scenario.recipients, now_ms)
        self._timeline = [
            (now_ms + item.at_ms, TimelineStep(number, item)) for number, item in enumerate(scenario.timeline)
        ]
        for at_ms, step in self._timeline:
            self.agenda.add(at_ms, step)
        entry = self.journal.add(now_ms, EntryKind.SCENARIO, what=f'scenario "{scenario.name}" is in force')
        self.scenario_seq = entry.seq
        self._wake_all()

    # -- sending --------------------------------------------------------------------------------

    @property
    def messages(self) -> dict[MessageKey, Message]:
        """Every message by key, the oldest first."""
        return self.register.messages

    def submit(self, submissions: Sequence[Submission], *, unanswered: bool = False) -> CallResult:
        """Ladder the submissions of one call together, then apply them all or none; see `Intake`."""
        return self.intake.submit(submissions, unanswered=unanswered)

    def answered(self, result: CallResult) -> None:
        """Let the webhooks and the later work of a call go: its answer is out."""
        self.intake.answered(result)

    def start(self, message: Message, draws: Draws, *, at_once: bool = False) -> None:
        """Lay out what becomes of a message from now on; *at_once*: let it all happen now."""
        now_ms = self.clock.now_ms
        steps = plan(message.fate, message.key, draws, now_ms, message.expires_ms)
        for at_ms, step in steps:
            if at_once:
                self._step(step)
            else:
                self.agenda.add(at_ms, step)

    # -- time -----------------------------------------------------------------------------------

    def next_due(self) -> int | None:
        """Return the next instant at which anything happens, or None."""
        return self.agenda.next_due()

    def fire(self, at_ms: int, slice_max: int = 5_000) -> bool:
        """
        Move the clock to *at_ms* and let what is due there happen, a slice at a time.

        Returns True when the instant is not over yet: call again.
        """
        self.clock.advance_to(at_ms)
        steps = self.agenda.take(at_ms, slice_max)
        done = 0
        try:
            for step in steps:
                done += 1
                self._do(step)
        finally:
            self.steps_done += done
            # A step that fails must not take the others of its instant with it.
            for step in steps[done:]:
                self.agenda.add(at_ms, step)
        due_ms = self.agenda.next_due()
        return due_ms is not None and due_ms <= at_ms

    def _do(self, step: object) -> None:
        match step:
            case MoveStep():
                self._step(step)
            case Webhook():
                self.webhook_due(step)
            case TimelineStep(item=item):
                self._happen(item, step.number)
            case Wake(recipient=recipient):
                self._waiting.came(recipient, self.clock.now_ms)
                if recipient in self._waiting:
                    self._wake(recipient)
            case ActStep():
                self.try_act(step.provider, step.recipient, step.act, why="reply")
            case Contradiction(key=key):
                contradict(self, key)
            case StormStep():
                inject_storm(self, step)
            case ActsStep():
                inject_acts(self, step)
            case ProviderStep():
                self._owe_all(step.run())

    def webhook_due(self, webhook: Webhook) -> None:
        """Send a webhook, unless one of its messages' calls has not been answered yet."""
        for report in webhook.reports:
            message = self.messages.get(report.key) if report.key is not None else None
            if message is not None and message.unanswered:
                self.outbox.due(webhook, message)
                return
        self.outbox.due(webhook, None)

    def _step(self, step: MoveStep) -> None:
        message = self.messages.get(step.key)
        if message is None:
            return
        if step.move is Move.RELEASE and message.submission.hold_until_ms > self.clock.now_ms:
            return
        state = next_state(message.state, step.move)
        if state is None:
            self._lapse(message, step)
        elif step.move is Move.DELIVER and not self._reachable(step.key.recipient):
            if message.submission.ephemeral:
                why = "the recipient is unreachable"
                self._change(message, Move.FAIL, State.FAILED, "", Reason.ABSENT, why)
            else:
                self._wait(message)
        else:
            self._change(message, step.move, state, step.code, step.reason)
            if step.move is Move.RELEASE:
                self.start(message, self.chance.of(*message.key))

    def _lapse(self, message: Message, step: MoveStep) -> None:
        self.journal.add(
            self.clock.now_ms,
            EntryKind.LAPSED,
            key=message.key,
            what=f"{step.move.value} has lapsed, the message is {message.state.value}",
            ref=message.id,
        )

    def _change(
        self, message: Message, move: Move, state: State, code: str, reason: Reason, why: str = ""
    ) -> None:
        now_ms = self.clock.now_ms
        if message.state is State.WAITING:
            self._waiting.leave(message.key)
            at_ms, expiry = _expiry(message)
            if move is not Move.EXPIRE or now_ms < at_ms:
                # It will not expire any more, so nothing is due then on its account.
                self.agenda.cancel(at_ms, expiry)
        message.state = state
        message.changed_ms = now_ms
        message.code = code
        message.reason = reason
        self.journal.add(
            now_ms,
            EntryKind.MOVED,
            key=message.key,
            state=state,
            what=f"{state.value} ({reason.value})" if reason else "",
            why=why or why_of(message.rung, message.rule),
            ref=message.id,
            code=code,
        )
        noted = self.hooks[message.key.provider].noted
        if noted is not None:
            noted(message, move)
        self.owe_for(message, self.accounts[message.key.provider].reports_of(message, move))
        if state in TERMINAL and move is not Move.READ and message.faults is not None:
            plan_contradiction(self, message)
        if move is Move.DELIVER:
            self._after_delivery(message)

    def _after_delivery(self, message: Message) -> None:
        fate = message.fate
        if fate.read is None and not fate.replies:
            return
        draws = self.chance.of(*message.key)
        now_ms = self.clock.now_ms
        if fate.read is not None and draws.hits("read.share", fate.read_share_bp):
            self.agenda.add(now_ms + drawn(fate.read, draws, "read.after"), MoveStep(message.key, Move.READ))
        for number, reply in enumerate(fate.replies):
            at_ms = now_ms + drawn(reply.after, draws, "reply.after", number)
            act = Act(reply.kind, reply.text, message.submission.sender, reply.data)
            self.agenda.add(
                at_ms, ActStep(message.key.provider, message.key.recipient, message.key.ordinal, act)
            )

    # -- recipients -----------------------------------------------------------------------------

    def _reachable(self, recipient: str) -> bool:
        return self.directory.at(recipient, self.clock.now_ms).reachable

    def _wait(self, message: Message) -> None:
        if message.state is not State.WAITING:
            self._change(message, Move.WAIT, State.WAITING, "", Reason.ABSENT, "the recipient is unreachable")
            self.agenda.add(*_expiry(message))
        self._waiting.enter(message.key, message.changed_ms)
        self._expect_back(message.key.recipient)

    def _expect_back(self, recipient: str) -> None:
        back_ms = self.directory.next_change_after(recipient, "reachable", self.clock.now_ms)
        if back_ms is not None and self._waiting.expect(recipient, back_ms):
            self.agenda.add(back_ms, Wake(recipient))

    def _wake(self, recipient: str) -> None:
        """Deliver what waits for a recipient who is back, in order, at the provider's pace."""
        now_ms = self.clock.now_ms
        if not self._reachable(recipient):
            self._expect_back(recipient)
            return
        for number, key in enumerate(self._waiting.take(recipient)):
            fate = self.messages[key].fate
            code = fate.code if fate.ending is Ending.DELIVER else ""
            at_ms = now_ms + number * self.accounts[key.provider].pace_ms
            self.agenda.add(at_ms, MoveStep(key, Move.DELIVER, code))

    def _wake_all(self, pattern: str = "*") -> None:
        for recipient in self._waiting.awaited(pattern):
            self._wake(recipient)

    def change_recipient(self, pattern: str, traits: Mapping[str, Value], why: str = "control") -> None:
        """Change circumstances of an address or a prefix (`+4179*`) from now on."""
        now_ms = self.clock.now_ms
        self.directory.change(pattern, traits, now_ms)
        said = ", ".join(f"{name} is now {_plain(value)}" for name, value in traits.items())
        self.journal.add(now_ms, EntryKind.CIRCUMSTANCES, recipient=pattern, what=said, why=why)
        if "reachable" in traits:
            self._wake_all(pattern)

    def act(self, provider: str, recipient: str, act: Act) -> Sequence[Report]:
        """
        Let a recipient do something; return what the integrator is owed for it.

        Raises ImpossibleAct when this recipient cannot do that at *provider*.
        """
        key = self.intake.take_key(provider, f"({recipient} acts)")
        reports = self.accounts[provider].act(recipient, act, self.chance.of(*key))
        self.journal.add(
            self.clock.now_ms,
            EntryKind.ACT,
            provider=provider,
            recipient=recipient,
            what=f"{act.kind} {act.text!r}" if act.text else act.kind,
        )
        self._owe_all(reports)
        return reports

    def _happen(self, item: TimelineItem, number: int) -> None:
        for provider, settings in item.providers.items():
            self.configure(provider, settings)
        if item.storm is not None:
            inject_storm(self, StormStep(number, item.storm, self.clock.now_ms, 0))
        if item.traits:
            self.change_recipient(item.recipient, item.traits, why="timeline")
        if item.act is not None:
            inject_acts(self, ActsStep(number, item, self.clock.now_ms, 0))
        if item.hold:
            self.outbox.hold(self.clock.now_ms, item.provider)
        if item.release is not None or item.release_at_once:
            self.outbox.release(self.clock.now_ms, item.release, item.provider)

    def try_act(self, provider: str, recipient: str, act: Act, why: str) -> None:
        """Let a recipient do what the scenario wants, with names filled in; journal it when impossible."""
        # Nobody is there to be refused, and the other steps of this instant are not to blame.
        try:
            self.act(provider, recipient, self.people.act(act, recipient))
        except ImpossibleAct as refusal:
            if len(self.impossible_acts) < _IMPOSSIBLE_MAX:
                self.impossible_acts.append(f"{provider} {recipient}: {refusal}")
            self.journal.add(
                self.clock.now_ms,
                EntryKind.NOTE,
                provider=provider,
                recipient=recipient,
                what=f"{act.kind} was not possible: {refusal}",
                why=why,
            )

    # -- commands -------------------------------------------------------------------------------

    def message(self, provider: str, message_id: str) -> Message | None:
        """Return the latest message with this id at *provider*, or None."""
        return self.register.find(provider, message_id)

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
        Move a message by command; raises IllegalMove when the state table or the recipient forbids it.

        *by* says whose command it is.
        """
        state = next_state(message.state, move)
        if state is None:
            raise IllegalMove(f"a message that is {message.state.value} cannot {move.value}")
        if move is Move.WAIT:
            recipient = message.key.recipient
            raise IllegalMove(f"a message waits while its recipient is away; make {recipient} unreachable")
        if move is Move.DELIVER and not self._reachable(message.key.recipient):
            raise IllegalMove(f"{message.key.recipient} is unreachable; make it reachable first")
        message.rung = by
        message.rule = ""
        self._change(message, move, state, code, reason)
        if move is Move.RELEASE:
            self.start(message, self.chance.of(*message.key))

    def reschedule(self, message: Message, at_ms: int) -> None:
        """Move the sending of a scheduled message to *at_ms*; its old step leaves the agenda."""
        if message.state is not State.SCHEDULED:
            raise IllegalMove(f"a message that is {message.state.value} cannot be rescheduled")
        submission = message.submission
        release = MoveStep(message.key, Move.RELEASE)
        self.agenda.remove(submission.hold_until_ms, release)
        at_ms = max(at_ms, self.clock.now_ms)
        message.submission = _held_until(submission, at_ms)
        message.expires_ms = at_ms + submission.validity_ms
        self.agenda.add(at_ms, release)
        self.journal.add(
            self.clock.now_ms, EntryKind.NOTE, key=message.key, what="rescheduled", ref=message.id
        )

    def suspend(self, message: Message) -> None:
        """Take the sending of a scheduled message off the agenda, until it is rescheduled."""
        if message.state is not State.SCHEDULED:
            raise IllegalMove(f"a message that is {message.state.value} cannot be suspended")
        self.agenda.remove(message.submission.hold_until_ms, MoveStep(message.key, Move.RELEASE))
        self.journal.add(self.clock.now_ms, EntryKind.NOTE, key=message.key, what="suspended", ref=message.id)

    def run_at(self, at_ms: int, provider: str, name: str, run: Callable[[], Sequence[Report]]) -> None:
        """Let a provider do something of its own at *at_ms*; *name* orders errands of one instant."""
        self.agenda.add(at_ms, ProviderStep(provider, name, run))

    def owe(self, report: Report) -> None:
        """Owe the integrator a report that no message caused."""
        self._owe_all([report])

    @property
    def settled(self) -> bool:
        """True when nothing is due and nothing is in flight."""
        return self.next_due() is None and self.outbox.in_flight == 0

    # -- webhooks -------------------------------------------------------------------------------

    def owe_for(self, message: Message, reports: Sequence[Report]) -> None:
        """Owe the integrator what a change of *message* gives it to know."""
        now_ms = self.clock.now_ms
        faults = message.faults
        if faults is not None and faults.early and now_ms > message.accepted_ms:
            # What happens after the answer is not told before it.
            faults = replace(faults, early=False)
        for report in reports:
            self.tell(report)
            if report.target:
                self.outbox.owe(now_ms, report, faults, message.faults_rule)

    def tell(self, report: Report) -> None:
        """Let the account that keeps reports for pulling know of *report*."""
        told = self.hooks[report.provider].told
        if told is not None:
            told(report)

    def attempted(self, webhook: Webhook, attempt: Attempt) -> None:
        """Record an attempt at a webhook, and what the account makes of the integrator's answer to it."""
        self.outbox.attempted(self.clock.now_ms, webhook, attempt)
        heard = self.hooks[webhook.provider].heard
        if heard is not None:
            self._owe_all(heard(webhook, attempt))

    def request_for(self, webhook: Webhook, attempt: int = 0) -> WebhookRequest:
        """Return the request of a webhook's *attempt* (0: the next one), damaged if a rule wants it."""
        request = self.accounts[webhook.provider].render(webhook)
        damage = webhook.damage_of(attempt or len(webhook.attempts) + 1)
        return damaged(request, damage, self.chance.of("damage", webhook.id)) if damage else request

    def _owe_all(self, reports: Sequence[Report]) -> None:
        now_ms = self.clock.now_ms
        for report in reports:
            self.tell(report)
            if not report.target:
                continue
            # A report about a message suffers what its message's reports suffer, whoever owes it.
            message = self.messages.get(report.key) if report.key is not None else None
            if message is None:
                self.outbox.owe(now_ms, report, None)
            else:
                self.outbox.owe(now_ms, report, message.faults, message.faults_rule)

    def _signs(self, webhook: Webhook) -> bool:
        return bool(self.accounts[webhook.provider].render(webhook).signed_by)

    def _again(self, report: Report, copy: int) -> Report:
        draws = self.chance.of("again", report.provider, report.recipient, report.label, report.at_ms, copy)
        return self.accounts[report.provider].reissue(report, draws)

    def _policy_of(self, provider: str) -> WebhookPolicy:
        return self.accounts[provider].policy


def _expiry(message: Message) -> tuple[int, MoveStep]:
    """Return when and how a message that waits expires; it has waited since `changed_ms`."""
    at_ms = max(message.changed_ms, message.expires_ms)
    return at_ms, MoveStep(message.key, Move.EXPIRE, "", Reason.VALIDITY)


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _held_until(submission: Submission, at_ms: int) -> Submission:
    values = {name: getattr(submission, name) for name in submission.__struct_fields__}
    return Submission(**{**values, "hold_until_ms": at_ms})

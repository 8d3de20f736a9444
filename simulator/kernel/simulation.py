"""
One space's simulation: the only thing that changes its state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct, structs

from simulator.kernel.account import Account, ImpossibleAct
from simulator.kernel.agenda import Agenda
from simulator.kernel.chance import Chance, Draws
from simulator.kernel.clock import Clock
from simulator.kernel.damage import damaged
from simulator.kernel.fates import Ending, MoveStep, drawn, plan
from simulator.kernel.journal import EntryKind, Journal
from simulator.kernel.judge import Judge, Judgement
from simulator.kernel.lifecycle import TERMINAL, Move, State, next_state
from simulator.kernel.message import Message, Refused, Rung
from simulator.kernel.outbox import Outbox
from simulator.kernel.recipient import Directory, Value
from simulator.kernel.rule import Act, AnswerFault, Drop, Scenario, Storm, TimelineItem
from simulator.kernel.submission import MessageKey, Reason, Submission
from simulator.kernel.traffic import ActsStep, StormStep, arrival_ms, numbered
from simulator.kernel.turnover import Turnover
from simulator.kernel.waiting import WaitingRoom
from simulator.kernel.webhook import Report, Webhook, WebhookPolicy, WebhookRequest

__all__ = ["CallRefusal", "Deferred", "IllegalMove", "Simulation", "Verdict"]


class IllegalMove(ValueError):
    """
    A command cannot apply; the text says what stands against it.
    """


class CallRefusal(NamedTuple):
    """
    Why a whole call is refused: the provider's code, the rule, and when a retry may help.
    """

    code: str
    rule: str
    retry_after_ms: int = 0


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
    early: bool = False
    """Reports of this call are to be sent before its answer."""
    deferred: Deferred | None = None
    """Work that begins once the call is answered."""


class _Timeline(NamedTuple):
    number: int
    item: TimelineItem

    @property
    def order(self) -> tuple[int | str, ...]:
        return (0, self.number)


class _Wake(NamedTuple):
    recipient: str

    @property
    def order(self) -> tuple[int | str, ...]:
        return (1, self.recipient)


class _ActStep(NamedTuple):
    provider: str
    recipient: str
    ordinal: int
    act: Act

    @property
    def order(self) -> tuple[int | str, ...]:
        return (3, self.provider, self.recipient, self.ordinal, self.act.kind, self.act.text)


class _Errand(NamedTuple):
    """Something a provider wants done at an instant: its own timers."""

    provider: str
    name: str
    run: Callable[[], Sequence[Report]]

    @property
    def order(self) -> tuple[int | str, ...]:
        return (3, self.provider, "", 0, self.name)


class _Contradiction(NamedTuple):
    key: MessageKey

    @property
    def order(self) -> tuple[int | str, ...]:
        return (3, *self.key, "contradiction")


_MESSAGES_MAX = 1_000_000
_STORM_SLICE_MAX = 1_000


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
        self.chance = Chance(seed)
        self.journal = journal if journal is not None else Journal()
        self.agenda = Agenda()
        self.directory = Directory()
        self.accounts: dict[str, Account] = {}
        self.outbox = Outbox(self.agenda, self.journal, self.chance, self._policy_of)
        self.messages: dict[MessageKey, Message] = {}
        self.messages_max = messages_max
        self._turnover: Turnover[MessageKey] = Turnover()
        self.scenario = Scenario()
        self.scenario_start_ms = 0
        self.scenario_seq = 0
        self.judge = Judge(self)
        self._ids: dict[str, dict[str, Message]] = {}
        self._ordinals: dict[tuple[str, str], int] = {}
        self._waiting = WaitingRoom()
        self._timeline: list[tuple[int, _Timeline]] = []

    # -- set-up ---------------------------------------------------------------------------------

    def add_account(self, provider: str, account: Account) -> None:
        """Give the space an account at *provider*."""
        self.accounts[provider] = account
        self._ids.setdefault(provider, {})

    def load(self, scenario: Scenario) -> None:
        """
        Replace the scenario; its timeline and windows count from now.

        Messages on their way keep the fate they have, changed circumstances stay.
        """
        for at_ms, step in self._timeline:
            self.agenda.remove(at_ms, step)
        now_ms = self.clock.now_ms
        self.scenario = scenario
        self.scenario_start_ms = now_ms
        self.judge = Judge(self)
        self.directory.load(scenario.recipients, now_ms)
        self._timeline = [
            (now_ms + item.at_ms, _Timeline(number, item)) for number, item in enumerate(scenario.timeline)
        ]
        for at_ms, step in self._timeline:
            self.agenda.add(at_ms, step)
        entry = self.journal.add(now_ms, EntryKind.SCENARIO, what=f'scenario "{scenario.name}" is in force')
        self.scenario_seq = entry.seq
        self._wake_all()

    # -- sending --------------------------------------------------------------------------------

    def submit(self, submissions: Sequence[Submission], *, unanswered: bool = False) -> Verdict:
        """
        Judge the submissions of one call together, then apply them all or none.

        With *unanswered*, the webhooks of the accepted messages wait until
        `answered` says that the call's answer is out.
        """
        judged = [self.judge.judge(s, self._take_key(s.provider, s.recipient)) for s in submissions]
        verdict = self._answer_of(judged)
        if verdict.drop is Drop.BEFORE or (verdict.refusal and not verdict.outcomes and not _works(judged)):
            for judgement in judged:
                self._note_refusal(judgement, verdict)
            return verdict
        for judgement in judged:
            outcome = self._settle(judgement, unanswered)
            verdict.outcomes.append(outcome)
            if isinstance(outcome, Message) and outcome.faults is not None and outcome.faults.early:
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
        keys = [self._take_key(s.provider, s.recipient) for s in submissions]
        judged = [self.judge.judge(s, key) for s, key in zip(submissions, keys, strict=True)]
        verdict = self._answer_of(judged)
        if verdict.drop is Drop.BEFORE or (verdict.refusal and not _works(judged)):
            for judgement in judged:
                self._note_refusal(judgement, verdict)
            return verdict

        def run() -> Sequence[Report]:
            due = [self.judge.judge(s, key) for s, key in zip(prepare(submissions), keys, strict=True)]
            return done([self._settle(judgement, unanswered=False) for judgement in due])

        verdict.deferred = Deferred(at_ms, provider, " ".join([name, *map(str, keys[:1])]), run)
        return verdict

    def consult(self, provider: str, operation: str, credential: str) -> Verdict:
        """Return what rules do to the answer of a call that sends nothing."""
        if not self.judge.judges_calls(provider, operation):
            return Verdict()
        submission = Submission(provider=provider, recipient="", operation=operation, credential=credential)
        key = self._take_key(provider, f"({operation})")
        judgement = self.judge.judge_call(submission, key)
        verdict = self._answer_of([judgement])
        if verdict.refusal or verdict.drop is Drop.BEFORE:
            self._note_refusal(judgement, verdict)
        return verdict

    def answered(self, verdict: Verdict) -> None:
        """Let the webhooks and the later work of a call go: its answer is out."""
        deferred = verdict.deferred
        if deferred is not None:
            verdict.deferred = None
            at_ms = max(deferred.at_ms, self.clock.now_ms)
            self.run_at(at_ms, deferred.provider, deferred.name, deferred.run)
        for outcome in verdict.outcomes:
            if isinstance(outcome, Message) and outcome.unanswered:
                outcome.unanswered = False
                for webhook in self.outbox.take_parked(outcome.key):
                    self._webhook_due(webhook)

    def next_key(self, provider: str, recipient: str) -> MessageKey:
        """Return the key that the next submission to *recipient* will have; takes nothing."""
        return MessageKey(provider, recipient, self._ordinals.get((provider, recipient), 0) + 1)

    def _take_key(self, provider: str, recipient: str) -> MessageKey:
        ordinal = self._ordinals.get((provider, recipient), 0) + 1
        self._ordinals[provider, recipient] = ordinal
        return MessageKey(provider, recipient, ordinal)

    def _answer_of(self, judged: Sequence[Judgement]) -> Verdict:
        verdict = Verdict()
        throttled: set[str] = set()
        for judgement in judged:
            answer = judgement.answer
            if answer is None:
                continue
            verdict.stall_real_ms = max(verdict.stall_real_ms, answer.stall_real_ms)
            verdict.drop = verdict.drop or answer.drop
            if verdict.damage is None and (answer.truncate or answer.garble or answer.drip_real_ms):
                verdict.damage = answer
            if verdict.refusal is None:
                verdict.refusal = self._refusal_of(judgement, answer, throttled)
        return verdict

    def _refusal_of(
        self, judgement: Judgement, answer: AnswerFault, throttled: set[str]
    ) -> CallRefusal | None:
        account = self.accounts[judgement.submission.provider]
        if answer.throttle is not None and judgement.answer_rule not in throttled:
            throttled.add(judgement.answer_rule)
            wait_ms = self.judge.throttle(judgement.answer_rule, answer.throttle, self.clock.now_ms)
            if wait_ms:
                return CallRefusal(account.throttled_code, judgement.answer_rule, wait_ms)
        if answer.refuse and account.refuses_call(answer.refuse):
            return CallRefusal(answer.refuse, judgement.refusing_rule)
        return None

    def _note_refusal(self, judgement: Judgement, verdict: Verdict) -> None:
        refusal = verdict.refusal
        self.journal.add(
            self.clock.now_ms,
            EntryKind.REFUSED,
            key=judgement.key,
            what="the call was refused" if refusal else "the connection was dropped before any work",
            why=_why(
                judgement.answer_rung if judgement.answer is not None else Rung.RULE,
                refusal.rule if refusal else judgement.answer_rule,
            ),
            code=refusal.code if refusal else "",
        )

    def _settle(self, judgement: Judgement, unanswered: bool) -> Message | Refused:
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
        draws = self.chance.of(*judgement.key)
        refused = Refused(
            key=judgement.key,
            submission=submission,
            code=code,
            id=submission.id or self.accounts[submission.provider].mint_id(judgement.key, draws),
            rung=rung,
            rule=judgement.refusing_rule,
        )
        self.journal.add(
            self.clock.now_ms,
            EntryKind.REFUSED,
            key=judgement.key,
            what="refused",
            why=_why(rung, judgement.refusing_rule),
            ref=refused.id,
            code=code,
        )
        return refused

    def _accept(self, judgement: Judgement, unanswered: bool) -> Message:
        submission = judgement.submission
        account = self.accounts[submission.provider]
        now_ms = self.clock.now_ms
        default = account.default_fate(submission)
        draws = self.chance.of(*judgement.key)
        faults = judgement.webhooks
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
        self.messages[message.key] = message
        self._turnover.add(message.key)
        self._ids[submission.provider][message.id] = message
        if len(self.messages) > self.messages_max:
            self._forget_oldest()
        self.journal.add(
            now_ms,
            EntryKind.ACCEPTED,
            key=message.key,
            state=message.state,
            why=_why(message.rung, message.rule),
            ref=message.id,
        )
        self._owe(message, account.changed(message, None))
        if scheduled:
            self.agenda.add(submission.hold_until_ms, MoveStep(message.key, Move.RELEASE))
        else:
            self._start(message, draws, at_once=early)
        return message

    def _start(self, message: Message, draws: Draws, *, at_once: bool = False) -> None:
        now_ms = self.clock.now_ms
        steps = plan(message.fate, message.key, draws, now_ms, message.expires_ms)
        for at_ms, step in steps:
            if at_once:
                self._step(step)
            else:
                self.agenda.add(at_ms, step)

    def _forget_oldest(self) -> None:
        key = self._turnover.oldest(self._may_go)
        if key is None:
            return
        oldest = self.messages.pop(key)
        ids = self._ids[key.provider]
        if ids.get(oldest.id) is oldest:
            del ids[oldest.id]

    def _may_go(self, key: MessageKey) -> bool:
        message = self.messages[key]
        return message.state in TERMINAL and not message.unanswered

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
        for step in self.agenda.take(at_ms, slice_max):
            self._do(step)
        due_ms = self.agenda.next_due()
        return due_ms is not None and due_ms <= at_ms

    def _do(self, step: object) -> None:
        match step:
            case MoveStep():
                self._step(step)
            case Webhook():
                self._webhook_due(step)
            case _Timeline(item=item):
                self._happen(item, step.number)
            case _Wake(recipient=recipient):
                self._waiting.came(recipient, self.clock.now_ms)
                if recipient in self._waiting:
                    self._wake(recipient)
            case _ActStep():
                self._try_act(step.provider, step.recipient, step.act, why="reply")
            case _Contradiction(key=key):
                self._contradict(key)
            case StormStep():
                self._storm(step)
            case ActsStep():
                self._act_on(step)
            case _Errand():
                self._owe_all(step.run())

    def _webhook_due(self, webhook: Webhook) -> None:
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
                self._start(message, self.chance.of(*message.key))

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
            why=why or _why(message.rung, message.rule),
            ref=message.id,
            code=code,
        )
        self._owe(message, self.accounts[message.key.provider].changed(message, move))
        if state in TERMINAL and move is not Move.READ and message.faults is not None:
            self._plan_contradiction(message)
        if move is Move.DELIVER:
            self._after_delivery(message)

    def _plan_contradiction(self, message: Message) -> None:
        contradict = message.faults.contradict if message.faults is not None else None
        draws = self.chance.of(*message.key)
        if contradict is not None and draws.hits("contradict", contradict.share_bp):
            after_ms = drawn(contradict.after, draws, "contradict.after")
            self.agenda.add(self.clock.now_ms + after_ms, _Contradiction(message.key))

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
                at_ms, _ActStep(message.key.provider, message.key.recipient, message.key.ordinal, act)
            )

    # -- recipients -----------------------------------------------------------------------------

    def _reachable(self, recipient: str) -> bool:
        return self.directory.at(recipient, self.clock.now_ms).reachable

    def _wait(self, message: Message) -> None:
        now_ms = self.clock.now_ms
        if message.state is not State.WAITING:
            self._change(message, Move.WAIT, State.WAITING, "", Reason.ABSENT, "the recipient is unreachable")
            self.agenda.add(
                max(now_ms, message.expires_ms),
                MoveStep(message.key, Move.EXPIRE, "", Reason.VALIDITY),
            )
        self._waiting.enter(message.key, message.changed_ms)
        self._expect_back(message.key.recipient)

    def _expect_back(self, recipient: str) -> None:
        back_ms = self.directory.next_change_after(recipient, "reachable", self.clock.now_ms)
        if back_ms is not None and self._waiting.expect(recipient, back_ms):
            self.agenda.add(back_ms, _Wake(recipient))

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
        key = self._take_key(provider, f"({recipient} acts)")
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
        if item.storm is not None:
            self._storm(StormStep(number, item.storm, self.clock.now_ms, 0))
        if item.traits:
            self.change_recipient(item.recipient, item.traits, why="timeline")
        if item.act is not None:
            self._act_on(ActsStep(number, item, self.clock.now_ms, 0))
        if item.hold:
            self.outbox.hold(self.clock.now_ms, item.provider)
        if item.release is not None or item.release_at_once:
            self.outbox.release(self.clock.now_ms, item.release, item.provider)

    def _act_on(self, step: ActsStep) -> None:
        """Let the acts that are due by now happen, or begin, and plan for the rest."""
        (number, item, start_ms, arrived), now_ms = step, self.clock.now_ms
        assert item.act is not None
        last = min(item.count, arrived + _STORM_SLICE_MAX)
        while arrived < last and arrival_ms(start_ms, arrived, item.rate) <= now_ms:
            recipient = numbered(item.recipient, arrived)
            if item.after is None:
                self._try_act(item.provider, recipient, item.act, why="timeline")
            else:
                after_ms = drawn(item.after, self.chance.of("timeline", number, recipient, arrived), "after")
                act = _ActStep(item.provider, recipient, arrived, item.act)
                self.agenda.add(now_ms + after_ms, act)
            arrived += 1
        if arrived < item.count:
            due_ms = arrival_ms(start_ms, arrived, item.rate)
            self.agenda.add(max(due_ms, now_ms), step._replace(arrived=arrived))

    def _storm(self, step: StormStep) -> None:
        """Submit what of a storm has arrived by now, and plan for the rest."""
        storm, now_ms = step.storm, self.clock.now_ms
        account = self.accounts[storm.provider]
        arrived = step.arrived
        while arrived < storm.messages and arrived - step.arrived < _STORM_SLICE_MAX:
            due_ms = arrival_ms(step.start_ms, arrived, storm.rate)
            if due_ms > now_ms:
                break
            recipient = f"{storm.recipient}{arrived:07d}"
            submission = account.compose(recipient, storm.text)
            judgement = self.judge.judge(submission, self._take_key(storm.provider, recipient))
            _mix(judgement, storm, self.chance)
            self._settle(judgement, unanswered=False)
            arrived += 1
        if arrived < storm.messages:
            due_ms = arrival_ms(step.start_ms, arrived, storm.rate)
            self.agenda.add(max(due_ms, now_ms), step._replace(arrived=arrived))

    def _contradict(self, key: MessageKey) -> None:
        """Owe the opposite of how a message ended; its own state stays what it is."""
        message = self.messages.get(key)
        if message is None or message.state not in TERMINAL:
            return
        arrived = message.state in (State.DELIVERED, State.READ)
        lies = ((Move.FAIL, State.FAILED), (Move.EXPIRE, State.EXPIRED)) if arrived else _DELIVERED_LIE
        for move, state in lies:
            shadow = structs.replace(
                message, state=state, code="", reason=Reason.NONE, changed_ms=self.clock.now_ms
            )
            reports = self.accounts[key.provider].changed(shadow, move)
            for report in reports:
                self.outbox.owe_contradiction(self.clock.now_ms, report, message.faults_rule)
            if reports:
                return

    def _try_act(self, provider: str, recipient: str, act: Act, why: str) -> None:
        # Nobody is there to be refused, and the other steps of this instant are not to blame.
        try:
            self.act(provider, recipient, act)
        except ImpossibleAct as refusal:
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
        return self._ids.get(provider, {}).get(message_id)

    def move(self, message: Message, move: Move, code: str = "", reason: Reason = Reason.NONE) -> None:
        """
        Move a message by command; raises IllegalMove when the state table or the recipient forbids it.
        """
        state = next_state(message.state, move)
        if state is None:
            raise IllegalMove(f"a message that is {message.state.value} cannot {move.value}")
        if move is Move.WAIT:
            recipient = message.key.recipient
            raise IllegalMove(f"a message waits while its recipient is away; make {recipient} unreachable")
        if move is Move.DELIVER and not self._reachable(message.key.recipient):
            raise IllegalMove(f"{message.key.recipient} is unreachable; make it reachable first")
        message.rung = Rung.CONTROL
        message.rule = ""
        self._change(message, move, state, code, reason)
        if move is Move.RELEASE:
            self._start(message, self.chance.of(*message.key))

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
        self.agenda.add(at_ms, _Errand(provider, name, run))

    def owe(self, report: Report) -> None:
        """Owe the integrator a report that no message caused."""
        self._owe_all([report])

    @property
    def settled(self) -> bool:
        """True when nothing is due and nothing is in flight."""
        return self.next_due() is None and self.outbox.in_flight == 0

    # -- webhooks -------------------------------------------------------------------------------

    def _owe(self, message: Message, reports: Sequence[Report]) -> None:
        now_ms = self.clock.now_ms
        for report in reports:
            self.outbox.owe(now_ms, report, message.faults, message.faults_rule)

    def request_for(self, webhook: Webhook, attempt: int = 0) -> WebhookRequest:
        """Return the request of a webhook's *attempt* (0: the next one), damaged if a rule wants it."""
        request = self.accounts[webhook.provider].render(webhook)
        if webhook.damage and (attempt or len(webhook.attempts) + 1) == 1:
            request = damaged(request, webhook.damage, self.chance.of("damage", webhook.id))
        return request

    def _owe_all(self, reports: Sequence[Report]) -> None:
        now_ms = self.clock.now_ms
        for report in reports:
            # A report about a message suffers what its message's reports suffer, whoever owes it.
            message = self.messages.get(report.key) if report.key is not None else None
            if message is None:
                self.outbox.owe(now_ms, report, None)
            else:
                self.outbox.owe(now_ms, report, message.faults, message.faults_rule)

    def _policy_of(self, provider: str) -> WebhookPolicy:
        return self.accounts[provider].policy


_DELIVERED_LIE = ((Move.DELIVER, State.DELIVERED),)


def _mix(judgement: Judgement, storm: Storm, chance: Chance) -> None:
    """Give a message of a storm the fate that its mix draws, if it draws one."""
    if not storm.mix or judgement.submission.refusal:
        return
    place = chance.of(*judgement.key).integer("storm.mix", 0, 9_999)
    for share_bp, fate in storm.mix:
        if place < share_bp:
            judgement.fate, judgement.fate_rung, judgement.fate_rule = fate, Rung.RULE, "storm"
            return
        place -= share_bp


def _works(judged: Sequence[Judgement]) -> bool:
    return any(j.answer is not None and (j.answer.work_done or j.answer.drop is Drop.AFTER) for j in judged)


def _why(rung: Rung, rule: str) -> str:
    return f'rule "{rule}"' if rule else rung.value


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _held_until(submission: Submission, at_ms: int) -> Submission:
    values = {name: getattr(submission, name) for name in submission.__struct_fields__}
    return Submission(**{**values, "hold_until_ms": at_ms})

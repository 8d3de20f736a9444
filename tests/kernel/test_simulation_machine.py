"""
Whatever is sent, commanded and refused in whatever order, what must hold always does.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition
from hypothesis.stateful import rule as step

from simulator.kernel.engine.call_result import CallResult
from simulator.kernel.engine.simulation import IllegalMove
from simulator.kernel.model.fates import Ending, Fate, Reply
from simulator.kernel.model.faults import Duplicate, Purpose, WebhookFaults
from simulator.kernel.model.lifecycle import TERMINAL, TRANSITIONS, Move, State
from simulator.kernel.model.message import Message
from simulator.kernel.model.recipient import Trait, Window
from simulator.kernel.model.rules import Act, AnswerFault, Match, Throttle
from simulator.kernel.model.scenario import TimelineItem
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.units import ConstantDelay, Rate, UniformDelay
from simulator.kernel.store.journal import Entry, replay
from simulator.kernel.webhooks.webhook import WebhookState
from toys.bench import Bench, rule, scenario
from toys.pigeon import pigeon
from toys.rich import PHONES, rich_scenario

REPORTED = {State.DELIVERED, State.FAILED, State.EXPIRED, State.READ}
PERHAPS = st.integers(0, 10_000)
ADDRESSES = st.sampled_from(PHONES[:3])
SPANS = st.sampled_from(["0", "1ms", "1s", "4s", "1m", "10m", "1h", "2d"])

SCENARIOS = {
    "rich": rich_scenario(),
    "plain": scenario(),
    "eager": scenario(
        rule(
            "eager",
            when=Match(share_bp=5_000),
            fate=Fate(after=ConstantDelay(0), progress=(), read=ConstantDelay(0)),
            webhooks=WebhookFaults(early=True),
        ),
    ),
    "overload": scenario(
        rule("overload", answer=AnswerFault(throttle=Throttle(Rate(1, 1_000), burst=2))),
        rule("twins", webhooks=WebhookFaults(duplicate=Duplicate(within=UniformDelay(0, 5_000)))),
    ),
    "absences": scenario(
        rule(
            "chatty",
            fate=Fate(after=ConstantDelay(1_000), replies=(Reply(text="yes", after=ConstantDelay(0)),)),
        ),
        recipients={
            "+90555*": {
                "reachable": Trait((Window(False, 0, 2_000), Window(False, 2_000, 60_000))),
            },
            PHONES[0]: {"reachable": Trait((Window(False, 1_000, 1_001), Window(False, 3_000, 4_000)))},
        },
        timeline=(
            TimelineItem(at_ms=1_000, hold=True, provider="pigeon"),
            TimelineItem(at_ms=90_000, release_at_once=True, provider="pigeon"),
            TimelineItem(at_ms=90_000, recipient=PHONES[1], act=Act("taps"), provider="pigeon"),
        ),
    ),
    "silence": scenario(rule("silence", fate=Fate(ending=Ending.SILENCE))),
}


class SpaceMachine(RuleBasedStateMachine):
    """
    One space, an integrator that is in a mood, and everything that can be done to them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sim = Bench()
        self.sim.after_instant = self.look
        self.seen = 0
        self.at_ms = 0
        self.states: dict[MessageKey, State] = {}
        self.unanswered: list[CallResult] = []

    # -- what may be done -----------------------------------------------------------------------

    @initialize(name=st.sampled_from(sorted(SCENARIOS)), batch=st.sampled_from([1, 1, 3]))
    def begin(self, name: str, batch: int) -> None:
        self.sim.account.configure({"webhook": {"batch": {"max": batch, "wait": 500 if batch > 1 else 0}}})
        self.sim.simulation.load(SCENARIOS[name])

    @step(
        to=st.lists(ADDRESSES, min_size=1, max_size=3),
        validity_ms=st.sampled_from([0, 1_000, 60_000, 86_400_000]),
        after_ms=st.sampled_from([0, 0, 5_000]),
        refusal=st.sampled_from(["", "", "", "NO_LOFT"]),
        answered=st.booleans(),
    )
    def submit(self, to: list[str], validity_ms: int, after_ms: int, refusal: str, answered: bool) -> None:
        hold_ms = self.sim.now_ms + after_ms if after_ms else 0
        flock = [
            pigeon(to=address, validity_ms=validity_ms, hold_until_ms=hold_ms, refusal=refusal)
            for address in to
        ]
        before = len(self.sim.simulation.messages)
        result = self.sim.simulation.submit(flock, unanswered=True)
        if result.refusal is not None:
            assert result.outcomes == []
            assert len(self.sim.simulation.messages) == before
        if answered:
            self.sim.simulation.answered(result)
        else:
            self.unanswered.append(result)
        self.sim.dispatch()

    @precondition(lambda self: self.unanswered)
    @step(which=PERHAPS)
    def answer(self, which: int) -> None:
        result = self.unanswered.pop(which % len(self.unanswered))
        self.sim.simulation.answered(result)
        self.sim.dispatch()

    @step(by=SPANS)
    def advance(self, by: str) -> None:
        self.sim.advance(by)

    @step(address=st.sampled_from([*PHONES[:3], "+90555*", "+9*"]), reachable=st.booleans())
    def come_and_go(self, address: str, reachable: bool) -> None:
        self.sim.recipient(address).change(reachable=reachable)

    @step(address=ADDRESSES, trait=st.sampled_from(["blocked", "blacklisted"]), value=st.booleans())
    def change_circumstances(self, address: str, trait: str, value: bool) -> None:
        self.sim.recipient(address).change(**{trait: value})

    @step(address=ADDRESSES)
    def write(self, address: str) -> None:
        self.sim.simulation.act("pigeon", address, Act("writes", "STOP"))

    @precondition(lambda self: self.sim.simulation.messages)
    @step(which=PERHAPS, move=st.sampled_from(Move))
    def move(self, which: int, move: Move) -> None:
        message = self.one(which)
        before = message.state
        allowed = move in TRANSITIONS[before] and move is not Move.WAIT
        if move is Move.DELIVER and not self.reachable(message.key.recipient):
            allowed = False
        try:
            self.sim.simulation.move(message, move)
        except IllegalMove:
            assert not allowed
            assert message.state is before
        else:
            assert allowed
            assert message.state is TRANSITIONS[before][move]
        self.sim.dispatch()

    @precondition(lambda self: self.sim.simulation.messages)
    @step(which=PERHAPS, by_ms=st.sampled_from([-10, 0, 1_000, 60_000]))
    def reschedule(self, which: int, by_ms: int) -> None:
        message = self.one(which)
        scheduled = message.state is State.SCHEDULED
        try:
            self.sim.simulation.reschedule(message, self.sim.now_ms + by_ms)
        except IllegalMove:
            assert not scheduled
        else:
            assert scheduled

    @step(provider=st.sampled_from(["", "pigeon", "owl"]))
    def hold(self, provider: str) -> None:
        self.sim.simulation.outbox.hold(self.sim.now_ms, provider)

    @step(
        rate=st.sampled_from([None, Rate(1, 1_000), Rate(1_000, 1)]),
        provider=st.sampled_from(["", "pigeon", "owl"]),
    )
    def release(self, rate: Rate | None, provider: str) -> None:
        self.sim.simulation.outbox.release(self.sim.now_ms, rate, provider)

    @step(name=st.sampled_from(sorted(SCENARIOS)))
    def load(self, name: str) -> None:
        self.sim.simulation.load(SCENARIOS[name])

    @step(status=st.sampled_from([200, 204, 500, 0]))
    def change_mood(self, status: int) -> None:
        self.sim.answers = lambda webhook: status

    # -- what must hold -------------------------------------------------------------------------

    def one(self, which: int) -> Message:
        messages = list(self.sim.simulation.messages.values())
        return messages[which % len(messages)]

    def reachable(self, recipient: str) -> bool:
        simulation = self.sim.simulation
        return simulation.directory.at(recipient, simulation.clock.now_ms).reachable

    def look(self) -> None:
        """Check every entry that is new since the last look, while its instant lasts."""
        for entry in self.sim.simulation.journal.after(self.seen):
            assert entry.seq == self.seen + 1
            assert entry.at_ms >= self.at_ms, "time went back"
            self.seen, self.at_ms = entry.seq, entry.at_ms
            if entry.key is not None and entry.state is not None:
                self.look_at_change(entry, entry.key, entry.state)

    def look_at_change(self, entry: Entry, key: MessageKey, state: State) -> None:
        before = self.states.get(key)
        if before in TERMINAL:
            assert (before, state) == (State.DELIVERED, State.READ), "a terminal state was left"
        if before is not None:
            assert state in TRANSITIONS[before].values(), f"{state} does not follow {before}"
        if state is State.DELIVERED:
            assert entry.at_ms == self.sim.now_ms
            assert self.reachable(key.recipient), "delivered to somebody who is away"
        self.states[key] = state

    @invariant()
    def journal_tells_the_state(self) -> None:
        self.look()
        messages = self.sim.simulation.messages
        assert replay(self.sim.simulation.journal) == {k: m.state for k, m in messages.items()}
        assert self.states == {key: message.state for key, message in messages.items()}

    @invariant()
    def time_never_goes_back(self) -> None:
        assert self.at_ms <= self.sim.now_ms
        due_ms = self.sim.simulation.next_due()
        assert due_ms is None or due_ms >= self.sim.now_ms, "something is overdue for ever"

    @invariant()
    def nothing_overtakes_its_answer(self) -> None:
        waiting = {
            outcome.key
            for result in self.unanswered
            for outcome in result.outcomes
            if isinstance(outcome, Message) and outcome.unanswered
        }
        for webhook in self.sim.webhooks():
            if webhook.attempts:
                assert not any(report.key in waiting for report in webhook.reports)

    @invariant()
    def attempts_follow_the_schedule(self) -> None:
        for webhook in self.sim.webhooks():
            attempts = webhook.attempts
            assert [attempt.number for attempt in attempts] == list(range(1, len(attempts) + 1))
            assert len(attempts) <= 3
            assert not any(attempt.acknowledged for attempt in attempts[:-1])

    def teardown(self) -> None:
        """Answer, release, settle: nothing is due, and each change was reported as often as it should."""
        for result in self.unanswered:
            self.sim.simulation.answered(result)
        self.unanswered.clear()
        for address in PHONES[:3]:
            self.sim.recipient(address).go_offline()
            self.sim.call(pigeon(to=address))
        self.sim.advance("1m")
        for address in PHONES[:3]:
            self.sim.recipient(address).come_back()
        self.sim.advance("10m")
        waiting = [m for m in self.sim.simulation.messages.values() if m.state is State.WAITING]
        assert waiting == [], "somebody is back and was not told"
        self.sim.simulation.outbox.release(self.sim.now_ms)
        self.sim.settle()
        # The timeline of a scenario may have held webhooks meanwhile.
        self.sim.simulation.outbox.release(self.sim.now_ms)
        self.sim.settle()
        self.journal_tells_the_state()
        assert self.sim.simulation.settled
        assert self.sim.simulation.outbox.held_webhooks == []
        self.every_change_was_reported()

    def every_change_was_reported(self) -> None:
        simulation = self.sim.simulation
        changes = Counter(
            (entry.key, entry.state.name)
            for entry in simulation.journal
            if entry.key is not None and entry.state in REPORTED
        )
        plain: Counter[tuple[MessageKey | None, str]] = Counter()
        twins: Counter[tuple[MessageKey | None, str]] = Counter()
        for webhook in self.sim.webhooks():
            assert webhook.state in (WebhookState.ACKNOWLEDGED, WebhookState.LOST, WebhookState.DROPPED)
            assert (webhook.state is WebhookState.DROPPED) == (not webhook.attempts)
            for report in webhook.reports:
                if report.key is not None:
                    (twins if Purpose.DUPLICATE in webhook.intended else plain)[report.key, report.label] += 1
        assert plain == changes
        for (key, label), count in twins.items():
            assert key is not None
            faults = simulation.messages[key].faults
            assert faults is not None
            assert faults.duplicate is not None
            assert count == faults.duplicate.times * changes[key, label]


TestSpace = SpaceMachine.TestCase
TestSpace.settings = settings(settings.get_profile("default"), max_examples=60, stateful_step_count=30)

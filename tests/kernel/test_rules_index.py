"""
Looking rules up by recipient: the same result as trying each, without trying each.
"""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.engine.decide import Decision, decide_call
from simulator.kernel.model.chance import Draws
from simulator.kernel.model.fates import Ending, Fate
from simulator.kernel.model.faults import WebhookFaults
from simulator.kernel.model.message import Rung
from simulator.kernel.model.rules import AnswerFault, Behaviour, Match, Miss, Rule
from simulator.kernel.model.submission import MessageKey, Submission
from toys.bench import Bench, rule
from toys.pigeon import pigeon

SILENCE = Fate(ending=Ending.SILENCE)
PHONES = ("+905550000001", "+905550000002", "+9055", "+1999", "*", "")
PATTERNS = st.sampled_from(["+905550000001", "+905550000002", "+9055", "+9055*", "+90555*", "+1*", "*", "+1"])
RULES = st.lists(
    st.builds(
        lambda when, then: (when, then),
        st.builds(
            Match,
            provider=st.sampled_from(["", "pigeon", "owl"]),
            operation=st.sampled_from(["", "send", "recall"]),
            recipient=st.lists(PATTERNS, max_size=3).map(tuple),
            share_bp=st.sampled_from([None, 5_000]),
        ),
        st.builds(
            Behaviour,
            answer=st.sampled_from([None, AnswerFault(stall_real_ms=1), AnswerFault(refuse="NO_PERCH")]),
            fate=st.sampled_from([None, SILENCE, Fate()]),
            webhooks=st.sampled_from([None, WebhookFaults(early=True)]),
        ),
    ),
    max_size=12,
)


def linearly(sim: Bench, submission: Submission, key: MessageKey) -> Decision:
    """
    Return what the rules say when each is tried, one after the other.
    """
    decision = Decision(submission=submission, key=key)
    draws = sim.simulation.chance.of(*key)
    for one in sim.simulation.scenario.rules:
        if not list(one.when.misses(submission, key, draws, 0, one.name)):
            decision.take(one.then, Rung.RULE, one.name)
    return decision


def fits(pattern: str, value: str) -> bool:
    """
    Return what a pattern means, in one line.
    """
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else pattern == value


@given(RULES, st.sampled_from(PHONES), st.integers(1, 3))
def test_index_gives_the_verdict_of_a_linear_scan(
    drawn: list[tuple[Match, Behaviour]], phone: str, ordinal: int
) -> None:
    """
    Whatever rules there are, the same rule decides each place as if all were tried in order.
    """
    sim = Bench()
    sim.load(*(Rule(name=f"rule {n}", when=when, then=then) for n, (when, then) in enumerate(drawn)))
    submission = Submission(provider="pigeon", recipient=phone, text="coo")
    key = MessageKey("pigeon", phone, ordinal)

    judged = decide_call(sim.simulation.state, submission, key)

    assert judged == linearly(sim, submission, key)


@given(st.lists(PATTERNS, min_size=1, max_size=4).map(tuple), st.sampled_from(PHONES))
def test_recipient_condition_means_any_of_its_patterns(patterns: tuple[str, ...], phone: str) -> None:
    """
    A list holds when one of it does: an address that is equal, or a prefix.
    """
    match = Match(recipient=patterns)
    submission = Submission(provider="pigeon", recipient=phone, text="")
    draws = Bench().simulation.chance.of("x")

    misses = list(match.misses(submission, MessageKey("pigeon", phone, 1), draws, 0, "x"))

    assert (misses == []) == any(fits(pattern, phone) for pattern in patterns)


def test_long_list_is_told_in_short() -> None:
    """
    Who is not among ten thousand recipients is told a few of them and how many there are.
    """
    match = Match(recipient=tuple(f"+1{number}" for number in range(10_000)))
    submission = pigeon(to="+9055")

    (miss,) = match.misses(
        submission, MessageKey("pigeon", "+9055", 1), Bench().simulation.chance.of("x"), 0, "x"
    )

    assert str(miss) == "recipient: expected +10 or +11 or +12 or +13 or +14 or 9995 more, got +9055"


class Counted(Match):
    """
    A condition that counts how often it is asked.
    """

    asked: list[Match] = []  # noqa: RUF012 - shared on purpose, emptied by each test

    def misses(
        self, submission: Submission, key: MessageKey, draws: Draws, since_start_ms: int, name: str
    ) -> Iterator[Miss]:
        """Count, and answer as ever."""
        Counted.asked.append(self)
        return super().misses(submission, key, draws, since_start_ms, name)


def asked_for(*recipients: tuple[str, ...], phone: str) -> int:
    """
    Return how many rules are asked about one submission when there is a rule for each of *recipients*.
    """
    sim = Bench()
    sim.load(*(rule(f"rule {n}", when=Counted(recipient=r), fate=SILENCE) for n, r in enumerate(recipients)))
    Counted.asked.clear()
    sim.submit(pigeon(to=phone))
    return len(Counted.asked)


def test_matching_does_not_grow_with_rules_about_others() -> None:
    """
    Among ten, a hundred or ten thousand rules about one recipient or prefix each, one is asked.
    """
    asked = [
        asked_for(
            *((f"+90555{number:07d}",) for number in range(count)),
            *((f"+1{number:05d}*",) for number in range(count)),
            phone="+905550000007",
        )
        for count in (10, 100, 10_000)
    ]

    assert asked == [1, 1, 1]


def test_rule_with_many_recipients_is_asked_once_at_most() -> None:
    """
    A rule that lists ten thousand recipients is asked about those, and not about others.
    """
    many = tuple(f"+90555{number:07d}" for number in range(10_000))

    assert asked_for(many, phone="+905550009999") == 1
    assert asked_for(many, phone="+905550019999") == 0


def test_rules_that_name_nobody_are_asked_until_each_place_is_filled() -> None:
    """
    A rule about anybody is asked, in the order of the file, before later ones about this recipient.
    """
    assert asked_for((), ("+905550000007",), phone="+905550000007") == 1
    assert asked_for(("+905550000007",), (), phone="+905550000008") == 1

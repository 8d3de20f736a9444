"""
A rule applies when nothing speaks against it, and what speaks against it is what is told.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.explain.story import explain
from simulator.kernel.model.chance import Chance
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.rules import Match, Nth, TextMatch
from simulator.kernel.model.submission import MessageKey, Submission
from simulator.kernel.model.units import ConstantDelay
from toys.bench import Bench, rule
from toys.pigeon import pigeon

PHONE = "+905550000001"
SUBMISSION = pigeon(to=PHONE, text="Your Code is 1234", sender="SHOP", credential="ring-1")
KEY = MessageKey("pigeon", PHONE, 3)
DRAWS = Chance(7).of(*KEY)


def misses(
    match: Match, submission: Submission = SUBMISSION, since_ms: int = 0, name: str = "test"
) -> list[str]:
    """
    Return every reason why the rule does not apply.
    """
    return [str(miss) for miss in match.misses(submission, KEY, DRAWS, since_ms, name)]


@pytest.mark.parametrize(
    "match",
    [
        Match(),
        Match(provider="pigeon"),
        Match(operation="send"),
        Match(recipient=("+1", PHONE)),
        Match(recipient=("+90555*",)),
        Match(sender="SHOP"),
        Match(sender="SH*"),
        Match(credential="ring-1"),
        Match(nth=Nth(3, 3)),
        Match(nth=Nth(2)),
        Match(nth=Nth(3, every=3)),
        Match(share_bp=10_000),
        Match(during=(0, 1)),
        Match(during=(0, None)),
        Match(text=TextMatch(contains="CODE IS")),
        Match(text=TextMatch(equals="Your Code is 1234")),
        Match(text=TextMatch(matches=re.compile(r"\d{4}$"))),
    ],
)
def test_condition_that_holds_says_nothing(match: Match) -> None:
    """
    No miss means that the rule applies.
    """
    assert misses(match) == []


@pytest.mark.parametrize(
    ("match", "miss"),
    [
        (Match(provider="owl"), "provider: expected owl, got pigeon"),
        (Match(operation="recall"), "operation: expected recall, got send"),
        (Match(recipient=("+1", "+44*")), f"recipient: expected +1 or +44*, got {PHONE}"),
        (Match(sender="BANK*"), "sender: expected BANK*, got SHOP"),
        (Match(nth=Nth(1, 1)), "nth: expected 1, got 3"),
        (Match(nth=Nth(1, 2)), "nth: expected 1..2, got 3"),
        (Match(nth=Nth(4)), "nth: expected 4.., got 3"),
        (Match(nth=Nth(10, every=10)), "nth: expected every 10, got 3"),
        (Match(share_bp=0), "share: expected 0%, got a draw of 14.5%"),
        (Match(during=(600_000, 720_000)), "during: expected 10m..12m, got 0s"),
        (Match(during=(600_000, None)), "during: expected 10m.., got 0s"),
        (
            Match(text=TextMatch(contains="pin")),
            "text: expected a text that contains 'pin', got 'Your Code is 1234'",
        ),
        (
            Match(text=TextMatch(equals="your code is 1234")),
            "text: expected the text 'your code is 1234', got 'Your Code is 1234'",
        ),
        (
            Match(text=TextMatch(matches=re.compile("^x"))),
            "text: expected a text that matches '^x', got 'Your Code is 1234'",
        ),
    ],
)
def test_condition_that_fails_says_what_it_wanted_and_what_came(match: Match, miss: str) -> None:
    """
    Each condition has its own sentence.
    """
    assert misses(match) == [miss]


def test_credentials_are_never_told() -> None:
    """
    A miss says that the credential is another one, and shows neither.
    """
    assert misses(Match(credential="secret")) == [
        "credential: expected another credential, got the credential of the call"
    ]


def test_sender_that_is_missing_is_called_so() -> None:
    """
    An empty sender reads as words.
    """
    assert misses(Match(sender="SHOP"), pigeon(to=PHONE, sender="")) == [
        "sender: expected SHOP, got no sender"
    ]


def test_every_miss_is_told() -> None:
    """
    The explanation does not stop at the first reason.
    """
    match = Match(provider="owl", sender="BANK", nth=Nth(1, 1), share_bp=0)

    assert [miss.partition(":")[0] for miss in misses(match)] == ["provider", "sender", "nth", "share"]


def test_span_begins_with_its_start_and_ends_before_its_end() -> None:
    """
    The end of `during` is not part of it.
    """
    match = Match(during=(10, 20))

    assert [misses(match, since_ms=ms) == [] for ms in (9, 10, 19, 20)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("nth", "ordinals"),
    [
        (Nth(), [1, 2, 3, 4, 5, 6]),
        (Nth(2, 2), [2]),
        (Nth(2, 4), [2, 3, 4]),
        (Nth(3), [3, 4, 5, 6]),
        (Nth(2, every=2), [2, 4, 6]),
        (Nth(2, 5, every=3), [2, 5]),
    ],
)
def test_nth_means_these_submissions(nth: Nth, ordinals: list[int]) -> None:
    """
    First, last and every so many.
    """
    assert [ordinal for ordinal in range(1, 7) if nth.holds(ordinal)] == ordinals


def test_rules_of_other_names_draw_for_themselves() -> None:
    """
    Two rules of one share do not hit the same submissions.
    """
    hits = {
        name: [
            next(
                Match(share_bp=5_000).misses(
                    SUBMISSION, MessageKey("pigeon", PHONE, n), Chance(7).of("pigeon", PHONE, n), 0, name
                ),
                None,
            )
            is None
            for n in range(40)
        ]
        for name in ("one", "other")
    }

    assert hits["one"] != hits["other"]


MATCHES = st.builds(
    Match,
    provider=st.sampled_from(["", "pigeon", "owl"]),
    operation=st.sampled_from(["", "send", "recall"]),
    recipient=st.sampled_from([(), (PHONE,), ("+905*",), ("+1",)]),
    sender=st.sampled_from(["", "LOFT", "S*"]),
    nth=st.none() | st.builds(Nth, st.integers(1, 3), st.none(), st.integers(1, 3)),
    share_bp=st.none() | st.integers(0, 10_000),
    during=st.none() | st.tuples(st.integers(0, 3_000), st.none()),
    text=st.none() | st.builds(TextMatch, contains=st.sampled_from(["coo", "x"])),
)


@given(st.lists(MATCHES, max_size=4), st.integers(1, 3), st.integers(0, 4))
def test_explanation_agrees_with_the_decision(matches: list[Match], sends: int, later_s: int) -> None:
    """
    The rule that decided is the first that the explanation finds nothing against, whenever it is asked.
    """
    sim = Bench()
    sim.load(
        *(
            rule(f"rule {number}", when=match, fate=Fate(after=ConstantDelay(number)))
            for number, match in enumerate(matches)
        )
    )
    sim.advance("1s")
    messages = [sim.submit(pigeon(to=PHONE)) for _ in range(sends)]
    sim.advance(f"{later_s}s")

    for message in messages:
        story = explain(sim.simulation, message)

        applies = [name for name, _, reasons in story.considered if not reasons]
        assert message.rule == (applies[0] if applies else "")


def test_containment_looks_at_the_beginning_of_a_long_text_only() -> None:
    """
    Ten thousand rules may ask about one text, so what stands behind its 2,000th character does not count.
    """
    text = "a" * 1_998 + "Şifre"

    found = [TextMatch(contains=part).holds(text) for part in ("AŞİ", "aş", "şi", "şif")]

    assert found == [False, True, True, False]

"""
Rules that never applied are listed, with what came nearest.
"""

from __future__ import annotations

import pytest

from simulator.explain.idle_rules import IdleRule, idle_rules
from simulator.kernel.model.fates import Ending, Fate
from simulator.kernel.model.faults import WebhookFaults
from simulator.kernel.model.rules import Act, Match, Nth, TextMatch
from toys.bench import Bench, rule
from toys.pigeon import pigeon

PHONE, OTHER = "+905550000001", "+905550000002"
SILENT = Fate(ending=Ending.SILENCE)


def idle(sim: Bench) -> list[tuple[str, str]]:
    """
    Return names and reasons.
    """
    return [(one.name, one.why) for one in idle_rules(sim.simulation)]


def test_rules_that_never_applied_are_told_with_what_came_nearest() -> None:
    """
    Of all that was sent, the submission with the fewest misses says why a rule stayed silent.
    """
    sim = Bench()
    sim.load(
        rule("other", when=Match(recipient=(OTHER,), text=TextMatch(contains="code")), fate=SILENT),
        rule("second", when=Match(nth=Nth(2, 2)), fate=SILENT),
        rule("all", fate=SILENT),
        rule("shadowed", fate=Fate(ending=Ending.EXPIRE)),
    )

    sim.submit(pigeon(to=PHONE, text="your code"))

    assert idle(sim) == [
        ("other", f"recipient: expected {OTHER}, got {PHONE}"),
        ("second", "nth: expected 2, got 1"),
        ("shadowed", "earlier rules, or a magic recipient, had decided all that it decides"),
    ]


def test_rule_that_acts_reached_is_not_idle() -> None:
    """
    What recipients do counts, as a use of a rule and as what came nearest to one.
    """
    sim = Bench()
    sim.load(
        rule(
            "stop",
            when=Match(operation="inbound", text=TextMatch(contains="stop")),
            webhooks=WebhookFaults(drop_share_bp=10_000),
        ),
        rule("inbound", when=Match(operation="inbound"), webhooks=WebhookFaults(drop_share_bp=10_000)),
    )

    sim.simulation.act("pigeon", PHONE, Act("writes", "hello"))

    assert idle(sim) == [("stop", "text: expected a text that contains 'stop', got 'hello'")]


def test_nothing_sent__is_the_reason() -> None:
    """
    When nothing was sent since the scenario is in force, that is why; replacing it counts anew.
    """
    sim = Bench()
    sim.load(rule("all", fate=SILENT))
    sim.submit(pigeon(to=PHONE))
    assert idle(sim) == []
    sim.advance("1s")

    sim.load(rule("all", fate=SILENT))

    assert idle(sim) == [("all", "nothing was sent")]


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (IdleRule("a", 3, "nothing was sent"), 'rule "a" never applied (line 3): nothing was sent'),
        (IdleRule("a", 0, ""), 'rule "a" never applied'),
    ],
)
def test_idle_rule_in_words(found: IdleRule, line: str) -> None:
    """
    A rule is named with its line, where it has one.
    """
    assert str(found) == line

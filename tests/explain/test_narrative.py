"""
Words come last: every fact has some, and nothing is decided by them.
"""

from __future__ import annotations

from itertools import count
from typing import get_args

import pytest

from evidence.loft import Loft
from simulator.evidence.lives import groups, tell
from simulator.evidence.overview import held_spans
from simulator.evidence.reachability import Reachability
from simulator.evidence.refusals import refusals
from simulator.evidence.scorecard import scorecard
from simulator.explain import narrative
from simulator.explain.story import explain
from simulator.kernel.model.causes import Cause
from simulator.kernel.model.fates import Ending, Fate
from simulator.kernel.model.faults import (
    Contradict,
    Damage,
    DamageKind,
    Duplicate,
    Purpose,
    Reorder,
    WebhookFaults,
)
from simulator.kernel.model.lifecycle import Move, State
from simulator.kernel.model.message import Message, Rung
from simulator.kernel.model.rules import AnswerFault, Match, Nth
from simulator.kernel.model.scenario import ClockMode, ServerTurn
from simulator.kernel.model.submission import MessageKey, Reason
from simulator.kernel.model.units import ConstantDelay
from simulator.kernel.store import facts
from simulator.kernel.store.facts import Fact, Scope
from simulator.kernel.store.journal import Entry
from simulator.run.checks import checks
from simulator.run.refusals import refused_for_good
from simulator.run.told import first_counts, told_of
from simulator.scenario.goals import Expectations, MessageGoals, SendGoals, WebhookGoals
from toys.bench import rule
from toys.pigeon import pigeon

HOUR = 3_600_000
SOON = Fate(after=ConstantDelay(1_000), progress=())

EXAMPLES: dict[Fact, tuple[str, str]] = {
    facts.Accepted(State.ACCEPTED, Rung.RULE, "r"): ("accepted", 'rule "r"'),
    facts.SendRefused(Scope.RECIPIENT, "C", Rung.CIRCUMSTANCES, "", "blocked"): (
        "refused [C]",
        "circumstances: blocked",
    ),
    facts.Moved(State.FAILED, Rung.DEFAULT, "", "C", Reason.BLOCKED): ("failed (blocked) [C]", "default"),
    facts.Lapsed(Move.EXPIRE, State.READ): ("expire has lapsed, the message is read", ""),
    facts.Rescheduled(5): ("rescheduled", ""),
    facts.Suspended(): ("suspended", ""),
    facts.NotContradicted("pigeon", True, "r"): (
        "nothing contradicts it: pigeon has no report of a failure for this message",
        'rule "r"',
    ),
    facts.Called("GET", "/a", 200, garbled=True, work_done=True, rule="r"): (
        "GET /a answered 200, garbled and after doing the work on purpose",
        'rule "r"',
    ),
    facts.Failed("GET", "/a"): ("GET /a failed inside the simulator; its log has the details", ""),
    facts.RefusalLeftOut("birds", "C", "r"): (
        "birds was not refused: the code is about one recipient, and this call has none [C]",
        'rule "r"',
    ),
    facts.Intended("L", (Purpose.DELAYED, Purpose.TRUNCATED), "r"): (
        "webhook delayed, truncated on purpose [L]",
        'rule "r"',
    ),
    facts.AnswerUnread(): ("answer was not read: the caller's connection broke", ""),
    facts.Dropped("L"): ("webhook dropped on purpose [L]", ""),
    facts.Duplicated("L"): ("webhook duplicated on purpose [L]", ""),
    facts.Contradicted("L"): ("webhook contradicts the truth on purpose [L]", ""),
    facts.Unsigned("L"): ("webhook is not signed, so not wrongly either [L]", ""),
    facts.Attempted("L", 2, 0, Cause.REFUSED, "nobody there"): (
        "webhook attempt 2 failed: nobody there [L]",
        "",
    ),
    facts.Lost("L", 3): ("webhook is lost after 3 attempts [L]", ""),
    facts.Resent("L", "wh_1"): ("webhook wh_1 is sent again on request [L]", ""),
    facts.Held(): ("webhooks are held back", ""),
    facts.Released(2): ("2 held webhooks are released", ""),
    facts.Acted("writes", "hi"): ("writes 'hi'", ""),
    facts.ActImpossible("taps", "no phone", "reply"): ("taps was not possible: no phone", "reply"),
    facts.ScenarioLoaded("s", "r"): ('rule "r" is in force, before all others', ""),
    facts.ScenarioLoaded("s"): ('scenario "s" is in force', ""),
    facts.ClockChanged(ClockMode.LIVE, 60): ("the clock is live×60", ""),
    facts.ServerTurned(ServerTurn.DOWN): (
        "server is down: its own port refuses connections, and those that were open are cut",
        "",
    ),
    facts.ServerTurned(ServerTurn.UP): ("server is up: its own port takes connections again", ""),
    facts.SettingsChanged(("a", "b")): ("settings changed: a, b", ""),
    facts.Note("anything", "because"): ("anything", "because"),
}
TRAITS = facts.CircumstancesChanged({"reachable": False, "capable": ("a", "b")}, "control")


def test_every_fact_has_words() -> None:
    """
    Each kind of fact says what happened and who or what caused it.
    """
    words = {fact: (narrative.words_of(Entry(1, 0, fact)), narrative.why_of(fact)) for fact in EXAMPLES}

    assert words == EXAMPLES
    assert narrative.what_of(TRAITS) == "reachable is now false, capable is now a, b"
    assert narrative.why_of(TRAITS) == "control"
    assert {type(fact) for fact in (*EXAMPLES, TRAITS)} == set(get_args(Fact))


def test_refusal_before_anybody_was_named__has_no_gap_in_its_line() -> None:
    """
    A call that was refused as a whole names its provider and its number, and nobody between them.
    """
    refused = facts.SendRefused(Scope.CALL, "401", Rung.DEFAULT)

    line = narrative.narrative(Entry(1, 0, refused, MessageKey("pigeon", "", 1)))

    assert line.startswith("+00:00:00.000 pigeon #1 ")
    assert "  " not in line


def _eventful() -> Loft:
    """Return a space in which about everything happened that evidence tells of."""
    faults = WebhookFaults(
        reorder=Reorder(share_bp=5_000, within_ms=4_000),
        duplicate=Duplicate(share_bp=5_000, within=ConstantDelay(100)),
        damage=(Damage(kind=DamageKind.TRUNCATE, share_bp=5_000),),
        contradict=Contradict(share_bp=5_000, after=ConstantDelay(60_000)),
    )
    loft = Loft(
        rule("bounced", when=Match(nth=Nth(3, 3)), answer=AnswerFault(refuse="HAWK")),
        rule("dropped", when=Match(share_bp=2_000), webhooks=WebhookFaults(drop_share_bp=5_000), fate=SOON),
        rule("odd", when=Match(share_bp=8_000), fate=SOON, webhooks=faults),
        rule("lost", fate=Fate(ending=Ending.FAIL, after=ConstantDelay(2_000), code="HAWK", progress=())),
    )
    loft.answers = lambda webhook: 500 if int(webhook.recipient[-1]) % 3 == 0 else 200
    simulation = loft.simulation
    simulation.change_recipient("+90555000001*", {"reachable": False})
    for number in range(60):
        loft.send(pigeon(to=f"+9055500000{number % 20:02d}"))
    loft.advance("1s")
    simulation.outbox.hold(simulation.clock.now_ms)
    loft.advance("1h")
    simulation.outbox.release(simulation.clock.now_ms)
    simulation.change_recipient("+90555000001*", {"reachable": True})
    loft.settle()
    return loft


EXPECTED = Expectations(
    messages=MessageGoals(at_least=1, final_bp=10_000, within_ms=HOUR, delivered_bp=9_000),
    webhooks=WebhookGoals(at_least=1, acknowledged_bp=10_000, lost_max=0, forged_refused=True),
    sends=SendGoals(retried_bp=10_000, duplicated_max=0, refused_max=0),
)


def _figures(loft: Loft) -> dict[str, object]:
    """Return all that is counted, judged and drawn from a journal, without its sentences."""
    simulation, now_ms = loft.simulation, loft.simulation.clock.now_ms
    grouped = groups(simulation)
    lives = [life for group in grouped for life in group.lives]
    tell(simulation, lives)
    absent = Reachability(simulation)
    submissions: list[Message] = list(simulation.messages.values())
    stories = [explain(simulation, message) for message in submissions]
    card = scorecard(loft.space)
    return {
        "checks": [(check.name, check.passed, check.detail) for check in checks(EXPECTED, simulation, card)],
        "scorecard": card,
        "groups": [(group.title, [life.message.key for life in group.lives]) for group in grouped],
        "lives": [(life.waited, len(life.entries), life.call and life.call.seq) for life in lives],
        "absent": {key.recipient: absent.spans(key.recipient, 0, now_ms) for key in simulation.messages},
        "held": held_spans(simulation),
        "refused": [(refusal.key, refusal.fact) for refusal in refusals(simulation)],
        "refused for good": [one.entry.seq for one in refused_for_good(simulation)],
        "told": {
            key: (told.heard, told.possible)
            for key, told in told_of(simulation, submissions, {"pigeon": first_counts}).items()
        },
        "places": [(story.places, story.considered) for story in stories],
    }


def test_nothing_is_decided_by_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With noise for every sentence, verdicts, figures, evidence and explanations stay what they are.
    """
    plain = _figures(_eventful())
    numbers = count(1)

    def blather(fact: Fact) -> str:
        return f"rule GET reachable is now true, a contradiction {next(numbers)}"

    monkeypatch.setattr(narrative, "_sentence", blather)
    monkeypatch.setattr(narrative, "_cause", blather)
    noisy = _figures(_eventful())

    assert narrative.what_of(facts.Held()).startswith("rule GET")
    assert noisy == plain
    assert plain["refused"]
    assert plain["held"]

"""
Every expectation there is, met and not met, and what is said of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from evidence.loft import Loft
from simulator.evidence.result import Check, Scorecard
from simulator.kernel.model.fates import Ending, Fate
from simulator.kernel.model.faults import Damage, DamageKind, WebhookFaults
from simulator.kernel.model.rules import AnswerFault, Match, Nth, Rule
from simulator.kernel.model.units import ConstantDelay
from simulator.kernel.webhooks.webhook import RetrySchedule, WebhookState
from simulator.run.checks import checks
from simulator.scenario.goals import Expectations, MessageGoals, SendGoals, WebhookGoals
from toys.bench import rule
from toys.pigeon import pigeon

SOON = Fate(after=ConstantDelay(1_000), progress=())
NEVER = Fate(ending=Ending.SILENCE, progress=())
PHONES = [f"+90555000000{number}" for number in range(4)]
GOOD = rule("soon", fate=SOON)
ONE_NEVER = rule("never", when=Match(recipient=(PHONES[0],)), fate=NEVER)


@dataclass(frozen=True, kw_only=True)
class Case:
    """
    An expectation, rules under which it is met, and rules under which it is not.
    """

    expected: Expectations
    name: str
    met: str
    missed: str
    good: tuple[Rule, ...] = (GOOD,)
    bad: tuple[Rule, ...] = (GOOD,)
    bad_status: int = 200
    card: Scorecard = field(default_factory=Scorecard)
    bad_card: Scorecard = field(default_factory=Scorecard)
    judged: bool = True
    """Whether there is anything to judge the good one by."""
    again: bool = False
    """Whether the bad one sends everything a second time."""


REFUSE_FIRST = rule("no", when=Match(nth=Nth(1, 1)), answer=AnswerFault(refuse="LOFT_CLOSED"))
REFUSE_ALL = rule("no", answer=AnswerFault(refuse="LOFT_CLOSED"))
REFUSE_ONE = rule("no", when=Match(recipient=(PHONES[1],)), answer=AnswerFault(refuse="NO_PERCH"))

CASES = {
    "at_least": Case(
        expected=Expectations(messages=MessageGoals(at_least=4)),
        name="messages.at_least: 4",
        met="4 messages were accepted",
        missed="3 messages were accepted",
        bad=(REFUSE_ONE, GOOD),
    ),
    "final": Case(
        expected=Expectations(messages=MessageGoals(final_bp=10_000)),
        name="messages.final: 100%",
        met="100% of 4 messages have an end in time",
        missed="75% of 4 messages have an end in time",
        bad=(ONE_NEVER, GOOD),
    ),
    "within": Case(
        expected=Expectations(messages=MessageGoals(final_bp=10_000, within_ms=1_000)),
        name="messages.final: 100%, within: 1s",
        met="100% of 4 messages have an end in time",
        missed="0% of 4 messages have an end in time",
        bad=(rule("late", fate=Fate(after=ConstantDelay(1_001), progress=())),),
    ),
    "delivered": Case(
        expected=Expectations(messages=MessageGoals(delivered_bp=7_600)),
        name="messages.delivered: 76%",
        met="100% of 4 messages were delivered",
        missed="75% of 4 messages were delivered",
        bad=(ONE_NEVER, GOOD),
    ),
    "owed": Case(
        expected=Expectations(webhooks=WebhookGoals(at_least=4)),
        name="webhooks.at_least: 4",
        met="4 webhooks were owed",
        missed="3 webhooks were owed",
        bad=(ONE_NEVER, GOOD),
    ),
    "acknowledged": Case(
        expected=Expectations(webhooks=WebhookGoals(acknowledged_bp=10_000)),
        name="webhooks.acknowledged: 100%",
        met="100%: 4 of 4 webhooks were acknowledged",
        missed="0%: 0 of 4 webhooks were acknowledged; attempts at the others: 12 × 500",
        bad_status=500,
    ),
    "acknowledged of none": Case(
        expected=Expectations(webhooks=WebhookGoals(acknowledged_bp=10_000)),
        name="webhooks.acknowledged: 100%",
        met="none was owed (has the account a target?)",
        missed="0%: 0 of 4 webhooks were acknowledged; attempts at the others: 12 × 500",
        judged=False,
        good=(rule("never", fate=NEVER),),
        bad_status=500,
    ),
    "lost": Case(
        expected=Expectations(webhooks=WebhookGoals(lost_max=3)),
        name="webhooks.lost: 3",
        met="0 of 4 webhooks were lost",
        missed="4 of 4 webhooks were lost",
        bad_status=500,
    ),
    "forged_refused": Case(
        expected=Expectations(webhooks=WebhookGoals(forged_refused=True)),
        name="webhooks.forged_refused: true",
        met="none was forged or broken",
        missed="of 4 webhooks forged or broken on purpose, 4 were acknowledged so",
        judged=False,
        bad=(rule("bad", fate=SOON, webhooks=WebhookFaults(damage=(Damage(kind=DamageKind.CORRUPT),))),),
    ),
    "latency": Case(
        expected=Expectations(webhooks=WebhookGoals(latency_ms={"p99": 250})),
        name="webhooks.latency.p99: 250ms",
        met="p99 was 250.0 ms over 7 attempts",
        missed="p99 was 250.1 ms over 7 attempts",
        card=Scorecard(latency_p99_us=250_000, attempts=9, measured=7),
        bad_card=Scorecard(latency_p99_us=250_100, attempts=9, measured=7),
    ),
    "latency of nobody": Case(
        expected=Expectations(webhooks=WebhookGoals(latency_ms={"max": 250})),
        name="webhooks.latency.max: 250ms",
        met="nothing was sent",
        judged=False,
        missed="nothing was measured: none of 7 attempts was answered",
        bad_card=Scorecard(attempts=7, no_answer=7),
    ),
    "since_due": Case(
        expected=Expectations(webhooks=WebhookGoals(since_due_ms={"p99": 250})),
        name="webhooks.since_due.p99: 250ms",
        # On a clock that stands still nothing is late.
        met="p99 was 3.0 ms over 7 attempts",
        missed="p99 was 4000.0 ms over 7 attempts",
        card=Scorecard(latency_p99_us=3_000, attempts=7, measured=7),
        bad_card=Scorecard(latency_p99_us=3_000, since_due_p99_us=4_000_000, attempts=7, measured=7),
    ),
    "retried": Case(
        expected=Expectations(sends=SendGoals(retried_bp=10_000)),
        name="sends.retried: 100%",
        met="sends were refused 4 times to 4 recipients, 100% of whom got one in the end",
        missed="sends were refused 8 times to 4 recipients, 0% of whom got one in the end",
        good=(REFUSE_FIRST, GOOD),
        bad=(REFUSE_ALL,),
        again=True,
    ),
    "duplicated": Case(
        expected=Expectations(sends=SendGoals(duplicated_max=0)),
        name="sends.duplicated: 0",
        met="0 accepted sends repeat an earlier one",
        missed="4 accepted sends repeat an earlier one",
        good=(REFUSE_FIRST, GOOD),
        again=True,
    ),
    "refused": Case(
        expected=Expectations(sends=SendGoals(refused_max=0)),
        name="sends.refused: 0",
        met="0 sends were refused for good",
        missed="1 sends were refused for good",
        bad=(REFUSE_ONE, GOOD),
    ),
}


def lived(case: Case, *rules: Rule, status: int = 200) -> Loft:
    """
    Send to everybody under these rules, and let everything happen.
    """
    loft = Loft(*rules)
    loft.answers = lambda webhook: status
    for _ in range(2 if case.again else 1):
        for phone in PHONES:
            loft.send(pigeon(to=phone))
    loft.settle()
    return loft


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_expectation_that_is_met(case: Case) -> None:
    """
    The check passes, is named as the file wrote it, and says what was found.
    """
    found = checks(case.expected, lived(case, *case.good).simulation, case.card)

    assert found == [Check(name=case.name, passed=True, judged=case.judged, detail=case.met)]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_expectation_that_is_missed(case: Case) -> None:
    """
    The check fails and says what came instead.
    """
    loft = lived(case, *case.bad, status=case.bad_status)

    (check,) = checks(case.expected, loft.simulation, case.bad_card)

    assert (check.name, check.passed, check.detail) == (case.name, False, case.missed)


def test_nothing_expected_is_nothing_checked() -> None:
    """
    Without expectations there are no checks, and an empty run is judged by nothing.
    """
    empty = Loft()
    all_of_them = Expectations(
        messages=MessageGoals(final_bp=10_000, delivered_bp=10_000),
        webhooks=WebhookGoals(acknowledged_bp=10_000, lost_max=0, forged_refused=True),
        sends=SendGoals(retried_bp=10_000, duplicated_max=0, refused_max=0),
    )

    assert checks(Expectations(), empty.simulation, Scorecard()) == []
    found = checks(all_of_them, empty.simulation, Scorecard())
    assert {(check.passed, check.judged) for check in found} == {(True, False)}


def test_webhook_that_was_only_ever_sent_damaged_is_not_held_against_the_receiver() -> None:
    """
    Where the provider tries once, a receiver that refuses what is broken has lost nothing.
    """
    damaged = rule("bad", fate=SOON, webhooks=WebhookFaults(damage=(Damage(kind=DamageKind.TRUNCATE),)))
    loft = Loft(damaged)
    loft.space.configure("pigeon", {"webhook": {"retry": "none"}})
    loft.answers = lambda webhook: 400

    loft.send(pigeon(to=PHONES[0]))
    loft.settle()

    goals = WebhookGoals(acknowledged_bp=10_000, lost_max=0, forged_refused=True)
    assert [webhook.state for webhook in loft.webhooks] == [WebhookState.LOST]
    assert {c.passed for c in checks(Expectations(webhooks=goals), loft.simulation, Scorecard())} == {True}


def test_wrong_signature_counts_only_where_there_is_one() -> None:
    """
    Pigeons sign nothing, so a receiver that takes what a rule calls wrongly signed took no forgery.
    """
    forged = rule("bad", fate=SOON, webhooks=WebhookFaults(damage=(Damage(kind=DamageKind.SIGNATURE),)))
    loft = Loft(forged)

    loft.send(pigeon(to=PHONES[0]))
    loft.settle()

    (check,) = checks(Expectations(webhooks=WebhookGoals(forged_refused=True)), loft.simulation, Scorecard())
    assert check.passed


def test_dropped_webhook_is_nobodys_fault() -> None:
    """
    What a rule never sent counts neither as lost nor against the share.
    """
    loft = Loft(rule("gone", fate=SOON, webhooks=WebhookFaults(drop_share_bp=10_000)))
    loft.send(pigeon(to=PHONES[0]))
    loft.settle()

    found = checks(
        Expectations(webhooks=WebhookGoals(acknowledged_bp=10_000, lost_max=0)), loft.simulation, Scorecard()
    )

    assert [(check.mark, check.detail) for check in found] == [
        ("–", "none was owed"),
        ("–", "none was owed"),
    ]


def test_refusal_that_a_later_send_made_good_is_none() -> None:
    """
    A send that is refused and accepted under the same id in the end was not refused for good.
    """
    loft = Loft(rule("no", when=Match(nth=Nth(1, 1)), answer=AnswerFault(refuse="NO_PERCH")), GOOD)
    for _ in range(2):
        loft.send(pigeon(to=PHONES[0], id="bird-1"))
    loft.settle()

    (check,) = checks(Expectations(sends=SendGoals(refused_max=0)), loft.simulation, Scorecard())

    assert (check.passed, check.detail) == (True, "0 sends were refused for good")


def test_failed_check_tells_the_stories_of_a_few() -> None:
    """
    Five messages are told with their stories, and how many there are more.
    """
    loft = Loft(rule("never", fate=NEVER))
    for number in range(8):
        loft.send(pigeon(to=f"+90555000001{number}"))
    loft.settle()

    (check,) = checks(Expectations(messages=MessageGoals(final_bp=10_000)), loft.simulation, Scorecard())

    assert sum("is accepted" in line for line in check.lines) == 5
    assert check.lines[-1] == "… and 3 more; --json and --html name all 8"


def test_retry_schedule_of_the_loft_is_documented() -> None:
    """
    The cases above lose webhooks because pigeons give up after two retries.
    """
    loft = Loft()

    assert loft.simulation.accounts["pigeon"].policy.retry == RetrySchedule((60_000, 300_000))

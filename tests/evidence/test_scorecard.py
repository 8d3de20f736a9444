"""
The scorecard counts what the receiver did, and holds nothing against it that was done on purpose.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evidence.loft import Loft
from simulator.evidence.result import Scorecard
from simulator.evidence.scorecard import scorecard
from simulator.evidence.tally import nearest_rank
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.faults import Damage, DamageKind, Duplicate, Reorder, WebhookFaults
from simulator.kernel.model.rules import Rule
from simulator.kernel.model.units import ConstantDelay
from simulator.kernel.webhooks.webhook import Webhook
from toys.bench import rule
from toys.pigeon import pigeon

SOON = Fate(after=ConstantDelay(1_000), read=ConstantDelay(10_000), progress=())
MEDDLING = WebhookFaults(
    duplicate=Duplicate(share_bp=3_000, within=ConstantDelay(5_000)),
    reorder=Reorder(share_bp=3_000, within_ms=90_000),
    drop_share_bp=1_000,
    damage=(Damage(kind=DamageKind.TRUNCATE, share_bp=2_000),),
)
STATUSES = st.lists(st.sampled_from([200, 200, 204, 500, 404, 302, 0]), min_size=1, max_size=12)


def played(statuses: list[int], birds: int, *rules: Rule) -> Loft:
    """
    Return a settled loft whose integrator answers these statuses in turn, over and over.
    """
    loft = Loft(*rules)
    answers = iter(statuses * 10_000)
    loft.answers = lambda webhook: next(answers)
    loft.send(*(pigeon(to=f"+90555000{number:04d}") for number in range(birds)))
    loft.settle()
    return loft


def brute_order_violations(webhooks: list[Webhook]) -> int:
    """
    Return the number of order violations, by comparing every webhook with every other.
    """

    def late(one: Webhook, other: Webhook) -> bool:
        mine, theirs = one.reports[0], other.reports[0]
        return (
            mine.key is not None
            and mine.key == theirs.key
            and theirs.at_ms > mine.at_ms
            and other.attempts[-1].at_ms < one.attempts[-1].at_ms
        )

    told = [w for w in webhooks if not w.intended and w.attempts and w.attempts[-1].acknowledged]
    return sum(len(one.attempts) > 1 and any(late(one, other) for other in told) for one in told)


@given(statuses=STATUSES, birds=st.integers(0, 8))
def test_every_attempt_is_counted_once(statuses: list[int], birds: int) -> None:
    """
    Acknowledged, refused, unanswered and excused attempts add up to all of them.
    """
    loft = played(statuses, birds, rule("meddle", fate=SOON, webhooks=MEDDLING))

    card = scorecard(loft.space)

    assert card.attempts == card.acknowledged + card.non_2xx + card.no_answer + card.excused
    assert card.retries <= card.non_2xx + card.no_answer
    assert card.webhooks == len(list(loft.webhooks))


@given(birds=st.integers(1, 12))
def test_receiver_that_takes_everything_has_nothing_held_against_it(birds: int) -> None:
    """
    Whatever a scenario does to webhooks, who acknowledges all of them has a clean card.
    """
    loft = played([200], birds, rule("meddle", fate=SOON, webhooks=MEDDLING))

    card = scorecard(loft.space)

    assert (card.lost, card.non_2xx, card.no_answer, card.retries, card.excused) == (0, 0, 0, 0, 0)
    assert (card.order_violations, card.recovery_ms) == (0, None)


@given(statuses=STATUSES, birds=st.integers(1, 8))
def test_damage_is_never_held_against_the_receiver(statuses: list[int], birds: int) -> None:
    """
    Where a scenario damaged every attempt, no field blames the receiver, whatever it answered.
    """
    faults = WebhookFaults(damage=(Damage(kind=DamageKind.CORRUPT, attempts=1_000),))
    loft = played(statuses, birds, rule("late", fate=SOON, webhooks=faults))

    card = scorecard(loft.space)

    blame = (card.lost, card.non_2xx, card.no_answer, card.retries, card.order_violations, card.recovery_ms)
    assert blame == (0, 0, 0, 0, 0, None)
    assert card.excused == card.attempts - card.acknowledged


def test_what_comes_whole_after_damage_is_the_receivers_again() -> None:
    """
    The first attempt is excused; that the second, whole one is refused as well is not.
    """
    faults = WebhookFaults(damage=(Damage(kind=DamageKind.CORRUPT),))
    loft = Loft(rule("late", fate=SOON, webhooks=faults))
    loft.answers = lambda webhook: (400, 500, 200)[len(webhook.attempts)]
    loft.send(pigeon(to="+905550000001"))
    loft.settle()

    card = scorecard(loft.space)

    # Two reports, of three attempts each.
    assert (card.attempts, card.excused, card.non_2xx, card.retries, card.lost) == (6, 2, 2, 2, 0)


def test_late_report_is_no_excuse_for_refusing_it() -> None:
    """
    A receiver that answers 500 to reports that are merely late is to blame for it.
    """
    faults = WebhookFaults(delay=ConstantDelay(2_000))
    loft = Loft(rule("late", fate=SOON, webhooks=faults))
    loft.answers = lambda w: 200 if w.attempts else 500
    loft.send(pigeon(to="+905550000001"))
    loft.settle()

    card = scorecard(loft.space)

    assert (card.non_2xx, card.retries, card.excused) == (card.webhooks, card.webhooks, 0)


@given(statuses=STATUSES, birds=st.integers(1, 8))
def test_order_violations_are_those_found_by_comparing_all_pairs(statuses: list[int], birds: int) -> None:
    """
    The quick count agrees with the slow one.
    """
    loft = played(statuses, birds, rule("soon", fate=SOON, webhooks=MEDDLING))

    card = scorecard(loft.space)

    assert card.order_violations == brute_order_violations(list(loft.webhooks))


def test_report_that_failed_while_the_next_one_got_through_is_out_of_order() -> None:
    """
    A receiver that refuses "delivered" and takes "read" hears them the wrong way round, by its own doing.
    """
    loft = Loft(rule("soon", fate=SOON))
    loft.answers = lambda w: 500 if w.reports[0].label == "DELIVERED" and not w.attempts else 200
    loft.send(pigeon(to="+905550000001"), pigeon(to="+905550000002"))
    loft.settle()

    card = scorecard(loft.space)

    assert card.order_violations == 2


def test_recovery_lasts_until_the_backlog_of_the_outage_is_settled() -> None:
    """
    It begins with the first acknowledgement and ends with the last webhook that had failed before.
    """
    loft = Loft(rule("soon", fate=Fate(after=ConstantDelay(1_000), progress=())))
    loft.answers = lambda webhook: 0 if loft.simulation.clock.now_ms < 60_000 else 200
    for number in range(5):
        loft.send(pigeon(to=f"+90555000000{number}"))
        loft.advance("2s")
    loft.settle()

    card = scorecard(loft.space)

    # They failed at 1 s, 3 s, … 9 s, and pigeons try again a minute later.
    assert (card.no_answer, card.retries, card.recovery_ms) == (5, 5, 8_000)


def test_single_failure_is_no_outage() -> None:
    """
    One refused attempt is a mishap; there is nothing to recover from.
    """
    loft = Loft(rule("soon", fate=SOON))
    loft.answers = lambda webhook: 200 if webhook.attempts else 503
    loft.send(pigeon(to="+905550000001"))
    loft.advance("2s")
    loft.answers = lambda webhook: 200
    loft.settle()

    card = scorecard(loft.space)

    assert (card.non_2xx, card.recovery_ms) == (1, None)


def test_recovery_is_still_running_while_something_of_the_backlog_is_to_be_sent() -> None:
    """
    What failed in the outage and still waits for its retry keeps the recovery going until now.
    """
    loft = Loft(rule("soon", fate=Fate(after=ConstantDelay(1_000), progress=())))
    loft.answers = lambda webhook: 500
    loft.send(*(pigeon(to=f"+90555000000{number}") for number in range(4)))
    loft.advance("2s")
    loft.answers = lambda webhook: 200
    loft.send(pigeon(to="+905550000009"))
    loft.advance("20s")

    card = scorecard(loft.space)

    assert card.recovery_ms == 22_000 - 3_000


def test_outage_is_of_one_target() -> None:
    """
    Failures at one address are an outage though another one answers all the time.
    """
    loft = Loft(rule("soon", fate=Fate(after=ConstantDelay(1_000), progress=())))
    down = "http://down.test/"
    loft.answers = lambda w: 500 if w.target.startswith(down) and not w.attempts else 200
    for number in range(4):
        loft.send(
            pigeon(to=f"+90555000000{number}", loft=f"{down}?n={number}"),
            pigeon(to=f"+90555000001{number}"),
        )
        loft.advance("2s")
    loft.settle()

    card = scorecard(loft.space)

    assert (card.non_2xx, card.recovery_ms) == (4, 6_000)


@given(
    values=st.lists(st.integers(0, 10**9), min_size=1, max_size=300).map(sorted),
    percent=st.sampled_from([1, 50, 95, 99, 100]),
)
def test_nearest_rank_is_the_least_value_with_enough_values_up_to_it(values: list[int], percent: int) -> None:
    """
    A percentile is a value that occurred: the least one that covers so many of all.
    """
    found = nearest_rank(values, percent)

    enough = [value for value in values if sum(v <= value for v in values) * 100 >= percent * len(values)]
    assert found == min(enough)


def test_nearest_rank_of_nothing_is_nothing() -> None:
    """
    Without an answer there is no latency.
    """
    assert nearest_rank([], 99) == 0


def test_latencies_are_those_of_every_attempt_that_got_an_answer() -> None:
    """
    Refusals count with their latency, silence does not; the whole card of a small run.
    """
    loft = Loft(rule("soon", fate=SOON))
    answers = iter([200, 500, 0, 200, 200, 200])
    loft.answers = lambda webhook: next(answers)
    loft.send(pigeon(to="+905550000001"), pigeon(to="+905550000002"))
    loft.settle()

    card = scorecard(loft.space, lag_max_ms=3)

    # Attempts take 1, 2, 3 … ms; the third one got no answer.
    assert card == Scorecard(
        webhooks=4,
        attempts=6,
        acknowledged=4,
        non_2xx=1,
        no_answer=1,
        retries=2,
        measured=5,
        latency_p50_us=4_000,
        latency_p95_us=6_000,
        latency_p99_us=6_000,
        latency_max_us=6_000,
        order_violations=1,
        lag_max_ms=3,
    )

"""
How the integrator's receiver did, told from the attempts at its webhooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simulator import __version__
from simulator.evidence.purpose import COPIES, blameless
from simulator.evidence.result import Load, RunResult, Scorecard
from simulator.kernel.model.scenario import ClockMode
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.webhooks.outbox import PENDING
from simulator.kernel.webhooks.webhook import Attempt, Webhook, WebhookState
from simulator.runtime.space import Space

__all__ = ["nearest_rank", "order_violations", "recovery_ms", "scorecard", "without_verdict"]


def scorecard(
    space: Space, *, outage_attempts_min: int = 3, lag_max_ms: int = 0, load: Load | None = None
) -> Scorecard:
    """
    Return how the receiver of a space's webhooks did; each field says in `Scorecard` what it counts.

    An attempt is *sound* unless a scenario cut it short, garbled it or signed it
    wrongly; only sound ones are held against the receiver.  What went wrong with the others is `excused`, so
    that attempts still add up.  A report that is late, repeated or untrue is no
    excuse for refusing it, but its order is not the receiver's doing.

    An outage is a time without an acknowledgement at one target (its query
    apart) in which at least *outage_attempts_min* attempts failed; one failed
    attempt alone is a mishap.  *lag_max_ms* is what the caller measured of
    arrivals; on a live clock the lag of webhooks may be worse and then counts.
    """
    webhooks = space.simulation.outbox.webhooks.values()
    attempts = sum(len(webhook.attempts) for webhook in webhooks)
    sound = [each for webhook in webhooks for each in webhook.attempts if not webhook.spoilt(each.number)]
    # How long a body takes that is slow on purpose says nothing about who reads it.
    timed = [each for webhook in webhooks for each in webhook.attempts if webhook.timed(each.number)]
    measured = [attempt for attempt in timed if attempt.measured]
    latencies = sorted(attempt.latency_real_us for attempt in measured)
    failed = [attempt for attempt in sound if not attempt.acknowledged]
    acknowledged = sum(webhook.state is WebhookState.ACKNOWLEDGED for webhook in webhooks)
    lost = [webhook for webhook in webhooks if webhook.state is WebhookState.LOST]
    whole = [webhook for webhook in webhooks if not webhook.damage]
    return Scorecard(
        webhooks=len(webhooks),
        attempts=attempts,
        acknowledged=acknowledged,
        lost=sum(not blameless(webhook) for webhook in lost),
        dropped_on_purpose=sum(webhook.state is WebhookState.DROPPED for webhook in webhooks),
        copies_on_purpose=sum(not COPIES.isdisjoint(w.intended) for w in webhooks),
        excused=attempts - acknowledged - len(failed),
        non_2xx=sum(attempt.status != 0 for attempt in failed),
        no_answer=sum(attempt.status == 0 for attempt in failed),
        retries=sum(attempt.next_at_ms is not None for attempt in failed),
        measured=len(measured),
        latency_p50_us=nearest_rank(latencies, 50),
        latency_p95_us=nearest_rank(latencies, 95),
        latency_p99_us=nearest_rank(latencies, 99),
        latency_max_us=latencies[-1] if latencies else 0,
        **_since_due(space, measured),
        order_violations=order_violations(w for w in webhooks if not w.intended),
        recovery_ms=recovery_ms(whole, space.simulation.clock.now_ms, outage_attempts_min),
        lag_max_ms=max(lag_max_ms, _lag_max_ms(space, webhooks)),
        queued_p99_us=nearest_rank(sorted(attempt.queued_real_us for attempt in measured), 99)
        if space.driver.mode is ClockMode.LIVE
        else None,
        load=load,
    )


def without_verdict(space: Space) -> RunResult:
    """Return what there is to tell of a space as it is, of which nobody expects anything."""
    scenario = space.simulation.scenario
    return RunResult(
        scenario=scenario.name,
        source=scenario.source,
        seed=space.seed,
        version=__version__,
        checks=(),
        scorecard=scorecard(space),
        space=space,
    )


def _since_due(space: Space, measured: Sequence[Attempt]) -> dict[str, int]:
    if space.driver.mode is not ClockMode.LIVE:
        return {}
    rate = space.driver.rate
    waits = sorted(attempt.latency_real_us + attempt.late_ms * 1_000 // rate for attempt in measured)
    ranks = {"p50": 50, "p95": 95, "p99": 99, "max": 100}
    return {f"since_due_{name}_us": nearest_rank(waits, percent) for name, percent in ranks.items()}


def nearest_rank(ascending: Sequence[int], percent: int) -> int:
    """Return the least value that *percent* of all values do not exceed; 0 when there are none."""
    return ascending[-(-percent * len(ascending) // 100) - 1] if ascending else 0


def order_violations(webhooks: Iterable[Webhook]) -> int:
    """Return how many webhooks were taken too late, after a retry, as `Scorecard` defines it."""
    heard: dict[MessageKey, list[tuple[int, int, Webhook]]] = {}
    for webhook in webhooks:
        if webhook.state is WebhookState.ACKNOWLEDGED and webhook.attempts:
            for report in webhook.reports:
                if report.key is not None:
                    fact = (report.at_ms, webhook.attempts[-1].at_ms, webhook)
                    heard.setdefault(report.key, []).append(fact)
    late: set[str] = set()
    for facts in heard.values():
        if len(facts) > 1:
            late.update(_late(facts))
    return len(late)


def _late(facts: list[tuple[int, int, Webhook]]) -> Iterable[str]:
    """Yield the ids of retried webhooks heard after a later fact; facts are when, heard when, webhook."""
    facts.sort(key=lambda fact: -fact[0])
    earliest_later: int | None = None
    earliest: int | None = None
    before_ms: int | None = None
    for at_ms, heard_ms, webhook in facts:
        if at_ms != before_ms:
            # Facts of one instant have no order among them.
            earliest_later, before_ms = earliest, at_ms
        earliest = heard_ms if earliest is None else min(earliest, heard_ms)
        if earliest_later is not None and earliest_later < heard_ms and len(webhook.attempts) > 1:
            yield webhook.id


def recovery_ms(webhooks: Iterable[Webhook], now_ms: int, outage_attempts_min: int) -> int | None:
    """Return how long the slowest recovery from an outage took, as `Scorecard` defines it."""
    targets: dict[str, list[tuple[int, int, Attempt, Webhook]]] = {}
    for number, webhook in enumerate(webhooks):
        tries = targets.setdefault(webhook.target.partition("?")[0], [])
        tries += [(attempt.at_ms, number, attempt, webhook) for attempt in webhook.attempts]
    slowest: int | None = None
    for tries in targets.values():
        # An acknowledgement in the instant of a failure is told after it.
        tries.sort(
            key=lambda recovery: (recovery[0], recovery[2].acknowledged, recovery[1], recovery[2].number)
        )
        for recovery in _recoveries(tries, now_ms, outage_attempts_min):
            slowest = recovery if slowest is None else max(slowest, recovery)
    return slowest


def _recoveries(
    tries: Sequence[tuple[int, int, Attempt, Webhook]], now_ms: int, outage_attempts_min: int
) -> Iterable[int]:
    failures = 0
    backlog: dict[str, Webhook] = {}
    for at_ms, _, attempt, webhook in tries:
        if not attempt.acknowledged:
            failures += 1
            backlog[webhook.id] = webhook
            continue
        if failures >= outage_attempts_min:
            yield max(0, max(_last_word_ms(late, now_ms) for late in backlog.values()) - at_ms)
        failures = 0
        backlog = {}


def _last_word_ms(webhook: Webhook, now_ms: int) -> int:
    return now_ms if webhook.state in PENDING else webhook.attempts[-1].at_ms


def _lag_max_ms(space: Space, webhooks: Iterable[Webhook]) -> int:
    if space.driver.mode is not ClockMode.LIVE:
        return 0
    lags = (attempt.late_ms for webhook in webhooks for attempt in webhook.attempts)
    return max(lags, default=0) // space.driver.rate

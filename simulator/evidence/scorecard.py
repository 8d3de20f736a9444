"""
How the integrator's receiver did, told from the attempts at its webhooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from simulator import __version__
from simulator.evidence.result import Load, RunResult, Scorecard
from simulator.evidence.tally import WebhookTally
from simulator.kernel.model.scenario import ClockMode
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.webhooks.outbox import PENDING
from simulator.kernel.webhooks.webhook import Attempt, Webhook, WebhookState
from simulator.runtime.space import Space

__all__ = ["RANKS", "card_of", "order_violations", "recovery_ms", "scorecard", "without_verdict"]

RANKS: Final = {"p50": 50, "p95": 95, "p99": 99, "max": 100}
"""The ranks that times are told by, in per cent."""


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
    tally = WebhookTally()
    for webhook in webhooks:
        tally.take(webhook, rate=space.driver.rate)
    whole = [webhook for webhook in webhooks if not webhook.damage]
    live_rate = space.driver.rate if space.driver.mode is ClockMode.LIVE else 0
    return replace(
        card_of(tally, live_rate, lag_max_ms),
        order_violations=order_violations(w for w in webhooks if not w.intended),
        recovery_ms=recovery_ms(whole, space.simulation.clock.now_ms, outage_attempts_min),
        load=load,
    )


def card_of(tally: WebhookTally, live_rate: int, lag_max_ms: int = 0) -> Scorecard:
    """Return what *tally* says of a receiver; *live_rate* is that of a live clock, 0 for any other."""
    timed = tally.waits if live_rate else None
    waits = {name: None if timed is None else timed.rank(percent) for name, percent in RANKS.items()}
    return Scorecard(
        webhooks=tally.webhooks,
        attempts=tally.attempts,
        acknowledged=tally.acknowledged,
        lost=tally.lost,
        dropped_on_purpose=tally.dropped,
        copies_on_purpose=tally.copies,
        excused=tally.attempts - tally.acknowledged - tally.failed,
        non_2xx=tally.non_2xx,
        no_answer=tally.no_answer,
        retries=tally.retries,
        measured=len(tally.latencies),
        **{f"latency_{name}_us": tally.latencies.rank(percent) for name, percent in RANKS.items()},  # type: ignore[arg-type]
        **{f"since_due_{name}_us": wait for name, wait in waits.items()},  # type: ignore[arg-type]
        lag_max_ms=max(lag_max_ms, tally.late_max_ms // live_rate if live_rate else 0),
        queued_p99_us=tally.queued.rank(99) if live_rate else None,
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

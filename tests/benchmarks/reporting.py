"""
Rows 3, 4 and 12: webhooks, as fast as they come.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from benchmarks.accepting import AT_ONCE, bare_load
from benchmarks.figures import Figure, Plan, alternated, figure
from benchmarks.processes import (
    ReceiverProcess,
    generate,
    posted_barely,
    receiver,
    send_body,
    simulator,
)

__all__ = ["dispatch", "end_to_end", "storm_at_8000", "storm_late", "storm_rate"]

_BULK = 100
_IN_FLIGHT = 32
_BODY_BYTES = 650
_WARM = 1_000
_WARM_STORM = 200


def _rate(receiving: ReceiverProcess, count: int) -> float:
    counts = receiving.until(count)
    if counts["count"] != count:
        raise RuntimeError(f"expected {count} webhooks, got {counts['count']}")
    return count / float(counts["last"] - counts["first"])


def dispatch(plan: Plan) -> Figure:
    """Measure webhooks per second that were due at one instant: rendered, signed, posted, recorded."""
    count = plan.count(5_000, _BULK) // _BULK * _BULK

    def bare() -> float:
        with receiver() as receiving:
            posted_barely(receiving.url, count, _IN_FLIGHT, _BODY_BYTES)
            return _rate(receiving, count)

    def ours() -> float:
        with receiver() as receiving:
            webhook = {"url": receiving.url, "in_flight": _IN_FLIGHT, "hmac": {"secret": "bench"}}
            with simulator({"deliver_after": "1s", "webhook": webhook}, "frozen") as served:
                generate(served.port, count // _BULK, send_body(_BULK))
                served.control.call("POST", "/spaces/default/clock/advance", {"until": "settled"})
                return _rate(receiving, count)

    return figure(alternated(plan.rounds, bare, ours), "webhooks/s")


def end_to_end(plan: Plan) -> Figure:
    """Measure sends per second from the first send to the last one's report."""
    count = plan.count(8_000)

    def ours() -> float:
        with receiver() as receiving, simulator(AT_ONCE) as served:
            body = send_body(notify=receiving.url)
            warm = plan.count(_WARM)
            generate(served.port, warm, body)
            receiving.until(warm)
            receiving.ask("reset")
            sent = generate(served.port, count, body, first=warm)
            return count / float(receiving.until(count)["last"] - sent["started"])

    pairs = alternated(plan.rounds, lambda: bare_load(count), ours)
    return figure([(bare["per_s"], per_s) for bare, per_s in pairs], "messages/s")


class _Storm(NamedTuple):
    per_s: float
    late_p99_ms: float
    body_bytes: float


def _storm(rate: int, count: int) -> _Storm:
    item = {"at": "100ms", "provider": "infobip", "storm": {"messages": count, "rate": f"{rate}/s"}}
    with receiver() as receiving:
        settings = {"deliver_after": "0s", "webhook": {"url": receiving.url, "in_flight": 256}}
        with simulator(settings) as served:
            # Some reports pass first, so that connections and code are warm.
            generate(served.port, _WARM_STORM, send_body(notify=receiving.url))
            receiving.until(_WARM_STORM)
            receiving.ask("reset")
            scenario = {"name": "storm", "timeline": [item]}
            served.control.call("PUT", "/spaces/default/scenario", scenario)
            counts = receiving.until(count)
            arrivals = sorted(receiving.arrivals())
    begun = arrivals[0]
    # Against the schedule, not against the webhook before: what waits is late, too.
    late_s = sorted(max(0.0, arrived - begun - place / rate) for place, arrived in enumerate(arrivals))
    reached = (len(arrivals) - 1) / (arrivals[-1] - begun)
    return _Storm(reached, late_s[len(late_s) * 99 // 100] * 1000, counts["body_bytes"] / counts["count"])


@cache
def _storms(plan: Plan, rate: int) -> list[_Storm]:
    return [_storm(rate, plan.count(rate * 4)) for _ in range(plan.rounds)]


def storm_rate(plan: Plan) -> Figure:
    """Measure webhooks per second of a live storm that is to bring 5,000."""
    storms = _storms(plan, 5_000)
    note = f"bodies of {storms[0].body_bytes:.0f} bytes"
    return figure([(None, storm.per_s) for storm in storms], "webhooks/s", note)


def storm_late(plan: Plan) -> Figure:
    """Measure how late, against the schedule, the webhooks of that storm arrive."""
    return figure([(None, storm.late_p99_ms) for storm in _storms(plan, 5_000)], "ms")


def storm_at_8000(plan: Plan) -> Figure:
    """Measure webhooks per second of a live storm that is to bring 8,000."""
    storms = _storms(plan, 8_000)
    late_ms = sorted(storm.late_p99_ms for storm in storms)[len(storms) // 2]
    return figure([(None, storm.per_s) for storm in storms], "webhooks/s", f"late p99 {late_ms:,.0f} ms")

"""
Rows 1, 2 and 5: what it costs to accept a send.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from benchmarks.figures import Figure, Plan, alternated, figure
from benchmarks.processes import bare_server, generate, receiver, send_body, simulator

__all__ = ["accept", "accept_p99", "slow_receiver"]

_WARM = 1_000
AT_ONCE: dict[str, object] = {"deliver_after": "0s", "webhook": {"in_flight": 32}}
"""Settings under which every message is delivered, and reported, at once."""


def bare_load(count: int) -> Any:
    """Return what the generator says of the bare handler."""
    with bare_server() as port:
        generate(port, _WARM)
        return generate(port, count)


def _our_load(count: int) -> Any:
    with simulator(AT_ONCE) as served:
        generate(served.port, _WARM)
        return generate(served.port, count, first=_WARM)


@cache
def _pairs(plan: Plan) -> list[tuple[Any, Any]]:
    count = plan.count(8_000)
    return alternated(plan.rounds, lambda: bare_load(count), lambda: _our_load(count))


def accept(plan: Plan) -> Figure:
    """Measure one-recipient sends per second."""
    return figure([(bare["per_s"], ours["per_s"]) for bare, ours in _pairs(plan)], "sends/s")


def accept_p99(plan: Plan) -> Figure:
    """Measure the 99th percentile of how long such a send takes."""
    return figure([(bare["p99_ms"], ours["p99_ms"]) for bare, ours in _pairs(plan)], "ms")


def _reported_load(count: int, delay_ms: int) -> Any:
    with receiver(delay_ms=delay_ms) as receiving, simulator(AT_ONCE) as served:
        body = send_body(notify=receiving.url)
        generate(served.port, _WARM, body)
        return generate(served.port, count, body, first=_WARM)


def slow_receiver(plan: Plan) -> Figure:
    """Measure the 99th percentile of a send while the receiver of its reports takes 200 ms for each."""
    count = plan.count(8_000)
    pairs = alternated(plan.rounds, lambda: _reported_load(count, 0), lambda: _reported_load(count, 200))
    return figure([(fast["p99_ms"], slow["p99_ms"]) for fast, slow in pairs], "ms")

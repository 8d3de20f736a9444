"""
Rows 8 and 9: what a message costs in memory.
"""

from __future__ import annotations

from benchmarks.accepting import AT_ONCE
from benchmarks.figures import Figure, Plan, figure
from benchmarks.processes import generate, program, result_of, send_body, simulator

__all__ = ["bytes_per_message", "growth"]

_BULK = 100


def bytes_per_message(plan: Plan) -> Figure:
    """Measure the bytes of a message that was just accepted: record, indexes, plan and journal entries."""
    # The journal is packed some hundred entries at a time: of few messages that would be the larger part.
    count = plan.count(5_000, 1_000)
    measured = [result_of(program("inside", "stored", str(count))) for _ in range(plan.rounds)]
    return figure([(found["records"], found["ours"]) for found in measured], "bytes")


def growth(plan: Plan) -> Figure:
    """Measure the memory of a server that has taken so many messages, and four times as many."""
    calls = plan.count(100_000, _BULK) // _BULK
    pairs: list[tuple[float | None, float]] = []
    for _ in range(plan.rounds):
        with simulator(AT_ONCE) as served:
            body = send_body(_BULK)
            generate(served.port, calls, body)
            before = served.resident_bytes() / 1e6
            generate(served.port, 3 * calls, body, first=calls * _BULK)
            pairs.append((before, served.resident_bytes() / 1e6))
    return figure(pairs, "MB", f"after {4 * calls * _BULK:,} and {calls * _BULK:,}")

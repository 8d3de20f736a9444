"""
Rows 6 and 7: many steps, on a virtual clock and on a live one.
"""

from __future__ import annotations

import http.client
import time
from statistics import median
from time import perf_counter

from benchmarks.figures import Figure, Plan, alternated, figure
from benchmarks.processes import REAL_S_MAX, Served, generate, program, result_of, send_body, simulator

__all__ = ["due_at_once", "virtual_time"]

_BULK = 200
_LOOK_S = 1.0


def virtual_time(plan: Plan) -> Figure:
    """Measure messages per second from pending to their end, their reports rendered; in one process."""
    count = plan.count(1_000_000)

    def seconds(part: str) -> float:
        return float(result_of(program("inside", part, str(count)))["seconds"])

    pairs = alternated(plan.rounds, lambda: seconds("heap"), lambda: seconds("pending"))
    return figure([(count / heap, count / ours) for heap, ours in pairs], "messages/s", f"{count:,} pending")


def due_at_once(plan: Plan) -> Figure:
    """Measure the longest wait for an answer while so many steps fall due at one instant, on a live clock."""
    count = plan.count(200_000, _BULK) // _BULK * _BULK
    stalls_ms = []
    idle_ms = []
    for _ in range(plan.rounds):
        with simulator({"deliver_after": "1m"}, "frozen") as served:
            # One instant for all of them: the clock stands until everything is sent.
            generate(served.port, count // _BULK, send_body(_BULK))
            idle_ms.append(_longest_ms(served))
            served.control.call("PUT", "/spaces/default/clock", {"mode": "live", "rate": 60})
            stalls_ms.append(_until_delivered_ms(served))
    # What the machine itself makes everybody wait, such as for others who use it.
    note = f"{count:,} steps; with nothing due {median(idle_ms):.0f} ms"
    return figure([(None, stall_ms) for stall_ms in stalls_ms], "ms", note)


def _until_delivered_ms(served: Served) -> float:
    """
    Return the longest answer until everything is delivered.

    Asking about the state walks over all messages, so it is done between looks, which are not counted.
    """
    longest_ms = 0.0
    ends = perf_counter() + REAL_S_MAX / 4
    while perf_counter() < ends:
        longest_ms = max(longest_ms, _longest_ms(served))
        # Those that are over may have given way to others.
        if set(served.space()["messages"]) == {"delivered"}:
            return longest_ms
    raise RuntimeError(f"not everything was delivered: {served.space()['messages']}")


def _longest_ms(served: Served) -> float:
    """Return the longest answer, within a moment, to a question that costs nothing."""
    longest_s = 0.0
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    try:
        ends = perf_counter() + _LOOK_S
        while perf_counter() < ends:
            started = perf_counter()
            connection.request("GET", "/_sim/health")
            connection.getresponse().read()
            longest_s = max(longest_s, perf_counter() - started)
            time.sleep(0.0005)
    finally:
        connection.close()
    return longest_s * 1000

"""
`make bench`: how fast the simulator is, as ratios within one run.

Machines differ and are noisy, so ratios count: each measurement alternates between a reference and the
simulator.  Everything stays on loopback and is bounded in count and time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.accepting import accept, accept_p99, slow_receiver
from benchmarks.counting import healthy_exact, revived_exact
from benchmarks.exploring import explored
from benchmarks.figures import Figure, Plan, Row, Target, judged, limits, shown
from benchmarks.keeping import bytes_per_message, growth
from benchmarks.loading import late_at_10000, late_at_20000, million, rate_at_20000, two_workers
from benchmarks.passing_time import due_at_once, virtual_time
from benchmarks.processes import ENVIRONMENT
from benchmarks.reporting import dispatch, end_to_end, storm_at_8000, storm_late, storm_rate
from benchmarks.starting import files_of_recipients, files_of_rules, space_by_http, space_inside, start
from benchmarks.wiremock import JAR, beside_wiremock

__all__ = ["ROWS", "main"]

_BARE = "bare aiohttp handler"
ROWS = (
    Row(1, "accept", "sends accepted", _BARE, accept, Target("ratio", "more", 0.5, 0.75), both_loops=True),
    Row(
        2, "accept-p99", "p99 of a send", _BARE, accept_p99,
        Target("ratio", "less", 3, 1.8), both_loops=True,
    ),
    Row(
        3, "dispatch", "webhooks sent", "ClientSession.post", dispatch,
        Target("ratio", "more", 2, 4), both_loops=True,
    ),
    Row(
        4, "storm", "sends with their reports", _BARE, end_to_end,
        Target("ratio", "more", 0.3, 0.5), both_loops=True,
    ),
    Row(
        5, "slow-receiver", "p99 of a send, receiver takes 200 ms", "fast receiver", slow_receiver,
        Target("ratio", "less", 2, 1.2),
    ),
    Row(6, "virtual-time", "virtual time", "heap of tuples", virtual_time, Target("ratio", "more", 0.3, 0.6)),
    Row(7, "due-at-once", "longest stall, all due at once", "", due_at_once, Target("value", "less", 50, 20)),
    Row(
        8, "stored", "bytes per message", "dict id → Struct", bytes_per_message,
        Target("ratio", "less", 1.8, 1.25),
    ),
    Row(9, "growth", "memory", "a quarter of them", growth, Target("ratio", "less", 1.25, 1.05)),
    Row(10, "start", "spawn to first send", "bare aiohttp app", start, Target("ratio", "less", 1.5, 1.3)),
    Row(11, "space", "space, by control API", "", space_by_http, Target("value", "less", 1, 0.5)),
    Row(11, "space-inside", "space, in process", "", space_inside, Target("value", "less", 1, 0.5)),
    Row(12, "live-storm", "storm of 5,000/s", "", storm_rate, Target("value", "more", 5_000, None)),
    Row(12, "live-storm-late", "its late p99", "", storm_late, Target("value", "less", 100, 20)),
    Row(12, "live-storm-8000", "storm of 8,000/s", "", storm_at_8000, Target("value", "more", None, 8_000)),
    Row(13, "wiremock", "webhooks", "WireMock", beside_wiremock, Target("ratio", "more", 4, 8)),
    Row(14, "recipients", "file of 10,000 recipients", "", files_of_recipients),
    Row(14, "rules", "file of 1,000 rules", "", files_of_rules),
    Row(15, "exact", "reports of 100,000 messages", "", healthy_exact),
    Row(15, "exact-revived", "the same, receiver killed twice", "", revived_exact),
    Row(16, "workers", "webhooks of 2 workers", "1 worker", two_workers, Target("ratio", "more", 1.7, 1.9)),
    Row(
        17, "load-20000", "20,000 signed webhooks/s asked of 2", "", rate_at_20000,
        Target("value", "more", 10_000, 20_000),
    ),
    Row(17, "load-20000-late", "their late p99", "", late_at_20000, Target("value", "less", None, 5)),
    Row(
        17, "load-10000-late", "late p99 of 10,000/s asked of 2", "", late_at_10000,
        Target("value", "less", 20, None),
    ),
    Row(18, "million", "memory, a million webhooks", "a tenth", million, Target("ratio", "less", 1.25, 1.05)),
    Row(19, "explore", "10,000 seeds of a search", "", explored, Target("value", "less", 90, 45)),
)  # fmt: skip
_OWN_LOAD = 4.0
_HEADS = ("#", "name", "what", "value", "reference", "ratio", "on uvloop", "floor", "goal", "is at", "note")
_LINE = "{:>2}  {:15}  {:36}  {:34}  {:20}  {:22}  {:22}  {:>7}  {:>7}  {:5}  {}"


def _chosen(words: Sequence[str]) -> list[Row]:
    known = {str(row.number) for row in ROWS} | {row.name for row in ROWS}
    unknown = [word for word in words if word not in known]
    if unknown:
        raise SystemExit(f"there is no row {unknown[0]!r}; known: 1 to 19, {', '.join(r.name for r in ROWS)}")
    rows = [row for row in ROWS if not words or str(row.number) in words or row.name in words]
    return [row for row in rows if row.measure is not beside_wiremock or os.environ.get(JAR)]


def _cells(row: Row, measured: Figure, on_uvloop: Figure | None) -> tuple[str, ...]:
    floor, goal = limits(row)
    value = f"{shown(measured.value)} {measured.unit}"
    ratios = [f"× {shown(of.ratio)}" if of is not None and of.ratio else "" for of in (measured, on_uvloop)]
    reached = judged(row, measured)
    cells = (str(row.number), row.name, row.what, value, row.reference, *ratios, floor, goal, reached)
    return (*cells, "; ".join(filter(None, (measured.note, _busy()))))


def _busy() -> str:
    """Say so when others want the machine, too; a row by itself keeps three or four processes busy."""
    if not hasattr(os, "getloadavg"):
        return ""
    load = os.getloadavg()[0]
    return f"machine busy: load {load:.0f}" if load > _OWN_LOAD else ""


def _line(cells: Sequence[str], markdown: bool) -> str:
    return f"| {' | '.join(cells)} |" if markdown else _LINE.format(*cells).rstrip()


def _on_uvloop(row: Row, plan: Plan) -> Figure | None:
    """Measure a row on uvloop, with a reference on uvloop; None: it has nothing to do with loops."""
    if not row.both_loops or find_spec("uvloop") is None:
        return None
    ENVIRONMENT["SIMULATOR_BENCH_LOOP"] = "uvloop"
    try:
        return row.measure(plan._replace(loop="uvloop"))
    finally:
        ENVIRONMENT["SIMULATOR_BENCH_LOOP"] = "asyncio"


def _entry(row: Row, measured: Figure, on_uvloop: Figure | None) -> dict[str, object]:
    return {
        "row": row.number,
        "name": row.name,
        "what": row.what,
        "value": measured.value._asdict(),
        "unit": measured.unit,
        "reference": row.reference or None,
        "ratio": measured.ratio._asdict() if measured.ratio else None,
        "ratio_on_uvloop": on_uvloop.ratio._asdict() if on_uvloop is not None and on_uvloop.ratio else None,
        "floor": row.target.floor if row.target else None,
        "goal": row.target.goal if row.target else None,
        "reached": judged(row, measured) or None,
        "note": measured.note,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print, a line as soon as it is known."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure the simulator.")
    parser.add_argument("rows", nargs="*", help="numbers or names of rows; all, if none is given")
    parser.add_argument("--rounds", type=int, default=5, help="alternating pairs of each row")
    parser.add_argument("--scale", type=float, default=1.0, help="multiply counts by this, such as 0.1")
    parser.add_argument("--quick", action="store_true", help="the same as --rounds 2 --scale 0.1")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON when everything is measured")
    form.add_argument(
        "--markdown", action="store_true", help="print the table as it is in docs/performance.md"
    )
    asked = parser.parse_args(arguments)
    plan = Plan(2, 0.1) if asked.quick else Plan(max(1, asked.rounds), asked.scale)
    rows = _chosen(asked.rows)
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    if not asked.json:
        print(
            f"{machine}; median (least–most) of {plan.rounds} alternating rounds, counts × {plan.scale:g}\n"
        )
        print(_line(_HEADS, asked.markdown), flush=True)
    if asked.markdown:
        print("|---" * len(_HEADS) + "|")
    entries = []
    for row in rows:
        measured = row.measure(plan)
        on_uvloop = _on_uvloop(row, plan)
        entries.append(_entry(row, measured, on_uvloop))
        if not asked.json:
            print(_line(_cells(row, measured, on_uvloop), asked.markdown), flush=True)
    if asked.json:
        print(json.dumps({"machine": machine, **plan._asdict(), "rows": entries}, indent=2))


if __name__ == "__main__":
    main()

"""
The verdict and the receiver's scorecard as lines for a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from simulator.evidence.result import Check, RunResult, Scorecard, Storm
from simulator.evidence.words import count, cut, latency, printable, span
from simulator.kernel.model.units import format_share

__all__ = ["RANK_LABELS", "ROWS", "Row", "ranks_line", "rates", "shown", "storm_lines", "text"]

_NAME_WIDTH_MAX = 56
_STORY_LINES_MAX = 12
_LINE_MAX = 400
_IDLE_MAX = 20
RANK_LABELS: Final = {"p50_us": "p50", "p99_us": "p99", "p99_9_us": "p99.9", "max_us": "max"}
"""How ranks of times are called, by their names."""


class Row(NamedTuple):
    """
    A field of the scorecard, and how it is shown.
    """

    field: str
    label: str
    unit: str = ""
    blame: bool = False
    """True when anything but nothing is a reproach to the receiver."""
    of: str = ""
    """Another field, of which this one is told as a share, too."""


ROWS: Final = (
    Row("webhooks", "webhooks"),
    Row("attempts", "attempts"),
    Row("acknowledged", "acknowledged"),
    Row("lost", "lost", blame=True),
    Row("non_2xx", "error answers", blame=True, of="attempts"),
    Row("no_answer", "no answer", blame=True, of="attempts"),
    Row("retries", "retries"),
    Row("order_violations", "heard out of order", blame=True),
    Row("dropped_on_purpose", "dropped on purpose"),
    Row("copies_on_purpose", "copies on purpose"),
    Row("excused", "excused failures"),
    Row("latency_p50_us", "latency p50", "us"),
    Row("latency_p95_us", "latency p95", "us"),
    Row("latency_p99_us", "latency p99", "us"),
    Row("latency_max_us", "latency max", "us"),
    Row("since_due_p50_us", "since due p50", "us"),
    Row("since_due_p99_us", "since due p99", "us"),
    Row("since_due_max_us", "since due max", "us"),
    Row("recovery_ms", "recovery", "ms"),
    Row("lag_max_ms", "lag max", "ms"),
    Row("queued_p99_us", "queued p99", "us"),
    Row("asked_per_s", "rate asked", "/s"),
    Row("reached_per_s", "rate reached", "/s"),
    Row("attempts_per_s_max", "attempts/s max"),
    Row("simulator_lag_p99_us", "simulator lag p99", "us"),
    Row("behind_max_ms", "simulator behind", "ms"),
)
"""The whole scorecard, in the order in which it is read."""


def shown(row: Row, card: Scorecard) -> str:
    """Return a field of *card* as people read it."""
    value: int | None = getattr(card, row.field)
    if row.unit == "/s" and value is not None:
        return f"{value:,.0f}/s"
    if value is None:
        # No outage that came to an end, say: there may have been none, or it lasts.
        return "–"
    if row.unit == "us" and not card.measured:
        return "–"
    whole = getattr(card, row.of) if row.of else 0
    share = f" ({format_share(value * 10_000 // whole)})" if value and whole else ""
    return latency(value) if row.unit == "us" else span(value) if row.unit == "ms" else f"{value:,}{share}"


def text(result: RunResult) -> list[str]:
    """Return the verdict, each expectation, and how the receiver did."""
    result = result.withheld()
    simulation = result.space.simulation
    checks = result.checks
    facts = [
        f"seed {result.seed}",
        count(result.messages, "message"),
        f"{span(simulation.clock.now_ms)} of virtual time",
    ]
    lines = [f"{result.verdict}  {printable(cut(result.scenario, 200))}  ({', '.join(facts)})"]
    if checks:
        width = min(_NAME_WIDTH_MAX, max(len(printable(check.name)) for check in checks))
        lines.append("")
        for check in checks:
            lines += _check_lines(check, width)
    if result.storm is not None:
        lines += ["", *(f"  {printable(cut(line, _LINE_MAX))}" for line in storm_lines(result.storm))]
    lines += ["", "the receiver", *_scorecard_lines(result.scorecard)]
    return lines


def storm_lines(storm: Storm) -> list[str]:
    """Return what several workers did together: rates asked and reached, and how late they were."""
    lines = [f"✗ incomplete: {why}" for why in storm.incomplete]
    journalled = "" if storm.journalled == storm.ended else f", {storm.journalled:,} journalled"
    lines.append(
        f"{count(storm.workers, 'worker')}: {storm.sent:,} attempts sent, {storm.ended:,} came to an end"
        f"{journalled}"
    )
    lines.append(rates(storm.asked_per_s, storm.reached_per_s))
    for what, ranks in (("late (sent − due)", storm.late), ("answered − due", storm.answered)):
        if ranks:
            lines.append(ranks_line(what, ranks))
    if storm.resident_max_bytes:
        lines.append(f"memory of a worker at most {storm.resident_max_bytes / 1e6:.0f} MB")
    if storm.digest:
        lines.append(f"digest of all webhooks {storm.digest}")
    return lines


def ranks_line(what: str, ranks: Mapping[str, int]) -> str:
    """Return the ranks of measured times in a line."""
    return f"{what}: " + "  ".join(f"{label} {latency(ranks[name])}" for name, label in RANK_LABELS.items())


def rates(asked_per_s: float | None, reached_per_s: float | None) -> str:
    """Return the rate that was asked for beside the one that was reached."""
    asked = "as fast as they are answered" if asked_per_s is None else f"{asked_per_s:,.0f}/s"
    reached = "–" if reached_per_s is None else f"{reached_per_s:,.0f}/s"
    return f"rate asked {asked}, reached {reached}"


def _check_lines(check: Check, width: int) -> Iterator[str]:
    mark = check.mark
    name = printable(cut(check.name, _LINE_MAX))
    yield f"  {mark} {name:<{width}}  {printable(cut(check.detail, _LINE_MAX))}".rstrip()
    if check.passed:
        return
    for line in check.lines[:_STORY_LINES_MAX]:
        yield f"      {printable(cut(line, _LINE_MAX))}".rstrip()
    left = len(check.lines) - _STORY_LINES_MAX
    if left > 0:
        yield f"      … {count(left, 'more line')}; --html and --json have them all"


def _scorecard_lines(card: Scorecard) -> list[str]:
    """Return the scorecard in two columns, read downwards."""
    cells = [(row.label, shown(row, card)) for row in ROWS]
    half = -(-len(cells) // 2)
    left, right = cells[:half], cells[half:]
    return [f"  {_cell(left, number)}    {_cell(right, number)}".rstrip() for number in range(half)]


def _cell(cells: Sequence[tuple[str, str]], number: int) -> str:
    if number >= len(cells):
        return ""
    labels = max(len(label) for label, _ in cells)
    values = max(len(value) for _, value in cells)
    label, value = cells[number]
    return f"{label:<{labels}}  {value:>{values}}"

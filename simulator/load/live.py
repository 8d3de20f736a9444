"""
How a load goes on, for whoever watches: the same figures for people, for programs and for Prometheus.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from simulator.evidence.text import rates
from simulator.evidence.words import latency
from simulator.load.measures import Measures
from simulator.load.parts import Progress
from simulator.run.meter import Meter

__all__ = ["View", "view_alone", "view_of"]


class View(NamedTuple):
    """
    A load as it is now, of all workers together.
    """

    elapsed_s: float
    workers: int
    messages: int
    due: int
    """Webhooks and repeated attempts that fell due so far."""
    sent: int
    answered: int
    non_2xx: int
    no_answer: int
    backlog: int
    """Due, and not sent yet."""
    in_flight: int
    behind_ms: int
    """How far the workers' clocks are behind the schedule."""
    late_p99_us: int | None
    """From due to sent; None: nothing is late on a clock that stands still meanwhile."""
    answered_p99_us: int
    asked_per_s: float | None
    """Webhooks that fell due a second; None: nobody asked for any rate."""
    reached_per_s: float | None

    def gauges(self) -> list[tuple[str, str, float]]:
        """Return it for Prometheus: names, what they are, values."""
        rows: list[tuple[str, str, float | None]] = [
            ("workers", "Worker processes.", self.workers),
            ("messages", "Messages that arrived.", self.messages),
            ("due", "Attempts that fell due.", self.due),
            ("sent", "Attempts that were sent.", self.sent),
            ("answered", "Attempts that were answered.", self.answered),
            ("non_2xx", "Attempts answered with anything but success.", self.non_2xx),
            ("no_answer", "Attempts without an answer.", self.no_answer),
            ("backlog", "Attempts that are due and not sent.", self.backlog),
            ("in_flight", "Attempts under way.", self.in_flight),
            ("behind_seconds", "How far clocks are behind the schedule.", self.behind_ms / 1_000),
            ("late_p99_seconds", "From due to sent, p99.", _seconds(self.late_p99_us)),
            ("answered_p99_seconds", "From due to answered, p99.", self.answered_p99_us / 1_000_000),
            ("asked_per_second", "Webhooks that fell due a second.", self.asked_per_s),
            ("reached_per_second", "Webhooks that were sent a second.", self.reached_per_s),
        ]
        return [(f"simulator_load_{name}", what, value) for name, what, value in rows if value is not None]

    def line(self) -> str:
        """Return it as a line for people."""
        parts = [
            f"{self.elapsed_s:.0f} s",
            f"{self.sent:,} sent of {self.due:,} due",
            "late p99 " + ("–" if self.late_p99_us is None else latency(self.late_p99_us)),
            f"{self.answered:,} answered",
            f"{self.non_2xx + self.no_answer:,} not 2xx",
            f"backlog {self.backlog:,}",
            rates(self.asked_per_s, self.reached_per_s),
        ]
        if self.behind_ms:
            parts.append(f"{self.behind_ms:,} ms behind")
        return "  ".join(parts)


def view_of(progress: Sequence[Progress], elapsed_s: float, live_rate: int) -> View:
    """Return how *progress* of all workers looks together; *live_rate* is that of a live clock, else 0."""
    measures = Measures()
    for each in progress:
        measures.join(each.measures)
    backlog = sum(each.backlog for each in progress)
    return View(
        elapsed_s=round(elapsed_s, 3),
        workers=len(progress),
        messages=sum(each.messages for each in progress),
        due=measures.sent + backlog,
        sent=measures.sent,
        answered=measures.ended - measures.no_answer,
        non_2xx=measures.non_2xx,
        no_answer=measures.no_answer,
        backlog=backlog,
        in_flight=sum(each.in_flight for each in progress),
        behind_ms=max((each.behind_ms for each in progress), default=0),
        late_p99_us=measures.late.rank(99) if live_rate else None,
        answered_p99_us=measures.answered.rank(99),
        asked_per_s=_rounded(measures.asked_per_s(live_rate) if live_rate else None),
        reached_per_s=_rounded(measures.reached_per_s()),
    )


def view_alone(
    meter: Meter, *, messages: int, backlog: int, in_flight: int, behind_ms: int, live: bool
) -> View:
    """Return how a run in one process looks."""
    return View(
        elapsed_s=round(meter.elapsed_real_s, 3),
        workers=1,
        messages=messages,
        due=meter.sent + backlog,
        sent=meter.sent,
        answered=meter.answered_count,
        non_2xx=meter.non_2xx,
        no_answer=meter.no_answer,
        backlog=backlog,
        in_flight=in_flight,
        behind_ms=behind_ms,
        late_p99_us=meter.lates.rank(99) if live else None,
        answered_p99_us=meter.answers.rank(99),
        asked_per_s=meter.pace.asked_per_s if live else None,
        reached_per_s=meter.pace.reached_per_s,
    )


def _seconds(us: int | None) -> float | None:
    return None if us is None else us / 1_000_000


def _rounded(per_s: float | None) -> float | None:
    return None if per_s is None else round(per_s, 1)

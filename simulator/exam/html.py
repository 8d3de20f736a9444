"""
An exam as one HTML file that needs nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from simulator.evidence.pages import render, style, style_policy
from simulator.exam.results import ExamResult, Grade, Outcome

__all__ = ["html"]

_MARKS: Final = {
    Outcome.PASSED: ("pass", "✓"),
    Outcome.FAILED: ("fail", "✕"),
    Outcome.NOT_JUDGED: ("soft", "–"),
}


class _Everything:
    """Grades have lost their secrets already."""

    def body(self, text: str) -> str:
        return text


class Row(NamedTuple):
    """
    A hardship and its grade.
    """

    css: str
    mark: str
    grade: Grade


def html(result: ExamResult) -> str:
    """Return the page: the score, what failed with its stories, what was not judged, and everything else."""
    counts = [f"{len(result.of(outcome))} {outcome.value}" for outcome in Outcome if result.of(outcome)]
    return render(
        "exam.html",
        _Everything(),
        package="simulator.exam",
        style=style(),
        style_policy=style_policy(),
        result=result,
        facts=[
            *counts,
            f"seed {result.seed}",
            f"{result.elapsed_real_s:.1f} s",
            f"simulator {result.version}",
        ],
        sections=[
            ("Failed", _rows(result.of(Outcome.FAILED))),
            ("Not judged", _rows(result.of(Outcome.NOT_JUDGED))),
            ("Passed", _rows(result.of(Outcome.PASSED))),
        ],
    )


def _rows(grades: Sequence[Grade]) -> list[Row]:
    return [Row(*_MARKS[grade.outcome], grade) for grade in grades]

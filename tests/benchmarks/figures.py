"""
What a row of the table holds, and the table for people.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, TypeVar

__all__ = [
    "Figure",
    "Plan",
    "Row",
    "Spread",
    "Target",
    "alternated",
    "figure",
    "judged",
    "limits",
    "shown",
    "spread",
]

_Left = TypeVar("_Left")
_Right = TypeVar("_Right")


class Plan(NamedTuple):
    """
    How thoroughly to measure.
    """

    rounds: int = 5
    scale: float = 1.0
    """Counts are multiplied by this."""
    loop: str = "asyncio"
    """On which event loop the simulator runs, and its reference if that is a server or client of aiohttp."""

    def count(self, usual: int, least: int = 64) -> int:
        """Return how many, instead of *usual*."""
        return max(least, int(usual * self.scale))


class Spread(NamedTuple):
    """
    The median of some rounds, the least and the most.
    """

    median: float
    least: float
    most: float


class Figure(NamedTuple):
    """
    What was measured; the ratio is to the reference in the same run.
    """

    value: Spread
    unit: str
    ratio: Spread | None = None
    note: str = ""


class Target(NamedTuple):
    """
    What is asked of a figure; None: nothing.
    """

    of: Literal["value", "ratio"]
    better: Literal["more", "less"]
    floor: float | None
    goal: float | None


class Row(NamedTuple):
    """
    One row of the table.
    """

    number: int
    name: str
    what: str
    reference: str
    measure: Callable[[Plan], Figure]
    target: Target | None = None
    both_loops: bool = False
    """Measured on uvloop, too, where that is installed."""


def alternated(
    rounds: int, reference: Callable[[], _Left], ours: Callable[[], _Right]
) -> list[tuple[_Left, _Right]]:
    """Measure both in turn, the other one first in every second round; return the pairs."""
    pairs = []
    for number in range(rounds):
        if number % 2:
            right = ours()
            left = reference()
        else:
            left = reference()
            right = ours()
        pairs.append((left, right))
    return pairs


def spread(values: Iterable[float]) -> Spread:
    """Return the spread of *values*."""
    ordered = sorted(values)
    return Spread(statistics.median(ordered), ordered[0], ordered[-1])


def figure(pairs: Sequence[tuple[float | None, float]], unit: str, note: str = "") -> Figure:
    """Return the figure of pairs of reference and ours; no ratio without a reference."""
    ratios = [ours / reference for reference, ours in pairs if reference]
    return Figure(spread(ours for _, ours in pairs), unit, spread(ratios) if ratios else None, note)


def judged(row: Row, measured: Figure) -> str:
    """Return `goal`, `floor` or `below` by how far the median comes; nothing when nothing is asked."""
    target = row.target
    judged_by = measured.ratio if target is not None and target.of == "ratio" else measured.value
    if target is None or judged_by is None:
        return ""
    sign = 1 if target.better == "more" else -1
    # A rate that was asked for is reached but for the last webhook's wait.
    slack = 0.01 if target.of == "value" else 0.0
    for word, limit in (("goal", target.goal), ("floor", target.floor)):
        if limit is not None and sign * judged_by.median >= sign * limit - abs(limit) * slack:
            return word
    return "below" if target.floor is not None else ""


def number(value: float) -> str:
    """Return a number with three digits that mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def shown(spread: Spread | None) -> str:
    """Return a spread as text."""
    return "" if spread is None else f"{number(spread.median)} ({number(spread.least)}–{number(spread.most)})"


def limits(row: Row) -> tuple[str, str]:
    """Return floor and goal as text."""
    if row.target is None:
        return "", ""
    sign = "≥" if row.target.better == "more" else "≤"
    floor, goal = (
        "" if limit is None else f"{sign} {number(limit)}" for limit in (row.target.floor, row.target.goal)
    )
    return floor, goal

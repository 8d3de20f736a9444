"""
A search for people and for programs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, NamedTuple

from simulator.explore.finding import Explored, Finding
from simulator.explore.invariants import INVARIANTS
from simulator.explore.situations import SITUATIONS

__all__ = ["Line", "as_json", "finding_lines", "summary"]


class Line(NamedTuple):
    """
    One line for people.
    """

    text: str
    colour: str | None = None


def finding_lines(finding: Finding) -> Iterator[Line]:
    """Yield what a finding is, with its story."""
    promise = INVARIANTS.get(finding.invariant, "an invariant of yours")
    yield Line(f"FOUND {finding.name}", "red")
    yield Line(f"  broken: {promise}")
    yield Line(f"  {finding.detail}")
    if finding.again < finding.tries:
        yield Line(f"  same seed, other answers: {finding.again} of {finding.tries}", "yellow")
    yield from (Line(f"    {line}") for line in finding.story)


def summary(explored: Explored, reach: int) -> Iterator[Line]:
    """Yield how the search went; *reach* is how many situations it must have come to."""
    reached = len(explored.reached)
    yield Line(
        f"{explored.runs} runs in {explored.elapsed_real_s:.0f} s, {len(explored.findings)} findings; "
        f"seed {explored.seed}"
    )
    parts = ", ".join(f"{situation} {count}×" for situation, count in explored.reached.items())
    yield Line(f"reached {reached} of {len(SITUATIONS)} situations: {parts or 'none'}")
    if explored.missed:
        yield Line(f"not reached: {', '.join(explored.missed)}")
    if explored.findings:
        yield Line("FAILED", "red")
    elif not explored.judged:
        yield Line("NOT JUDGED: nothing was asked of your software, or nothing was sent", "yellow")
    elif reached < reach:
        yield Line(f"NOT JUDGED: expected {reach} situations at least (--reach)", "yellow")
    else:
        yield Line("NOTHING FOUND", "green")


def as_json(explored: Explored) -> dict[str, Any]:
    """Return the same for programs."""
    return {**asdict(explored), "missed": explored.missed}

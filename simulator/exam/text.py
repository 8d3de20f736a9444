"""
The scorecard of an exam as lines for a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from simulator.evidence.words import count, cut, printable
from simulator.exam.results import ExamResult, Grade, Outcome

__all__ = ["Line", "scorecard", "told_at_once"]

_STORY_LINES_MAX: Final = 14
_LINE_MAX: Final = 300
_MARKS: Final = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.NOT_JUDGED: "–"}
_COLOURS: Final = {Outcome.PASSED: "green", Outcome.FAILED: "red", Outcome.NOT_JUDGED: "yellow"}


class Line(NamedTuple):
    """
    A line, and its colour where it has one.
    """

    text: str
    colour: str | None = None


def told_at_once(grade: Grade, width: int) -> Line:
    """Return the line that tells a grade as soon as there is one."""
    known = " (known)" if grade.expected else ""
    colour = "yellow" if grade.expected else _COLOURS[grade.outcome]
    return Line(f"  {_MARKS[grade.outcome]} {grade.name:<{width}}  {grade.promise}{known}", colour)


def scorecard(result: ExamResult) -> Iterator[Line]:
    """Yield every failure with its story and the file that repeats it, what was not judged, and the score."""
    for grade in result.of(Outcome.FAILED):
        yield from _failure(grade)
    unjudged = result.of(Outcome.NOT_JUDGED)
    if unjudged:
        yield Line("")
        yield Line("not judged")
        width = max(len(grade.name) for grade in unjudged)
        for grade in unjudged:
            yield Line(f"  – {grade.name:<{width}}  {_plain(grade.reason)}", "yellow")
    for name in result.mended:
        yield Line(f"mended: {name} is passed now; take it off the baseline", "green")
    yield Line("")
    yield _score(result, len(unjudged))


def _failure(grade: Grade) -> Iterator[Line]:
    yield Line("")
    yield Line(f"✗ {grade.name}: {grade.promise}", "yellow" if grade.expected else "red")
    yield Line(f"  {_plain(grade.reason)}")
    for line in grade.story[:_STORY_LINES_MAX]:
        yield Line(f"    {_plain(line)}".rstrip())
    left = len(grade.story) - _STORY_LINES_MAX
    if left > 0:
        yield Line(f"    … {count(left, 'more line')}; --html and --json have them all")
    if grade.file:
        yield Line(f"  alone: simulator run {grade.file}")


def _plain(text: str) -> str:
    return printable(cut(text, _LINE_MAX))


def _score(result: ExamResult, unjudged: int) -> Line:
    failed, known = len(result.of(Outcome.FAILED)), len(result.of(Outcome.FAILED)) - len(result.fresh)
    parts = [f"{failed} failed"] if failed else []
    parts += [f"{known} of them known"] if known else []
    parts += [f"{unjudged} not judged"] if unjudged else []
    facts = [*parts, f"seed {result.seed}", f"{result.elapsed_real_s:.1f} s"]
    verdict = "PASSED" if result.passed else "FAILED"
    colour = "green" if result.passed else "red"
    return Line(f"{verdict}  receiver: {result.score}  {result.title}  ({', '.join(facts)})", colour)

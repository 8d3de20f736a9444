"""
The scorecard of an exam as lines for a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Final, NamedTuple

from simulator.evidence.words import count, cut, printable
from simulator.exam.results import ExamResult, Grade, Outcome

__all__ = ["Line", "Span", "at_once", "listing", "scorecard"]

_STORY_LINES_MAX: Final = 16
_STORIES_MAX: Final = 5
_LINE_MAX: Final = 300
_PROMISE_MAX: Final = 100
_NAMES_WIDTH: Final = 100
_MARKS: Final = {
    Outcome.PASSED: ("✓", "green"),
    Outcome.FAILED: ("✗", "red"),
    Outcome.NOT_JUDGED: ("–", "yellow"),
}
_FAINT: Final = "bright_black"
_KNOWN: Final = "yellow"


class Span(NamedTuple):
    """
    A part of a line, and its colour where it has one.
    """

    text: str
    colour: str | None = None


Line = Sequence[Span]


def listing(names: Sequence[tuple[str, str]]) -> Iterator[Line]:
    """Yield a line for each name and promise."""
    width = max((len(name) for name, _ in names), default=0)
    for name, promise in names:
        yield (Span(f"{name:<{width}}"), Span(f"  {promise}", _FAINT))


def at_once(grade: Grade, width: int) -> Line:
    """Return the line that tells a grade as soon as there is one."""
    mark, colour = _mark(grade)
    mark_of_known = (Span("  known", _KNOWN),) if grade.expected else ()
    faint = _FAINT if grade.outcome is Outcome.PASSED else None
    promise = cut(grade.promise, _PROMISE_MAX)
    return (
        Span(f"  {mark} ", colour),
        Span(f"{grade.name:<{width}}"),
        Span(f"  {promise}", faint),
        *mark_of_known,
    )


def _mark(grade: Grade) -> tuple[str, str]:
    mark, colour = _MARKS[grade.outcome]
    return mark, _KNOWN if grade.expected else colour


def scorecard(result: ExamResult, again: str = "") -> Iterator[Line]:
    """
    Yield every failure with its story and its file, what was not judged and why, and the score.

    *again* is what `simulator run` needs beside the file.
    """
    untold = _STORIES_MAX
    for grade in result.of(Outcome.FAILED):
        # Whoever knows a failure has read its story, and of many the first ones will do.
        with_story = not grade.expected and untold > 0
        untold -= with_story
        yield from _failure(grade, again, with_story=with_story)
    unjudged = result.of(Outcome.NOT_JUDGED)
    if unjudged:
        yield ()
        yield (Span("not judged"),)
        yield from _unjudged(unjudged)
    if result.mended:
        yield ()
        yield (
            Span("mended", "green"),
            Span(f"  passed now, and still on the baseline: {', '.join(result.mended)}"),
        )
    yield ()
    yield _score(result, len(unjudged))


def _unjudged(grades: Sequence[Grade]) -> Iterator[Line]:
    """Yield each reason once, with the hardships that it keeps from being judged."""
    names: dict[str, list[str]] = {}
    for grade in grades:
        names.setdefault(grade.reason, []).append(grade.name)
    for reason, hardships in names.items():
        yield (Span("  – ", "yellow"), Span(_plain(reason)))
        for line in wrap(", ".join(hardships), _NAMES_WIDTH, break_on_hyphens=False):
            yield (Span(f"      {line}", _FAINT),)


def _failure(grade: Grade, again: str, *, with_story: bool) -> Iterator[Line]:
    mark, colour = _mark(grade)
    yield ()
    yield (Span(f"{mark} {grade.name}", colour), Span(f"  {grade.promise}"))
    yield (Span(f"  {_plain(grade.reason)}"),)
    if with_story:
        yield from _story(grade)
    if grade.file and not grade.expected:
        yield (Span(f"  alone: simulator run {grade.file}{again}"),)


def _story(grade: Grade) -> Iterator[Line]:
    yield ()
    for line in grade.story[:_STORY_LINES_MAX]:
        yield (Span(f"    {_plain(line)}".rstrip(), _FAINT),)
    left = len(grade.story) - _STORY_LINES_MAX
    if left > 0:
        yield (Span(f"    … {count(left, 'more line')}; --html and --json have them all", _FAINT),)
    yield ()


def _plain(text: str) -> str:
    return printable(cut(text, _LINE_MAX))


def _score(result: ExamResult, unjudged: int) -> Line:
    failed, expected = len(result.of(Outcome.FAILED)), len(result.of(Outcome.FAILED)) - len(result.fresh)
    facts = [f"{failed} failed" + (f", {expected} of them known" if expected else "")] if failed else []
    facts += [f"{unjudged} not judged"] if unjudged else []
    facts += [f"seed {result.seed}", f"{result.elapsed_real_s:.1f} s"]
    verdict, colour = ("PASSED", "green") if result.passed else ("FAILED", "red")
    return (Span(verdict, colour), Span(f"  {result.title}  receiver: {result.score}  ({', '.join(facts)})"))

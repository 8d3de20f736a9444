"""
An exam as JUnit XML: a test case for each hardship, by its name.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.evidence.junit import attribute, body
from simulator.exam.results import ExamResult, Grade, Outcome

__all__ = ["junit"]


def junit(result: ExamResult) -> str:
    """Return the XML; what was not judged, and failures that a baseline expects, are skipped."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: ExamResult) -> Iterator[str]:
    failures = len(result.fresh)
    skipped = len(result.grades) - len(result.of(Outcome.PASSED)) - failures
    counts = f'tests="{len(result.grades)}" failures="{failures}" errors="0"'
    name = attribute(f"exam.{result.provider}")
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites name="simulator" {counts}>'
    yield f'  <testsuite name={name} {counts} skipped="{skipped}" time="{result.elapsed_real_s:.3f}">'
    yield "    <properties>"
    for key, value in (("seed", str(result.seed)), ("simulator", result.version), ("receiver", result.score)):
        yield f"      <property name={attribute(key)} value={attribute(value)}/>"
    yield "    </properties>"
    for grade in result.grades:
        yield from _case(grade, name)
    yield "  </testsuite>"
    yield "</testsuites>"


def _case(grade: Grade, suite: str) -> Iterator[str]:
    opening = (
        f'    <testcase classname={suite} name={attribute(grade.name)} time="{grade.elapsed_real_s:.3f}"'
    )
    if grade.outcome is Outcome.PASSED:
        yield f"{opening}/>"
        return
    if grade.outcome is Outcome.NOT_JUDGED or grade.expected:
        why = f"known: {grade.reason}" if grade.expected else grade.reason
        yield f"{opening}><skipped message={attribute(why)}/></testcase>"
        return
    story = body([grade.reason, *_where(grade), *grade.story])
    message = attribute(f"{grade.promise} {grade.reason}")
    yield f"{opening}>"
    yield f'      <failure message={message} type="hardship">{story}</failure>'
    yield "    </testcase>"


def _where(grade: Grade) -> list[str]:
    return [f"alone: simulator run {grade.file}"] if grade.file else []

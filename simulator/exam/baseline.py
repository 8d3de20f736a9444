"""
Failures that are known: they do not fail an exam, and are told when they are mended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from simulator.exam.results import ExamResult, Grade, Outcome
from simulator.scenario.loader import ScenarioError
from simulator.scenario.yaml import YamlError, dump, parse
from simulator.schema.node import Json, Problems
from simulator.schema.shapes import Choice, Invalid, ListOf, MapOf

__all__ = ["Baseline", "against", "marked", "read_baseline", "renewed"]

Baseline = Mapping[str, tuple[str, ...]]
"""By provider, the hardships that are known to fail."""

_HEAD = """\
# Hardships that are known to fail: `simulator exam PROVIDER --baseline` with this file fails for others.
"""


def read_baseline(text: str, origin: str, providers: Sequence[str], hardships: Sequence[str]) -> Baseline:
    """
    Return what a file says; raises ScenarioError, also for a name that is no hardship's.

    Such a name would excuse nothing, for ever.
    """
    problems = Problems()
    try:
        node = parse(text, origin)
    except YamlError as trouble:
        raise ScenarioError(trouble.problems.render(origin)) from None
    names = ListOf(Choice({name: name for name in hardships}), max_items=len(hardships))
    baseline = MapOf(names, Choice({name: name for name in providers}), max_items=len(providers)).read(
        node, "", problems
    )
    if isinstance(baseline, Invalid) or problems:
        raise ScenarioError(problems.render(origin))
    return baseline


def marked(grade: Grade, expected: Sequence[str]) -> Grade:
    """Return *grade*, marked as expected where it is a failure that is known."""
    return replace(grade, expected=grade.outcome is Outcome.FAILED and grade.name in expected)


def against(result: ExamResult, baseline: Baseline) -> ExamResult:
    """Return *result* with the failures that *baseline* expects marked, and what was mended."""
    expected = baseline.get(result.provider, ())
    return replace(
        result,
        grades=tuple(marked(grade, expected) for grade in result.grades),
        mended=tuple(grade.name for grade in result.of(Outcome.PASSED) if grade.name in expected),
    )


def renewed(baseline: Baseline, result: ExamResult) -> str:
    """Return the text of a baseline with what failed now, and with what was not judged this time."""
    judged = {grade.name for grade in result.grades if grade.outcome is not Outcome.NOT_JUDGED}
    kept = [name for name in baseline.get(result.provider, ()) if name not in judged]
    failed = {*kept, *(grade.name for grade in result.of(Outcome.FAILED))}
    names = {**baseline, result.provider: sorted(failed)}
    tree: dict[str, Json] = {provider: list(names[provider]) for provider in sorted(names) if names[provider]}
    return _HEAD + dump(tree)

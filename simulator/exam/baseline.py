"""
Failures that are known: they do not fail an exam, and are told when they are mended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from simulator.exam.results import ExamResult, Outcome
from simulator.scenario.loader import ScenarioError
from simulator.scenario.yaml import YamlError, dump, parse
from simulator.schema.node import Json, Problems
from simulator.schema.shapes import Choice, Invalid, ListOf, MapOf

__all__ = ["Baseline", "against", "read_baseline", "written"]

Baseline = Mapping[str, tuple[str, ...]]
"""By provider, the hardships that are known to fail."""

_HEAD = """\
# Hardships that are known to fail; `simulator exam PROVIDER --baseline` with this file fails for others alone.
"""


def read_baseline(text: str, origin: str, names: Mapping[str, Iterable[str]]) -> Baseline:
    """
    Return what a file says, where *names* are the hardships of each provider.

    Raises ScenarioError, also for a hardship that there is not: it would hide nothing for ever.
    """
    problems = Problems()
    try:
        node = parse(text, origin)
    except YamlError as trouble:
        raise ScenarioError(trouble.problems.render(origin)) from None
    everything = dict.fromkeys(name for hardships in names.values() for name in hardships)
    hardship = Choice({name: name for name in everything})
    provider = Choice({name: name for name in names})
    baseline = MapOf(ListOf(hardship, max_items=10_000), provider, max_items=100).read(node, "", problems)
    if isinstance(baseline, Invalid) or problems:
        raise ScenarioError(problems.render(origin))
    return baseline


def against(result: ExamResult, baseline: Baseline) -> ExamResult:
    """Return *result* with the failures that *baseline* expects marked, and what was mended."""
    expected = baseline.get(result.provider, ())
    return replace(
        result,
        grades=tuple(
            replace(grade, expected=grade.outcome is Outcome.FAILED and grade.name in expected)
            for grade in result.grades
        ),
        mended=tuple(grade.name for grade in result.of(Outcome.PASSED) if grade.name in expected),
    )


def written(result: ExamResult, baseline: Baseline) -> str:
    """Return the text of a baseline that has what failed now, and what stood there of others."""
    sat = {grade.name for grade in result.grades if grade.outcome is not Outcome.NOT_JUDGED}
    kept = [name for name in baseline.get(result.provider, ()) if name not in sat]
    failed = sorted({*kept, *(grade.name for grade in result.of(Outcome.FAILED))})
    tree: dict[str, Json] = {name: list(names) for name, names in baseline.items() if names}
    tree.pop(result.provider, None)
    if failed:
        tree[result.provider] = list(failed)
    return _HEAD + dump({name: tree[name] for name in sorted(tree)})

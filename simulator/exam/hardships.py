"""
The hardships of the exam: scenario files that say which promise they test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from simulator.run.inputs import read_bounded
from simulator.scenario.goals import RunFile
from simulator.scenario.loader import ScenarioError, Vocabulary, load_run
from simulator.scenario.shipped import hardships as shipped
from simulator.scenario.yaml import SIZE_MAX_BYTES, parse
from simulator.schema.node import Json

__all__ = ["Hardship", "chosen", "hardships_of", "library"]

_NAME_BYTES_MAX: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardship:
    """
    One trouble for a receiver, with the promise that it tests.
    """

    name: str
    """What its file is called; the same in every release."""
    plan: RunFile
    tree: Mapping[str, Json]
    """The same as it is written."""

    @property
    def title(self) -> str:
        """What happens, in one line."""
        return self.plan.scenario.name

    @property
    def promise(self) -> str:
        """What a good receiver does in it, in one sentence."""
        return self._of_the_exam.promise

    @property
    def judged_by(self) -> tuple[str, ...]:
        """What must be judged before it counts as passed."""
        return self._of_the_exam.judged_by

    @property
    def lures(self) -> tuple[str, ...]:
        """Rules that only a receiver meets which does wrong."""
        return self._of_the_exam.lures

    @property
    def providers(self) -> tuple[str, ...]:
        """In whose exam it is; empty: in every one."""
        return self._of_the_exam.providers

    @property
    def _of_the_exam(self):  # type: ignore[no-untyped-def]
        assert self.plan.hardship is not None
        return self.plan.hardship


def read_hardship(path: Path, providers: Mapping[str, Vocabulary]) -> Hardship:
    """Return the hardship in a file; raises ScenarioError, also when it names no promise."""
    text = read_bounded(path, SIZE_MAX_BYTES).decode("utf-8")
    plan = load_run(text, str(path), providers)
    if plan.hardship is None:
        raise ScenarioError([f"{path}:1:1: expected hardship: with the promise that it tests"])
    tree = parse(text, str(path)).plain()
    assert isinstance(tree, dict)
    return Hardship(name=path.stem, plan=plan, tree=tree)


def library(providers: Mapping[str, Vocabulary]) -> list[Hardship]:
    """Return every hardship that comes with the simulator, sorted by name."""
    return [read_hardship(path, providers) for path in shipped()]


def hardships_of(provider: str, providers: Mapping[str, Vocabulary]) -> list[Hardship]:
    """Return the hardships of one provider's exam."""
    return [one for one in library(providers) if provider in (one.providers or (provider,))]


def chosen(hardships: list[Hardship], only: tuple[str, ...], skip: tuple[str, ...]) -> list[Hardship]:
    """Return those whose names match a pattern of *only*, if there is one, and none of *skip*."""
    return [
        hardship
        for hardship in hardships
        if (not only or any(fnmatchcase(hardship.name, pattern) for pattern in only))
        and not any(fnmatchcase(hardship.name, pattern) for pattern in skip)
    ]

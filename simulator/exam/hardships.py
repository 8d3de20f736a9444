"""
The hardships of the exam: scenario files that say which promise they test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from simulator.run.inputs import read_bounded
from simulator.scenario.loader import ScenarioError, Vocabulary, load_run
from simulator.scenario.shipped import hardships as shipped
from simulator.scenario.yaml import SIZE_MAX_BYTES, parse
from simulator.schema.node import Json

__all__ = ["Hardship", "chosen", "hardships_of", "library", "read_hardship"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardship:
    """
    One trouble for a receiver, with the promise that it tests.
    """

    name: str
    """What its file is called; the same in every release."""
    title: str
    """What happens, in one line."""
    promise: str
    """What a good receiver does in it, in one sentence."""
    judged_by: tuple[str, ...]
    """What must be judged before it counts as passed."""
    lures: tuple[str, ...]
    """Rules that only a receiver meets which does wrong."""
    providers: tuple[str, ...]
    """In whose exam it is."""
    tree: Mapping[str, Json]
    """Its file as it is written."""


def read_hardship(path: Path, providers: Mapping[str, Vocabulary]) -> Hardship:
    """Return the hardship in a file; raises ScenarioError, also when it names no promise."""
    text = read_bounded(path, SIZE_MAX_BYTES).decode("utf-8")
    plan = load_run(text, str(path), providers)
    tested, tree = plan.hardship, parse(text, str(path)).plain()
    if tested is None or not isinstance(tree, dict):
        raise ScenarioError([f"{path}:1:1: expected hardship:, with the promise that it tests"])
    return Hardship(
        name=path.stem,
        title=plan.scenario.name,
        promise=tested.promise,
        judged_by=tested.judged_by,
        lures=tested.lures,
        providers=tested.providers or tuple(providers),
        tree=tree,
    )


def library(providers: Mapping[str, Vocabulary]) -> list[Hardship]:
    """Return every hardship that comes with the simulator, sorted by name."""
    return [read_hardship(path, providers) for path in shipped()]


def hardships_of(provider: str, providers: Mapping[str, Vocabulary]) -> list[Hardship]:
    """Return the hardships of one provider's exam."""
    return [hardship for hardship in library(providers) if provider in hardship.providers]


def chosen(hardships: Sequence[Hardship], only: Sequence[str], skip: Sequence[str]) -> list[Hardship]:
    """Return those whose names match a pattern of *only*, if there is one, and none of *skip*."""
    return [
        hardship
        for hardship in hardships
        if (not only or any(fnmatchcase(hardship.name, pattern) for pattern in only))
        and not any(fnmatchcase(hardship.name, pattern) for pattern in skip)
    ]

"""
The hardships of the exam: scenario files that say which promise they test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from simulator.files.inputs import read_bounded
from simulator.scenario.loader import ScenarioError, Vocabulary, load_run
from simulator.scenario.shipped import hardships as shipped
from simulator.scenario.yaml import SIZE_MAX_BYTES, parse
from simulator.schema.node import Json

__all__ = ["Hardship", "library", "names", "read_hardship"]


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


def library(
    providers: Mapping[str, Vocabulary], *, only: Sequence[str] = (), skip: Sequence[str] = ()
) -> list[Hardship]:
    """
    Return the hardships that come with the simulator, sorted by name.

    Their names match a pattern of *only*, if there is one, and none of *skip*.
    """
    return [read_hardship(path, providers) for path in shipped() if _chosen(path.stem, only, skip)]


def _chosen(name: str, only: Sequence[str], skip: Sequence[str]) -> bool:
    if any(fnmatchcase(name, pattern) for pattern in skip):
        return False
    return not only or any(fnmatchcase(name, pattern) for pattern in only)


def names() -> list[str]:
    """Return the name of every hardship."""
    return [path.stem for path in shipped()]

"""
How a scenario says which promise it tests: what `simulator exam` makes a hardship of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulator.scenario.goals import JUDGES, Hardship
from simulator.schema.shapes import Choice, Field, ListOf, Record, Shape, Text

__all__ = ["hardship_shape"]

_JUDGES_MAX: Final = 10


def hardship_shape(providers: Sequence[str]) -> Shape[Hardship]:
    """Return how `hardship:` looks where there are *providers*."""
    return Record(
        Hardship,
        [
            Field(
                "promise", Text(1, 200), "What a good receiver does in it, in one sentence.", required=True
            ),
            Field(
                "providers",
                ListOf(Choice({name: name for name in providers}), max_items=50),
                "In whose exam it is; all, if not given.",
            ),
            Field(
                "judged_by",
                ListOf(Choice({word: word for word in JUDGES}), max_items=_JUDGES_MAX),
                "What must be judged before it counts as passed: a kind of expectation, or a word of "
                "`fields:` that the integrator is asked for.",
                required=True,
            ),
            Field(
                "lures",
                ListOf(Text(1, 200), max_items=50),
                "Rules that only a receiver meets which does wrong.",
            ),
        ],
        doc="What `simulator exam` has to know of it.",
    )

"""
How a scenario says when many arrive, of a storm and of calls alike: constant, Poisson, a ramp, steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulator.kernel.model.arrivals import Arrivals, Constant, Poisson, Ramp, Stage, Steps
from simulator.kernel.model.units import Rate
from simulator.schema.shapes import (
    Choice,
    Duration,
    Either,
    Field,
    ListOf,
    RateShape,
    Record,
    Shape,
)

__all__ = ["ARRIVALS", "schedule_of"]

_STAGE: Final[Shape[Stage]] = Record(
    lambda rate, for_ms=None: Stage(rate, for_ms),
    [
        Field("rate", RateShape(), "How fast.", required=True),
        Field("for", Duration(1), "For how long; the last one holds to the end.", argument="for_ms"),
    ],
    doc="A rate that holds for a while.",
)
_RAMP: Final[Shape[tuple[Rate, Rate]]] = Record(
    lambda start, end: (start, end),
    [
        Field("from", RateShape(), "How fast in the beginning.", required=True, argument="start"),
        Field("to", RateShape(), "How fast in the end.", required=True, argument="end"),
    ],
    doc="From one rate to another, evenly.",
)


def _changing(ramp: object = None, steps: object = None) -> object:
    if (ramp is None) == (steps is None):
        raise ValueError("expected one of ramp and steps")
    return steps if ramp is None else ramp


ARRIVALS: Final[Shape[object]] = Either[object](
    Choice({"constant": "constant", "poisson": "poisson"}),
    Record(
        _changing,
        [
            Field("ramp", _RAMP, "From one rate to another, evenly."),
            Field(
                "steps", ListOf(_STAGE, min_items=1), "One rate after the other; the last holds to the end."
            ),
        ],
        doc="A rate that changes.",
    ),
)


def schedule_of(arrivals: object, rate: Rate | None, count: int) -> Arrivals | None:
    """
    Return the schedule of *count* arrivals; None: nothing is said about it, so all come at once.

    Raises ValueError where the two do not go together.
    """
    if arrivals is None or isinstance(arrivals, str):
        if rate is not None:
            return Poisson(rate) if arrivals == "poisson" else Constant(rate)
        if arrivals is None:
            return None
        raise ValueError("expected rate: how fast they arrive")
    if rate is not None:
        raise ValueError("expected the rates in arrivals alone, got rate as well")
    match arrivals:
        case (Rate() as start, Rate() as end):
            return Ramp(start, end, count)
    return _steps(arrivals)


def _steps(stages: object) -> Steps:
    assert isinstance(stages, Sequence)
    if any(stage.for_ms is None for stage in stages[:-1]):
        raise ValueError("expected for: in every step but the last")
    return Steps((*stages[:-1], Stage(stages[-1].rate)))

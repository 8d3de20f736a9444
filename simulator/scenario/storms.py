"""
How a storm is written in a scenario: messages that the simulator makes itself, and when they arrive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulator.kernel.model.arrivals import Arrivals, Poisson, Ramp, Stage, Steps
from simulator.kernel.model.fates import Ending, Fate
from simulator.kernel.model.scenario import Storm
from simulator.kernel.model.units import WHOLE, BasisPoints, Rate
from simulator.schema.shapes import (
    Choice,
    Duration,
    Either,
    Field,
    Integer,
    ListOf,
    RateShape,
    Record,
    Shape,
    Share,
    Text,
)

__all__ = ["STORM"]

_MIX_WORDS: Final = {
    "deliver": Ending.DELIVER,
    "fail": Ending.FAIL,
    "expire": Ending.EXPIRE,
    "silence": Ending.SILENCE,
}


def _mix(**shares: BasisPoints) -> tuple[tuple[int, Fate], ...]:
    if sum(shares.values()) > WHOLE:
        raise ValueError("expected shares of 100% at the most together")
    return tuple((share, Fate(ending=_MIX_WORDS[word])) for word, share in shares.items())


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


_ARRIVALS: Final = Either[object](
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


def _storm(
    messages: int,
    rate: Rate | None = None,
    recipient: str = "",
    text: str = "Storm",
    mix: tuple[tuple[int, Fate], ...] = (),
    arrivals: object = "constant",
) -> Storm:
    words = isinstance(arrivals, str)
    if words and rate is None:
        raise ValueError("expected rate: how fast they arrive")
    if not words and rate is not None:
        raise ValueError("expected the rates in arrivals alone, got rate as well")
    schedule: Arrivals | None = None
    match arrivals:
        case "poisson":
            assert rate is not None
            schedule = Poisson(rate)
        case (Rate() as start, Rate() as end):
            rate, schedule = end, Ramp(start, end, messages)
        case str():
            pass
        case stages:
            rate, schedule = _stages(stages)
    assert rate is not None
    return Storm(
        provider="", messages=messages, rate=rate, recipient=recipient, text=text, mix=mix, arrivals=schedule
    )


def _stages(stages: object) -> tuple[Rate, Steps]:
    assert isinstance(stages, Sequence)
    if any(stage.for_ms is None for stage in stages[:-1]):
        raise ValueError("expected for: in every step but the last")
    last: Rate = stages[-1].rate
    return last, Steps((*stages[:-1], Stage(last)))


STORM: Final[Shape[Storm]] = Record(
    _storm,
    [
        Field("messages", Integer(1, 10_000_000), "How many.", required=True),
        Field("rate", RateShape(), "How fast they arrive."),
        Field(
            "arrivals",
            _ARRIVALS,
            "When: constant gaps, if nothing is said; poisson: as of many people who know nothing of each "
            "other; a ramp from one rate to another; steps of rates. However slow anybody is, they come.",
        ),
        Field(
            "recipient",
            Text(1, 8),
            "Where their numbers begin; by default as the provider's do.",
        ),
        Field("text", Text(0), "What they say."),
        Field(
            "mix",
            Record(_mix, [Field(word, Share(), f"How many of them {word}.") for word in _MIX_WORDS]),
            "What becomes of them, in shares; what is left goes by the rules.",
        ),
    ],
    doc="Messages that the simulator makes itself.",
)

"""
How a storm is written in a scenario: messages that the simulator makes itself, and when they arrive.
"""

from __future__ import annotations

from typing import Final

from simulator.kernel.model.fates import Ending, Fate
from simulator.kernel.model.scenario import Storm
from simulator.kernel.model.units import WHOLE, BasisPoints, Rate
from simulator.scenario.arrivals import ARRIVALS, schedule_of
from simulator.schema.shapes import Field, Integer, RateShape, Record, Shape, Share, Text

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


def _storm(
    messages: int,
    rate: Rate | None = None,
    recipient: str = "",
    text: str = "Storm",
    mix: tuple[tuple[int, Fate], ...] = (),
    arrivals: object = "constant",
) -> Storm:
    schedule = schedule_of(arrivals, rate, messages)
    assert schedule is not None
    return Storm(provider="", messages=messages, recipient=recipient, text=text, mix=mix, arrivals=schedule)


STORM: Final[Shape[Storm]] = Record(
    _storm,
    [
        Field("messages", Integer(1, 10_000_000), "How many.", required=True),
        Field("rate", RateShape(), "How fast they arrive."),
        Field(
            "arrivals",
            ARRIVALS,
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

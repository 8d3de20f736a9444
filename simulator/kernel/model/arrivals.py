"""
When messages of a storm arrive: on a schedule that nobody who is slow can change.

All of it in whole microseconds, from the first arrival on; a draw for each gap where gaps are random.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from math import isqrt
from typing import Final, Protocol

from simulator.kernel.model.chance import Draws
from simulator.kernel.model.units import UNIT_BITS, Rate

__all__ = ["Arrivals", "Constant", "Poisson", "Ramp", "Stage", "Steps", "offsets_us"]

_US: Final = 1_000
_CELL_BITS: Final = 11
_CELLS: Final = 1 << _CELL_BITS
_CELL_SHIFT: Final = UNIT_BITS - _CELL_BITS
_CELL_MASK: Final = (1 << _CELL_SHIFT) - 1
_SCALE_BITS: Final = 20
_SLACK: Final = 8
"""Of a random sum: so many standard deviations beyond its mean nothing is expected any more."""


class Arrivals(Protocol):
    """
    A schedule of arrivals.
    """

    def offset_us(self, number: int, before_us: int, draws: Draws) -> int:
        """Return when arrival *number* (from 0) is due, the one before it being due at *before_us*."""
        ...

    def last_us(self, count: int) -> int:
        """Return when the last of *count* arrivals is due, at the latest that is to be expected."""
        ...


def offsets_us(schedule: Arrivals, count: int, draws: Draws) -> Iterator[int]:
    """Yield when each of *count* arrivals is due, counted from the first."""
    due_us = 0
    for number in range(count):
        due_us = schedule.offset_us(number, due_us, draws)
        yield due_us


def _spaced_us(number: int, rate: Rate) -> int:
    return number * rate.per_ms * _US // rate.count


@dataclass(frozen=True, slots=True)
class Constant:
    """
    One after the other, all gaps alike.
    """

    rate: Rate

    def offset_us(self, number: int, before_us: int, draws: Draws) -> int:
        """Return when arrival *number* is due."""
        return _spaced_us(number, self.rate)

    def last_us(self, count: int) -> int:
        """Return when the last of *count* arrivals is due."""
        return _spaced_us(count - 1, self.rate)


@dataclass(frozen=True, slots=True)
class Poisson:
    """
    Independent of each other, as calls of many people are: exponential gaps around the mean.
    """

    rate: Rate

    def offset_us(self, number: int, before_us: int, draws: Draws) -> int:
        """Return when arrival *number* is due: a draw after the one before."""
        if not number:
            return 0
        unit = draws.unit(f"gap.{number}")
        table = _exponential()
        cell = unit >> _CELL_SHIFT
        low = table[cell]
        scaled = low + (((unit & _CELL_MASK) * (table[cell + 1] - low)) >> _CELL_SHIFT)
        return before_us + (scaled * self.rate.per_ms * _US // self.rate.count >> _SCALE_BITS)

    def last_us(self, count: int) -> int:
        """Return when the last of *count* arrivals is due, at the latest that is to be expected."""
        return _spaced_us(count + _SLACK * (isqrt(count) + 1), self.rate)


@cache
def _exponential() -> tuple[int, ...]:
    """Return quantiles of the exponential distribution of mean 1 in 1/2**20, alike on every machine."""
    with decimal.localcontext(decimal.Context(prec=24)):
        # The outermost points stand half a cell inside, for the true one is infinite.
        places = [Decimal(step) / _CELLS for step in range(_CELLS)] + [1 - Decimal(1) / (2 * _CELLS)]
        return tuple(int((-(1 - place).ln() * (1 << _SCALE_BITS)).to_integral_value()) for place in places)


@dataclass(frozen=True, slots=True)
class Ramp:
    """
    Faster and faster, or slower and slower: from one rate to another, evenly, over *count* arrivals.
    """

    start: Rate
    end: Rate
    count: int

    def offset_us(self, number: int, before_us: int, draws: Draws) -> int:
        """Return when arrival *number* is due."""
        return self._due_us(number)

    def _due_us(self, number: int) -> int:
        # With rates a and b over T = 2N/(a+b), n arrivals are there after t: a·t + (b-a)·t²/2T = n.
        # Solved for t, with a = p/m and b = q/m: t = 2·n·m / (p + √(p² + n·(q²-p²)/N)).
        common = self.start.per_ms * self.end.per_ms
        first = self.start.count * self.end.per_ms
        last = self.end.count * self.start.per_ms
        big = 1 << 40
        root = isqrt((first * first + number * (last * last - first * first) // self.count) * big * big)
        return 2 * number * common * _US * big // (first * big + root)

    def last_us(self, count: int) -> int:
        """Return when the last of *count* arrivals is due."""
        return self._due_us(count - 1)


@dataclass(frozen=True, slots=True)
class Stage:
    """
    A rate that holds for a while; None: to the end.
    """

    rate: Rate
    for_ms: int | None = None

    @property
    def arrivals(self) -> int | None:
        """How many arrive in it; None: all that are left."""
        return None if self.for_ms is None else -(-self.for_ms * self.rate.count // self.rate.per_ms)


@dataclass(frozen=True, slots=True)
class Steps:
    """
    One rate after the other; the last one holds to the end.
    """

    stages: tuple[Stage, ...]

    def offset_us(self, number: int, before_us: int, draws: Draws) -> int:
        """Return when arrival *number* is due."""
        return self._due_us(number)

    def _due_us(self, number: int) -> int:
        begin_us, last = 0, self.stages[-1]
        for stage in self.stages:
            arrivals = stage.arrivals
            if stage is last or arrivals is None or number < arrivals:
                return begin_us + _spaced_us(number, stage.rate)
            number -= arrivals
            begin_us += (stage.for_ms or 0) * _US
        raise AssertionError("the last stage has no end")

    def last_us(self, count: int) -> int:
        """Return when the last of *count* arrivals is due."""
        return self._due_us(count - 1)

"""
An axis of virtual time on which seconds and days both can be read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import log2
from typing import NamedTuple

from simulator.evidence.words import span

__all__ = ["Axis", "Segment", "Tick"]

_BREAKS_MAX = 14
_GAP_MIN_MS = 500
_TICK_DISTANCE_MIN = 7.5
_DAY_MS = 86_400_000
# Of the width, in percent, where lanes are some 900 pixels wide, and where they are some 340.
_NAME_LETTER_WIDTH = 0.65
_NARROW_LETTER_WIDTH = 2.1
_EDGE = 2


class Segment(NamedTuple):
    """
    A stretch of time drawn to one scale; *quiet* ones have nothing inside and are shortened.
    """

    from_ms: int
    to_ms: int
    left: float
    right: float
    quiet: bool


class Tick(NamedTuple):
    """
    A place on the axis, in percent, the instant that stands there, and its name.
    """

    place: float
    at_ms: int
    name: str = ""
    narrow: bool = True
    """True when there is room for the name on a telephone, too."""

    @property
    def at_edge(self) -> bool:
        """True when a name in the middle over it would leave the axis."""
        return not _EDGE <= self.place <= 100 - _EDGE


class Axis:
    """
    From instants to places, in percent of the width.

    The longest quiet gaps are found first; what lies between them is a cluster.
    A gap is as wide as the logarithm of its length, a cluster as the logarithms
    of its length and of how much happens in it; inside, time is linear.  So a
    burst of seconds before a wait of two days takes most of the room, and an
    hour of even traffic is drawn as one would draw it.
    """

    def __init__(self, instants_ms: Iterable[int]) -> None:
        instants = sorted(set(instants_ms)) or [0]
        self.from_ms = instants[0]
        self.to_ms = instants[-1]
        self.segments = _segments(instants)
        self._starts = [segment.from_ms for segment in self.segments]

    def place(self, at_ms: int) -> float:
        """Return where *at_ms* stands, from 0 to 100; what lies outside stands at the edge."""
        segment = self.segments[max(0, bisect_right(self._starts, at_ms) - 1)]
        length = segment.to_ms - segment.from_ms
        if length <= 0:
            return segment.left if at_ms <= segment.from_ms else segment.right
        share = min(1.0, max(0.0, (at_ms - segment.from_ms) / length))
        return segment.left + share * (segment.right - segment.left)

    def ticks(self) -> list[Tick]:
        """Return the instants worth naming, none too near to another."""
        edges = [Tick(segment.left, segment.from_ms) for segment in self.segments]
        edges.append(Tick(self.segments[-1].right, self.to_ms))
        chosen: list[Tick] = []
        # The ends first, then where clusters begin, then round instants within them.
        inner = [tick for segment in self.segments if not segment.quiet for tick in _round_ticks(segment)]
        for tick in [edges[0], edges[-1], *edges[1:-1], *inner]:
            if all(abs(tick.place - other.place) >= _TICK_DISTANCE_MIN for other in chosen):
                chosen.append(tick)
        return _legible(chosen)


def _legible(chosen: Sequence[Tick]) -> list[Tick]:
    """Return the ticks in order and with names; of two whose names would touch, the later chosen one goes."""
    kept = list(chosen)
    for _ in chosen:
        named = _named(sorted(kept))
        crowded = next((pair for pair in pairwise(named) if _touch(*pair, _NAME_LETTER_WIDTH)), None)
        if crowded is None:
            break
        at_ms = {tick.at_ms for tick in crowded}
        kept.remove(next(tick for tick in reversed(kept) if tick.at_ms in at_ms))
    return _for_telephones(named, [tick.at_ms for tick in chosen])


def _for_telephones(named: Sequence[Tick], in_order: Sequence[int]) -> list[Tick]:
    """Return the ticks with a word on which of them, the first chosen first, have room on a telephone."""
    by_instant = {tick.at_ms: tick for tick in named}
    narrow: list[Tick] = []
    for at_ms in in_order:
        tick = by_instant.get(at_ms)
        if tick is not None and not any(
            _touch(min(tick, other), max(tick, other), _NARROW_LETTER_WIDTH) for other in narrow
        ):
            narrow.append(tick)
    return [tick._replace(narrow=tick in narrow) for tick in named]


def _touch(earlier: Tick, later: Tick, letter_width: float) -> bool:
    # Names stand in the middle over their ticks, those at the edges beside them.
    letters = len(earlier.name) * (1 if earlier.at_edge else 0.5)
    letters += len(later.name) * (1 if later.at_edge else 0.5)
    return later.place - earlier.place < (letters + 1) * letter_width


def _named(ticks: Sequence[Tick]) -> list[Tick]:
    """
    Return *ticks* with names that are distinct and ascend.

    A name tells its instant rounded down to a unit no longer than the way to the
    nearest neighbour: so it is still later than the neighbour before.
    """
    instants = [tick.at_ms for tick in ticks]
    distances = [later - earlier for earlier, later in pairwise(instants)]
    named: list[Tick] = []
    for number, tick in enumerate(ticks):
        nearest_ms = min(distances[max(0, number - 1) : number + 1], default=_DAY_MS)
        named.append(tick._replace(name=span(tick.at_ms, nearest_ms)))
    return named


def _segments(instants: Sequence[int]) -> list[Segment]:
    gaps = [(later - earlier, number) for number, (earlier, later) in enumerate(pairwise(instants))]
    longest = sorted((gap for gap in gaps if gap[0] >= _GAP_MIN_MS), reverse=True)[:_BREAKS_MAX]
    cuts = sorted(number for _, number in longest)
    weighed: list[tuple[int, int, bool, float]] = []
    first = 0
    for cut in [*cuts, len(instants) - 1]:
        start, end = instants[first], instants[cut]
        count = cut - first + 1
        weight = 2 * log2(count) + log2(1 + (end - start) / 1_000) if count > 1 else 0.0
        weighed.append((start, end, False, weight))
        if cut < len(instants) - 1:
            later = instants[cut + 1]
            weighed.append((end, later, True, 1 + log2(1 + (later - end) / 1_000)))
        first = cut + 1
    total = sum(weight for *_, weight in weighed) or 1.0
    segments: list[Segment] = []
    left = 0.0
    for start, end, quiet, weight in weighed:
        right = left + 100 * weight / total
        if end > start or len(weighed) == 1:
            segments.append(Segment(start, end, left, min(100.0, right), quiet))
        left = right
    return segments


_STEPS_MS = (
    *(10, 50, 100, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000),
    *(3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000, 604_800_000),
)


def _round_ticks(segment: Segment) -> Iterable[Tick]:
    length = segment.to_ms - segment.from_ms
    room = int((segment.right - segment.left) // _TICK_DISTANCE_MIN)
    if room < 1 or length <= 0:
        return
    step = next((step for step in _STEPS_MS if step * room >= length), _STEPS_MS[-1])
    for at_ms in range(-(-segment.from_ms // step) * step, segment.to_ms + 1, step):
        share = (at_ms - segment.from_ms) / length
        yield Tick(segment.left + share * (segment.right - segment.left), at_ms)

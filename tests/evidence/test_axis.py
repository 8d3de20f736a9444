"""
The axis of virtual time keeps order, fills the width and gives room to what happens.
"""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from simulator.evidence.axis import Axis, Tick

DAY = 86_400_000
INSTANTS = st.lists(st.integers(0, 30 * DAY), min_size=1, max_size=120)
CLUSTERS = st.builds(
    lambda starts, nears: [start + near for start in starts for near in nears],
    st.lists(st.integers(0, 30 * DAY), min_size=1, max_size=4),
    st.lists(st.integers(0, 3) | st.integers(0, 2_000) | st.integers(0, 900_000), min_size=1, max_size=30),
)
UNITS_MS = {"d": DAY, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}


def told_ms(name: str) -> int:
    """
    Return the instant that the name of a tick tells: `2d 8m`, `1.5s`.
    """
    parts = re.findall(r"([\d.]+)(d|h|ms|m|s)", name)
    return sum(round(float(number) * UNITS_MS[unit]) for number, unit in parts)


def edges_of(tick: Tick) -> tuple[float, float]:
    """
    Return where the name of a tick begins and ends, in pixels of 900.
    """
    width, place = 6 * len(tick.name), 9 * tick.place
    if tick.at_edge:
        return (place, place + width) if tick.place < 50 else (place - width, place)
    return place - width / 2, place + width / 2


@given(instants=INSTANTS)
def test_later_is_never_further_left(instants: list[int]) -> None:
    """
    Places are in the order of the instants, and all between 0 and 100.
    """
    axis = Axis(instants)

    places = [axis.place(at_ms) for at_ms in sorted(instants)]

    assert places == sorted(places)
    assert all(0 <= place <= 100.000001 for place in places)


@given(instants=INSTANTS, outside=st.integers(1, DAY))
def test_what_lies_outside_stands_at_the_edge(instants: list[int], outside: int) -> None:
    """
    An instant before the first or after the last one has the place of those.
    """
    axis = Axis(instants)

    edges = (axis.place(axis.from_ms - outside), axis.place(axis.to_ms + outside))

    assert edges == (axis.place(axis.from_ms), axis.place(axis.to_ms))


@given(instants=INSTANTS)
def test_segments_follow_one_another_without_a_gap(instants: list[int]) -> None:
    """
    Time and width are covered from the first instant to the last.
    """
    axis = Axis(instants)

    assert (axis.segments[0].from_ms, axis.segments[-1].to_ms) == (min(instants), max(instants))
    assert all(one.to_ms == next_one.from_ms for one, next_one in pairwise(axis.segments))
    assert all(abs(one.right - next_one.left) < 1e-6 for one, next_one in pairwise(axis.segments))


@given(instants=INSTANTS)
def test_ticks_do_not_touch(instants: list[int]) -> None:
    """
    Named instants are far enough apart to be read.
    """
    ticks = Axis(instants).ticks()

    assert all(later.place - earlier.place >= 7.5 for earlier, later in pairwise(ticks))


@given(instants=CLUSTERS)
def test_names_of_ticks_do_not_touch(instants: list[int]) -> None:
    """
    Where lanes are 900 pixels wide, a name of letters of six pixels ends before the next one begins.
    """
    ticks = Axis(instants).ticks()

    edges = [edges_of(tick) for tick in ticks]
    assert all(end < start for (_, end), (start, _) in pairwise(edges))


@given(instants=CLUSTERS)
def test_names_of_ticks_ascend(instants: list[int]) -> None:
    """
    Each name is a later time than the one to its left, and none is later than its instant.
    """
    ticks = Axis(instants).ticks()

    told = [told_ms(tick.name) for tick in ticks]
    assert all(earlier < later for earlier, later in pairwise(told))
    assert all(name_ms <= tick.at_ms for name_ms, tick in zip(told, ticks, strict=True))


def test_names_of_ticks_are_as_exact_as_their_distance_asks_for() -> None:
    """
    Minutes and seconds are told after days where ticks are minutes and seconds apart, and only there.
    """
    start = 2 * DAY
    instants = [0, 1_500, start, *range(start + 480_000, start + 660_000, 20_000)]

    names = [tick.name for tick in Axis(instants).ticks()]

    assert names == ["0s", "2d", "2d 8m", "2d 8m 40s", "2d 9m 20s", "2d 10m", "2d 10m 40s"]


def test_seconds_before_days_are_still_to_be_read() -> None:
    """
    Ten instants of the first three seconds get a good part of the width, though two days follow.
    """
    axis = Axis([*range(0, 3_000, 300), 2 * DAY])

    assert axis.place(2_700) > 25


def test_space_in_which_nothing_happened_has_an_axis() -> None:
    """
    One instant is enough.
    """
    axis = Axis([0])

    assert (axis.place(0), [tick.name for tick in axis.ticks()]) == (0.0, ["0s"])


@given(instants=st.lists(st.integers(0, 1_000_000_000), min_size=1, max_size=60))
def test_names_have_room_on_a_telephone(instants: list[int]) -> None:
    """
    Of the names that are shown on a narrow screen, none touches another, and the ends are among them.
    """
    ticks = Axis(instants).ticks()

    narrow = [tick for tick in ticks if tick.narrow]
    # On 340 pixels a letter is some 1.75 % wide; in the middle over its tick, or beside it at an edge.
    widths = [len(tick.name) * 1.75 * (1 if tick.at_edge else 0.5) for tick in narrow]
    assert narrow[0] == ticks[0]
    assert all(
        later.place - earlier.place >= left + right
        for (earlier, left), (later, right) in pairwise(zip(narrow, widths, strict=True))
    )

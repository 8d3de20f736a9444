"""
Arrivals on schedule: constant, Poisson, ramp and steps, in whole microseconds.
"""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.model.arrivals import Arrivals, Constant, Poisson, Ramp, Stage, Steps
from simulator.kernel.model.chance import Chance
from simulator.kernel.model.shard import Shard
from simulator.kernel.model.units import Rate

RATES = st.builds(Rate, st.integers(1, 20_000), st.sampled_from([1_000, 60_000]))


def _offsets_us(arrivals: Arrivals, count: int, seed: int = 1) -> list[int]:
    draws = Chance(seed).of("storm", 0)
    offsets: list[int] = []
    at_us = 0
    for number in range(count):
        at_us = arrivals.offset_us(number, at_us, draws)
        offsets.append(at_us)
    return offsets


@given(RATES, RATES, st.integers(1, 300), st.integers(0, 2**32))
def test_arrivals_never_go_back_and_end_when_said(first: Rate, second: Rate, count: int, seed: int) -> None:
    """
    Every schedule begins at nothing, is in order, and is over by its last instant.
    """
    steps = Steps((Stage(first, 1_000), Stage(second)))
    for arrivals in (Constant(first), Poisson(first), Ramp(first, second, count), steps):
        offsets = _offsets_us(arrivals, count, seed)

        assert offsets[0] == 0
        assert offsets == sorted(offsets)
        assert offsets[-1] <= arrivals.last_us(count)


def test_ramp_goes_evenly_from_one_rate_to_the_other() -> None:
    """
    5,500 arrivals from 100/s to 1,000/s take ten seconds, the first of them 145, the last 955.
    """
    offsets = _offsets_us(Ramp(Rate(100, 1_000), Rate(1_000, 1_000), 5_500), 5_500)

    by_second = [sum(s * 1_000_000 <= at < (s + 1) * 1_000_000 for at in offsets) for s in range(10)]

    assert by_second == [145 + 90 * second for second in range(10)]


def test_steps_hold_each_rate_for_its_time() -> None:
    """
    A second of 10/s, two of 100/s, and 1/s to the end.
    """
    steps = Steps((Stage(Rate(10, 1_000), 1_000), Stage(Rate(100, 1_000), 2_000), Stage(Rate(1, 1_000))))

    offsets = _offsets_us(steps, 213)

    assert [offsets[n] for n in (9, 10, 11, 209, 210, 211, 212)] == [
        900_000, 1_000_000, 1_010_000, 2_990_000, 3_000_000, 4_000_000, 5_000_000,
    ]  # fmt: skip


def test_poisson_gaps_are_exponential() -> None:
    """
    The mean is that of the rate, and so is the deviation; another seed gives other gaps.
    """
    offsets = _offsets_us(Poisson(Rate(1_000, 1_000)), 20_001)
    gaps = [later - earlier for earlier, later in pairwise(offsets)]

    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5

    assert 970 < mean < 1_030
    assert 950 < deviation < 1_050
    assert offsets != _offsets_us(Poisson(Rate(1_000, 1_000)), 20_001, seed=2)


@given(st.text(min_size=1, max_size=20), st.integers(1, 16))
def test_recipient_belongs_to_exactly_one_shard(recipient: str, of: int) -> None:
    """
    Shards agree without talking, and their parts of anything are the whole.
    """
    shards = [Shard(number, of) for number in range(of)]

    assert sum(shard.owns("pigeon", recipient) for shard in shards) == 1
    assert sum(shard.part(32) for shard in shards) == 32


def test_shard_of_a_recipient_is_a_promise() -> None:
    """
    The same on every machine and in every release: journals of shards fit together.
    """
    shard = Shard(0, 3)

    assert [shard.owns("infobip", f"+4179{number:07d}") for number in range(8)] == [
        False, True, True, True, True, False, True, False,
    ]  # fmt: skip

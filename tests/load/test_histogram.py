"""
Histograms of several workers are that of one that saw everything.
"""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("hdrh", reason="the extra `load` is not installed")

from simulator.evidence.tally import nearest_rank, ranks
from simulator.load.histogram import Histogram
from simulator.load.measures import Measures

TIMES = st.lists(st.integers(0, 4_000_000_000), max_size=200)


def _of(times: list[int]) -> Histogram:
    histogram = Histogram()
    for us in times:
        histogram.add(us)
    return histogram


@given(TIMES, st.integers(1, 8))
def test_ranks_of_many_workers_are_those_of_one(times: list[int], workers: int) -> None:
    """
    However samples are shared out, and sent from process to process, p50, p99 and p99.9 are the same.
    """
    whole = _of(times)
    together = Histogram()

    for number in range(workers):
        together.join(pickle.loads(pickle.dumps(_of(times[number::workers]))))

    assert ranks(together) == ranks(whole)
    assert list(together.counts()) == list(whole.counts())
    assert len(together) == len(times)


@given(
    st.lists(st.integers(1, 3_600_000_000), min_size=1, max_size=200), st.sampled_from([50, 99, 99.9, 100])
)
def test_rank_is_the_true_one_to_three_digits(times: list[int], percent: float) -> None:
    """
    What is told is less than a thousandth above what was measured, and never below it.
    """
    true_us = nearest_rank(sorted(times), percent)

    told_us = _of(times).rank(percent)

    assert true_us <= told_us <= true_us + true_us // 1_000 + 1


def test_measures_survive_a_message_of_any_kind() -> None:
    """
    What Locust carries as plain values is what was measured.
    """
    measures = Measures()
    measures.begin(10, 1_500, 12_000, first=True)
    measures.digest = 2**127 + 5

    again = Measures.of_plain(measures.as_plain())

    assert again.as_plain() == measures.as_plain()
    assert (again.digest, again.late.rank(99)) == (measures.digest, measures.late.rank(99))

"""
Nothing is lost and nothing is silent, counted over processes: simulator, load and receiver.

`make bench ARGS="exact exact-revived"` counts the same of a hundred thousand messages.
"""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.counting import Counts, healthy, revived

_COUNT = 5_000


@pytest.fixture(scope="module")
def killed() -> Counts:
    """
    Return the counts of a run whose receiver was killed twice.
    """
    return revived(_COUNT)


def test_healthy_receiver_gets_every_final_report_once() -> None:
    """
    Every message has one report of its end at a receiver that takes them all, and no second one.
    """
    counts = healthy(_COUNT)

    assert counts.states == {"delivered": _COUNT}
    assert Counter(Counter(report.message_id for report in counts.reported).values()) == {1: _COUNT}
    assert Counter(counts.attempts.values()) == {(1, 0): _COUNT}


def test_killed_receiver_loses_no_report(killed: Counts) -> None:
    """
    A receiver that is killed and started again hears of every message in the end.
    """
    reported = {report.message_id for report in killed.reported}

    assert killed.lives == 3
    assert killed.unacknowledged == 0
    assert len(reported) == _COUNT
    assert killed.states == {"delivered": _COUNT}


def test_killed_receiver__every_failed_attempt_is_in_the_ledger(killed: Counts) -> None:
    """
    A report that came again had failed before, each arrival has its attempt, and so has what met nobody.
    """
    arrivals = Counter(report.message_id for report in killed.reported)

    assert arrivals.keys() == killed.attempts.keys()
    # One acknowledgement each, so whatever came more often than once failed as often as that.
    assert [
        id
        for id, (attempts, failed) in killed.attempts.items()
        if attempts != failed + 1 or arrivals[id] - 1 > failed
    ] == []
    assert sum(failed for _, failed in killed.attempts.values()) > len(killed.reported) - _COUNT


def test_killed_receiver__order_per_recipient_holds(killed: Counts) -> None:
    """
    However often reports are repeated, those about one recipient arrive first in the order of its messages.
    """
    firsts = dict.fromkeys(report.message_id for report in killed.reported)
    by_recipient: dict[str, list[str]] = {}
    for id in firsts:
        by_recipient.setdefault(id.partition("-")[0], []).append(id)

    assert {recipient: ids for recipient, ids in by_recipient.items() if ids != sorted(ids)} == {}

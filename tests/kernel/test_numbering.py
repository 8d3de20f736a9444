"""
How many submissions there were to whom, told although messages give way.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.model.submission import MessageKey
from simulator.kernel.store.numbering import Numbering

NAMES = st.sampled_from(
    # Numbers, what looks like one and is told otherwise, and what is none at all.
    [
        "+41791234567",
        "+1",
        "41791234567",
        "+041791234567",
        "+٤١",
        "+4_1",
        "+ 41",
        "",
        "user-7",
        *("+" + "9" * digits for digits in (15, 16, 5_000)),
        "(+41791234567 acts)",
    ]
)
TURNS = st.lists(st.tuples(st.sampled_from(["take", "store", "go"]), NAMES, st.integers(0, 3)))


@given(TURNS)
def test_numbers_follow_each_other_whatever_gives_way(turns: list[tuple[str, str, int]]) -> None:
    """
    Every submission has the number after that of the one before, be that one kept or gone.
    """
    kept: dict[MessageKey, None] = {}
    numbering = Numbering(kept)
    counts: Counter[str] = Counter()
    taken: list[MessageKey] = []
    for turn, name, place in turns:
        match turn:
            case "take":
                counts[name] += 1
                key = numbering.take_key("infobip", name)
                assert key == MessageKey("infobip", name, counts[name])
                taken.append(key)
            case "store" if taken:
                key = taken.pop(place % len(taken))
                kept[key] = None
                numbering.stored(key)
            case "go" if kept:
                key = list(kept)[place % len(kept)]
                del kept[key]
                numbering.gone(key)
        for other in {name, *counts}:
            assert numbering.last("infobip", other) == counts[other]
            assert numbering.next_key("infobip", other).ordinal == counts[other] + 1


def test_ten_thousand_numbers_and_counts_beyond_the_shelf_are_told_apart() -> None:
    """
    Neighbouring numbers do not take each other's counts, and a count may be larger than a shelf holds.
    """
    kept: dict[MessageKey, None] = {}
    numbering = Numbering(kept)
    often = [16_382, 16_383, 16_384, 16_385]
    for number, times in enumerate([*often, *[1 + n % 3 for n in range(10_000)]]):
        for _ in range(times):
            key = numbering.take_key("infobip", f"+4179{number:07d}")
        kept[key] = None
        numbering.stored(key)
        del kept[key]
        numbering.gone(key)

    assert [numbering.last("infobip", f"+4179{number:07d}") for number in range(4)] == often
    for number in range(4, 10_004):
        assert numbering.last("infobip", f"+4179{number:07d}") == 1 + (number - 4) % 3
    assert numbering.last("rbm", "+41790000005") == 0


def test_whoever_is_sent_to_once__leaves_nothing_behind() -> None:
    """
    Where nobody is written to again, a number is as new after its message gave way as before.
    """
    kept: dict[MessageKey, None] = {}
    numbering = Numbering(kept)
    numbering.remembers = False
    for _ in range(2):
        key = numbering.take_key("infobip", "+41791234567")
        assert key.ordinal == 1
        kept[key] = None
        numbering.stored(key)
        assert numbering.last("infobip", "+41791234567") == 1
        del kept[key]
        numbering.gone(key)
        numbering.take_key("infobip", "(+41791234567 acts)")
        numbering.forget("infobip", "(+41791234567 acts)")
        assert numbering.last("infobip", "(+41791234567 acts)") == 0

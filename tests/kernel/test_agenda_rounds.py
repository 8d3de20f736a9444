"""
Instants with very much due are taken in slices.
"""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.store.agenda import Agenda


class Note(NamedTuple):
    """
    A step that is nothing but its place in the order.
    """

    place: int

    @property
    def order(self) -> tuple[int | str, ...]:
        return (self.place,)


@given(
    st.lists(st.integers(0, 50)),
    st.integers(1, 7),
    st.lists(st.integers(0, 50)),
    st.sampled_from([2, 5, 1_024]),
)
def test_slices__tell_the_same_story_as_a_whole_round(
    places: list[int], most: int, later: list[int], run_max: int
) -> None:
    """
    In how many slices an instant is taken, or sorted, changes neither the order nor what is taken.
    """
    agenda = Agenda(run_max)
    for place in places:
        agenda.add(5, Note(place))

    taken = agenda.take(5, most)
    for place in later:
        agenda.add(5, Note(place))
    while len(taken) < len(places):
        taken += agenda.take(5, most)
    second = []
    while agenda.next_due() == 5:
        second += agenda.take(5, most)

    first_places = sorted(places)
    assert [note.place for note in taken] == first_places
    assert [note.place for note in second] == sorted(later)
    assert len(agenda) == 0


def test_step__can_be_removed_from_a_round_being_taken() -> None:
    """
    A step that waits for its slice can still be taken off.
    """
    agenda = Agenda()
    for place in (1, 2, 3):
        agenda.add(5, Note(place))
    agenda.take(5, 1)

    removed = agenda.remove(5, Note(3))

    assert removed
    assert agenda.take(5) == [Note(2)]
    assert agenda.next_due() is None
    assert len(agenda) == 0


@given(st.sets(st.integers(0, 30), min_size=4), st.data())
def test_step_of_a_crowded_instant__can_be_taken_off_at_any_time(
    places: set[int], data: st.DataObject
) -> None:
    """
    Before its round, in the midst of it, behind what was put there meanwhile: it is gone, and nothing else.
    """
    agenda = Agenda(3)
    for place in data.draw(st.permutations(sorted(places))):
        agenda.add(5, Note(place))
    before, *others = data.draw(st.permutations(sorted(places)))
    agenda.cancel(5, Note(before))

    taken = agenda.take(5, data.draw(st.integers(1, len(others))))
    agenda.add(5, Note(99))
    left = [place for place in others if Note(place) not in taken]
    gone = data.draw(st.lists(st.sampled_from([*left, 99]), unique=True))
    for place in gone:
        off = data.draw(st.sampled_from([agenda.cancel, agenda.remove]))
        off(5, Note(place))
    length = len(agenda)
    while agenda.next_due() == 5:
        taken += agenda.take(5, 2)

    assert [note.place for note in taken] == sorted(p for p in [*others, 99] if p not in gone)
    assert length == len(left) + 1 - len(gone)
    assert len(agenda) == 0


def test_round__is_put_back_when_an_earlier_instant_is_taken_first() -> None:
    """
    Nothing of a round is lost when an instant is left in the middle.
    """
    agenda = Agenda()
    for place in (1, 2, 3):
        agenda.add(5, Note(place))
    agenda.take(5, 1)
    agenda.add(4, Note(9))

    assert agenda.take(4) == [Note(9)]
    assert agenda.take(5) == [Note(2), Note(3)]
    assert len(agenda) == 0


def test_overdue_step_is_taken_first() -> None:
    """
    What was put on the agenda too late comes before what is due now, and is not left there.
    """
    agenda = Agenda()
    for at_ms in (5, 3, 4, 6):
        agenda.add(at_ms, Note(at_ms))

    taken = [agenda.take(5) for _ in range(4)]

    assert taken == [[Note(3)], [Note(4)], [Note(5)], []]
    assert agenda.next_due() == 6


def test_what_comes_next_is_known_of_crowded_instants_too() -> None:
    """
    Looking ahead tells the same order as taking, of steps in sorted runs, too, and takes nothing.
    """
    agenda = Agenda(run_max=4)
    for place in (7, 3, 9, 1, 8, 2, 6, 0, 5, 4):
        agenda.add(5, Note(place))
    agenda.cancel(5, Note(0))
    agenda.add(9, Note(1))

    soonest = agenda.soonest()
    ahead = list(agenda.upcoming())
    first = agenda.take(5, 2)
    rest_ahead = list(agenda.upcoming())
    rest = agenda.take(5)

    assert soonest == (5, Note(1), 9)
    assert ahead == [*((5, Note(place)) for place in range(1, 10)), (9, Note(1))]
    assert first == [Note(1), Note(2)]
    assert rest_ahead == ahead[2:]
    assert rest == [Note(place) for place in range(3, 10)]

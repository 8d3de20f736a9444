"""
The agenda knows what is due next, and ties break by what a step is about.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.model.fates import MoveStep, station
from simulator.kernel.model.lifecycle import Move
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.store.agenda import Agenda

STEPS = st.builds(
    MoveStep,
    st.builds(MessageKey, st.just("pigeon"), st.sampled_from(["+1", "+2"]), st.integers(1, 3)),
    st.builds(station, st.sampled_from(Move)),
)
DUE = st.lists(st.tuples(st.integers(0, 5), STEPS), max_size=30)


def drained(agenda: Agenda) -> list[tuple[int, MoveStep]]:
    """
    Take everything, instant by instant.
    """
    taken = []
    while (at_ms := agenda.next_due()) is not None:
        taken += [(at_ms, step) for step in agenda.take(at_ms) if isinstance(step, MoveStep)]
    return taken


def filled(due: list[tuple[int, MoveStep]]) -> Agenda:
    """
    Return an agenda with these steps.
    """
    agenda = Agenda()
    for at_ms, step in due:
        agenda.add(at_ms, step)
    return agenda


@given(DUE, st.randoms(use_true_random=False))
def test_order_of_insertion_means_nothing(due: list[tuple[int, MoveStep]], random) -> None:  # type: ignore[no-untyped-def]
    """
    Everything comes out by instant, then by what it is about, however it was put in.
    """
    shuffled = list(due)
    random.shuffle(shuffled)

    assert drained(filled(shuffled)) == sorted(due, key=lambda pair: (pair[0], pair[1].order))


@given(DUE, DUE)
def test_removed_step_is_gone_and_its_twin_is_not(
    due: list[tuple[int, MoveStep]], removed: list[tuple[int, MoveStep]]
) -> None:
    """
    Removing takes one of equal steps, or tells that there is none; the size follows.
    """
    agenda = filled(due)
    left = list(due)

    for at_ms, step in removed:
        was_there = agenda.remove(at_ms, step)

        assert was_there == ((at_ms, step) in left)
        if was_there:
            left.remove((at_ms, step))

    assert len(agenda) == len(left)
    assert drained(agenda) == sorted(left, key=lambda pair: (pair[0], pair[1].order))


def test_empty_agenda_has_nothing_due() -> None:
    """
    Nothing due is None, before and after.
    """
    agenda = filled([(5, MoveStep(MessageKey("pigeon", "+1", 1), station(Move.SEND)))])

    agenda.take(5)

    assert (agenda.next_due(), len(agenda), agenda.take(5), Agenda().next_due()) == (None, 0, [], None)


@given(DUE, st.sets(st.integers(0, 29)))
def test_upcoming_is_what_will_be_taken(due: list[tuple[int, MoveStep]], cancelled: set[int]) -> None:
    """
    Looking ahead tells what will come, in order, without what was cancelled, and takes nothing.
    """
    distinct = list(dict.fromkeys(due))
    agenda = filled(distinct)
    for number, (at_ms, step) in enumerate(distinct):
        if number in cancelled:
            agenda.cancel(at_ms, step)

    ahead = list(agenda.upcoming())
    soonest = agenda.soonest()

    first_ms = ahead[0][0] if ahead else 0
    count = sum(at_ms == first_ms for at_ms, _ in ahead)
    assert soonest == ((*ahead[0], count) if ahead else None)
    assert ahead == drained(agenda)

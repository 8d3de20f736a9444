"""
Work that goes in turns: others may have theirs anywhere, and the story stays the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.kernel.engine.call_result import Later
from simulator.kernel.model.arrivals import Constant
from simulator.kernel.model.message import Message, Refused
from simulator.kernel.model.recipient import Trait, Window
from simulator.kernel.model.rules import Act
from simulator.kernel.model.scenario import Scenario, Storm, TimelineItem
from simulator.kernel.model.submission import Submission
from simulator.kernel.model.turns import InTurns, at_once, gathered, in_order, whole
from simulator.kernel.model.units import Rate
from simulator.kernel.store.agenda import Agenda
from simulator.kernel.webhooks.webhook import Report
from toys.bench import LOFT, Bench
from toys.pigeon import pigeon

MANY = 1_200
"""More than come in one round of an instant."""


def _eventful() -> Scenario:
    """Return a scenario in which a lot happens at few instants."""
    away = {"reachable": Trait((Window(False, 0, 60_000),))}
    at_once_nearly = Constant(Rate(1_000_000, 1_000))
    storm = Storm(provider="pigeon", messages=MANY, recipient="+90555", arrivals=at_once_nearly)
    return Scenario(
        name="eventful",
        recipients={"+90555000*": away},
        timeline=(
            TimelineItem(at_ms=0, hold=True),
            TimelineItem(at_ms=10, provider="pigeon", storm=storm),
            TimelineItem(at_ms=10, provider="pigeon", recipient="+90556*", act=Act("coos", "coo"), count=30),
            TimelineItem(at_ms=20, recipient="+90555*", traits={"reachable": False}),
            TimelineItem(at_ms=30_000, recipient="+90555*", traits={"reachable": True}),
            TimelineItem(at_ms=40_000, release_at_once=True),
        ),
    )


def _submit_later(sim: Bench) -> None:
    flock = [pigeon(to=f"+90557{number:07}") for number in range(40)]

    def prepare(waiting: Sequence[Submission]) -> Iterator[Submission]:
        yield from waiting

    def done(outcomes: Sequence[Message | Refused]) -> InTurns[Sequence[Report]]:
        yield
        first = outcomes[0].key
        return [
            Report(provider="pigeon", recipient="", label="outcome", target=LOFT, at_ms=sim.now_ms, key=first)
        ]

    work = sim.simulation.submitting_later(flock, "pigeon", Later(10, "flock", prepare, done))
    sim.simulation.answered(at_once(work))


def _story(slices: Iterator[bool] | None) -> list[object]:
    sim = Bench()
    sim.simulation.load(_eventful())
    _submit_later(sim)
    enough = (lambda: next(slices, False)) if slices is not None else (lambda: False)
    while (due_ms := sim.simulation.next_due()) is not None:
        sim.simulation.fire(due_ms, 100 if slices is not None else 5_000, enough)
        sim.dispatch()
    return [(entry.at_ms, entry.key, entry.ref, entry.fact) for entry in sim.simulation.journal]


@cache
def _whole_story() -> list[object]:
    return _story(None)


@settings(max_examples=8)
@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_where_turns_end_changes_nothing(pattern: list[bool]) -> None:
    """
    A storm, acts, returns, a release and a deferred call, cut anywhere: the same entries in the same order.
    """
    cuts = iter(pattern * (8_000 // len(pattern)))

    assert _story(cuts) == _whole_story()


def test_long_step__gives_turns_within_itself() -> None:
    """
    A storm of thousands and the work of a call end their slice whenever somebody has had enough.
    """
    sim = Bench()
    sim.simulation.load(_eventful())
    _submit_later(sim)
    slices = 0

    while (due_ms := sim.simulation.next_due()) is not None and due_ms <= 11:
        sim.simulation.fire(due_ms, 100, lambda: True)
        slices += 1

    assert len(sim.simulation.messages) == MANY + 40
    assert slices > MANY + 2 * 40


def test_unfinished_step__is_next_and_can_be_told() -> None:
    """
    What is left of a step comes before all else of its instant.
    """
    sim = Bench()
    sim.simulation.load(_eventful())
    sim.simulation.fire(0)

    sim.simulation.fire(10, 100, lambda: True)
    soonest = sim.simulation.agenda.soonest()

    assert soonest is not None
    assert (soonest[0], soonest[1].order) == (10, (0, 1))
    assert len(sim.simulation.messages) == 1


@given(st.lists(st.text(max_size=3), max_size=50), st.integers(1, 5))
def test_texts_are_put_in_order_a_run_at_a_time(texts: list[str], copies: int) -> None:
    """
    The same as sorting all of them, in as many pieces as there are runs.
    """
    many = texts * copies * 30
    work = in_order(many, lambda text: text != "")
    pieces = 0
    while True:
        try:
            next(work)
        except StopIteration as end:
            ordered, count = end.value
            break
        pieces += 1

    assert list(ordered) == sorted(filter(None, many))
    assert count == len(list(filter(None, many)))
    assert pieces == -(-len(many) // 1_024)


def test_work_is_whole_whether_it_goes_in_turns_or_not() -> None:
    """
    A list and what comes to it are the same to whoever waits for it.
    """
    assert at_once(whole([1, 2])) == at_once(whole(gathered(iter([1, 2])))) == [1, 2]


def test_step_that_was_cancelled__can_be_put_back() -> None:
    """
    A scheduled message may be suspended and resumed at one instant as often as anybody likes.
    """
    agenda = Agenda(run_max=2)
    steps = [Wakeful(number) for number in range(5)]
    for step in steps:
        agenda.add(7, step)

    for _ in range(3):
        agenda.cancel(7, steps[3])
        agenda.add(7, steps[3])
    agenda.cancel(7, steps[1])
    agenda.drop(7, lambda step: step is steps[0])
    agenda.tidy()

    assert len(agenda) == 3
    assert agenda.take(7) == [steps[2], steps[3], steps[4]]
    assert agenda.next_due() is None


class Wakeful:
    """
    A step that is nothing but its place.
    """

    def __init__(self, place: int) -> None:
        self.order: tuple[int | str, ...] = (place,)

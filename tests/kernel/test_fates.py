"""
A fate is laid out once, as steps in the order of time, and the validity has the last word.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.model.chance import Chance
from simulator.kernel.model.fates import Ending, Fate, MoveStep, Progress, plan, station
from simulator.kernel.model.lifecycle import Move
from simulator.kernel.model.submission import MessageKey, Reason
from simulator.kernel.model.units import ConstantDelay, LognormalDelay, UniformDelay

KEY = MessageKey("pigeon", "+905550000001", 1)
DRAWS = Chance(7).of(*KEY)
NEVER = 10**12

TIMES = st.integers(0, 100_000)
DELAYS = st.one_of(
    TIMES.map(ConstantDelay),
    st.tuples(TIMES, TIMES).map(lambda ends: UniformDelay(*sorted(ends))),
    st.tuples(TIMES, TIMES).map(lambda ends: LognormalDelay(min(ends) + 1, max(ends) + 1)),
)
FATES = st.builds(
    Fate,
    ending=st.sampled_from(Ending),
    after=st.none() | DELAYS,
    code=st.sampled_from(["", "X"]),
    progress=st.none() | st.lists(st.builds(Progress, after=DELAYS), max_size=3).map(tuple),
)


def planned(fate: Fate, start_ms: int = 0, expires_ms: int = NEVER) -> list[tuple[int, Move, str]]:
    """
    Return the plan as instants, moves and codes.
    """
    steps = plan(fate, KEY, DRAWS, start_ms, expires_ms)
    return [(at_ms, step.move, step.station.code) for at_ms, step in steps]


def test_delivery_follows_its_stations() -> None:
    """
    Stations follow one another; the end counts from the start of sending.
    """
    stations = (
        Progress(code="ALOFT", after=ConstantDelay(200)),
        Progress(code="NEAR", after=ConstantDelay(300)),
    )
    fate = Fate(after=ConstantDelay(4_000), code="IN", progress=stations)

    assert planned(fate, start_ms=10_000) == [
        (10_200, Move.SEND, "ALOFT"),
        (10_500, Move.SEND, "NEAR"),
        (14_000, Move.DELIVER, "IN"),
    ]


def test_end_never_comes_before_the_last_station() -> None:
    """
    A message that is delivered sooner than it gets under way is delivered when it does.
    """
    fate = Fate(after=ConstantDelay(100), progress=(Progress(after=ConstantDelay(900)),))

    assert planned(fate) == [(900, Move.SEND, ""), (900, Move.DELIVER, "")]


def test_validity_has_the_last_word() -> None:
    """
    What would happen at the expiry or later gives way to it, stations included.
    """
    stations = (Progress(after=ConstantDelay(200)), Progress(after=ConstantDelay(800)))
    fate = Fate(after=ConstantDelay(1_000), code="IN", progress=stations)

    assert planned(fate, expires_ms=1_000) == [(200, Move.SEND, ""), (1_000, Move.EXPIRE, "")]
    assert planned(fate, expires_ms=1_001) == [
        (200, Move.SEND, ""),
        (1_000, Move.SEND, ""),
        (1_000, Move.DELIVER, "IN"),
    ]


def test_failure_carries_code_and_reason() -> None:
    """
    The provider's code and the kernel's reason travel with the step.
    """
    fate = Fate(ending=Ending.FAIL, after=ConstantDelay(5), code="HAWK", reason=Reason.BLOCKED)

    steps = plan(fate, KEY, DRAWS, 0, NEVER)

    assert steps == [(5, MoveStep(KEY, station(Move.FAIL, "HAWK", Reason.BLOCKED)))]


def test_expiry_happens_when_the_validity_runs_out() -> None:
    """
    An expiry without a delay waits for the validity, and keeps its own code.
    """
    fate = Fate(ending=Ending.EXPIRE, code="LATE")

    assert planned(fate, start_ms=5, expires_ms=777) == [(777, Move.EXPIRE, "LATE")]


def test_failure_that_comes_too_late_is_an_expiry_without_its_code() -> None:
    """
    The code of a failure means nothing when the message has expired before.
    """
    fate = Fate(ending=Ending.FAIL, after=ConstantDelay(900), code="HAWK")

    assert planned(fate, expires_ms=500) == [(500, Move.EXPIRE, "")]


def test_silence_has_no_end() -> None:
    """
    A silent message gets as far as its stations, and does not even expire.
    """
    fate = Fate(ending=Ending.SILENCE, progress=(Progress(code="ALOFT", after=ConstantDelay(200)),))

    assert planned(fate, expires_ms=1_000) == [(200, Move.SEND, "ALOFT")]


@given(FATES, TIMES, st.integers(0, 200_000), st.integers())
def test_plan_is_in_order_and_within_the_validity(fate: Fate, start: int, validity: int, seed: int) -> None:
    """
    Steps never go back, never precede the start, never outlive the validity, and end at most once.
    """
    steps = plan(fate, KEY, Chance(seed).of(*KEY), start, start + validity)

    instants = [at_ms for at_ms, _ in steps]
    moves = [step.move for _, step in steps]
    ends = [move for move in moves if move is not Move.SEND]
    assert instants == sorted(instants)
    assert all(start <= at_ms <= start + validity for at_ms in instants)
    assert len(ends) == (0 if fate.ending is Ending.SILENCE else 1)
    assert moves[: len(moves) - len(ends)] == [Move.SEND] * (len(moves) - len(ends))


@given(FATES, st.integers())
def test_plan_is_drawn_once_and_for_all(fate: Fate, seed: int) -> None:
    """
    Asking again gives the same steps.
    """
    plans = [plan(fate, KEY, Chance(seed).of(*KEY), 0, NEVER) for _ in range(2)]

    assert plans[0] == plans[1]


@given(FATES, st.integers(0, 10_000))
def test_later_start_shifts_the_whole_plan(fate: Fate, by_ms: int) -> None:
    """
    A scheduled message has the fate it would have had, only later.
    """
    plain = plan(fate, KEY, DRAWS, 0, NEVER)

    later = plan(fate, KEY, DRAWS, by_ms, NEVER + by_ms)

    assert later == [(at_ms + by_ms, step) for at_ms, step in plain]


def test_gaps_of_a_fate_are_filled_by_the_default() -> None:
    """
    What a rule leaves open the provider fills in; what it says stays.
    """
    default = Fate(after=ConstantDelay(9), progress=(Progress(after=ConstantDelay(1)),))
    said = Fate(ending=Ending.FAIL, code="HAWK")

    assert said.completed_by(default) == Fate(
        ending=Ending.FAIL, code="HAWK", after=default.after, progress=default.progress
    )
    assert Fate(after=ConstantDelay(5), progress=()).completed_by(default) == Fate(
        after=ConstantDelay(5), progress=()
    )


def test_expiry_is_not_hurried_by_the_default() -> None:
    """
    An expiry without a delay still waits for the validity after the gaps are filled.
    """
    default = Fate(after=ConstantDelay(9), progress=())

    assert Fate(ending=Ending.EXPIRE).completed_by(default) == Fate(ending=Ending.EXPIRE, progress=())


def test_at_one_instant_a_message_expires_rather_than_arrives() -> None:
    """
    Endings come before deliveries, deliveries before readings.
    """
    steps = [MoveStep(KEY, station(move)) for move in Move]

    moves = [step.move for step in sorted(steps, key=lambda step: step.order)]

    assert moves == [
        Move.RELEASE, Move.SEND, Move.EXPIRE, Move.FAIL, Move.REVOKE, Move.WAIT, Move.DELIVER, Move.READ,
    ]  # fmt: skip

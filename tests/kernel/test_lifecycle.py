"""
One table says what may follow what; nothing else does.
"""

import pytest

from simulator.kernel.model.lifecycle import TERMINAL, TRANSITIONS, Move, State, next_state

# Written out a second time on purpose, as a drawing: a row per state, a column per move.
DRAWING = """
    state      release   send  wait     deliver    read  fail    expire   revoke
    scheduled  accepted  -     -        -          -     failed  expired  revoked
    accepted   -         sent  waiting  delivered  -     failed  expired  revoked
    sent       -         sent  waiting  delivered  -     failed  expired  revoked
    waiting    -         -     -        delivered  -     failed  expired  revoked
    delivered  -         -     -        -          read  -       -        -
    read       -         -     -        -          -     -       -        -
    failed     -         -     -        -          -     -       -        -
    expired    -         -     -        -          -     -       -        -
    revoked    -         -     -        -          -     -       -        -
"""


def drawn() -> list[tuple[State, Move, State | None]]:
    """
    Return every cell of the drawing.
    """
    head, *rows = [line.split() for line in DRAWING.strip().splitlines()]
    moves = [Move(word) for word in head[1:]]
    return [
        (State(row[0]), move, None if word == "-" else State(word))
        for row in rows
        for move, word in zip(moves, row[1:], strict=True)
    ]


@pytest.mark.parametrize(("state", "move", "after"), drawn())
def test_every_move_leads_where_the_drawing_says(state: State, move: Move, after: State | None) -> None:
    """
    Each state and move lead to the drawn state, or the move lapses.
    """
    actual = next_state(state, move)

    assert actual == after


def test_drawing_has_every_state_and_every_move() -> None:
    """
    A new state or move is not in the table until somebody drew it.
    """
    cells = {(state, move) for state, move, _ in drawn()}

    assert cells == {(state, move) for state in State for move in Move}


def test_answered_question_stays_answered() -> None:
    """
    From a terminal state only terminal states are reached, and only reading follows.
    """
    after = {(state, move, following) for state in TERMINAL for move, following in TRANSITIONS[state].items()}

    assert after == {(State.DELIVERED, Move.READ, State.READ)}


def test_every_other_state_can_still_end() -> None:
    """
    Whatever is not terminal can fail, expire and be revoked.
    """
    open_states = {state for state in State if state not in TERMINAL}

    endings = {state: set(TRANSITIONS[state]) & {Move.FAIL, Move.EXPIRE, Move.REVOKE} for state in State}

    assert {state for state, moves in endings.items() if len(moves) == 3} == open_states

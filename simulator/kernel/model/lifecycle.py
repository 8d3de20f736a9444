"""
The one state machine: every state, every move, in one table.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = ["TERMINAL", "TRANSITIONS", "Move", "State", "next_state"]


class State(StrEnum):
    """
    Where a message is.
    """

    SCHEDULED = "scheduled"
    ACCEPTED = "accepted"
    SENT = "sent"
    WAITING = "waiting"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Move(StrEnum):
    """
    What would change where a message is.
    """

    RELEASE = "release"
    SEND = "send"
    WAIT = "wait"
    DELIVER = "deliver"
    READ = "read"
    FAIL = "fail"
    EXPIRE = "expire"
    REVOKE = "revoke"


_ENDINGS: Final = {Move.FAIL: State.FAILED, Move.EXPIRE: State.EXPIRED, Move.REVOKE: State.REVOKED}

TRANSITIONS: Final[dict[State, dict[Move, State]]] = {
    State.SCHEDULED: {Move.RELEASE: State.ACCEPTED, **_ENDINGS},
    State.ACCEPTED: {
        Move.SEND: State.SENT,
        Move.WAIT: State.WAITING,
        Move.DELIVER: State.DELIVERED,
        **_ENDINGS,
    },
    # A message on its way may report progress more than once: sent, then at the operator.
    State.SENT: {
        Move.SEND: State.SENT,
        Move.WAIT: State.WAITING,
        Move.DELIVER: State.DELIVERED,
        **_ENDINGS,
    },
    State.WAITING: {Move.DELIVER: State.DELIVERED, **_ENDINGS},
    State.DELIVERED: {Move.READ: State.READ},
    State.READ: {},
    State.FAILED: {},
    State.EXPIRED: {},
    State.REVOKED: {},
}
"""From state and move to state.  A pair that is missing lapses (a step) or is refused (a command)."""

TERMINAL: Final = frozenset({State.DELIVERED, State.READ, State.FAILED, State.EXPIRED, State.REVOKED})
"""States in which the question "did it arrive?" is answered for good; only `read` may follow delivery."""


def next_state(state: State, move: Move) -> State | None:
    """
    Return the state after *move*, or None when the move has lapsed.

    A move lapses when something else got there first: an expiry planned at
    acceptance finds the message already delivered.  That is normal and silent.
    """
    return TRANSITIONS[state].get(move)

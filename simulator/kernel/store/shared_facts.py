"""
Facts that say the same of many messages: each is made once, and shared.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.message import Rung
from simulator.kernel.model.submission import Reason
from simulator.kernel.store.facts import Accepted, Called, Moved

__all__ = ["accepted", "called", "moved"]

_SHARED_MAX: Final = 4_096


@lru_cache(maxsize=_SHARED_MAX)
def accepted(state: State, rung: Rung, rule: str) -> Accepted:
    """Return the fact that a submission became a message; one for all of which the same is true."""
    return Accepted(state, rung, rule)


@lru_cache(maxsize=_SHARED_MAX)
def moved(state: State, rung: Rung, rule: str, code: str, reason: Reason, unreachable: bool) -> Moved:
    """Return the fact that a message changed its state; one for all of which the same is true."""
    return Moved(state, rung, rule, code, reason, unreachable)


@lru_cache(maxsize=_SHARED_MAX)
def called(method: str, path: str, status: int) -> Called:
    """Return the fact that a call was answered, with nothing else to be said; one for all such calls."""
    return Called(method, path, status)

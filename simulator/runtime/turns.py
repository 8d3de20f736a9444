"""
Turns of the loop: how long one lasts, and work that takes several.
"""

from __future__ import annotations

import asyncio
from time import monotonic_ns
from typing import Final, TypeVar

from simulator.kernel.model.turns import InTurns, at_once

__all__ = ["Turn", "never", "taking_turns"]

T = TypeVar("T")

TURN_REAL_NS: Final = 5_000_000


class Turn:
    """
    A turn that begins now.
    """

    __slots__ = ("_until_ns",)

    def __init__(self) -> None:
        self._until_ns = monotonic_ns() + TURN_REAL_NS

    def over(self) -> bool:
        """Return True when others should have theirs."""
        return monotonic_ns() >= self._until_ns


def never() -> bool:
    """Return False: there is no end to this turn."""
    return False


async def taking_turns(work: InTurns[T], *, undivided: bool = False) -> T:
    """Return what *work* comes to; others get their turn meanwhile, unless it is to be *undivided*."""
    if undivided:
        return at_once(work)
    turn = Turn()
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        if turn.over():
            await asyncio.sleep(0)
            turn = Turn()

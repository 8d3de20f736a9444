"""
Work beside the loop: reading and writing what is long, in a thread.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

__all__ = ["aside"]

T = TypeVar("T")


class _Calm:
    """
    Keeps the collector of cycles from running while long bodies are read.

    A tree of a hundred thousand values has no cycles, and a collector that goes through it
    half a dozen times while it grows lets nobody else do anything meanwhile.
    """

    def __init__(self) -> None:
        self.count = 0
        self.was_on = False

    def __enter__(self) -> None:
        if self.count == 0:
            self.was_on = gc.isenabled()
            gc.disable()
        self.count += 1

    def __exit__(self, *failure: object) -> None:
        self.count -= 1
        if self.count == 0 and self.was_on:
            gc.enable()


_CALM = _Calm()


async def aside(work: Callable[[], T]) -> T:
    """Return what *work* comes to, done in a thread while others are served."""
    # Who calls has the loop already; whoever only looks at providers need not load it.
    from asyncio import to_thread

    with _CALM:
        return await to_thread(work)

"""
Work in slices: done at once, or with turns for others between them.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final, TypeVar

__all__ = ["SLICE", "at_once"]

T = TypeVar("T")

SLICE: Final = 250
"""So many submissions are dealt with in a few milliseconds."""


def at_once(steps: Generator[None, None, T]) -> T:
    """Return what *steps* come to, without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result

"""
Work in turns: done at once, or with turns for others wherever it yields.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from heapq import merge
from itertools import islice
from typing import Final, TypeAlias, TypeVar

__all__ = ["SLICE", "InTurns", "at_once", "gathered", "in_order", "whole"]

T = TypeVar("T")

InTurns: TypeAlias = Generator[None, None, T]
"""
Work that comes to a T.

It yields after every little piece; whoever carries it out decides after which of them
others get their turn.
"""

SLICE: Final = 250
"""So much of what is quickly done is one piece."""
_RUN_MAX: Final = 1_024


def at_once(steps: InTurns[T]) -> T:
    """Return what *steps* come to, without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def gathered(items: Iterable[T]) -> InTurns[list[T]]:
    """Return *items* as a list, each made in a turn of its own."""
    made: list[T] = []
    for item in items:
        made.append(item)
        yield
    return made


def in_order(texts: Iterable[str], fits: Callable[[str], bool]) -> InTurns[tuple[Iterator[str], int]]:
    """
    Return those of *texts* that fit, sorted, and how many they are.

    They are sorted a run at a time, and merged as they are taken.
    """
    left = iter(list(texts))
    runs: list[list[str]] = []
    while some := list(islice(left, _RUN_MAX)):
        runs.append(sorted(filter(fits, some)))
        yield
    return merge(*runs), sum(map(len, runs))


def whole(work: T | InTurns[T]) -> InTurns[T]:
    """Return what *work* comes to, whether it is done already or goes in turns."""
    if isinstance(work, Generator):
        result: T = yield from work
        return result
    return work

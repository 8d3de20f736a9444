"""
What is due, and when: a wheel of instants.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Protocol

__all__ = ["Agenda", "Step"]


class Step(Protocol):
    """
    Something due at an instant; steps of one instant happen in the order of `order`.
    """

    @property
    def order(self) -> tuple[int | str, ...]:
        """What the step is about, never when it was put on the agenda."""
        ...


class Agenda:
    """
    Future steps by instant.  Ties break by what a step is about, never by insertion.

    An instant under way is finished before what was added to it meanwhile, so
    that it makes no difference in how many slices it is taken.
    """

    __slots__ = ("_buckets", "_heap", "_size", "_under_way", "_under_way_ms")

    def __init__(self) -> None:
        self._buckets: dict[int, list[Step]] = {}
        self._heap: list[int] = []
        self._size = 0
        self._under_way: list[Step] = []
        self._under_way_ms = 0

    def __len__(self) -> int:
        return self._size

    def add(self, at_ms: int, step: Step) -> None:
        """Put *step* on the agenda."""
        bucket = self._buckets.get(at_ms)
        if bucket is None:
            self._buckets[at_ms] = [step]
            heappush(self._heap, at_ms)
        else:
            bucket.append(step)
        self._size += 1

    def remove(self, at_ms: int, step: Step) -> bool:
        """Take *step* off the agenda again; return whether it was there."""
        for steps in (self._buckets.get(at_ms), self._under_way if at_ms == self._under_way_ms else None):
            if steps and step in steps:
                steps.remove(step)
                self._size -= 1
                return True
        return False

    def next_due(self) -> int | None:
        """Return the earliest instant with anything due, or None."""
        if self._under_way:
            return self._under_way_ms
        while self._heap:
            at_ms = self._heap[0]
            if self._buckets[at_ms]:
                return at_ms
            heappop(self._heap)
            del self._buckets[at_ms]
        return None

    def take(self, until_ms: int, limit: int = 1_000_000) -> list[Step]:
        """Remove and return up to *limit* steps of the earliest instant, none later than *until_ms*."""
        at_ms = self.next_due()
        if at_ms is None or at_ms > until_ms:
            return []
        if not self._under_way:
            self._under_way, self._buckets[at_ms] = self._buckets[at_ms], []
            self._under_way_ms = at_ms
            self._under_way.sort(key=_order, reverse=True)
        taken = self._under_way[-limit:]
        del self._under_way[-limit:]
        taken.reverse()
        self._size -= len(taken)
        return taken


def _order(step: Step) -> tuple[int | str, ...]:
    return step.order

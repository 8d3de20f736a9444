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
    """

    __slots__ = ("_buckets", "_heap", "_size")

    def __init__(self) -> None:
        self._buckets: dict[int, list[Step]] = {}
        self._heap: list[int] = []
        self._size = 0

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
        bucket = self._buckets.get(at_ms)
        if bucket is None or step not in bucket:
            return False
        bucket.remove(step)
        self._size -= 1
        return True

    def next_due(self) -> int | None:
        """Return the earliest instant with anything due, or None."""
        while self._heap:
            at_ms = self._heap[0]
            if self._buckets[at_ms]:
                return at_ms
            heappop(self._heap)
            del self._buckets[at_ms]
        return None

    def take(self, at_ms: int) -> list[Step]:
        """Remove and return everything due at *at_ms*, in order."""
        steps = self._buckets.get(at_ms)
        if not steps:
            return []
        self._buckets[at_ms] = []
        self._size -= len(steps)
        steps.sort(key=_order)
        return steps


def _order(step: Step) -> tuple[int | str, ...]:
    return step.order

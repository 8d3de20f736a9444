"""
What is due, and when: a wheel of instants.
"""

from __future__ import annotations

from heapq import heappop, heappush
from operator import attrgetter
from typing import Final, Protocol

__all__ = ["Agenda", "Step"]

_ORDER: Final = attrgetter("order")


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

    An instant is taken in rounds: what is added to it meanwhile comes in the next
    round.  In how many slices a round is taken changes nothing.
    """

    __slots__ = ("_buckets", "_cancelled", "_heap", "_round", "_round_at_ms", "_size")

    def __init__(self) -> None:
        self._buckets: dict[int, list[Step]] = {}
        self._cancelled: dict[int, set[tuple[int | str, ...]]] = {}
        """What will not happen after all, by instant and order."""
        self._round: list[Step] = []
        """What is left of the round being taken, last one first."""
        self._round_at_ms = 0
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
        for steps in (self._buckets.get(at_ms, []), self._round if at_ms == self._round_at_ms else []):
            if step in steps:
                steps.remove(step)
                self._size -= 1
                return True
        return False

    def cancel(self, at_ms: int, step: Step) -> None:
        """
        Take a step off that is there for certain, at a cost that does not grow with its instant.

        An outage makes thousands of messages expire at one instant; most are
        delivered before, and searching that instant for each would take too long.
        """
        if self._round and at_ms == self._round_at_ms:
            self.remove(at_ms, step)
        else:
            self._cancelled.setdefault(at_ms, set()).add(step.order)
            self._size -= 1

    def next_due(self) -> int | None:
        """Return the earliest instant with anything due, or None."""
        if self._round:
            return self._round_at_ms
        while self._heap:
            at_ms = self._heap[0]
            if len(self._buckets[at_ms]) > len(self._cancelled.get(at_ms, ())):
                return at_ms
            heappop(self._heap)
            del self._buckets[at_ms]
            self._cancelled.pop(at_ms, None)
        return None

    def take(self, at_ms: int, most: int | None = None) -> list[Step]:
        """
        Remove and return what is due at *at_ms*, in order: a round of it, or *most* of that round.

        What is overdue comes first, one instant after the other.
        """
        if self._round and at_ms < self._round_at_ms:
            self._put_back()
        due_ms = self.next_due()
        if due_ms is None or due_ms > at_ms:
            return []
        if not self._round:
            self._round, self._buckets[due_ms] = self._buckets[due_ms], []
            if (cancelled := self._cancelled.pop(due_ms, None)) is not None:
                self._round = [step for step in self._round if step.order not in cancelled]
            if len(self._round) > 1:
                self._round.sort(key=_ORDER, reverse=True)
            self._round_at_ms = due_ms
        left = self._round
        count = len(left) if most is None else min(most, len(left))
        taken = left[len(left) - count :]
        del left[len(left) - count :]
        taken.reverse()
        self._size -= count
        return taken

    def _put_back(self) -> None:
        steps, self._round = self._round, []
        self._size -= len(steps)
        for step in steps:
            self.add(self._round_at_ms, step)

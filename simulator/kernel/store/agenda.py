"""
What is due, and when: a wheel of instants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from heapq import heapify, heappop, heappush, merge
from itertools import islice
from operator import attrgetter
from typing import Final, Protocol

from simulator.kernel.model.turns import InTurns

__all__ = ["Agenda", "Step"]

_ORDER: Final = attrgetter("order")
_RUN_MAX: Final = 1_024
_NOTHING: Final[set[tuple[int | str, ...]]] = set()


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

    Steps of a crowded instant are sorted a run at a time, as they are added, and the
    runs are merged as they are taken: nobody waits for hundreds of thousands to be
    sorted at once.
    """

    __slots__ = (
        "_buckets",
        "_cancelled",
        "_heap",
        "_merged",
        "_not_merged",
        "_round",
        "_round_at_ms",
        "_run_max",
        "_runs",
        "_size",
        "_skipped",
    )

    def __init__(self, run_max: int = _RUN_MAX) -> None:
        self._run_max = run_max
        """How many steps are sorted at once."""
        self._buckets: dict[int, Step | list[Step]] = {}
        """What is due at each instant: a step, or a list of them where there is not exactly one."""
        self._runs: dict[int, list[list[Step]]] = {}
        """Of crowded instants: what was added before, sorted in runs."""
        self._cancelled: dict[int, set[tuple[int | str, ...]]] = {}
        """What will not happen after all, by instant and order."""
        self._round: list[Step] = []
        """What comes next of the round being taken, last one first."""
        self._merged: Iterator[Step] = iter(())
        """What comes after that."""
        self._not_merged = 0
        """How many steps that is."""
        self._skipped: set[tuple[int | str, ...]] = set()
        """Which of them will not happen after all."""
        self._round_at_ms = 0
        self._heap: list[int] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, at_ms: int, step: Step) -> None:
        """Put *step* on the agenda."""
        if self._cancelled and step.order in (off := self._cancelled.get(at_ms, _NOTHING)):
            # It is still there, and is to happen after all.
            off.discard(step.order)
            self._size += 1
            return
        bucket = self._buckets.get(at_ms)
        if bucket is None:
            # Most instants have one: a list of its own for each would weigh more than the step.
            self._buckets[at_ms] = step
            heappush(self._heap, at_ms)
        elif not isinstance(bucket, list):
            self._buckets[at_ms] = [bucket, step]
        else:
            bucket.append(step)
            if len(bucket) >= self._run_max:
                bucket.sort(key=_ORDER)
                self._runs.setdefault(at_ms, []).append(bucket)
                self._buckets[at_ms] = []
        self._size += 1

    def _bucket(self, at_ms: int) -> list[Step]:
        """Return what was added for that instant and is in no run."""
        bucket = self._buckets.get(at_ms, [])
        return bucket if isinstance(bucket, list) else [bucket]

    def _lists(self, at_ms: int) -> Sequence[list[Step]]:
        """Return the lists that hold what is due at that instant; steps may be taken out of them."""
        bucket = self._bucket(at_ms)
        if bucket:
            self._buckets[at_ms] = bucket
        return (bucket, self._round if at_ms == self._round_at_ms else [], *self._runs.get(at_ms, ()))

    def remove(self, at_ms: int, step: Step) -> bool:
        """Take *step* off the agenda again; return whether it was there."""
        if at_ms == self._round_at_ms and self._not_merged:
            self._merge_all()
        for steps in self._lists(at_ms):
            if step in steps:
                steps.remove(step)
                self._size -= 1
                return True
        return False

    def drop(self, at_ms: int, goes: Callable[[Step], bool]) -> None:
        """Take off every step of an instant that *goes*."""
        if at_ms == self._round_at_ms and self._not_merged:
            self._merge_all()
        for steps in self._lists(at_ms):
            before = len(steps)
            steps[:] = [step for step in steps if not goes(step)]
            self._size -= before - len(steps)

    def emptying(self) -> InTurns[None]:
        """Forget every step, in turns; it is of no use any more."""
        self._merged = iter(())
        while self._buckets or self._runs:
            self._buckets.popitem() if self._buckets else self._runs.popitem()
            yield

    def tidy(self) -> None:
        """Forget the instants of which nothing is left, all at once; each by itself would take longer."""
        for at_ms in [at for at in self._heap if not self._buckets.get(at) and at not in self._runs]:
            if at_ms != self._round_at_ms or not self._round:
                self._buckets.pop(at_ms, None)
        self._heap = [at_ms for at_ms in dict.fromkeys(self._heap) if at_ms in self._buckets]
        heapify(self._heap)

    def cancel(self, at_ms: int, step: Step) -> None:
        """
        Take a step off that is there for certain, at a cost that does not grow with its instant.

        An outage makes thousands of messages expire at one instant; most are
        delivered before, and searching that instant for each would take too long.
        """
        if not self._round or at_ms != self._round_at_ms:
            self._cancelled.setdefault(at_ms, set()).add(step.order)
            self._size -= 1
        elif step in self._round:
            self._round.remove(step)
            self._size -= 1
            self._refill()
        elif self._not_merged and step not in self._bucket(at_ms) and at_ms not in self._runs:
            self._skipped.add(step.order)
            self._size -= 1
        else:
            self.remove(at_ms, step)

    def next_due(self) -> int | None:
        """Return the earliest instant with anything due, or None."""
        if self._round:
            return self._round_at_ms
        heap, buckets = self._heap, self._buckets
        while heap:
            at_ms = heap[0]
            if self._runs or self._cancelled:
                planned = len(self._bucket(at_ms)) + sum(map(len, self._runs.get(at_ms, ())))
                if planned > len(self._cancelled.get(at_ms, ())):
                    return at_ms
                self._runs.pop(at_ms, None)
                self._cancelled.pop(at_ms, None)
            elif buckets[at_ms]:
                return at_ms
            heappop(heap)
            del buckets[at_ms]
        return None

    def soonest(self, looked_at_max: int = 1_000) -> tuple[int, Step, int] | None:
        """
        Return the next instant, its first step and how many it has; None when nothing is due.

        Of a crowded instant only so many steps are looked at for the first one.
        """
        at_ms = self.next_due()
        if at_ms is None:
            return None
        if self._round:
            return at_ms, self._round[-1], len(self._round) + self._not_merged - len(self._skipped)
        cancelled = self._cancelled.get(at_ms, ())
        bucket, runs = self._bucket(at_ms), self._runs.get(at_ms, ())
        firsts = [step for step in islice(bucket, looked_at_max) if step.order not in cancelled]
        for run in runs:
            firsts += islice((step for step in run if step.order not in cancelled), 1)
        planned = len(bucket) + sum(map(len, runs)) - len(cancelled)
        return at_ms, min(firsts, key=_ORDER), planned

    def upcoming(self, fits: Callable[[Step], bool] = lambda _: True) -> Iterator[tuple[int, Step]]:
        """
        Yield every step that is due, with its instant, in the order in which they will happen.

        Only those that fit are put in order: a few of very many are soon found.
        """
        if self._not_merged:
            self._merge_all()
        for step in filter(fits, reversed(self._round)):
            yield self._round_at_ms, step
        for at_ms in sorted(set(self._heap)):
            cancelled = self._cancelled.get(at_ms, ())
            planned = sorted(filter(fits, self._bucket(at_ms)), key=_ORDER)
            runs = (filter(fits, run) for run in self._runs.get(at_ms, ()))
            for step in merge(planned, *runs, key=_ORDER):
                if step.order not in cancelled:
                    yield at_ms, step

    def still(self) -> Agenda:
        """Return a copy to look at; of an instant under way, it has what comes next and not all the rest."""
        twin = copy(self)
        twin._buckets, twin._runs = dict(self._buckets), dict(self._runs)
        twin._heap, twin._cancelled = list(self._heap), dict(self._cancelled)
        # What is being merged can be gone through once, and that is for whoever does what is due.
        twin._round, twin._merged, twin._not_merged = list(self._round), iter(()), 0
        twin._skipped = set()
        return twin

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
            bucket = self._buckets[due_ms]
            if not isinstance(bucket, list):
                # Mostly there is one, and what it leads to at this instant comes in the next round.
                self._buckets[due_ms] = []
                self._round_at_ms = due_ms
                self._size -= 1
                return [bucket]
            self._begin_round(due_ms)
        if most is None:
            self._merge_all()
        taken: list[Step] = []
        while self._round and (most is None or len(taken) < most):
            left = self._round
            count = len(left) if most is None else min(most - len(taken), len(left))
            slice_ = left[len(left) - count :]
            del left[len(left) - count :]
            slice_.reverse()
            taken += slice_
            self._refill()
        self._size -= len(taken)
        return taken

    def give_back(self, steps: Sequence[Step]) -> None:
        """Put back the last of what was just taken: it comes next, in this order, before all else."""
        self._round += reversed(steps)
        self._size += len(steps)

    def _begin_round(self, due_ms: int) -> None:
        steps, self._buckets[due_ms] = self._bucket(due_ms), []
        runs = self._runs.pop(due_ms, None)
        cancelled = self._cancelled.pop(due_ms, None)
        self._round_at_ms = due_ms
        if len(steps) > 1:
            steps.sort(key=_ORDER, reverse=not runs)
        if runs is None:
            self._round = steps if cancelled is None else [s for s in steps if s.order not in cancelled]
            return
        self._not_merged = len(steps) + sum(map(len, runs))
        self._merged = merge(steps, *runs, key=_ORDER)
        self._skipped = cancelled or set()
        self._refill()

    def _refill(self) -> None:
        """Merge some more of a crowded round when what was merged is taken."""
        while not self._round and self._not_merged:
            steps = list(islice(self._merged, self._run_max))
            self._not_merged -= len(steps)
            if self._skipped:
                hit = self._skipped.intersection(step.order for step in steps)
                steps = [step for step in steps if step.order not in hit]
                self._skipped -= hit
            steps.reverse()
            self._round = steps

    def _merge_all(self) -> None:
        rest = [step for step in self._merged if step.order not in self._skipped]
        rest.reverse()
        self._round = rest + self._round
        self._not_merged = 0
        self._skipped = set()

    def _put_back(self) -> None:
        self._merge_all()
        steps, self._round = self._round, []
        self._size -= len(steps)
        for step in steps:
            self.add(self._round_at_ms, step)

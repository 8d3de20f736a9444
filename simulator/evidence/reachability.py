"""
When recipients were out of reach, told from the scenario and the journal.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import NamedTuple

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.recipient import Directory
from simulator.kernel.store.facts import CircumstancesChanged

__all__ = ["Reachability"]

_EDGES_MAX = 1_000


class _Changes(NamedTuple):
    """
    What was changed under one pattern: values, each from its instant on; None: nothing holds.
    """

    instants: list[int]
    values: list[bool | None]

    def add(self, at_ms: int, value: bool, until_ms: int | None) -> None:
        """Add a change, which is later than those before it; what they had foreseen for later gives way."""
        start = bisect_left(self.instants, at_ms)
        if until_ms is None:
            self.instants[start:], self.values[start:] = [at_ms], [value]
            return
        end = bisect_right(self.instants, until_ms)
        after = self.values[end - 1] if end else None
        self.instants[start:end], self.values[start:end] = [at_ms, until_ms], [value, after]

    def at(self, at_ms: int) -> bool | None:
        """Return what holds at *at_ms*."""
        place = bisect_right(self.instants, at_ms)
        return self.values[place - 1] if place else None


class Reachability:
    """
    Unreachable spans of any recipient.

    The directory only knows what holds from now on; what held before a change is
    in the journal.  A change wins over the scenario, an address over a prefix,
    a longer prefix over a shorter one, as in the directory.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._scenario = Directory()
        self._scenario.load(simulation.scenario.recipients, simulation.state.scenario_start_ms)
        self._changes: dict[str, _Changes] = {}
        for entry in simulation.journal:
            fact = entry.fact
            if isinstance(fact, CircumstancesChanged) and isinstance(fact.traits.get("reachable"), bool):
                changes = self._changes.setdefault(entry.recipient, _Changes([], []))
                changes.add(entry.at_ms, fact.traits["reachable"] is True, fact.until_ms)
        lengths = {len(pattern) - 1 for pattern in self._changes if pattern.endswith("*")}
        self._lengths = sorted(lengths, reverse=True)

    def spans(self, address: str, from_ms: int, to_ms: int) -> list[tuple[int, int]]:
        """Return when *address* was unreachable between two instants, as pairs of start and end."""
        spans: list[tuple[int, int]] = []
        edges = [*self._edges(address, from_ms, to_ms), to_ms]
        for start, end in pairwise(edges):
            if end <= start or self._reachable(address, start):
                continue
            if spans and spans[-1][1] == start:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
        return spans

    def _edges(self, address: str, from_ms: int, to_ms: int) -> list[int]:
        edges = {from_ms}
        for pattern in self._patterns(address):
            edges.update(at_ms for at_ms in self._changes[pattern].instants if from_ms < at_ms < to_ms)
        at_ms = self._scenario.next_change_after(address, "reachable", from_ms)
        while at_ms is not None and at_ms < to_ms and len(edges) < _EDGES_MAX:
            edges.add(at_ms)
            at_ms = self._scenario.next_change_after(address, "reachable", at_ms)
        return sorted(edges)

    def _patterns(self, address: str) -> list[str]:
        patterns = [address, *(f"{address[:length]}*" for length in self._lengths if length <= len(address))]
        return [pattern for pattern in patterns if pattern in self._changes]

    def _reachable(self, address: str, at_ms: int) -> bool:
        for pattern in self._patterns(address):
            value = self._changes[pattern].at(at_ms)
            if value is not None:
                return value
        return self._scenario.at(address, at_ms).reachable

"""
When recipients were out of reach, told from the scenario and the journal.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.recipient import Directory
from simulator.kernel.store.facts import CircumstancesChanged

__all__ = ["Reachability"]

_EDGES_MAX = 1_000


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
        self._changes: dict[str, tuple[list[int], list[bool | None]]] = {}
        """By address or prefix: when something was changed, and to what; None: to what the scenario says."""
        for entry in simulation.journal:
            fact = entry.fact
            if isinstance(fact, CircumstancesChanged) and isinstance(fact.traits.get("reachable"), bool):
                instants, values = self._changes.setdefault(entry.recipient, ([], []))
                if instants and instants[-1] > entry.at_ms:
                    # What was to end by itself was changed before.
                    instants.pop()
                    values.pop()
                instants.append(entry.at_ms)
                values.append(fact.traits["reachable"] is True)
                if fact.until_ms is not None:
                    instants.append(fact.until_ms)
                    values.append(None)
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
            edges.update(at_ms for at_ms in self._changes[pattern][0] if from_ms < at_ms < to_ms)
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
            instants, values = self._changes[pattern]
            place = bisect_right(instants, at_ms)
            if place and (value := values[place - 1]) is not None:
                return value
        return self._scenario.at(address, at_ms).reachable

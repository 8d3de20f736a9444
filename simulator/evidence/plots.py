"""
What a run measures over time: arrivals against the plan, what is still owed, and how long answers took.

Drawn on the axis of the overview, below it, in evidence and on the page of a run alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from math import log10
from typing import Final

from simulator.evidence.axis import Axis
from simulator.evidence.lanes import percent
from simulator.evidence.overview import BINS, HEIGHT, Bar, Chart
from simulator.evidence.refusals import refusals
from simulator.evidence.scorecard import nearest_rank
from simulator.evidence.words import latency
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.webhooks.outbox import PENDING

__all__ = ["plots"]

_LINE: Final = 2.0
"""How thick a level is drawn that is no area."""
_SHORTEST_US: Final = 100
"""Latencies below are drawn as if they were this long."""


def plots(simulation: Simulation, axis: Axis, planned_ms: Sequence[int] = ()) -> list[Chart]:
    """Return a row for each thing measured; *planned_ms* is when calls and messages were to come."""
    arrived = _arrivals(simulation, axis, planned_ms)
    return [*arrived, _backlog(simulation, axis), _latencies(simulation, axis)]


def _bin(axis: Axis, at_ms: int) -> int:
    return min(BINS - 1, int(axis.place(at_ms) * BINS / 100))


def _bar(css: str, place: int, top: float, height: float, amount: int, what: str) -> Bar:
    # Without a gap between neighbours: they are one area.
    left, right = percent(100 * place / BINS), percent(100 / BINS)
    return Bar(css, left, right, f"{top:.1f}", f"{height:.1f}", amount, what)


def _area(css: str, levels: Sequence[int], most: int, what: str) -> Iterator[Bar]:
    for place, level in enumerate(levels):
        if level:
            height = max(_LINE, (HEIGHT - 2) * level / most)
            yield _bar(css, place, HEIGHT - height, height, level, what)


def _arrivals(simulation: Simulation, axis: Axis, planned_ms: Sequence[int]) -> list[Chart]:
    """Return how many messages had come by then, with a line for how many were to have come."""
    if not planned_ms:
        return []
    came_ms = [m.accepted_ms for m in simulation.messages.values() if not m.submission.signal]
    came_ms += [refusal.at_ms for refusal in refusals(simulation)]
    last = _bin(axis, simulation.clock.now_ms)
    came, planned = _sums(axis, came_ms)[: last + 1], _sums(axis, planned_ms)
    most = max(*came, *planned)
    bars = list(_area("c-sum", came, most, "came by then"))
    for place, level in enumerate(planned):
        if level:
            top = HEIGHT - max(_LINE, (HEIGHT - 2) * level / most)
            bars.append(_bar("c-ink", place, top, _LINE, level, "were to come by then"))
    number = f"{len(came_ms):,} / {len(planned_ms):,}"
    return [Chart("came, against the plan", number, "the line is the plan", HEIGHT, HEIGHT, (), bars)]


def _sums(axis: Axis, instants_ms: Iterable[int]) -> list[int]:
    counts = [0] * BINS
    for at_ms in instants_ms:
        counts[_bin(axis, at_ms)] += 1
    return list(accumulate(counts))


def _backlog(simulation: Simulation, axis: Axis) -> Chart:
    """Return how many webhooks were owed and neither taken nor given up, at most in each place."""
    changes: list[tuple[int, int]] = []
    for webhook in simulation.outbox.webhooks.values():
        if webhook.attempts or webhook.state in PENDING:
            changes.append((webhook.created_ms, 1))
            if webhook.state not in PENDING:
                changes.append((webhook.attempts[-1].at_ms, -1))
    levels = [0] * (_bin(axis, simulation.clock.now_ms) + 1)
    owed, place = 0, 0
    # In an instant what is new comes first: what was paid at once was owed as well.
    for at_ms, change in sorted(changes, key=lambda item: (item[0], -item[1])):
        here = min(len(levels) - 1, _bin(axis, at_ms))
        for passed in range(place + 1, here + 1):
            levels[passed] = owed
        place = max(place, here)
        owed += change
        levels[place] = max(levels[place], owed)
    for passed in range(place + 1, len(levels)):
        levels[passed] = owed
    most = max(levels)
    bars = list(_area("c-late", levels, most, "owed at most")) if most else []
    return Chart("webhooks owed", f"{most:,}", f"at most; {owed:,} now", HEIGHT, HEIGHT, (), bars)


def _latencies(simulation: Simulation, axis: Axis) -> Chart:
    """Return from the median to the longest of each place, on a scale of decades."""
    places: dict[int, list[int]] = {}
    for webhook in simulation.outbox.webhooks.values():
        for attempt in webhook.attempts:
            if attempt.measured and not webhook.damage_of(attempt.number):
                places.setdefault(_bin(axis, attempt.at_ms), []).append(attempt.latency_real_us)
    every = sorted(us for latencies in places.values() for us in latencies)
    if not every:
        return Chart("latency of answers", "–", "nothing was answered", HEIGHT, HEIGHT, (), ())
    decades = max(1.0, log10(max(every[-1], _SHORTEST_US) / _SHORTEST_US))
    bars: list[Bar] = []
    for place, latencies in sorted(places.items()):
        latencies.sort()
        median_us, longest_us = nearest_rank(latencies, 50), latencies[-1]
        top, middle = _height(longest_us, decades), _height(median_us, decades)
        bars.append(_bar("c-span", place, top, max(_LINE, middle - top), longest_us, "µs at most"))
        bars.append(_bar("c-ok", place, middle, _LINE, median_us, "µs in the middle"))
    number = f"{latency(nearest_rank(every, 50))} / {latency(every[-1])}"
    return Chart("latency of answers", number, "median and longest", HEIGHT, HEIGHT, (), bars)


def _height(us: int, decades: float) -> float:
    """Return how far from the top a latency stands."""
    return (HEIGHT - 2 - _LINE) * (1 - log10(max(us, _SHORTEST_US) / _SHORTEST_US) / decades)

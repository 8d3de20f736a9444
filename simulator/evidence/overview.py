"""
The whole run in one picture: sends, endings and webhooks over time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt

from simulator.evidence.axis import Axis
from simulator.evidence.words import span
from simulator.kernel.journal import EntryKind
from simulator.kernel.lifecycle import TERMINAL, State
from simulator.kernel.simulation import Simulation

__all__ = ["held_spans", "overview_rows"]

_BINS = 120
_HEIGHT = 44
_ARRIVED = frozenset({State.DELIVERED, State.READ})


def overview_rows(simulation: Simulation, axis: Axis) -> list[tuple[str, str, str]]:
    """Return rows of the overview: what it is, its chart, and how many there are."""
    sends: list[int] = []
    arrived: list[int] = []
    ended: list[int] = []
    for entry in simulation.journal:
        if entry.kind is EntryKind.ACCEPTED:
            sends.append(entry.at_ms)
        elif entry.kind is EntryKind.MOVED and entry.state in TERMINAL:
            if entry.state is State.DELIVERED:
                arrived.append(entry.at_ms)
            elif entry.state not in _ARRIVED:
                ended.append(entry.at_ms)
    good: list[int] = []
    bad: list[int] = []
    for webhook in simulation.outbox.webhooks.values():
        for attempt in webhook.attempts:
            (good if attempt.acknowledged else bad).append(attempt.at_ms)
    held = held_spans(simulation)
    return [
        ("sent", _bars(axis, [("c-blue", sends)], ()), f"{len(sends):,}"),
        (
            "arrived, or not",
            _bars(axis, [("c-ok", arrived), ("c-late", ended)], ()),
            f"{len(arrived):,} / {len(ended):,}",
        ),
        (
            "attempts, failed below",
            _bars(axis, [("c-ok", good), ("c-bad", bad)], held),
            f"{len(good):,} / {len(bad):,}",
        ),
    ]


def held_spans(simulation: Simulation) -> list[tuple[int, int]]:
    """Return when webhooks of any provider were held back."""
    now_ms = simulation.clock.now_ms
    held: dict[str, int] = {}
    spans: list[tuple[int, int]] = []
    for entry in simulation.journal:
        if entry.kind is EntryKind.HELD:
            held.setdefault(entry.provider, entry.at_ms)
        elif entry.kind is EntryKind.RELEASED:
            freed = [entry.provider] if entry.provider else list(held)
            spans += [(held.pop(provider), entry.at_ms) for provider in freed if provider in held]
    return spans + [(since_ms, now_ms) for since_ms in held.values()]


def _bars(axis: Axis, series: Sequence[tuple[str, Sequence[int]]], held: Iterable[tuple[int, int]]) -> str:
    """Return a chart whose first series stands on the line and whose second hangs from it."""
    counted = [(css, _counts(axis, instants)) for css, instants in series]
    most = max((number for _, bins in counted for number in bins.values()), default=1)
    room = _HEIGHT if len(series) == 1 else _HEIGHT // 2
    parts: list[str] = []
    for start, end in held:
        left, right = axis.place(start), axis.place(end)
        parts.append(
            f'<rect class="band" x="{left:.2f}%" width="{right - left:.2f}%" y="0" height="100%">'
            f"<title>held back {span(start)} to {span(end)}</title></rect>"
        )
    for number, (css, bins) in enumerate(counted):
        for place, amount in sorted(bins.items()):
            # Square roots: a single failure among thousands is still to be seen.
            height = max(2.0, (room - 2) * sqrt(amount / most))
            top = room - height if number == 0 else room + 1
            parts.append(
                f'<rect class="{css}" x="{100 * place / _BINS:.2f}%" width="{90 / _BINS:.2f}%"'
                f' y="{top:.1f}" height="{height:.1f}"><title>{amount:,}</title></rect>'
            )
    parts.append(f'<line class="base" x1="0" x2="100%" y1="{room}" y2="{room}"/>')
    return f'<svg class="chart" width="100%" height="{_HEIGHT}" role="img">{"".join(parts)}</svg>'


def _counts(axis: Axis, instants: Iterable[int]) -> dict[int, int]:
    bins: dict[int, int] = {}
    places: dict[int, int] = {}
    for at_ms in instants:
        place = places.get(at_ms)
        if place is None:
            place = places[at_ms] = min(_BINS - 1, int(axis.place(at_ms) * _BINS / 100))
        bins[place] = bins.get(place, 0) + 1
    return bins

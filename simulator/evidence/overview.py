"""
The whole run in one picture: sends, refusals, endings and webhooks over time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import NamedTuple

from simulator.evidence.axis import Axis
from simulator.evidence.lanes import Band, band, percent
from simulator.evidence.purpose import excused
from simulator.evidence.refusals import refusals
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.store.facts import Held, Released

__all__ = ["BARS", "BINS", "HEIGHT", "Bar", "Chart", "held_spans", "overview"]

BINS = 120
HEIGHT = 44
_BAR_HEIGHT_MIN = 2.0

BARS = (
    ("c-blue", "sent"),
    ("c-ink", "refused, or the plan"),
    ("c-ok", "arrived, acknowledged, or the median"),
    ("c-bad", "failed"),
    ("c-late", "expired, or owed"),
    ("c-meant", "failed, damaged on purpose"),
)
"""The colours of the bars, and what they mean."""


class _Series(NamedTuple):
    """
    Instants of one kind: the colour of its bars, what they are, and when.
    """

    css: str
    what: str
    instants: Sequence[int]


class Bar(NamedTuple):
    """
    How many of one kind stand at one place.
    """

    css: str
    x: str
    width: str
    y: str
    height: str
    amount: int
    what: str


class Chart(NamedTuple):
    """
    A row of the overview: what it is, how many there are, and its bars over time.
    """

    label: str
    number: str
    note: str
    height: int
    base_y: int
    bands: Sequence[Band]
    bars: Sequence[Bar]


def overview(simulation: Simulation, axis: Axis) -> list[Chart]:
    """
    Return the rows of the overview.

    Counted are the messages and webhooks themselves.  The journal is bounded, and
    would show a long run without its beginning.
    """
    messages = simulation.messages
    sent = _Series("c-blue", "sent", [message.accepted_ms for message in messages.values()])
    refused = _Series("c-ink", "refused", [refusal.at_ms for refusal in refusals(simulation)])
    rows = [_chart("sent", f"{len(sent.instants):,}", axis, sent)]
    if refused.instants:
        rows.append(_chart("refused", f"{len(refused.instants):,}", axis, refused))
    return [*rows, _endings_row(simulation, axis), _attempts_row(simulation, axis)]


def _endings_row(simulation: Simulation, axis: Axis) -> Chart:
    messages = simulation.messages
    arrived = _Series("c-ok", "arrived", _arrivals(messages, _deliveries(simulation)))
    otherwise = [
        _Series("c-bad", "failed", _endings(messages, State.FAILED)),
        _Series("c-late", "expired", _endings(messages, State.EXPIRED)),
        _Series("c-grey", "revoked", _endings(messages, State.REVOKED)),
    ]
    ended = sum(len(series.instants) for series in otherwise)
    return _chart("arrived, or not", f"{len(arrived.instants):,} / {ended:,}", axis, arrived, otherwise)


def _deliveries(simulation: Simulation) -> dict[MessageKey, int]:
    return {
        entry.key: entry.at_ms
        for entry in simulation.journal
        if entry.state is State.DELIVERED and entry.key is not None
    }


def _arrivals(messages: dict[MessageKey, Message], delivered_ms: dict[MessageKey, int]) -> list[int]:
    # A message that was read has forgotten when it arrived; if the journal has as
    # well, it stands where it was read, so that none is missing.
    return [
        message.changed_ms if message.state is State.DELIVERED else delivered_ms.get(key, message.changed_ms)
        for key, message in messages.items()
        if message.state in (State.DELIVERED, State.READ)
    ]


def _endings(messages: dict[MessageKey, Message], state: State) -> list[int]:
    return [message.changed_ms for message in messages.values() if message.state is state]


def _attempts_row(simulation: Simulation, axis: Axis) -> Chart:
    good: list[int] = []
    bad: list[int] = []
    meant: list[int] = []
    for webhook in simulation.outbox.webhooks.values():
        for attempt in webhook.attempts:
            kind = good if attempt.acknowledged else meant if excused(webhook, attempt) else bad
            kind.append(attempt.at_ms)
    return _chart(
        "attempts, failed below",
        f"{len(good):,} / {len(bad) + len(meant):,}",
        axis,
        _Series("c-ok", "acknowledged", good),
        [_Series("c-bad", "failed", bad), _Series("c-meant", "failed, damaged on purpose", meant)],
        held=held_spans(simulation),
        note=f"{len(meant):,} damaged on purpose" if meant else "",
    )


def held_spans(simulation: Simulation) -> list[tuple[int, int]]:
    """Return when webhooks of any provider were held back."""
    now_ms = simulation.clock.now_ms
    held: dict[str, int] = {}
    spans: list[tuple[int, int]] = []
    for entry in simulation.journal:
        if isinstance(entry.fact, Held):
            held.setdefault(entry.provider, entry.at_ms)
        elif isinstance(entry.fact, Released):
            freed = [entry.provider] if entry.provider else list(held)
            spans += [(held.pop(provider), entry.at_ms) for provider in freed if provider in held]
    return spans + [(since_ms, now_ms) for since_ms in held.values()]


def _chart(
    label: str,
    number: str,
    axis: Axis,
    above: _Series,
    below: Sequence[_Series] = (),
    *,
    held: Iterable[tuple[int, int]] = (),
    note: str = "",
) -> Chart:
    """Return a chart whose first series stands on the line and whose others hang from it, one on another."""
    standing = _stacks(axis, [above])
    hanging = _stacks(axis, below)
    most = max((sum(stack) for stack in (*standing.values(), *hanging.values())), default=1)
    room = HEIGHT // 2 if below else HEIGHT
    bars: list[Bar] = []
    for place, (amount,) in sorted(standing.items()):
        height = _height(amount, most, room)
        bars.append(_bar(above, place, room - height, height, amount))
    for place, stack in sorted(hanging.items()):
        top = room + 1.0
        whole = _height(sum(stack), most, room)
        for series, amount in zip(below, stack, strict=True):
            if amount:
                height = max(_BAR_HEIGHT_MIN, whole * amount / sum(stack))
                bars.append(_bar(series, place, top, height, amount))
                top += height
    bands = [band(axis, start, end, "held back") for start, end in held]
    return Chart(label, number, note, HEIGHT, room, bands, bars)


def _height(amount: int, most: int, room: int) -> float:
    # Square roots: a single failure among thousands is still to be seen.
    return max(_BAR_HEIGHT_MIN, (room - 2) * sqrt(amount / most))


def _bar(series: _Series, place: int, top: float, height: float, amount: int) -> Bar:
    return Bar(
        series.css,
        percent(100 * place / BINS),
        percent(90 / BINS),
        f"{top:.1f}",
        f"{height:.1f}",
        amount,
        series.what,
    )


def _stacks(axis: Axis, series: Sequence[_Series]) -> dict[int, list[int]]:
    """Return by place how many of each series stand there."""
    stacks: dict[int, list[int]] = {}
    places: dict[int, int] = {}
    for number, one_of_series in enumerate(series):
        for at_ms in one_of_series.instants:
            place = places.get(at_ms)
            if place is None:
                place = places[at_ms] = min(BINS - 1, int(axis.place(at_ms) * BINS / 100))
            stacks.setdefault(place, [0] * len(series))[number] += 1
    return stacks

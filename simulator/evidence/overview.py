"""
The whole run in one picture: sends, refusals, endings and webhooks over time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import NamedTuple

from simulator.evidence.axis import Axis
from simulator.evidence.purpose import excused
from simulator.evidence.refusals import refusals
from simulator.evidence.words import span
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.store.facts import Held, Released

__all__ = ["held_spans", "overview_rows"]

_BINS = 120
_HEIGHT = 44
_BAR_HEIGHT_MIN = 2.0


class _Series(NamedTuple):
    """
    Instants of one kind: the colour of its bars, what they are, and when.
    """

    css: str
    what: str
    instants: Sequence[int]


def overview_rows(simulation: Simulation, axis: Axis) -> list[tuple[str, str, str]]:
    """
    Return rows of the overview: what it is, its chart, and how many there are.

    Counted are the messages and webhooks themselves.  The journal is bounded, and
    would show a long run without its beginning.
    """
    messages = simulation.messages
    sent = _Series("c-blue", "sent", [message.accepted_ms for message in messages.values()])
    refused = _Series("c-ink", "refused", [refusal.at_ms for refusal in refusals(simulation)])
    rows = [("sent", _chart(axis, sent), f"{len(sent.instants):,}")]
    if refused.instants:
        rows.append(("refused", _chart(axis, refused), f"{len(refused.instants):,}"))
    return [*rows, _endings_row(simulation, axis), _attempts_row(simulation, axis)]


def _endings_row(simulation: Simulation, axis: Axis) -> tuple[str, str, str]:
    messages = simulation.messages
    arrived = _Series("c-ok", "arrived", _arrivals(messages, _deliveries(simulation)))
    otherwise = [
        _Series("c-bad", "failed", _endings(messages, State.FAILED)),
        _Series("c-late", "expired", _endings(messages, State.EXPIRED)),
        _Series("c-grey", "revoked", _endings(messages, State.REVOKED)),
    ]
    ended = sum(len(series.instants) for series in otherwise)
    return "arrived, or not", _chart(axis, arrived, otherwise), f"{len(arrived.instants):,} / {ended:,}"


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


def _attempts_row(simulation: Simulation, axis: Axis) -> tuple[str, str, str]:
    good: list[int] = []
    bad: list[int] = []
    meant: list[int] = []
    for webhook in simulation.outbox.webhooks.values():
        for attempt in webhook.attempts:
            kind = good if attempt.acknowledged else meant if excused(webhook, attempt) else bad
            kind.append(attempt.at_ms)
    chart = _chart(
        axis,
        _Series("c-ok", "acknowledged", good),
        [_Series("c-bad", "failed", bad), _Series("c-meant", "failed, damaged on purpose", meant)],
        held_spans(simulation),
    )
    note = f"<small>{len(meant):,} damaged on purpose</small>" if meant else ""
    return "attempts, failed below", chart, f"{len(good):,} / {len(bad) + len(meant):,}{note}"


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
    axis: Axis, above: _Series, below: Sequence[_Series] = (), held: Iterable[tuple[int, int]] = ()
) -> str:
    """Return a chart whose first series stands on the line and whose others hang from it, one on another."""
    standing = _stacks(axis, [above])
    hanging = _stacks(axis, below)
    most = max((sum(stack) for stack in (*standing.values(), *hanging.values())), default=1)
    room = _HEIGHT // 2 if below else _HEIGHT
    parts: list[str] = []
    for start, end in held:
        left, right = axis.place(start), axis.place(end)
        parts.append(
            f'<rect class="band" x="{left:.2f}%" width="{right - left:.2f}%" y="0" height="100%">'
            f"<title>held back {span(start)} to {span(end)}</title></rect>"
        )
    for place, (amount,) in sorted(standing.items()):
        height = _height(amount, most, room)
        parts.append(_bar(above, place, room - height, height, amount))
    for place, stack in sorted(hanging.items()):
        top = room + 1.0
        whole = _height(sum(stack), most, room)
        for series, amount in zip(below, stack, strict=True):
            if amount:
                height = max(_BAR_HEIGHT_MIN, whole * amount / sum(stack))
                parts.append(_bar(series, place, top, height, amount))
                top += height
    parts.append(f'<line class="base" x1="0" x2="100%" y1="{room}" y2="{room}"/>')
    return f'<svg class="chart" width="100%" height="{_HEIGHT}" role="img">{"".join(parts)}</svg>'


def _height(amount: int, most: int, room: int) -> float:
    # Square roots: a single failure among thousands is still to be seen.
    return max(_BAR_HEIGHT_MIN, (room - 2) * sqrt(amount / most))


def _bar(series: _Series, place: int, top: float, height: float, amount: int) -> str:
    return (
        f'<rect class="{series.css}" x="{100 * place / _BINS:.2f}%" width="{90 / _BINS:.2f}%"'
        f' y="{top:.1f}" height="{height:.1f}"><title>{amount:,} {series.what}</title></rect>'
    )


def _stacks(axis: Axis, series: Sequence[_Series]) -> dict[int, list[int]]:
    """Return by place how many of each series stand there."""
    stacks: dict[int, list[int]] = {}
    places: dict[int, int] = {}
    for number, one in enumerate(series):
        for at_ms in one.instants:
            place = places.get(at_ms)
            if place is None:
                place = places[at_ms] = min(_BINS - 1, int(axis.place(at_ms) * _BINS / 100))
            stacks.setdefault(place, [0] * len(series))[number] += 1
    return stacks

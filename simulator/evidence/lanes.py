"""
What stands on the axis of virtual time: a message's states, its recipient's absence, webhooks.

Plain values, in percent of the width; the template `timeline.html` draws them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from simulator.evidence.axis import Axis
from simulator.evidence.lives import Life
from simulator.evidence.purpose import (
    COPIES,
    PUT_OFF,
    excused,
    on_purpose,
    purposes,
)
from simulator.evidence.words import outcome, span
from simulator.kernel.model.faults import Purpose
from simulator.kernel.model.lifecycle import TERMINAL, State
from simulator.kernel.store.facts import Accepted
from simulator.kernel.webhooks.webhook import Attempt, Webhook, WebhookState

__all__ = [
    "LEGEND",
    "AxisRow",
    "Band",
    "Lane",
    "Line",
    "Mark",
    "TickMark",
    "axis_row",
    "band",
    "lane",
    "percent",
    "webhook_lane",
]

_ATTEMPTS_DRAWN_MAX = 40
_STATES_Y = 13
_WEBHOOKS_Y = 31

LEGEND: Final = (
    ("accepted", "accepted"),
    ("delivered", "delivered"),
    ("read", "read"),
    ("failed", "failed"),
    ("expired", "expired"),
    ("revoked", "revoked"),
    ("refused", "refused"),
    ("ok", "webhook acknowledged"),
    ("no", "attempt failed"),
    ("gone", "dropped on purpose"),
    ("damaged", "sent damaged or slowly on purpose"),
    ("answer_lost", "failed, but damaged on purpose"),
    ("copy", "copy on purpose"),
    ("untrue", "contradiction on purpose"),
    ("late", "delayed on purpose"),
    ("open", "still to come"),
)
"""Every shape by its id in the template, and what it means."""

_ENDS: Final = {
    State.DELIVERED: "delivered",
    State.READ: "read",
    State.FAILED: "failed",
    State.EXPIRED: "expired",
    State.REVOKED: "revoked",
}


class Line(NamedTuple):
    """
    A stretch of something.
    """

    css: str
    left: str
    right: str
    y: int
    title: str


class Mark(NamedTuple):
    """
    A shape at an instant.
    """

    shape: str
    x: str
    y: int
    title: str


class Band(NamedTuple):
    """
    A stretch shaded over the whole height.
    """

    left: str
    width: str
    title: str


class Lane(NamedTuple):
    """
    Everything in one row of the timeline; *label* is for those who do not see it.
    """

    label: str
    height: int
    bands: Sequence[Band]
    lines: Sequence[Line]
    marks: Sequence[Mark]


class TickMark(NamedTuple):
    """
    An instant that the axis names; *narrow* ones have room on a telephone, too.
    """

    x: str
    anchor: str
    name: str
    narrow: bool


class AxisRow(NamedTuple):
    """
    The axis: where time is shortened, and instants by name.
    """

    lines: Sequence[Line]
    ticks: Sequence[TickMark]


def percent(place: float) -> str:
    """Return a place or width as SVG has it."""
    return f"{place:.2f}%"


def axis_row(axis: Axis) -> AxisRow:
    """Return the axis: instants by name, and where time is shortened."""
    lines = [
        Line(
            "quiet" if segment.quiet else "busy",
            percent(segment.left),
            percent(segment.right),
            25,
            f"{span(segment.from_ms)} to {span(segment.to_ms)}{', shortened' if segment.quiet else ''}",
        )
        for segment in axis.segments
    ]
    ticks = [
        TickMark(
            percent(tick.place),
            "middle" if not tick.at_edge else "start" if tick.place < 50 else "end",
            tick.name,
            tick.narrow,
        )
        for tick in axis.ticks()
    ]
    return AxisRow(lines, ticks)


def band(axis: Axis, start_ms: int, end_ms: int, title: str) -> Band:
    """Return a band between two instants."""
    left, right = axis.place(start_ms), axis.place(end_ms)
    return Band(percent(left), percent(right - left), f"{title} {span(start_ms)} to {span(end_ms)}")


def lane(life: Life, absent: Sequence[tuple[int, int]], axis: Axis) -> Lane:
    """Return the lane of a message that has its entries."""
    message = life.message
    states = [(entry.at_ms, entry.state) for entry in life.entries if entry.state is not None]
    if not life.entries or not isinstance(life.entries[0].fact, Accepted):
        # The journal has forgotten how it began, or everything; how it ended is still known.
        states = [(message.accepted_ms, State.ACCEPTED), *(states or [(message.changed_ms, message.state)])]
    lines = [
        _line(axis, f"s-{state.value}", start, end, _STATES_Y, f"{state.value} {span(start)} to {span(end)}")
        for (start, state), (end, _) in zip(states, [*states[1:], (axis.to_ms, None)], strict=True)
        if state not in TERMINAL
    ]
    marks = [_mark("accepted", axis, message.accepted_ms, _STATES_Y, f"accepted {span(message.accepted_ms)}")]
    marks += [
        _mark(_ENDS[state], axis, at_ms, _STATES_Y, f"{state.value} {span(at_ms)}")
        for at_ms, state in states
        if state in _ENDS
    ]
    budget = _ATTEMPTS_DRAWN_MAX
    for webhook in life.webhooks:
        lines += _webhook_lines(webhook, axis, _WEBHOOKS_Y)
        marks += _webhook_marks(webhook, axis, _WEBHOOKS_Y, budget)
        budget = max(0, budget - len(webhook.attempts))
    bands = [band(axis, start, end, "out of reach") for start, end in absent]
    return Lane(_label(life), 42, bands, lines, marks)


def webhook_lane(webhook: Webhook, axis: Axis) -> Lane:
    """Return the lane of a webhook that is about no message."""
    lines = _webhook_lines(webhook, axis, _STATES_Y)
    marks = _webhook_marks(webhook, axis, _STATES_Y, _ATTEMPTS_DRAWN_MAX)
    return Lane(f"webhook {webhook.state.value}", 26, (), lines, marks)


def _label(life: Life) -> str:
    message = life.message
    webhooks = ", ".join(f"{_name(w, 1)} {w.state.value}" for w in life.webhooks[:5])
    states = f"accepted {span(message.accepted_ms)}, {message.state.value} {span(message.changed_ms)}"
    return f"{states}; webhooks: {webhooks}" if webhooks else states


def _line(axis: Axis, css: str, start_ms: int, end_ms: int, y: int, title: str) -> Line:
    return Line(css, percent(axis.place(start_ms)), percent(axis.place(end_ms)), y, title)


def _mark(shape: str, axis: Axis, at_ms: int, y: int, title: str) -> Mark:
    return Mark(shape, percent(axis.place(at_ms)), y, title)


def _webhook_lines(webhook: Webhook, axis: Axis, y: int) -> list[Line]:
    """Return the way to the first attempt, dashed when it was put off on purpose, and on to the last one."""
    if webhook.state is WebhookState.DROPPED or not webhook.attempts:
        return []
    first_ms, last_ms = webhook.attempts[0].at_ms, webhook.attempts[-1].at_ms
    late = ", ".join(word for word in purposes(webhook, 1) if word in PUT_OFF)
    delay = f"{webhook.reports[0].label}: {late} on purpose by {span(first_ms - webhook.created_ms)}"
    stretches = [
        (webhook.created_ms, first_ms, "w-late" if late else "w", delay if late else ""),
        (first_ms, last_ms, "w", ""),
    ]
    return [_line(axis, css, start, end, y, title) for start, end, css, title in stretches if end > start]


def _webhook_marks(webhook: Webhook, axis: Axis, y: int, budget: int) -> list[Mark]:
    if webhook.state is WebhookState.DROPPED:
        return [_mark("gone", axis, webhook.created_ms, y, f"{webhook.reports[0].label}: dropped on purpose")]
    attempts = webhook.attempts
    # Of very many, the first ones and the last one say the most.
    shown = attempts if len(attempts) <= budget else [*attempts[: max(0, budget - 1)], attempts[-1]]
    marks = [mark for attempt in shown for mark in _attempt_marks(webhook, attempt, axis, y)]
    if webhook.state not in (WebhookState.ACKNOWLEDGED, WebhookState.LOST):
        title = f"{_name(webhook, len(attempts) + 1)}: {webhook.state.value}"
        marks.append(_mark("open", axis, webhook.due_ms, y, title))
    return marks


def _name(webhook: Webhook, number: int) -> str:
    meant = on_purpose(webhook, number)
    return f"{webhook.reports[0].label}{f' ({meant})' if meant else ''}"


def _attempt_marks(webhook: Webhook, attempt: Attempt, axis: Axis, y: int) -> list[Mark]:
    number = attempt.number
    title = f"{_name(webhook, number)}: attempt {number} {span(attempt.at_ms)}, {outcome(attempt)}"
    mark = "ok" if attempt.acknowledged else "answer_lost" if excused(webhook, attempt) else "no"
    return [_mark(shape, axis, attempt.at_ms, y, title) for shape in (*_frames(webhook, number), mark)]


def _frames(webhook: Webhook, number: int) -> Iterable[str]:
    """Yield what is drawn round an attempt because of what was done to it on purpose."""
    meant = purposes(webhook, number)
    if webhook.damage_of(number):
        yield "damaged"
    if not COPIES.isdisjoint(meant):
        yield "copy"
    if Purpose.CONTRADICTION in meant:
        yield "untrue"

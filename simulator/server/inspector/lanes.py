"""
The life of one message on an axis of virtual time: calls, states, the phone, and each webhook in a lane.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from simulator.evidence.axis import Axis
from simulator.evidence.lanes import AxisRow, Band, Lane, Line, Mark, axis_row, percent, webhook_lane
from simulator.evidence.words import span
from simulator.explain.narrative import words_of
from simulator.explain.upcoming import Due
from simulator.kernel.model.lifecycle import TERMINAL, State
from simulator.kernel.model.message import Message
from simulator.kernel.store.facts import Acted, Called, CircumstancesChanged, EntryKind
from simulator.kernel.store.journal import Entry
from simulator.kernel.webhooks.webhook import Webhook

__all__ = ["Gap", "NamedLane", "Timeline", "timeline"]

_WEBHOOKS_MAX: Final = 12
_MARKS_MAX: Final = 60
_LETTER_WIDTH: Final = 0.73
"""Of the names of gaps, in percent of the lanes; on a telephone they are wider."""
_NARROW_LETTER_WIDTH: Final = 1.95
_DOTS: Final = 4
"""How many letters stand round the name of a gap."""
_Y: Final = 14

_SHAPES: Final = {
    State.SCHEDULED: "accepted",
    State.ACCEPTED: "accepted",
    State.DELIVERED: "delivered",
    State.READ: "read",
    State.FAILED: "failed",
    State.EXPIRED: "expired",
    State.REVOKED: "revoked",
}


class NamedLane(NamedTuple):
    """
    A lane with what it shows, in words.
    """

    name: str
    about: str
    lane: Lane
    ending: str = ""


class Gap(NamedTuple):
    """
    A stretch in which nothing happens, with how long it is.
    """

    x: str
    words: str
    narrow: bool
    """True when there is room for its length on a telephone, too."""


class Timeline(NamedTuple):
    """
    Everything that is drawn.
    """

    axis: AxisRow
    gaps: Sequence[Gap]
    now: str
    """Where now is."""
    lanes: Sequence[NamedLane]


def timeline(
    message: Message,
    entries: Sequence[Entry],
    webhooks: Sequence[Webhook],
    due: Sequence[Due],
    absent: Sequence[tuple[int, int]],
    now_ms: int,
) -> Timeline:
    """
    Return the timeline of *message*.

    *entries* are those about it, its recipient and the call that sent it; *due* is
    what is still to come and is drawn hollow; *absent* is when its recipient was
    out of reach.
    """
    axis = Axis(_instants(message, entries, webhooks, due, absent, now_ms))
    lanes = [
        NamedLane("Integrator", "its calls", _calls(axis, entries)),
        NamedLane("Simulator", "the message", _states(axis, message, entries, due), message.state.value),
        NamedLane("Phone", message.key.recipient, _phone(axis, entries, absent)),
    ]
    for number, webhook in enumerate(webhooks[:_WEBHOOKS_MAX]):
        name = "Webhooks" if not number else ""
        ending = webhook.state.value
        lane = webhook_lane(webhook, axis)._replace(height=28)
        lanes.append(NamedLane(name, webhook.reports[0].label, lane, ending))
    return Timeline(axis_row(axis), list(_gaps(axis)), percent(axis.place(now_ms)), lanes)


def _gaps(axis: Axis) -> Iterator[Gap]:
    """Yield the quiet stretches that have room for their lengths."""
    for segment in axis.segments:
        words, room = span(segment.to_ms - segment.from_ms), segment.right - segment.left
        letters = len(words) + _DOTS
        if segment.quiet and room >= letters * _LETTER_WIDTH:
            middle = percent((segment.left + segment.right) / 2)
            yield Gap(middle, words, room >= letters * _NARROW_LETTER_WIDTH)


def _instants(
    message: Message,
    entries: Sequence[Entry],
    webhooks: Sequence[Webhook],
    due: Sequence[Due],
    absent: Sequence[tuple[int, int]],
    now_ms: int,
) -> Iterator[int]:
    yield from (message.accepted_ms, message.changed_ms)
    last_ms = max([message.changed_ms, *(step.at_ms for step in due)])
    for entry in entries:
        last_ms = max(last_ms, entry.at_ms)
        yield entry.at_ms
    for webhook in webhooks:
        yield webhook.created_ms
        yield webhook.due_ms
        yield from (attempt.at_ms for attempt in webhook.attempts)
    yield from (step.at_ms for step in due)
    for start_ms, end_ms in absent:
        yield from (start_ms, min(end_ms, max(last_ms, start_ms)))
    if due or now_ms <= last_ms:
        # Of a life that is over, what came long after says nothing.
        yield now_ms


def _mark(shape: str, axis: Axis, at_ms: int, title: str) -> Mark:
    return Mark(shape, percent(axis.place(at_ms)), _Y, f"{title} {span(at_ms)}")


def _calls(axis: Axis, entries: Sequence[Entry]) -> Lane:
    calls = [entry for entry in entries if isinstance(entry.fact, Called)][:_MARKS_MAX]
    marks = [_mark("call", axis, entry.at_ms, words_of(entry)) for entry in calls]
    return Lane("; ".join(mark.title for mark in marks) or "no call is known", 28, (), (), marks)


def _states(axis: Axis, message: Message, entries: Sequence[Entry], due: Sequence[Due]) -> Lane:
    states = [(e.at_ms, e.state) for e in entries if e.state is not None and e.key == message.key]
    if not states:
        # The journal has let go of it; how it began and how it stands is still known.
        states = [(message.accepted_ms, State.ACCEPTED), (message.changed_ms, message.state)]
    ends = [*(at_ms for at_ms, _ in states[1:]), axis.to_ms]
    lines = [
        Line(
            f"s-{state.value}",
            percent(axis.place(start_ms)),
            percent(axis.place(end_ms)),
            _Y,
            f"{state.value} {span(start_ms)} to {span(end_ms)}",
        )
        for (start_ms, state), end_ms in zip(states, ends, strict=True)
        if state not in TERMINAL and end_ms > start_ms
    ]
    marks = [
        _mark(_SHAPES.get(state, "step"), axis, at_ms, state.value) for at_ms, state in states[:_MARKS_MAX]
    ]
    lapsed = [entry for entry in entries if entry.kind is EntryKind.LAPSED][:_MARKS_MAX]
    marks += [_mark("answer_lost", axis, entry.at_ms, words_of(entry)) for entry in lapsed]
    hollow = [step for step in due if not step.webhook][:_MARKS_MAX]
    marks += [_mark("hollow", axis, step.at_ms, f"due: {step.what}") for step in hollow]
    return Lane("; ".join(mark.title for mark in marks), 28, (), lines, marks)


def _phone(axis: Axis, entries: Sequence[Entry], absent: Sequence[tuple[int, int]]) -> Lane:
    bands = [
        Band(
            percent(axis.place(start_ms)),
            percent(max(0.4, axis.place(end_ms) - axis.place(start_ms))),
            f"out of reach {span(start_ms)} to {span(end_ms)}",
        )
        for start_ms, end_ms in absent
    ]
    marks = []
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, Acted | CircumstancesChanged):
            shape = "act" if isinstance(fact, Acted) else "switch"
            marks.append(_mark(shape, axis, entry.at_ms, words_of(entry)))
        elif entry.state in (State.DELIVERED, State.READ):
            marks.append(_mark(_SHAPES[entry.state], axis, entry.at_ms, f"{entry.state.value} on the phone"))
    shown = marks[:_MARKS_MAX]
    label = "; ".join([*(band.title for band in bands), *(mark.title for mark in shown)])
    return Lane(label or "nothing happened on the phone", 28, bands, (), shown)

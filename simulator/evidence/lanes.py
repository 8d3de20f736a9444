"""
The lane of a message: its states, its recipient's absence and its webhooks, drawn as inline SVG.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simulator.evidence.axis import Axis, Tick
from simulator.evidence.lives import Life
from simulator.evidence.purpose import (
    COPIES,
    PUT_OFF,
    excused,
    on_purpose,
    purposes,
)
from simulator.evidence.words import html_text, outcome, span
from simulator.kernel.model.faults import Purpose
from simulator.kernel.model.lifecycle import TERMINAL, State
from simulator.kernel.store.facts import Accepted
from simulator.kernel.webhooks.webhook import Attempt, Webhook, WebhookState

__all__ = ["DEFINITIONS", "axis_svg", "grid_svg", "lane_svg", "webhook_lane_svg"]

_ATTEMPTS_DRAWN_MAX = 40

# Shapes differ as well as colours: nobody needs to tell red from green.
DEFINITIONS = """\
<svg class="defs" aria-hidden="true" width="0" height="0"><defs>
<pattern id="off" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">\
<rect width="6" height="6" class="off0"/><rect width="2" height="6" class="off1"/></pattern>
<path id="accepted" class="c-blue" d="M-4,-5 5,0 -4,5z"/>
<circle id="delivered" class="c-ok" r="5"/>
<g id="read"><circle class="c-ok" r="5.5"/><circle class="hole" r="2.2"/></g>
<path id="failed" class="l-bad" d="M-4,-4 4,4M-4,4 4,-4"/>
<path id="expired" class="c-late" d="M0,-6 6,0 0,6 -6,0z"/>
<rect id="revoked" class="c-grey" x="-5" y="-2" width="10" height="4"/>
<path id="ok" class="l-ok" d="M-4,0 -1,3.5 4.5,-4"/>
<path id="no" class="l-bad" d="M-3.5,-3.5 3.5,3.5M-3.5,3.5 3.5,-3.5"/>
<path id="answer_lost" class="l-grey" d="M-3.5,-3.5 3.5,3.5M-3.5,3.5 3.5,-3.5"/>
<circle id="gone" class="l-grey" r="3.5"/>
<circle id="damaged" class="f-grey" r="8"/>
<path id="copy" class="f-grey" d="M-7,-7H7V7H-7zM-4,-7V-10H10V4H7"/>
<path id="untrue" class="f-grey" d="M0,-11 9.5,7 -9.5,7z"/>
<path id="late" class="f-grey" stroke-dasharray="3 3" d="M-9,0 9,0"/>
<rect id="refused" class="c-ink" x="-4" y="-5" width="8" height="10"/>
<path id="open" class="l-grey" d="M-4,-5 4,0 -4,5"/>
</defs></svg>"""

_ENDS = {
    State.DELIVERED: "delivered",
    State.READ: "read",
    State.FAILED: "failed",
    State.EXPIRED: "expired",
    State.REVOKED: "revoked",
}


def axis_svg(axis: Axis, ticks: Sequence[Tick]) -> str:
    """Return the axis: instants by name, and where time is shortened."""
    parts = ['<svg class="axis" height="30" width="100%" role="img" aria-label="virtual time">']
    for segment in axis.segments:
        kind = "quiet" if segment.quiet else "busy"
        parts.append(
            f'<line class="{kind}" x1="{segment.left:.2f}%" x2="{segment.right:.2f}%" y1="25" y2="25">'
            f"<title>{span(segment.from_ms)} to {span(segment.to_ms)}"
            f"{', shortened' if segment.quiet else ''}</title></line>"
        )
    for tick in ticks:
        anchor = "middle" if not tick.at_edge else "start" if tick.place < 50 else "end"
        parts.append(
            f'<line class="tick" x1="{tick.place:.2f}%" x2="{tick.place:.2f}%" y1="20" y2="30"/>'
            f'<text x="{tick.place:.2f}%" y="14" text-anchor="{anchor}">{tick.name}</text>'
        )
    return "".join(parts) + "</svg>"


def grid_svg(ticks: Iterable[Tick]) -> str:
    """Return the lines that lead the eye from the axis down through the lanes."""
    lines = "".join(f'<line x1="{t.place:.2f}%" x2="{t.place:.2f}%" y1="0" y2="100%"/>' for t in ticks)
    return f'<svg class="grid" aria-hidden="true" width="100%" height="100%">{lines}</svg>'


def lane_svg(life: Life, absent: Sequence[tuple[int, int]], axis: Axis) -> str:
    """Return the lane of a message that has been told."""
    message = life.message
    parts = [_band(axis, start, end, "out of reach") for start, end in absent]
    states = [(entry.at_ms, entry.state) for entry in life.entries if entry.state is not None]
    if not life.entries or not isinstance(life.entries[0].fact, Accepted):
        # The journal has forgotten how it began, or everything; how it ended is still known.
        states = [(message.accepted_ms, State.ACCEPTED), *(states or [(message.changed_ms, message.state)])]
    for (start, state), (end, _) in zip(states, [*states[1:], (axis.to_ms, None)], strict=True):
        if state not in TERMINAL:
            left, right = axis.place(start), axis.place(end)
            parts.append(
                f'<line class="s-{state.value}" x1="{left:.2f}%" x2="{right:.2f}%" y1="13" y2="13">'
                f"<title>{state.value} {span(start)} to {span(end)}</title></line>"
            )
    parts.append(
        _use("accepted", axis.place(message.accepted_ms), 13, f"accepted {span(message.accepted_ms)}")
    )
    for at_ms, state in states:
        if state in _ENDS:
            parts.append(_use(_ENDS[state], axis.place(at_ms), 13, f"{state.value} {span(at_ms)}"))
    budget = _ATTEMPTS_DRAWN_MAX
    for webhook in life.webhooks:
        parts.append(_webhook(webhook, axis, 31, budget))
        budget = max(0, budget - len(webhook.attempts))
    label = html_text(_spoken(life))
    return (
        f'<svg class="lane" width="100%" height="42" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    )


def webhook_lane_svg(webhook: Webhook, axis: Axis) -> str:
    """Return the lane of a webhook that is about no message."""
    drawn = _webhook(webhook, axis, 13, _ATTEMPTS_DRAWN_MAX)
    label = html_text(f"webhook {webhook.state.value}")
    return f'<svg class="lane" width="100%" height="26" role="img" aria-label="{label}">{drawn}</svg>'


def _spoken(life: Life) -> str:
    message = life.message
    webhooks = ", ".join(f"{_told(w, 1)} {w.state.value}" for w in life.webhooks[:5])
    said = f"accepted {span(message.accepted_ms)}, {message.state.value} {span(message.changed_ms)}"
    return f"{said}; webhooks: {webhooks}" if webhooks else said


def _band(axis: Axis, start_ms: int, end_ms: int, title: str) -> str:
    left, right = axis.place(start_ms), axis.place(end_ms)
    return (
        f'<rect class="band" x="{left:.2f}%" width="{right - left:.2f}%" y="0" height="100%">'
        f"<title>{title} {span(start_ms)} to {span(end_ms)}</title></rect>"
    )


def _webhook(webhook: Webhook, axis: Axis, y: int, budget: int) -> str:
    label = webhook.reports[0].label
    if webhook.state is WebhookState.DROPPED:
        return _use("gone", axis.place(webhook.created_ms), y, f"{label}: dropped on purpose")
    attempts = webhook.attempts
    parts = _webhook_lines(webhook, axis, y)
    # Of very many, the first ones and the last one say the most.
    shown = attempts if len(attempts) <= budget else [*attempts[: max(0, budget - 1)], attempts[-1]]
    parts += [_attempt(webhook, attempt, axis, y) for attempt in shown]
    if webhook.state not in (WebhookState.ACKNOWLEDGED, WebhookState.LOST):
        told = _told(webhook, len(attempts) + 1)
        parts.append(_use("open", axis.place(webhook.due_ms), y, f"{told}: {webhook.state.value}"))
    return "".join(parts)


def _webhook_lines(webhook: Webhook, axis: Axis, y: int) -> list[str]:
    """Return the way to the first attempt, dashed when it was put off on purpose, and on to the last one."""
    if not webhook.attempts:
        return []
    first_ms, last_ms = webhook.attempts[0].at_ms, webhook.attempts[-1].at_ms
    late = [word for word in purposes(webhook, 1) if word in PUT_OFF]
    told = f"{webhook.reports[0].label}: {', '.join(late)} on purpose by" if late else ""
    lines = [(webhook.created_ms, first_ms, "w-late" if late else "w", told), (first_ms, last_ms, "w", "")]
    return [
        f'<line class="{css}" x1="{axis.place(start):.2f}%" x2="{axis.place(end):.2f}%" y1="{y}" y2="{y}">'
        f"{title and f'<title>{html_text(title)} {span(end - start)}</title>'}</line>"
        for start, end, css, title in lines
        if end > start
    ]


def _told(webhook: Webhook, number: int) -> str:
    meant = on_purpose(webhook, number)
    return f"{webhook.reports[0].label}{f' ({meant})' if meant else ''}"


def _attempt(webhook: Webhook, attempt: Attempt, axis: Axis, y: int) -> str:
    number = attempt.number
    title = f"{_told(webhook, number)}: attempt {number} {span(attempt.at_ms)}, {outcome(attempt)}"
    mark = "ok" if attempt.acknowledged else "answer_lost" if excused(webhook, attempt) else "no"
    place = axis.place(attempt.at_ms)
    frames = "".join(_use(frame, place, y, title) for frame in _frames(webhook, number))
    return f"{frames}{_use(mark, place, y, title)}"


def _frames(webhook: Webhook, number: int) -> Iterable[str]:
    """Yield what is drawn round an attempt because of what was done to it on purpose."""
    meant = purposes(webhook, number)
    if webhook.damage_of(number):
        yield "damaged"
    if not COPIES.isdisjoint(meant):
        yield "copy"
    if Purpose.CONTRADICTION in meant:
        yield "untrue"


def _use(shape: str, place: float, y: int, title: str) -> str:
    return f'<use href="#{shape}" x="{place:.2f}%" y="{y}"><title>{html_text(title, 160)}</title></use>'

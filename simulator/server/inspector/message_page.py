"""
The page of one message: its whole story.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from simulator.evidence.laid_out import laid_out
from simulator.evidence.purpose import excused, on_purpose
from simulator.evidence.reachability import Reachability
from simulator.evidence.words import latency, outcome, span
from simulator.explain.narrative import why_of, words_of
from simulator.explain.story import Story, explain, find_submission
from simulator.explain.upcoming import Due, due_about
from simulator.kernel.model.lifecycle import TRANSITIONS, Move
from simulator.kernel.model.message import Message, Refused
from simulator.kernel.model.units import format_offset
from simulator.kernel.store.facts import Acted, Called, CircumstancesChanged
from simulator.kernel.store.journal import Entry
from simulator.kernel.webhooks.webhook import Attempt, Webhook
from simulator.server.inspector.again import again, find_exchange
from simulator.server.inspector.frame import Pill, Visit, link_to_phone, page, pill
from simulator.server.inspector.lanes import timeline
from simulator.server.inspector.messages_page import webhook_pill
from simulator.server.operations.base import Problem

__all__ = ["AttemptView", "WebhookView", "message_page", "webhook_views"]

_ENTRIES_MAX: Final = 300
_WEBHOOKS_MAX: Final = 20
_ATTEMPTS_MAX: Final = 30
_MOVES: Final = (Move.DELIVER, Move.READ, Move.FAIL, Move.EXPIRE, Move.REVOKE)


class FactRow(NamedTuple):
    """
    Something that happened, or that is still due.
    """

    at: str
    later: str
    """How much later it was than what came before."""
    lane: str
    what: str
    why: str
    due: bool = False


class AttemptView(NamedTuple):
    """
    One attempt as it was sent and answered.
    """

    number: int
    of: int
    at: str
    css: str
    outcome: str
    latency: str
    note: str
    method: str
    url: str
    headers: Sequence[tuple[str, str, bool]]
    """Name, value, and whether it is a signature."""
    body: str
    laid_out: str
    answer_headers: Sequence[tuple[str, str, bool]]
    answer: str
    next_at: str


class WebhookView(NamedTuple):
    """
    A webhook with its attempts.
    """

    id: str
    label: str
    pill: Pill
    target: str
    due: str
    attempts: Sequence[AttemptView]
    left: int


def message_page(visit: Visit) -> str:
    """Return the page of a message or a refusal; raises Problem when there is none."""
    simulation = visit.space.simulation
    outcome = find_submission(simulation, visit.rest)
    if outcome is None:
        raise Problem(404, "No such message", f"there is no message {visit.rest!r} in {visit.space.name!r}")
    story = explain(simulation, outcome)
    key = outcome.key
    provider = visit.controller.providers[key.provider]
    message = outcome if isinstance(outcome, Message) else None
    exchange = find_exchange(visit, message) if message is not None else None
    due = due_about(simulation, key)
    at_ms = outcome.accepted_ms if isinstance(outcome, Message) else outcome.at_ms
    entries = _entries(visit, story, at_ms)
    drawn = None
    if message is not None:
        last_ms = max([simulation.clock.now_ms, *(step.at_ms for step in due)])
        absent = Reachability(simulation).spans(key.recipient, at_ms, last_ms)
        drawn = timeline(message, entries, story.webhooks, due, absent, simulation.clock.now_ms)
    person = simulation.people.of(key.recipient)
    request = exchange.request.decode("utf-8", "replace") if exchange is not None else ""
    answer = exchange.answer.decode("utf-8", "replace") if exchange is not None else ""
    return page(
        "message.html",
        visit,
        "messages",
        f"Message to {key.recipient}",
        key=key,
        id=outcome.id,
        provider=provider.title,
        person=person.name if person is not None else "",
        phone=link_to_phone(visit, key.recipient),
        state=pill(message.state) if message is not None else Pill("refused", "refused"),
        bubble=provider.show(outcome.submission),
        code=outcome.code,
        reason=message.reason.value if message is not None else getattr(outcome, "why", ""),
        facts=_facts(outcome),
        timeline=drawn,
        places=story.places,
        rows=_rows(entries, due),
        left=max(0, len(entries) - _ENTRIES_MAX),
        webhooks=webhook_views(visit, story.webhooks),
        webhooks_left=max(0, len(story.webhooks) - _WEBHOOKS_MAX),
        exchange=exchange,
        request=request,
        request_laid=laid_out(request),
        answer=answer,
        answer_laid=laid_out(answer),
        moves=[move.value for move in _MOVES if message is not None and move in TRANSITIONS[message.state]],
        again=again(visit, message, exchange) if message is not None else None,
    )


def _facts(outcome: Message | Refused) -> list[tuple[str, str]]:
    submission = outcome.submission
    rows = [("id", outcome.id or "none"), ("ordinal", f"#{outcome.key.ordinal} to this recipient")]
    if submission.sender:
        rows.append(("from", submission.sender))
    rows.append(("operation", submission.operation))
    if isinstance(outcome, Message):
        rows += [
            ("accepted", format_offset(outcome.accepted_ms)),
            ("last change", format_offset(outcome.changed_ms)),
            ("valid until", format_offset(outcome.expires_ms)),
            ("parts", str(submission.parts)),
        ]
    else:
        rows.append(("refused", format_offset(outcome.at_ms)))
    return rows


def _entries(visit: Visit, story: Story, at_ms: int) -> list[Entry]:
    """Return the entries about a message, the call that sent it, and what its recipient did meanwhile."""
    key = story.message.key
    mine = list(story.entries)
    first_seq = mine[0].seq if mine else 0
    last_ms = max([at_ms, *(entry.at_ms for entry in mine)])
    call: Entry | None = None
    around: list[Entry] = []
    for entry in visit.space.simulation.journal:
        fact = entry.fact
        if isinstance(fact, Called):
            # A call is journalled when it is answered, right after what it sent.
            if call is None and first_seq and entry.seq > first_seq and entry.provider == key.provider:
                call = entry
        elif isinstance(fact, Acted | CircumstancesChanged):
            mine_too = entry.recipient == key.recipient and at_ms <= entry.at_ms <= last_ms
            around += [entry] if mine_too else []
    outcome = [*mine, *around, *([call] if call is not None and call.at_ms == at_ms else [])]
    return sorted(outcome, key=lambda entry: entry.seq)[:_ENTRIES_MAX]


def _rows(entries: Sequence[Entry], due: Sequence[Due]) -> list[FactRow]:
    rows = []
    before_ms = entries[0].at_ms if entries else 0
    for entry in entries:
        later = f"+{span(entry.at_ms - before_ms)}" if entry.at_ms > before_ms else ""
        rows.append(
            FactRow(format_offset(entry.at_ms), later, _lane(entry), words_of(entry), why_of(entry.fact))
        )
        before_ms = entry.at_ms
    for step in due:
        later = f"+{span(step.at_ms - before_ms)}" if step.at_ms > before_ms else ""
        rows.append(FactRow(format_offset(step.at_ms), later, "due", step.what, "still to come", due=True))
        before_ms = step.at_ms
    return rows


def _lane(entry: Entry) -> str:
    fact = entry.fact
    if isinstance(fact, Called):
        return "integrator"
    if isinstance(fact, Acted | CircumstancesChanged):
        return "phone"
    return "webhook" if entry.ref.startswith("wh_") else "simulator"


def webhook_views(visit: Visit, webhooks: Sequence[Webhook]) -> list[WebhookView]:
    """Return webhooks with each attempt exactly as it was sent and answered."""
    return [_webhook_view(visit, webhook) for webhook in webhooks[:_WEBHOOKS_MAX]]


def _webhook_view(visit: Visit, webhook: Webhook) -> WebhookView:
    shown = webhook.attempts[:_ATTEMPTS_MAX]
    return WebhookView(
        id=webhook.id,
        label=", ".join(report.label for report in webhook.reports[:5]),
        pill=webhook_pill(webhook),
        target=webhook.target,
        due=format_offset(webhook.due_ms),
        attempts=[_attempt_view(visit, webhook, attempt) for attempt in shown],
        left=len(webhook.attempts) - len(shown),
    )


def _attempt_view(visit: Visit, webhook: Webhook, attempt: Attempt) -> AttemptView:
    request = visit.space.simulation.request_for(webhook, attempt.number)
    css = "ok" if attempt.acknowledged else "grey" if excused(webhook, attempt) else "bad"
    notes = [on_purpose(webhook, attempt.number), attempt.note]
    body = request.body.decode("utf-8", "replace")
    return AttemptView(
        number=attempt.number,
        of=len(webhook.attempts) + (webhook.attempts[-1].next_at_ms is not None),
        at=format_offset(attempt.at_ms),
        css=css,
        outcome=outcome(attempt),
        latency=latency(attempt.latency_real_us),
        note=", ".join(note for note in notes if note),
        method=request.method,
        url=request.url,
        headers=[(name, value, name in request.signed_by) for name, value in request.headers],
        body=body,
        laid_out=laid_out(body),
        answer_headers=[(name, value, False) for name, value in attempt.headers],
        answer=attempt.excerpt,
        next_at=format_offset(attempt.next_at_ms) if attempt.next_at_ms is not None else "",
    )

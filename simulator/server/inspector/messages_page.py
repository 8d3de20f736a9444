"""
The list of messages, newest first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from itertools import islice, takewhile
from typing import Final, NamedTuple
from urllib.parse import urlencode

from simulator.evidence.words import count
from simulator.kernel.model.message import Message, Refused
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.units import format_offset
from simulator.kernel.webhooks.webhook import Webhook, WebhookState
from simulator.server.inspector.frame import (
    Pill,
    Visit,
    dom_id,
    link_to_message,
    link_to_phone,
    one_line,
    page,
    pill,
    words_of_message,
)
from simulator.server.query import FIELDS, REFUSED, BadQuery, Query, parse

__all__ = ["messages_page", "webhook_pill"]

_ROWS_MAX: Final = 200
_TEXT_MAX: Final = 140
_PINS_MAX: Final = 20
_STATES: Final = (
    "scheduled", "accepted", "sent", "waiting", "delivered", "read", "failed", "expired", "revoked", REFUSED,
)  # fmt: skip


class Row(NamedTuple):
    """
    A message, or a submission that was refused.
    """

    id: str
    href: str
    phone: str
    provider: str
    recipient: str
    person: str
    text: str
    state: Pill
    why: str
    rule: str
    webhook: Pill | None
    at: str
    pin: str
    pinned: bool


class Chip(NamedTuple):
    """
    A state with how many messages are in it, and the query that shows them alone.
    """

    pill: Pill
    number: int
    href: str
    here: bool


def messages_page(visit: Visit) -> str:
    """Return the page with the list of messages that fit the query."""
    simulation = visit.space.simulation
    webhooks = visit.controller.webhooks_of(visit.space)
    written = visit.query.get("q", "")
    complaint = ""
    try:
        query = parse(written, visit.space.gateways, webhooks, visit.space.simulation.found_by)
    except BadQuery as refusal:
        complaint, query = str(refusal), Query()
    since = visit.query.get("from", "")
    since_ms = int(since) if since.isascii() and since.isdigit() and len(since) < 15 else 0
    matches = _fitting(visit, query, since_ms)
    total = sum(map(len, matches))
    fitting = list(islice(merge(*matches, key=_newest_first), _ROWS_MAX))
    pins = visit.query.get("pin", "").split(",")[:_PINS_MAX] if visit.query.get("pin") else []
    pinned = [submission for submission in _pinned(visit, pins) if submission is not None]
    keys = {submission.key for submission in pinned}
    rows = [_row(visit, submission, webhooks, pins) for submission in pinned]
    rows += [_row(visit, submission, webhooks, pins) for submission in fitting if submission.key not in keys]
    shown = min(total, _ROWS_MAX)
    return page(
        "messages.html",
        visit,
        "messages",
        "Messages",
        query=written,
        complaint=complaint,
        since=since,
        pins=",".join(pins),
        clock_ms=simulation.clock.now_ms,
        rows=rows[:_ROWS_MAX],
        note=count(total, "message") if shown == total else f"the newest {shown:,} of {total:,}",
        anything=bool(simulation.messages or simulation.refusals),
        chips=_chips(visit, written),
        fields=list(FIELDS.items()),
        examples=[
            (name, gateway.title, gateway.example(f"{visit.base_url}{_prefix(visit)}/{name}", credential))
            for name, gateway in visit.controller.providers.items()
            if (credential := visit.controller.registry.credentials(visit.space.name)[name])
        ],
    )


def _prefix(visit: Visit) -> str:
    return "" if visit.space.name == "default" else f"/s/{visit.space.name}"


def _fitting(visit: Visit, query: Query, since_ms: int) -> list[list[Message | Refused]]:
    """Return the messages that fit, newest first, and the refusals that do."""
    simulation = visit.space.simulation
    matches: list[Iterator[Message | Refused]] = []
    if not query.refused:
        latest = reversed(simulation.messages.values())
        matches.append(message for message in latest if not message.submission.signal)
    if query.refused is not False and simulation.refusals:
        matches.append(reversed(simulation.refusals.values()))
    if since_ms:
        matches = [takewhile(lambda submission: _at_ms(submission) >= since_ms, newest) for newest in matches]
    return [list(query.fitting(newest)) for newest in matches]


def _at_ms(submission: Message | Refused) -> int:
    return submission.accepted_ms if isinstance(submission, Message) else submission.at_ms


def _newest_first(submission: Message | Refused) -> int:
    return -_at_ms(submission)


def _pinned(visit: Visit, pins: Sequence[str]) -> Iterator[Message | Refused | None]:
    simulation = visit.space.simulation
    for name in pins:
        provider, _, rest = name.partition(":")
        recipient, _, ordinal = rest.rpartition(":")
        if ordinal.isascii() and ordinal.isdigit() and len(ordinal) < 15:
            key = MessageKey(provider, recipient, int(ordinal))
            yield simulation.messages.get(key) or simulation.refusals.get(key)


def _row(
    visit: Visit,
    submission: Message | Refused,
    webhooks: Callable[[MessageKey], Sequence[Webhook]],
    pins: Sequence[str],
) -> Row:
    key = submission.key
    person = visit.space.simulation.people.of(key.recipient)
    name = f"{key.provider}:{key.recipient}:{key.ordinal}"
    others = [pin for pin in pins if pin != name]
    pin = ",".join(others if name in pins else [*pins, name])
    asked = {"q": visit.query.get("q", ""), "from": visit.query.get("from", ""), "pin": pin}
    state, why = Pill("refused", REFUSED), submission.code
    mine: tuple[Webhook, ...] = ()
    if isinstance(submission, Message):
        state, why = pill(submission.state), submission.code or submission.reason.value
        mine = tuple(webhooks(key)[-1:])
    return Row(
        id=dom_id(key),
        href=link_to_message(visit, key),
        phone=link_to_phone(visit, key.recipient),
        provider=key.provider,
        recipient=key.recipient,
        person=person.name if person is not None else "",
        text=one_line(words_of_message(visit, submission), _TEXT_MAX),
        state=state,
        why=why if state.css != "open" else "",
        rule=submission.rule,
        webhook=webhook_pill(mine[0]) if mine else None,
        at=format_offset(_at_ms(submission)),
        pin="?" + urlencode({name: value for name, value in asked.items() if value}),
        pinned=name in pins,
    )


def webhook_pill(webhook: Webhook) -> Pill:
    """Return what became of a webhook in few words."""
    label, attempts = webhook.reports[0].label, webhook.attempts
    match webhook.state:
        case WebhookState.ACKNOWLEDGED:
            return Pill("ok", f"{label} → {attempts[-1].status}")
        case WebhookState.LOST:
            return Pill("bad", f"{label} lost")
        case WebhookState.DROPPED:
            return Pill("grey", f"{label} dropped")
        case WebhookState.SCHEDULED if attempts:
            last = attempts[-1].status or (attempts[-1].cause.value if attempts[-1].cause else "failed")
            return Pill("wait", f"{label} → {last}, retry")
        case _ if not webhook.target:
            return Pill("grey", f"{label}, no target")
        case state:
            return Pill("wait", f"{label} {state.value}")


def _chips(visit: Visit, written: str) -> list[Chip]:
    simulation = visit.space.simulation
    messages = simulation.messages.values()
    counted = Counter([submission.state for submission in messages if not submission.submission.signal])
    states = Counter({state.value: number for state, number in counted.items()})
    states[REFUSED] = len(simulation.refusals)
    chips = []
    for name in _STATES:
        number = states[name]
        term = f"state:{name}"
        here = term in written.split()
        if number or here:
            terms = [word for word in written.split() if not word.startswith("state:")]
            asked = " ".join(terms if here else [*terms, term])
            css = name if name not in ("scheduled", "accepted", "sent") else "open"
            chips.append(Chip(Pill(css, name), number, f"?{urlencode({'q': asked})}" if asked else "?", here))
    return chips

"""
The ledger of webhooks: what is owed, held, tried, acknowledged and lost, with the integrator's answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple
from urllib.parse import urlencode

from simulator.evidence.laid_out import laid_out
from simulator.evidence.lanes import percent
from simulator.evidence.words import count, latency, span
from simulator.kernel.model.units import format_offset
from simulator.kernel.webhooks.webhook import Attempt, Webhook, WebhookState
from simulator.secrecy import Withholding
from simulator.server.inspector.frame import Pill, Visit, link_to_message, link_to_phone, page
from simulator.server.inspector.message_page import webhook_views
from simulator.server.operations.base import Problem

__all__ = ["webhook_page", "webhooks_page"]

_ROWS_MAX: Final = 200
_MEASURED_MAX: Final = 5_000
"""So many of the last webhooks are in the histogram."""
_LATELY_MS: Final = (30 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 600_000)
_EDGES_US: Final = (
    1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000,
)  # fmt: skip
_STATES: Final = {
    WebhookState.SCHEDULED: "wait",
    WebhookState.HELD: "late",
    WebhookState.IN_FLIGHT: "wait",
    WebhookState.ACKNOWLEDGED: "ok",
    WebhookState.LOST: "bad",
    WebhookState.DROPPED: "grey",
}
_SECRECY: Final = Withholding()


class Row(NamedTuple):
    """
    A webhook in the ledger.
    """

    id: str
    href: str
    provider: str
    recipient: str
    phone: str
    message: str
    label: str
    state: Pill
    created: str
    target: str
    attempts: int
    last: str
    latency: str
    due: str
    purposes: str


class Bar(NamedTuple):
    """
    One bar of the histogram, its parts stacked; heights in percent.
    """

    x: str
    width: str
    ok_y: str
    ok_height: str
    bad_y: str
    bad_height: str
    name: str
    title: str


class Histogram(NamedTuple):
    """
    How long the integrator took to answer, and what it answered.
    """

    bars: list[Bar]
    answers: list[Pill]
    note: str
    label: str


class Since(NamedTuple):
    """
    A stretch of time until now, with how many of the webhooks that were owed in it are lost.
    """

    words: str
    since: str
    """Its beginning as the control API takes it; empty: the space's."""
    number: int


class StateChip(NamedTuple):
    """
    A state with how many webhooks are in it.
    """

    pill: Pill
    number: int
    href: str
    here: bool


def webhooks_page(visit: Visit) -> str:
    """Return the ledger, newest first."""
    outbox = visit.space.simulation.outbox
    state, provider = visit.query.get("state", ""), visit.query.get("provider", "")
    recipient = visit.query.get("recipient", "").strip()
    states = Counter(webhook.state for webhook in outbox.webhooks.values())

    def fits(webhook: Webhook) -> bool:
        return (
            state in ("", webhook.state.value)
            and provider in ("", webhook.provider)
            and recipient in webhook.recipient
        )

    fitting = (webhook for webhook in reversed(outbox.webhooks.values()) if fits(webhook))
    shown = list(islice(fitting, _ROWS_MAX))
    total = len(shown) + sum(1 for _ in fitting)
    return page(
        "webhooks.html",
        visit,
        "webhooks",
        "Webhooks",
        rows=[_row(visit, webhook) for webhook in shown],
        note=count(total, "webhook") if total == len(shown) else f"the newest {len(shown)} of {total:,}",
        chips=_chips(visit, states, state),
        state=state,
        provider=provider,
        recipient=recipient,
        providers=list(visit.space.gateways),
        holding=[name for name in visit.space.gateways if outbox.holds(name)],
        held=len(outbox.held_webhooks),
        lost=_lost(visit),
        histogram=_histogram(outbox.webhooks),
    )


def _lost(visit: Visit) -> list[Since]:
    """Return how many webhooks were lost, and how many of those were owed lately."""
    simulation = visit.space.simulation
    now_ms = simulation.clock.now_ms
    owed_ms = [w.created_ms for w in simulation.outbox.webhooks.values() if w.state is WebhookState.LOST]
    spans = [Since("ever", "", len(owed_ms))]
    for length_ms in _LATELY_MS:
        since_ms = now_ms - length_ms
        if since_ms > 0:
            number = sum(at_ms >= since_ms for at_ms in owed_ms)
            spans.append(Since(f"in the last {span(length_ms)}", f"{since_ms}ms", number))
    return spans


def webhook_page(visit: Visit) -> str:
    """Return the page of one webhook: each attempt as it was sent and answered."""
    webhook = visit.space.simulation.outbox.webhooks.get(visit.rest)
    if webhook is None:
        raise Problem(404, "No such webhook", f"there is no webhook {visit.rest!r}")
    request = visit.space.simulation.request_for(webhook)
    body = request.body.decode("utf-8", "replace")
    return page(
        "webhook.html",
        visit,
        "webhooks",
        f"Webhook {webhook.id}",
        webhook=webhook_views(visit, [webhook])[0],
        row=_row(visit, webhook),
        url=request.url,
        headers=[(name, value, name in request.signed_by) for name, value in request.headers],
        method=request.method,
        body=body,
        laid_out=laid_out(body),
    )


def _row(visit: Visit, webhook: Webhook) -> Row:
    attempts = webhook.attempts
    last = attempts[-1] if attempts else None
    key = webhook.reports[0].key
    more = f" +{len(webhook.reports) - 1}" if len(webhook.reports) > 1 else ""
    pending = webhook.state is WebhookState.SCHEDULED
    return Row(
        id=webhook.id,
        href=f"{visit.root}_ui/{visit.space.name}/webhook/{webhook.id}",
        provider=webhook.provider,
        recipient=webhook.recipient,
        phone=link_to_phone(visit, webhook.recipient),
        message=link_to_message(visit, key) if key is not None else "",
        label=f"{webhook.reports[0].label}{more}",
        state=Pill(_STATES[webhook.state], webhook.state.value),
        created=format_offset(webhook.created_ms),
        target=_SECRECY.text(webhook.target) or "nowhere",
        attempts=len(attempts),
        last=_answer(last) if last is not None else "",
        latency=latency(last.latency_real_us) if last is not None else "",
        due=format_offset(webhook.due_ms) if pending else "",
        purposes=", ".join(webhook.intended),
    )


def _answer(attempt: Attempt) -> str:
    return str(attempt.status) if attempt.status else attempt.cause.value if attempt.cause else "no answer"


def _chips(visit: Visit, states: Counter[WebhookState], here: str) -> list[StateChip]:
    kept = {name: value for name in ("provider", "recipient") if (value := visit.query.get(name))}
    chips = []
    for state, css in _STATES.items():
        if states[state] or here == state.value:
            target = {} if here == state.value else {"state": state.value}
            href = f"?{urlencode({**kept, **target})}"
            chips.append(StateChip(Pill(css, state.value), states[state], href, here == state.value))
    return chips


def _histogram(webhooks: dict[str, Webhook]) -> Histogram | None:
    """Return the histogram of the last webhooks' attempts; None when nothing was sent."""
    good = [0] * (len(_EDGES_US) + 1)
    bad = [0] * (len(_EDGES_US) + 1)
    answers: Counter[tuple[bool, str]] = Counter()
    for attempt in _attempts(webhooks):
        place = next(
            (n for n, edge in enumerate(_EDGES_US) if attempt.latency_real_us < edge), len(_EDGES_US)
        )
        (good if attempt.acknowledged else bad)[place] += 1
        answers[attempt.acknowledged, _answer(attempt)] += 1
    total = sum(good) + sum(bad)
    if not total:
        return None
    most = max(g + b for g, b in zip(good, bad, strict=True))
    width = 100 / len(good)
    bars = []
    for place, (ok, no) in enumerate(zip(good, bad, strict=True)):
        ok_height, bad_height = 100 * ok / most, 100 * no / most
        name = _edge_name(place)
        bars.append(
            Bar(
                x=percent(place * width + 0.1 * width),
                width=percent(0.8 * width),
                ok_y=percent(100 - ok_height),
                ok_height=percent(ok_height),
                bad_y=percent(100 - ok_height - bad_height),
                bad_height=percent(bad_height),
                name=name,
                title=f"{name}: {ok:,} acknowledged, {no:,} not",
            )
        )
    pills = [Pill("ok" if ok else "bad", f"{name} × {n:,}") for (ok, name), n in answers.most_common(8)]
    label = "; ".join(bar.title for bar in bars if not bar.title.endswith(": 0 acknowledged, 0 not"))
    return Histogram(bars, pills, count(total, "attempt"), label)


def _attempts(webhooks: dict[str, Webhook]) -> Iterator[Attempt]:
    for webhook in islice(reversed(webhooks.values()), _MEASURED_MAX):
        yield from webhook.attempts


def _edge_name(place: int) -> str:
    if place == len(_EDGES_US):
        return f"≥ {_edge(_EDGES_US[-1])}"
    return f"< {_edge(_EDGES_US[place])}"


def _edge(us: int) -> str:
    return f"{us // 1_000} ms" if us < 1_000_000 else f"{us // 1_000_000} s"

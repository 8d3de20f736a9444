"""
The tables of the HTML evidence: a message's story, refusals, calls and what befell the space.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator

from msgspec import structs

from simulator.evidence.lives import Life
from simulator.evidence.purpose import excused, on_purpose
from simulator.evidence.refusals import Refusal, refusals
from simulator.evidence.words import count, html_text, latency, outcome, span
from simulator.explain.narrative import what_of, why_of, words_of
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.message import Rung
from simulator.kernel.model.units import format_offset
from simulator.kernel.store.facts import Called, EntryKind, SendRefused
from simulator.kernel.store.journal import Entry
from simulator.kernel.webhooks.webhook import Webhook

__all__ = ["calls_table", "incidents_table", "refusals_table", "story_html"]

_ENTRIES_MAX = 40
_ATTEMPTS_MAX = 20
_WEBHOOKS_MAX = 20
_REFUSALS_MAX = 40
_CALLS_MAX = 25
_INCIDENTS_MAX = 100
_TEXT_MAX = 600

_INCIDENTS = frozenset(
    {
        EntryKind.SCENARIO,
        EntryKind.CLOCK,
        EntryKind.SETTINGS,
        EntryKind.CIRCUMSTANCES,
        EntryKind.HELD,
        EntryKind.RELEASED,
        EntryKind.ACT,
    }
)


def story_html(simulation: Simulation, life: Life) -> str:
    """Return everything about a message that has been told."""
    message = life.message
    submission = message.submission
    decided = f'rule "{message.rule}"' if message.rule else message.rung.value
    facts = [
        f"id {message.id}",
        f"from {submission.sender}" if submission.sender else "",
        count(submission.parts, "part"),
        f"valid until {format_offset(message.expires_ms)}",
        f"decided by {decided}",
    ]
    text = html_text(submission.text, _TEXT_MAX)
    entries = life.entries if life.call is None else sorted([*life.entries, life.call], key=lambda e: e.seq)
    return (
        f'<div class="story"><p class="soft">{html_text(" · ".join(f for f in facts if f), 800)}</p>'
        f'<p class="text" dir="auto">{text}</p>'
        f"<table>{''.join(_entry_rows(entries, _ENTRIES_MAX))}</table>"
        f"{_webhooks_table(life.webhooks)}</div>"
    )


def _entry_rows(entries: Iterable[Entry], limit: int, *, subject: bool = False) -> Iterator[str]:
    left = 0
    for number, entry in enumerate(entries):
        if number >= limit:
            left += 1
            continue
        who = ""
        if subject:
            named = str(entry.key) if entry.key is not None else f"{entry.provider} {entry.recipient}"
            who = f"<td>{html_text(named.strip(), 120)}</td>"
        yield (
            f'<tr><td class="at">{format_offset(entry.at_ms)}</td>{who}'
            f"<td>{html_text(words_of(entry), 400)}</td>"
            f'<td class="soft">{html_text(why_of(entry.fact), 200)}</td></tr>'
        )
    if left:
        yield f'<tr><td></td><td class="soft">… {left:,} more</td></tr>'


def _webhooks_table(webhooks: list[Webhook]) -> str:
    if not webhooks:
        return ""
    rows = "".join(row for webhook in webhooks[:_WEBHOOKS_MAX] for row in _attempt_rows(webhook))
    left = len(webhooks) - _WEBHOOKS_MAX
    if left > 0:
        rows += f'<tr><td class="soft">… {count(left, "more webhook")}</td></tr>'
    head = "".join(f"<th>{title}</th>" for title in ("webhook", "sent", "answer", "latency", "said", "next"))
    return f"<table><tr>{head}</tr>{rows}</table>"


def _attempt_rows(webhook: Webhook) -> Iterator[str]:
    name = html_text(f"{webhook.reports[0].label} – {webhook.state.value}", 120)
    if not webhook.attempts:
        yield f'<tr><td>{name}</td><td></td><td class="soft">{html_text(on_purpose(webhook, 1))}</td></tr>'
    for attempt in webhook.attempts[:_ATTEMPTS_MAX]:
        mark, sign = ("pass", "✓") if attempt.acknowledged else ("fail", "✕")
        if excused(webhook, attempt):
            mark = "soft"
        meant = on_purpose(webhook, attempt.number)
        note = f'<br><span class="soft">{html_text(meant)}</span>' if meant else ""
        next_at = "" if attempt.next_at_ms is None else format_offset(attempt.next_at_ms)
        yield (
            f'<tr><td>{name}</td><td class="at">{format_offset(attempt.at_ms)}</td>'
            f'<td><span class="{mark}">{sign} {html_text(outcome(attempt), 160)}</span>{note}</td>'
            f'<td class="tight">{latency(attempt.latency_real_us)}</td>'
            f'<td class="mono">{html_text(attempt.excerpt, 120)}</td><td class="at">{next_at}</td></tr>'
        )
        name = ""
    left = len(webhook.attempts) - _ATTEMPTS_MAX
    if left > 0:
        yield f'<tr><td></td><td class="soft">… {left:,} more</td></tr>'


def refusals_table(simulation: Simulation) -> str:
    """Return what was refused, by reason, with the first ones in full."""
    refused = refusals(simulation)
    if not refused:
        return ""
    reasons = Counter((refusal.fact.code, refusal.fact.scope) for refusal in refused)
    by_reason = " · ".join(
        f"{code or what_of(SendRefused(scope, code, Rung.RULE))} ×{number:,}"
        for (code, scope), number in reasons.most_common(12)
    )
    first = refused[:_REFUSALS_MAX]
    total = len(refused)
    note = f"{total:,}" if total == len(first) else f"the first {len(first):,} of {total:,}"
    rows = "".join(_refusal_row(refusal) for refusal in first)
    return (
        f"<h2>Refused <small>{note}</small></h2><p class=soft>{html_text(by_reason, 800)}</p>"
        f'<details class="more"><summary>which ones</summary><div class="card"><table>{rows}</table></div>'
        "</details>"
    )


def _refusal_row(refusal: Refusal) -> str:
    fact = refusal.fact
    words = f"{what_of(fact)} [{fact.code}]" if fact.code else what_of(fact)
    return (
        f'<tr><td class="at">{format_offset(refusal.at_ms)}</td><td>{html_text(str(refusal.key), 120)}</td>'
        f"<td>{html_text(words, 400)}</td>"
        f'<td class="soft">{html_text(why_of(fact), 200)}</td></tr>'
    )


def calls_table(simulation: Simulation) -> str:
    """Return how often which call was made and answered how, the most frequent first."""
    calls: Counter[tuple[str, Called]] = Counter(
        (entry.provider, structs.replace(entry.fact, query=(), rule="", detail=""))
        for entry in simulation.journal
        if isinstance(entry.fact, Called)
    )
    if not calls:
        return ""
    shown = calls.most_common(_CALLS_MAX)
    rows = "".join(
        f'<tr><td class="num tight">{number:,} ×</td><td class="tight">{html_text(provider)}</td>'
        f"<td><code>{html_text(what_of(call), 200)}</code></td></tr>"
        for (provider, call), number in shown
    )
    left = sum(calls.values()) - sum(number for _, number in shown)
    if left:
        rows += f'<tr><td class="num tight">{left:,} ×</td><td></td><td class="soft">other calls</td></tr>'
    total = f"{sum(calls.values()):,}"
    return (
        f"<h2>Calls of the integrator <small>{total}</small></h2>"
        f'<div class="card"><table>{rows}</table></div>'
    )


def incidents_table(simulation: Simulation) -> str:
    """Return what befell the space itself: scenarios, settings, circumstances, holds and acts."""
    found: deque[Entry] = deque()
    total = 0
    for entry in simulation.journal:
        if entry.kind in _INCIDENTS or (entry.kind is EntryKind.NOTE and entry.key is None):
            total += 1
            if total <= _INCIDENTS_MAX:
                found.append(entry)
    if not found:
        return ""
    rows = "".join(_entry_rows(found, _INCIDENTS_MAX, subject=True))
    note = f"{total:,}" if total == len(found) else f"the first {len(found):,} of {total:,}"
    last = span(found[-1].at_ms)
    return (
        f"<h2>What befell the space <small>{note}, up to {last}</small></h2>"
        f'<div class="card"><table>{rows}</table></div>'
    )

"""
The lists of the evidence page: a message's story, refusals, calls and what befell the space.

Plain values; the template `tables.html` shows them.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from msgspec import structs

from simulator.evidence.lives import Life
from simulator.evidence.purpose import excused, on_purpose
from simulator.evidence.refusals import refusals
from simulator.evidence.words import count, latency, outcome, span
from simulator.explain.narrative import what_of, why_of, words_of
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.message import Rung
from simulator.kernel.model.units import format_offset
from simulator.kernel.store.facts import Called, EntryKind, SendRefused
from simulator.kernel.store.journal import Entry
from simulator.kernel.webhooks.webhook import Webhook

__all__ = [
    "AttemptRow",
    "Attempts",
    "CallRow",
    "Calls",
    "Fact",
    "Facts",
    "Incidents",
    "Refusals",
    "Story",
    "calls",
    "first_of",
    "incidents",
    "refused",
    "story",
]

_ENTRIES_MAX = 40
_ATTEMPTS_MAX = 20
_WEBHOOKS_MAX = 20
_REFUSALS_MAX = 40
_REASONS_MAX = 12
_CALLS_MAX = 25
_INCIDENTS_MAX = 100

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


class Fact(NamedTuple):
    """
    Something that happened: when, to whom, what and why.
    """

    at: str
    who: str
    what: str
    why: str


class Facts(NamedTuple):
    """
    Facts in order, and how many more there are.
    """

    rows: Sequence[Fact]
    left: int = 0


class AttemptRow(NamedTuple):
    """
    An attempt at a webhook, or a webhook without any; *webhook* is empty on all rows but its first.
    """

    webhook: str
    at: str = ""
    mark: str = ""
    sign: str = ""
    outcome: str = ""
    note: str = ""
    latency: str = ""
    excerpt: str = ""
    next_at: str = ""


class Attempts(NamedTuple):
    """
    Attempts at the webhooks about a message, and what is left out of them.
    """

    rows: Sequence[AttemptRow]
    left: str = ""


class Story(NamedTuple):
    """
    Everything about a message; *blamed* are the expectations that it kept from being met.
    """

    facts: Sequence[str]
    text: str
    entries: Facts
    attempts: Attempts
    blamed: Sequence[str] = ()


class Refusals(NamedTuple):
    """
    What was refused, by reason, with the first ones in full.
    """

    note: str
    by_reason: str
    rows: Sequence[Fact]
    left: int = 0


class CallRow(NamedTuple):
    """
    How often a call was made and answered alike.
    """

    number: int
    provider: str
    what: str


class Calls(NamedTuple):
    """
    The calls of the integrator, the most frequent first.
    """

    total: int
    rows: Sequence[CallRow]
    left: int


class Incidents(NamedTuple):
    """
    What befell the space itself: scenarios, settings, circumstances, holds and acts.
    """

    note: str
    rows: Sequence[Fact]
    left: int = 0


def first_of(shown: int, total: int) -> str:
    """Return how many are shown of how many."""
    return f"{total:,}" if shown == total else f"the first {shown:,} of {total:,}"


def story(life: Life, blamed: Sequence[str] = ()) -> Story:
    """Return everything about a message whose entries are known."""
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
    entries = life.entries if life.call is None else sorted([*life.entries, life.call], key=lambda e: e.seq)
    return Story(
        [fact for fact in facts if fact],
        submission.text,
        Facts([_fact(entry) for entry in entries[:_ENTRIES_MAX]], max(0, len(entries) - _ENTRIES_MAX)),
        _attempts(life.webhooks),
        blamed,
    )


def _fact(entry: Entry) -> Fact:
    who = str(entry.key) if entry.key is not None else f"{entry.provider} {entry.recipient}".strip()
    return Fact(format_offset(entry.at_ms), who, words_of(entry), why_of(entry.fact))


def _attempts(webhooks: Sequence[Webhook]) -> Attempts:
    rows = [row for webhook in webhooks[:_WEBHOOKS_MAX] for row in _attempt_rows(webhook)]
    left = len(webhooks) - _WEBHOOKS_MAX
    return Attempts(rows, count(left, "more webhook") if left > 0 else "")


def _attempt_rows(webhook: Webhook) -> Iterator[AttemptRow]:
    name = f"{webhook.reports[0].label} – {webhook.state.value}"
    if not webhook.attempts:
        yield AttemptRow(name, note=on_purpose(webhook, 1))
    for attempt in webhook.attempts[:_ATTEMPTS_MAX]:
        mark, sign = ("pass", "✓") if attempt.acknowledged else ("fail", "✕")
        yield AttemptRow(
            name,
            format_offset(attempt.at_ms),
            "soft" if excused(webhook, attempt) else mark,
            sign,
            outcome(attempt),
            on_purpose(webhook, attempt.number),
            latency(attempt.latency_real_us),
            attempt.excerpt,
            "" if attempt.next_at_ms is None else format_offset(attempt.next_at_ms),
        )
        name = ""
    left = len(webhook.attempts) - _ATTEMPTS_MAX
    if left > 0:
        yield AttemptRow("", note=f"… {left:,} more")


def refused(simulation: Simulation) -> Refusals | None:
    """Return what was refused; None when nothing was."""
    everything = refusals(simulation)
    if not everything:
        return None
    reasons = Counter((refusal.fact.code, refusal.fact.scope) for refusal in everything)
    rows = [
        Fact(
            format_offset(refusal.at_ms),
            str(refusal.key),
            f"{what_of(refusal.fact)} [{refusal.fact.code}]" if refusal.fact.code else what_of(refusal.fact),
            why_of(refusal.fact),
        )
        for refusal in everything[:_REFUSALS_MAX]
    ]
    by_reason = " · ".join(
        f"{code or what_of(SendRefused(scope, code, Rung.RULE))} ×{number:,}"
        for (code, scope), number in reasons.most_common(_REASONS_MAX)
    )
    return Refusals(first_of(len(rows), len(everything)), by_reason, rows)


def calls(simulation: Simulation) -> Calls | None:
    """Return how often which call was made and answered how; None when the journal knows of none."""
    counted: Counter[tuple[str, Called]] = Counter(
        (entry.provider, structs.replace(entry.fact, query=(), rule="", detail=""))
        for entry in simulation.journal
        if isinstance(entry.fact, Called)
    )
    if not counted:
        return None
    total = sum(counted.values())
    rows = [
        CallRow(number, provider, what_of(call))
        for (provider, call), number in counted.most_common(_CALLS_MAX)
    ]
    return Calls(total, rows, total - sum(row.number for row in rows))


def incidents(simulation: Simulation) -> Incidents | None:
    """Return what befell the space itself; None when nothing did."""
    entries: deque[Entry] = deque()
    total = 0
    for entry in _incidents(simulation.journal):
        total += 1
        if total <= _INCIDENTS_MAX:
            entries.append(entry)
    if not entries:
        return None
    note = f"{first_of(len(entries), total)}, up to {span(entries[-1].at_ms)}"
    return Incidents(note, [_fact(entry) for entry in entries])


def _incidents(entries: Iterable[Entry]) -> Iterator[Entry]:
    for entry in entries:
        if entry.kind in _INCIDENTS or (entry.kind is EntryKind.NOTE and entry.key is None):
            yield entry

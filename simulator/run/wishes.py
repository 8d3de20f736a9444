"""
What recipients and callers wish of sends: silence after STOP, and texts in their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.evidence.result import Check
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.store.facts import Accepted, Acted, SendRefused
from simulator.kernel.store.journal import Entry
from simulator.provider import Provider
from simulator.run.driving import arrivals, recipient_of, texts_of
from simulator.scenario.goals import Drive

__all__ = ["after_stop_check", "in_order_check"]

_STOP: Final = "STOP"
_LINES_MAX: Final = 5


def after_stop_check(limit: int, simulation: Simulation) -> Check:
    """Return the check that nobody is written to who wanted silence, and was heard."""
    heard = _heard(simulation)
    sends = [
        entry.key
        for entry in _first_tries(simulation)
        if entry.key is not None
        and entry.at_ms > heard.get((entry.key.provider, entry.key.recipient), entry.at_ms)
    ]
    return Check(
        name=f"sends.after_stop: {limit}",
        passed=len(sends) <= limit,
        judged=bool(heard),
        detail=f"{len(sends)} sends went to {len(heard)} recipients who had written STOP"
        if heard
        else "nobody wrote STOP and was heard",
        lines=tuple(f"sent after STOP: {key}" for key in sends[:_LINES_MAX]),
        blamed=tuple(sends),
    )


def _heard(simulation: Simulation) -> dict[tuple[str, str], int]:
    """Return when the integrator acknowledged the STOP of each recipient who wrote it."""
    wrote: dict[tuple[str, str], int] = {}
    for entry in simulation.journal:
        fact = entry.fact
        if isinstance(fact, Acted) and fact.text.strip().upper() == _STOP:
            wrote.setdefault((entry.provider, entry.recipient), entry.at_ms)
    heard: dict[tuple[str, str], int] = {}
    for webhook in simulation.outbox.webhooks.values():
        who = (webhook.provider, webhook.recipient)
        if who not in wrote or any(report.tells is not None for report in webhook.reports):
            continue
        for attempt in webhook.attempts:
            # Flipped bytes may have made another word of it.
            whole = not webhook.spoilt(attempt.number)
            if attempt.acknowledged and whole and webhook.created_ms == wrote[who]:
                heard[who] = min(attempt.at_ms, heard.get(who, attempt.at_ms))
    return heard


def _first_tries(simulation: Simulation) -> Iterator[Entry]:
    """Yield the first call for each text to each recipient, whatever it was answered."""
    seen: set[tuple[str, str, str]] = set()
    for entry in simulation.journal:
        if entry.key is not None and isinstance(entry.fact, Accepted | SendRefused):
            what = (entry.key.provider, entry.key.recipient, _text(simulation, entry.key))
            if what not in seen:
                seen.add(what)
                yield entry


def _text(simulation: Simulation, key: MessageKey) -> str:
    outcome = simulation.messages.get(key) or simulation.refusals.get(key)
    return outcome.submission.text if outcome is not None else ""


def in_order_check(
    drives: tuple[Drive, ...], simulation: Simulation, providers: Mapping[str, Provider]
) -> Check:
    """Return the check that the texts to each recipient were first sent in the order of the calls."""
    wished: dict[str, list[str]] = {}
    for driven in arrivals(drives, simulation.chance):
        if driven.drive.sends:
            wished.setdefault(recipient_of(driven), []).extend(texts_of(driven))
    last: dict[tuple[str, str], int] = {}
    judged, late = 0, []
    for entry in _first_tries(simulation):
        assert entry.key is not None
        spelt = providers[entry.key.provider].address_of
        texts = next((texts for to, texts in wished.items() if spelt(to) == entry.key.recipient), [])
        text = _text(simulation, entry.key)
        if text not in texts:
            continue
        who, place = (entry.key.provider, entry.key.recipient), texts.index(text)
        judged += who in last
        if place < last.get(who, -1):
            late.append(entry.key)
        last[who] = max(place, last.get(who, -1))
    return Check(
        name="sends.in_order: true",
        passed=not late,
        judged=bool(judged),
        detail=f"{len(late)} sends came after one that was asked for later"
        if judged
        else "no recipient was sent two texts of drive",
        lines=tuple(f"sent too late: {key}" for key in late[:_LINES_MAX]),
        blamed=tuple(late),
    )

"""
Which situations a run reached: a search that met none of them has shown nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from simulator.evidence.result import RunResult
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.faults import Purpose
from simulator.kernel.model.lifecycle import State
from simulator.kernel.store.facts import Acted, Released, SendRefused
from simulator.kernel.webhooks.webhook import Webhook

__all__ = ["SITUATIONS", "situations"]

_PURPOSES: Final = {
    Purpose.DUPLICATE: "told twice",
    Purpose.EARLY: "told before the answer",
    Purpose.DELAYED: "told late",
    Purpose.REORDERED: "told late",
    Purpose.CONTRADICTION: "contradicted",
    Purpose.TRUNCATED: "broken off",
    Purpose.CORRUPTED: "garbled",
    Purpose.MISLABELLED: "of another content type",
    Purpose.MISSIGNED: "wrongly signed",
    Purpose.UNSIGNED: "not signed",
}
SITUATIONS: Final = (
    *dict.fromkeys(_PURPOSES.values()),
    "told out of order",
    "told after an expiry",
    "told after an outage",
    "failed",
    "expired",
    "read",
    "a send refused",
    "an answer lost",
    "written to by a recipient",
)


def situations(result: RunResult) -> set[str]:
    """Return what a run came to."""
    return set(_reached(result.space.simulation))


def _reached(simulation: Simulation) -> Iterator[str]:
    tried = [webhook for webhook in simulation.outbox.webhooks.values() if webhook.attempts]
    by_message: dict[object, list[Webhook]] = {}
    for webhook in tried:
        yield from (_PURPOSES[purpose] for purpose in webhook.intended if purpose in _PURPOSES)
        for report in webhook.reports:
            if report.key is not None:
                by_message.setdefault(report.key, []).append(webhook)
    for webhooks in by_message.values():
        in_time = sorted(webhooks, key=lambda webhook: webhook.attempts[0].at_ms)
        if any(earlier.sequence > later.sequence for earlier, later in pairwise(in_time)):
            yield "told out of order"
        states = [report.tells for webhook in in_time for report in webhook.reports]
        if State.EXPIRED in states[:-1]:
            yield "told after an expiry"
    for message in simulation.messages.values():
        if message.state.value in SITUATIONS:
            yield message.state.value
        if message.id_unknown:
            yield "an answer lost"
    facts: Mapping[type, str] = {
        Released: "told after an outage",
        SendRefused: "a send refused",
        Acted: "written to by a recipient",
    }
    for entry in simulation.journal:
        if type(entry.fact) in facts:
            yield facts[type(entry.fact)]

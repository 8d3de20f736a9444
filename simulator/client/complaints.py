"""
What a strict test is held against, though nothing in it asserts so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.client.lists import Webhooks
from simulator.client.records import SimulatedRequest, SimulatedWebhook
from simulator.client.vocabulary import Complaint

__all__ = ["COMPLAINTS", "idle_rules_of", "turned_away", "webhooks_unacknowledged"]

_TO_BE_REFUSED: Final = frozenset(
    {"truncated", "corrupted", "of a wrong content type", "wrongly signed", "not signed"}
)
"""Who does not acknowledge a webhook with one of these done to it does well."""

COMPLAINTS: Final[Mapping[Complaint, str]] = {
    "webhooks": "a webhook was not acknowledged",
    "routes": "a call hit no route of the provider",
    "credentials": "a credential was refused",
    "rules": "a rule never applied",
}
"""What is complained of, in words."""


def webhooks_unacknowledged(webhooks: Webhooks, now_ms: int) -> Iterator[str]:
    """Yield what is owed, was due, and was not acknowledged."""
    for webhook in webhooks:
        why = _unacknowledged(webhook, now_ms)
        if why and not _TO_BE_REFUSED.intersection(webhook.purposes):
            reports = ", ".join(webhook.reports)
            where = webhook.target or "nowhere"
            yield f"{webhook.provider} {webhook.recipient} [{reports}] to {where}: {why}"


def _unacknowledged(webhook: SimulatedWebhook, now_ms: int) -> str:
    if webhook.state in ("acknowledged", "dropped"):
        return ""
    if webhook.state == "held":
        return "still held back"
    if webhook.state == "in flight":
        return "not answered yet"
    if webhook.attempts:
        last = webhook.attempts[-1]
        answer = last["error"] or f"answered {last['status']}"
        given_up = "given up" if webhook.state == "lost" else "to be tried again"
        return f"{given_up} after {len(webhook.attempts)} attempts, the last one {answer}"
    if webhook.state == "lost":
        return "given up before it was sent"
    return "due, and not sent yet" if webhook.due_ms <= now_ms else ""


def turned_away(requests: list[SimulatedRequest], why: str) -> Iterator[str]:
    """Yield the calls that were turned away for this reason, each only once."""
    lines: dict[str, int] = {}
    for request in requests:
        if request.turned_away == why:
            line = (
                f"{request.provider} {request.method} {request.path} answered {request.status}: {request.why}"
            )
            lines[line] = lines.get(line, 0) + 1
    for line, count in lines.items():
        yield f"{count} times {line}" if count > 1 else line


def idle_rules_of(view: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    """Yield the rules that never applied, with what came nearest."""
    idle = view["scenario"]["never_applied"]
    assert isinstance(idle, list)
    for rule in idle:
        yield f'rule "{rule["rule"]}"' + (f": {rule['why']}" if rule["why"] else "")

"""
What a scenario did to a webhook on purpose, so that nobody takes it for the receiver's doing.
"""

from __future__ import annotations

from typing import Final

from simulator.kernel.model.faults import Purpose
from simulator.kernel.webhooks.webhook import Attempt, Webhook

__all__ = [
    "COPIES",
    "PUT_OFF",
    "blameless",
    "excused",
    "on_purpose",
    "purposes",
]

COPIES: Final = frozenset({Purpose.DUPLICATE, Purpose.RESENT})
PUT_OFF: Final = frozenset({Purpose.DELAYED, Purpose.REORDERED})


def excused(webhook: Webhook, attempt: Attempt) -> bool:
    """Return True when *attempt* was spoilt and not acknowledged: a receiver does well to refuse it."""
    return not attempt.acknowledged and webhook.spoilt(attempt.number)


def blameless(webhook: Webhook) -> bool:
    """Return True when no attempt failed but those that were sent damaged."""
    return all(attempt.acknowledged or excused(webhook, attempt) for attempt in webhook.attempts)


def purposes(webhook: Webhook, number: int) -> tuple[Purpose, ...]:
    """Return what was done on purpose to attempt *number*: `delayed`, `truncated`, `duplicate`."""
    damage = {damage_done.purpose for damage_done in webhook.damage}
    left_out = damage - {damage_done.purpose for damage_done in webhook.damage_of(number)}
    if number > 1:
        # From the second attempt on, the provider's schedule says when.
        left_out |= PUT_OFF
    return tuple(purpose for purpose in webhook.intended if purpose not in left_out)


def on_purpose(webhook: Webhook, number: int) -> str:
    """Return the purposes of an attempt in words: `truncated, delayed on purpose`; empty: there are none."""
    words = ", ".join(purposes(webhook, number))
    return f"{words} on purpose" if words else ""

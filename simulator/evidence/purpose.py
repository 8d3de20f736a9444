"""
What a scenario did to a webhook on purpose, so that nobody takes it for the receiver's doing.
"""

from __future__ import annotations

from typing import Final

from simulator.kernel.webhooks.webhook import Attempt, Webhook

__all__ = [
    "COPIES",
    "PUT_OFF",
    "blameless",
    "excused",
    "on_purpose",
    "purposes",
]

# Words that the kernel puts into `Webhook.intended`, beside those for damage.
COPIES: Final = frozenset({"duplicate", "resent"})
PUT_OFF: Final = frozenset({"delayed", "reordered"})


def excused(webhook: Webhook, attempt: Attempt) -> bool:
    """Return True when *attempt* was sent damaged and not acknowledged: a receiver does well to refuse it."""
    return not attempt.acknowledged and bool(webhook.damage_of(attempt.number))


def blameless(webhook: Webhook) -> bool:
    """Return True when no attempt failed but those that were sent damaged."""
    return all(attempt.acknowledged or excused(webhook, attempt) for attempt in webhook.attempts)


def purposes(webhook: Webhook, number: int) -> tuple[str, ...]:
    """Return what was done on purpose to attempt *number*: `delayed`, `truncated`, `duplicate`."""
    damage = {one.kind.value for one in webhook.damage}
    left_out = damage - {one.kind.value for one in webhook.damage_of(number)}
    if number > 1:
        # From the second attempt on, the provider's schedule says when.
        left_out |= PUT_OFF
    return tuple(word for word in webhook.intended.split(", ") if word and word not in left_out)


def on_purpose(webhook: Webhook, number: int) -> str:
    """Return the purposes of an attempt in words: `truncated, delayed on purpose`; empty: there are none."""
    words = ", ".join(purposes(webhook, number))
    return f"{words} on purpose" if words else ""

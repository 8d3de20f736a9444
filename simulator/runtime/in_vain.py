"""
Attempts in vain: how long a receiver has acknowledged nothing at all.
"""

from __future__ import annotations

from typing import Final

from simulator.kernel.webhooks.webhook import Attempt, Webhook

__all__ = ["InVain"]

_TRIES_PER_WEBHOOK: Final = 20
"""An outage makes many attempts fail at once; a receiver that refuses everything, each one many times."""


class InVain:
    """
    Counts attempts since the last one that was acknowledged, and the webhooks they were at.
    """

    __slots__ = ("attempts", "webhooks")

    def __init__(self) -> None:
        self.attempts = 0
        self.webhooks: dict[str, None] = {}

    def take(self, webhook: Webhook, attempt: Attempt) -> None:
        """Count an attempt that came to its end."""
        if attempt.acknowledged:
            if self.attempts:
                self.attempts = 0
                self.webhooks.clear()
            return
        self.attempts += 1
        self.webhooks[webhook.id] = None

    def why(self, limit: int) -> str:
        """Return why nothing more is to be sent after *limit* such attempts (0: never); empty: go on."""
        tried = len(self.webhooks)
        if not limit or self.attempts < max(limit, _TRIES_PER_WEBHOOK * tried):
            return ""
        return f"{self.attempts:,} attempts in a row, at {tried:,} webhooks, and none was acknowledged"

"""
How long a receiver takes to recover from an outage, noticed as attempts come in.
"""

from __future__ import annotations

from typing import Final

from simulator.kernel.webhooks.webhook import Attempt, Webhook

__all__ = ["Outages"]

_ATTEMPTS_MIN: Final = 3
"""One failed attempt alone is a mishap."""


class _Target:
    """One address, without its query."""

    __slots__ = ("failing", "failures", "recovering")

    def __init__(self) -> None:
        self.failures = 0
        self.failing: dict[str, Webhook] = {}
        """What has failed since the last acknowledgement."""
        self.recovering: list[tuple[int, dict[str, Webhook]]] = []
        """When an outage came to an end, and what of it has had no last word yet."""


class Outages:
    """
    The slowest recovery: from the first acknowledgement after an outage to the last word on what failed then.
    """

    def __init__(self) -> None:
        self._targets: dict[str, _Target] = {}
        self._slowest_ms: int | None = None

    def take(self, webhook: Webhook, attempt: Attempt) -> None:
        """Take note of an attempt; one of a webhook that is damaged on purpose says nothing."""
        if webhook.damage:
            return
        target = self._targets.setdefault(webhook.target.partition("?")[0], _Target())
        if not attempt.acknowledged:
            target.failures += 1
            target.failing[webhook.id] = webhook
            return
        if target.failures >= _ATTEMPTS_MIN:
            target.recovering.append((attempt.at_ms, target.failing))
            self._note(0)
        target.failures = 0
        target.failing = {}
        for since_ms, left in target.recovering:
            if left.pop(webhook.id, None) is not None:
                self._note(attempt.at_ms - since_ms)
        target.recovering = [(since_ms, left) for since_ms, left in target.recovering if left]

    def _note(self, took_ms: int) -> None:
        self._slowest_ms = max(self._slowest_ms or 0, took_ms)

    def recovery_ms(self, now_ms: int) -> int | None:
        """Return how long the slowest took until *now_ms*; None: no outage came to an end."""
        for target in self._targets.values():
            for since_ms, left in target.recovering:
                for webhook in left.values():
                    last_ms = now_ms if webhook.pending else webhook.attempts[-1].at_ms
                    self._note(max(0, last_ms - since_ms))
        return self._slowest_ms

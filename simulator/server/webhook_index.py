"""
Which webhooks are about which message: found for many messages at once without asking every webhook.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from simulator.kernel.model.submission import MessageKey
from simulator.kernel.webhooks.outbox import Outbox
from simulator.kernel.webhooks.webhook import Webhook, WebhookState

__all__ = ["WebhookIndex"]

_FORGOTTEN_MAX = 10_000


class WebhookIndex:
    """
    Webhooks of one outbox by message, as they were at the last `update`.

    Only what is new since the update before is looked at.
    """

    __slots__ = ("_by_key", "_growing", "_outbox", "_seen")

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._by_key: dict[MessageKey, list[Webhook]] = {}
        self._seen: set[str] = set()
        self._growing: dict[str, tuple[Webhook, int]] = {}
        """Webhooks that may still take further reports, and how many of theirs are entered."""

    def of(self, key: MessageKey) -> Sequence[Webhook]:
        """Return the webhooks about a message, the oldest first."""
        return self._by_key.get(key, ())

    def update(self) -> None:
        """Take note of webhooks that came, and of reports that joined them."""
        webhooks = self._outbox.webhooks
        if len(self._seen) - len(webhooks) > _FORGOTTEN_MAX:
            # The outbox has let the oldest go; so that they do not stay here for ever, begin anew.
            self._by_key.clear()
            self._seen.clear()
            self._growing.clear()
        seen = self._seen
        new = list(takewhile(lambda webhook: webhook.id not in seen, reversed(webhooks.values())))
        for webhook in reversed(new):
            seen.add(webhook.id)
            self._growing[webhook.id] = (webhook, 0)
        for webhook, entered in list(self._growing.values()):
            for report in webhook.reports[entered:]:
                if report.key is not None:
                    mine = self._by_key.setdefault(report.key, [])
                    if not mine or mine[-1] is not webhook:
                        mine.append(webhook)
            scheduled = webhook.state is WebhookState.SCHEDULED and not webhook.attempts
            if scheduled and webhook.reports[0].batch:
                self._growing[webhook.id] = (webhook, len(webhook.reports))
            else:
                del self._growing[webhook.id]

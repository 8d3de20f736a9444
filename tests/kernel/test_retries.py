"""
When a webhook that was not acknowledged is tried again, and when no more.
"""

from __future__ import annotations

import pytest

from simulator.kernel.model.chance import Chance, Draws
from simulator.kernel.store.agenda import Agenda
from simulator.kernel.store.journal import Journal
from simulator.kernel.webhooks.outbox import Outbox
from simulator.kernel.webhooks.webhook import (
    Attempt,
    Report,
    RetrySchedule,
    Webhook,
    WebhookPolicy,
    WebhookRequest,
    WebhookState,
)


class Post:
    """
    An account that does nothing but deliver by a schedule.
    """

    def __init__(self, schedule: RetrySchedule) -> None:
        self.policy = WebhookPolicy(retry=schedule)

    def reissue(self, report: Report, draws: Draws) -> Report:
        """Return the same once more."""
        return report

    def render(self, webhook: Webhook) -> WebhookRequest:
        """Return an empty request."""
        return WebhookRequest(url=webhook.target, body=b"")


def failing(schedule: RetrySchedule) -> Webhook:
    """Return a webhook that was owed at 1 s and answered 500 until it was given up."""
    outbox = Outbox(Agenda(), Journal(), Chance(7), {"post": Post(schedule)})
    report = Report(
        provider="post", recipient="a", label="DELIVERED", target="http://127.0.0.1:9/", at_ms=1_000
    )
    outbox.owe(1_000, report, None)
    (webhook,) = outbox.webhooks.values()
    while webhook.state is WebhookState.SCHEDULED:
        now_ms = webhook.due_ms
        outbox.due(webhook, None)
        outbox.attempted(now_ms, webhook, Attempt(number=len(webhook.attempts) + 1, at_ms=now_ms, status=500))
    return webhook


@pytest.mark.parametrize(
    ("within_ms", "instants"),
    [
        (0, [1_000, 61_000, 361_000]),
        (360_000, [1_000, 61_000, 361_000]),
        (359_999, [1_000, 61_000]),
        (59_999, [1_000]),
    ],
)
def test_schedule_ends_by_its_waits_or_by_time(within_ms: int, instants: list[int]) -> None:
    """
    No attempt is later than the schedule's whole time after the first one, whatever waits are left.
    """
    webhook = failing(RetrySchedule((60_000, 300_000), within_ms=within_ms))

    assert [attempt.at_ms for attempt in webhook.attempts] == instants
    assert webhook.attempts[-1].next_at_ms is None
    assert webhook.state is WebhookState.LOST

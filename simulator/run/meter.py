"""
What a run measures as it goes on: the rate that was asked for beside the one reached, lateness, answers.
"""

from __future__ import annotations

import time

from simulator.evidence.pace import Pace
from simulator.evidence.tally import ExactSamples
from simulator.kernel.webhooks.webhook import Attempt, Webhook, WebhookRequest
from simulator.provider import Answer, Call, Fetched
from simulator.runtime.space import Space
from simulator.runtime.tap import Tap

__all__ = ["Meter"]


class Meter:
    """
    A tap that measures attempts on the machine's own watch, and tells whoever is the tap as well.

    A live clock that is behind hides nothing from it.
    """

    def __init__(self, space: Space) -> None:
        self.pace = Pace()
        """Of first attempts: as many webhooks came to be sent."""
        self.lates = ExactSamples()
        self.answers = ExactSamples()
        """From when each attempt was due to the end of its answer."""
        # A live clock goes on from when the server starts, so some may be under way, or over.
        under_way = space.simulation.outbox.in_flight - space.dispatcher.waiting
        self.sent = space.dispatcher.attempts + under_way
        self.answered_count = 0
        self.non_2xx = 0
        self.no_answer = 0
        self._space = space
        self._tap: Tap | None = space.tap
        self._late_us: dict[str, int] = {}
        self._began_s = time.monotonic()
        for webhook in space.simulation.outbox.webhooks.values():
            for attempt in webhook.attempts:
                self._count(attempt)
        space.tap = self

    @property
    def elapsed_real_s(self) -> float:
        """How long the run has taken so far."""
        return time.monotonic() - self._began_s

    def end(self) -> None:
        """Measure nothing any more."""
        if self._space.tap is self:
            self._space.tap = self._tap

    def attempting(self, webhook: Webhook, number: int, request: WebhookRequest | None) -> None:
        """Measure how late an attempt begins."""
        late_us = self._space.driver.late_real_us(webhook.due_ms)
        self._late_us[webhook.id] = late_us
        self.sent += 1
        self.lates.add(late_us)
        if number == 1:
            now_us = time.monotonic_ns() // 1_000
            self.pace.take(now_us - late_us, now_us)
        if self._tap is not None:
            self._tap.attempting(webhook, number, request)

    def attempted(self, webhook: Webhook, attempt: Attempt) -> None:
        """Measure how an attempt ended."""
        late_us = self._late_us.pop(webhook.id, 0)
        self._count(attempt)
        if attempt.measured:
            self.answers.add(late_us + attempt.latency_real_us)
        if self._tap is not None:
            self._tap.attempted(webhook, attempt)

    def _count(self, attempt: Attempt) -> None:
        self.answered_count += attempt.status != 0
        self.no_answer += attempt.status == 0
        self.non_2xx += attempt.status != 0 and not attempt.acknowledged

    def called(self, call: Call, *, admitted: bool) -> None:
        """Tell of a call."""
        if self._tap is not None:
            self._tap.called(call, admitted=admitted)

    def answered(self, call: Call, answer: Answer | None) -> None:
        """Tell of an answer."""
        if self._tap is not None:
            self._tap.answered(call, answer)

    def commanded(self, method: str, path: str, content_type: str, body: bytes, base_url: str) -> None:
        """Tell of a command."""
        if self._tap is not None:
            self._tap.commanded(method, path, content_type, body, base_url)

    def fetched(self, number: int, fetched: Fetched) -> None:
        """Tell of what came of a request that a provider made."""
        if self._tap is not None:
            self._tap.fetched(number, fetched)

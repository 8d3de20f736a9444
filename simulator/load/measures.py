"""
What one worker measures of its webhooks as they go, and what several measured together.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from simulator.kernel.webhooks.webhook import Attempt, Webhook, WebhookRequest
from simulator.load.histogram import Histogram

__all__ = ["Measures"]

_SUMS = ("sent", "ended", "acknowledged", "non_2xx", "no_answer", "first")
_EXTREMES = ("first_due_ms", "last_due_ms", "first_sent_us", "last_sent_us")
_DIGEST_BYTES = 16
_DIGEST_MASK = (1 << 8 * _DIGEST_BYTES) - 1


class Measures:
    """
    Counts, times and a digest of what was sent; all of them add up, in whatever order.
    """

    def __init__(self) -> None:
        self.sent = 0
        """Attempts that were begun."""
        self.ended = 0
        self.acknowledged = 0
        self.non_2xx = 0
        self.no_answer = 0
        self.first = 0
        """First attempts among those that were begun: as many webhooks came to be sent."""
        self.digest = 0
        """Of the set of (message, webhook and its bytes, due instant) of first attempts."""
        self.late = Histogram()
        """From when each attempt was due to when it was sent."""
        self.answered = Histogram()
        """From when each attempt was due to the end of its answer."""
        self.first_due_ms: int | None = None
        self.last_due_ms = 0
        self.first_sent_us = 0
        self.last_sent_us = 0
        """When the first and the last first attempt was sent, in real time from the start of the run."""

    def begin(self, due_ms: int, late_us: int | None, at_us: int, *, first: bool) -> None:
        """Count an attempt that is sent at *at_us* from the start of the run; None: nothing can be late."""
        self.sent += 1
        if late_us is not None:
            self.late.add(late_us)
        if not first:
            return
        self.first += 1
        if self.first_due_ms is None:
            self.first_due_ms, self.first_sent_us = due_ms, at_us
        self.first_due_ms = min(self.first_due_ms, due_ms)
        self.last_due_ms = max(self.last_due_ms, due_ms)
        self.last_sent_us = at_us

    def stamp(self, webhook: Webhook, request: WebhookRequest | None) -> None:
        """Enter a webhook's first attempt in the digest."""
        key = webhook.reports[0].key
        about = webhook.recipient if key is None else f"{key.provider} {key.recipient} {key.ordinal}"
        name = f"{about}\n{webhook.id}\n{webhook.due_ms}\n"
        what = blake2b(name.encode(), digest_size=_DIGEST_BYTES)
        if request is not None:
            what.update(request.url.encode())
            what.update(b"\n")
            what.update(request.body)
        self.digest = (self.digest + int.from_bytes(what.digest(), "big")) & _DIGEST_MASK

    def end(self, late_us: int, attempt: Attempt, *, timed: bool) -> None:
        """Count how an attempt ended that was begun *late_us* after it was due."""
        self.ended += 1
        if attempt.acknowledged:
            self.acknowledged += 1
        elif attempt.status:
            self.non_2xx += 1
        else:
            self.no_answer += 1
        if timed and attempt.measured:
            self.answered.add(late_us + attempt.latency_real_us)

    def as_plain(self) -> dict[str, object]:
        """Return it as what any message can carry."""
        plain: dict[str, object] = {name: getattr(self, name) for name in (*_SUMS, *_EXTREMES)}
        return plain | {
            "digest": f"{self.digest:x}",
            "late": self.late.encoded().decode("ascii"),
            "answered": self.answered.encoded().decode("ascii"),
        }

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Measures:
        """Return what `as_plain` has made plain."""
        measures = cls()
        for name in (*_SUMS, *_EXTREMES):
            setattr(measures, name, plain[name])
        measures.digest = int(plain["digest"], 16)
        measures.late = Histogram(plain["late"].encode("ascii"))
        measures.answered = Histogram(plain["answered"].encode("ascii"))
        return measures

    def join(self, other: Measures) -> None:
        """Count what *other* has counted, too."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.digest = (self.digest + other.digest) & _DIGEST_MASK
        self.late.join(other.late)
        self.answered.join(other.answered)
        if other.first_due_ms is None:
            return
        if self.first_due_ms is None:
            self.first_due_ms, self.first_sent_us = other.first_due_ms, other.first_sent_us
        self.first_due_ms = min(self.first_due_ms, other.first_due_ms)
        self.first_sent_us = min(self.first_sent_us, other.first_sent_us)
        self.last_due_ms = max(self.last_due_ms, other.last_due_ms)
        self.last_sent_us = max(self.last_sent_us, other.last_sent_us)

    def asked_per_s(self, rate: int) -> float | None:
        """Return how many webhooks a second were due, on a clock that goes *rate* times as fast as ours."""
        if self.first_due_ms is None or self.last_due_ms == self.first_due_ms:
            return None
        return (self.first - 1) * 1_000 * rate / (self.last_due_ms - self.first_due_ms)

    def reached_per_s(self) -> float | None:
        """Return how many of them were sent a second."""
        took_us = self.last_sent_us - self.first_sent_us
        return (self.first - 1) * 1_000_000 / took_us if took_us > 0 else None

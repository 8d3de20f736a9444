"""
What is counted of webhooks, one after the other, and may be added up over several simulations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from simulator.evidence.purpose import COPIES, blameless
from simulator.kernel.webhooks.webhook import Webhook, WebhookState

__all__ = ["ExactSamples", "Samples", "WebhookTally", "excused_webhook", "nearest_rank", "ranks", "totalled"]

SamplesT = TypeVar("SamplesT", bound="Samples")
_RANKS: Final = {"p50_us": 50, "p99_us": 99, "p99_9_us": 99.9, "max_us": 100}


def nearest_rank(ascending: Sequence[int], percent: float) -> int:
    """Return the least value that *percent* of all values do not exceed; 0 when there are none."""
    return ascending[-(-round(percent * 10) * len(ascending) // 1_000) - 1] if ascending else 0


def ranks(samples: Samples) -> Mapping[str, int]:
    """Return what is told of measured times: p50, p99, p99.9 and the longest; nothing of nothing."""
    return {name: samples.rank(percent) for name, percent in _RANKS.items()} if len(samples) else {}


class Samples(Protocol):
    """
    Measured times in microseconds.
    """

    def add(self, us: int) -> None:
        """Take one more."""
        ...

    def rank(self, percent: float) -> int:
        """Return the least value that *percent* of all do not exceed; 0 when there are none."""
        ...

    def __len__(self) -> int: ...

    def join(self: SamplesT, other: SamplesT) -> None:
        """Take all those of *other*, too."""
        ...


class ExactSamples:
    """
    Every measured time, as it was.
    """

    __slots__ = ("_ordered", "_values")

    def __init__(self) -> None:
        self._values: list[int] = []
        self._ordered = True

    def __len__(self) -> int:
        return len(self._values)

    def add(self, us: int) -> None:
        """Take one more."""
        self._values.append(us)
        self._ordered = False

    def rank(self, percent: float) -> int:
        """Return the least value that *percent* of all do not exceed; 0 when there are none."""
        if not self._ordered:
            self._values.sort()
            self._ordered = True
        return nearest_rank(self._values, percent)

    def join(self, other: ExactSamples) -> None:
        """Take all those of *other*, too."""
        self._values += other._values
        self._ordered = False


def excused_webhook(webhook: Webhook) -> bool:
    """
    Return True for one that is held back, or was lost and never whole and genuine.

    A body that is slow or mislabelled is whole, and refusing it is a loss.
    """
    if webhook.state is WebhookState.HELD:
        return True
    whole = any(not webhook.spoilt(attempt.number) for attempt in webhook.attempts)
    return webhook.state is WebhookState.LOST and not whole


class WebhookTally:
    """
    What became of webhooks, in numbers; how long they took, in samples.
    """

    COUNTS = (
        "webhooks",
        "attempts",
        "acknowledged",
        "lost",
        "dropped",
        "copies",
        "failed",
        "non_2xx",
        "no_answer",
        "retries",
        "missing",
        "missing_lost",
        "held",
        "never_whole",
        "spoilt",
        "forged_taken",
    )

    def __init__(self, samples: Callable[[], Samples] = ExactSamples, *, waits: bool = True) -> None:
        self.webhooks = 0
        """Owed in all, whatever became of them."""
        self.attempts = 0
        self.acknowledged = 0
        self.lost = 0
        """Given up, a sound attempt among theirs."""
        self.dropped = 0
        self.copies = 0
        self.failed = 0
        """Sound attempts that were not acknowledged: by an answer (`non_2xx`) or without one."""
        self.non_2xx = 0
        self.no_answer = 0
        self.retries = 0
        self.missing = 0
        """Not acknowledged, and nobody excuses that; `missing_lost` of them for good."""
        self.missing_lost = 0
        self.held = 0
        self.never_whole = 0
        self.spoilt = 0
        """Forged or broken on purpose, `forged_taken` of them acknowledged so."""
        self.forged_taken = 0
        self.late_max_ms = 0
        self.latencies = samples()
        self.waits = samples() if waits else None
        """From when each attempt was due, on the space's clock, to its answer; None: measured elsewhere."""
        self.queued = samples()

    def take(
        self, webhook: Webhook, *, rate: int = 1, is_bad: Callable[[Webhook, int], bool] | None = None
    ) -> None:
        """
        Count a webhook as it is now; *rate* is how fast a live clock goes.

        *is_bad* tells whether the bytes of an attempt can be told to be bad; without it, none is asked about.
        """
        state = webhook.state
        self.webhooks += 1
        self.attempts += len(webhook.attempts)
        self.copies += not COPIES.isdisjoint(webhook.intended)
        if state is WebhookState.ACKNOWLEDGED:
            self.acknowledged += 1
        elif state is WebhookState.DROPPED:
            self.dropped += 1
        elif excused_webhook(webhook):
            self.held += state is WebhookState.HELD
            self.never_whole += state is not WebhookState.HELD
        else:
            self.missing += 1
            self.missing_lost += state is WebhookState.LOST
        self.lost += state is WebhookState.LOST and not blameless(webhook)
        for attempt in webhook.attempts:
            self.late_max_ms = max(self.late_max_ms, attempt.late_ms)
            if not attempt.acknowledged and not webhook.spoilt(attempt.number):
                self.failed += 1
                self.non_2xx += attempt.status != 0
                self.no_answer += attempt.status == 0
                self.retries += attempt.next_at_ms is not None
            # How long a body takes that is slow on purpose says nothing about who reads it.
            if attempt.measured and webhook.timed(attempt.number):
                self.latencies.add(attempt.latency_real_us)
                if self.waits is not None:
                    self.waits.add(attempt.latency_real_us + attempt.late_ms * 1_000 // rate)
                self.queued.add(attempt.queued_real_us)
        if is_bad is not None and webhook.damage:
            spoilt = [attempt for attempt in webhook.attempts if webhook.spoilt(attempt.number)]
            self.spoilt += bool(spoilt)
            self.forged_taken += any(a.acknowledged and is_bad(webhook, a.number) for a in spoilt)

    @property
    def owed(self) -> int:
        """How many were owed and not dropped on purpose."""
        return self.webhooks - self.dropped

    def join(self, other: WebhookTally) -> None:
        """Count what *other* has counted, too."""
        for name in self.COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.late_max_ms = max(self.late_max_ms, other.late_max_ms)
        self.latencies.join(other.latencies)
        if self.waits is not None and other.waits is not None:
            self.waits.join(other.waits)
        self.queued.join(other.queued)


def totalled(tallies: Iterable[WebhookTally], samples: Callable[[], Samples] = ExactSamples) -> WebhookTally:
    """Return what all *tallies* have counted together."""
    total = WebhookTally(samples)
    for tally in tallies:
        total.join(tally)
    return total

"""
What a rule does to webhooks on their way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from simulator.kernel.model.units import Delay

__all__ = [
    "FORGERIES",
    "SPOILING",
    "Contradict",
    "Damage",
    "DamageKind",
    "Duplicate",
    "Purpose",
    "Reorder",
    "WebhookFaults",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """
    Send some webhooks again, `times` more, each within a delay of the one before.
    """

    share_bp: int = 10_000
    within: Delay
    times: int = 1
    reissue: bool = False
    """The provider makes the copy anew, with new ids where it has some; else the same bytes come again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorder:
    """
    Push some webhooks back by up to `within_ms`, so that later ones overtake them.
    """

    share_bp: int = 10_000
    within_ms: int


class DamageKind(StrEnum):
    """
    What may be wrong with the bytes of a webhook.
    """

    TRUNCATE = "truncated"
    CORRUPT = "corrupted"
    CONTENT_TYPE = "of a wrong content type"
    SIGNATURE = "wrongly signed"
    UNSIGNED = "not signed"
    SLOW = "slow"
    RESPELT = "respelt"


FORGERIES: Final = frozenset({DamageKind.SIGNATURE, DamageKind.UNSIGNED})
"""What can be done only to webhooks that are signed."""
SPOILING: Final = frozenset({DamageKind.TRUNCATE, DamageKind.CORRUPT}) | FORGERIES
"""What a receiver does well to refuse; slow, mislabelled and respelt bodies are whole."""


class Purpose(StrEnum):
    """
    What was done to a webhook on purpose; the integrator is not to blame for it.
    """

    DROPPED = "dropped"
    EARLY = "early"
    DELAYED = "delayed"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    CORRUPTED = "corrupted"
    MISLABELLED = "of a wrong content type"
    MISSIGNED = "wrongly signed"
    UNSIGNED = "not signed"
    SLOW = "slow"
    RESPELT = "respelt"
    DUPLICATE = "duplicate"
    RESENT = "resent"
    CONTRADICTION = "a contradiction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """
    Send the first attempts of some webhooks damaged; what comes after them is sent whole.
    """

    kind: DamageKind
    share_bp: int = 10_000
    attempts: int = 1
    """So many attempts are damaged."""
    real_ms: int = 0
    """For slow ones: how long the body takes, in real time."""

    @property
    def purpose(self) -> Purpose:
        """The same among everything that may be done to a webhook."""
        return Purpose(self.kind.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradict:
    """
    Report the opposite of how some messages ended, some time after the truth.
    """

    share_bp: int = 10_000
    after: Delay


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookFaults:
    """
    What a rule does to the webhooks of a message.
    """

    delay: Delay | None = None
    duplicate: Duplicate | None = None
    reorder: Reorder | None = None
    drop_share_bp: int = 0
    contradict: Contradict | None = None
    damage: tuple[Damage, ...] = ()
    early: bool = False
    """Report before the send call is answered."""
    during: tuple[int, int | None] | None = None
    """From and until when anything is done to what is told; in a rule, since the start of the scenario."""

    def counted_from(self, start_ms: int) -> WebhookFaults:
        """Return these faults with their span on the clock of the space."""
        if self.during is None:
            return self
        first_ms, end_ms = self.during
        span = (start_ms + first_ms, None if end_ms is None else start_ms + end_ms)
        return replace(self, during=span)

    def holds(self, now_ms: int) -> bool:
        """Return True when what falls due now is in the span."""
        if self.during is None:
            return True
        first_ms, end_ms = self.during
        return first_ms <= now_ms and (end_ms is None or now_ms < end_ms)

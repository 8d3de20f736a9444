"""
What we owe the integrator: webhooks, the attempts at paying them, and what may go wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from msgspec import Struct, structs

from simulator.kernel.model.causes import Cause
from simulator.kernel.model.chance import Draws
from simulator.kernel.model.faults import SPOILING, Damage, DamageKind, Purpose
from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.submission import MessageKey

__all__ = [
    "Attempt",
    "Report",
    "RetrySchedule",
    "Sender",
    "Webhook",
    "WebhookPolicy",
    "WebhookRequest",
    "WebhookState",
]


class WebhookState(StrEnum):
    """
    Where a webhook is.
    """

    SCHEDULED = "scheduled"
    HELD = "held"
    IN_FLIGHT = "in flight"
    ACKNOWLEDGED = "acknowledged"
    LOST = "lost"
    DROPPED = "dropped"


_PENDING: Final = frozenset({WebhookState.SCHEDULED, WebhookState.HELD, WebhookState.IN_FLIGHT})


class Report(Struct, frozen=True, kw_only=True, gc=False):
    """
    One thing to tell the integrator: a delivery report, a read receipt, an inbound message.

    `label` names it among the reports of its message (`delivered`), so that its
    webhook's id does not depend on the order of other messages.  `payload` is
    the provider's own snapshot of the facts, rendered when the webhook is sent.
    """

    provider: str
    recipient: str
    label: str
    target: str
    """Where it goes; empty: nowhere, though it can be pulled where the provider has that."""
    at_ms: int
    key: MessageKey | None = None
    rank: int = 0
    """Which goes first among reports about one recipient that no message caused and one instant did."""
    batch: str = ""
    """Reports of one batch name, provider and target may share a webhook; empty: never."""
    payload: object = None
    tells: State | None = None
    """The state of its message that it reports, true or not; None: it is about something else."""


class Attempt(Struct, frozen=True, kw_only=True, gc=False):
    """
    One try at delivering a webhook.
    """

    number: int
    at_ms: int
    status: int = 0
    """The integrator's HTTP status; 0 when there was none."""
    error: str = ""
    """Why there was no status, in words for people."""
    cause: Cause | None = None
    """The same as what can be asked for; None: there was a status."""
    note: str = ""
    """What was odd about an answer that counts all the same: shorter than announced, more than it may be."""
    acknowledged: bool = False
    late_ms: int = 0
    """How much later than due it began, on the space's clock: it waited for a free place or its turn."""
    queued_real_us: int = 0
    """How long it was ready and waited for a free place, or for an earlier one to the same recipient."""
    latency_real_us: int = 0
    excerpt: str = ""
    """The first bytes of the integrator's answer."""
    headers: tuple[tuple[str, str], ...] = ()
    """Of an answer that acknowledges nothing: its headers, the first ones of very many."""
    next_at_ms: int | None = None
    """When the next attempt is due; None: there is none."""

    @property
    def measured(self) -> bool:
        """True when its latency says how quick the receiver is: it answered, or was waited for in vain."""
        return self.status != 0 or self.cause is Cause.TIMED_OUT


class Webhook(Struct, kw_only=True, gc=False, eq=False):
    """
    One HTTP request owed to the integrator, and every attempt at it.
    """

    id: str
    provider: str
    recipient: str
    target: str
    reports: list[Report]
    created_ms: int
    due_ms: int
    state: WebhookState = WebhookState.SCHEDULED
    attempts: list[Attempt] = []
    damage: tuple[Damage, ...] = ()
    """What is wrong with the bytes of its first attempts."""
    intended: tuple[Purpose, ...] = ()
    """What a scenario did to it on purpose, in the order in which it did; the integrator is not to blame."""
    about: MessageKey | None = None
    """What a recipient did, or what else happened, that it tells of where no message caused it."""
    sequence: int = 0
    """Which it is among the reports about its message; 0: no message caused it."""

    @property
    def pending(self) -> bool:
        """True while it is still owed."""
        return self.state in _PENDING

    def damage_of(self, attempt: int) -> tuple[Damage, ...]:
        """Return what is wrong with the bytes of attempt number *attempt*."""
        return tuple(damage for damage in self.damage if attempt <= damage.attempts) if self.damage else ()

    def spoilt(self, attempt: int) -> bool:
        """Return True when attempt number *attempt* is to be refused: broken, or signed by somebody else."""
        return any(damage.kind in SPOILING for damage in self.damage_of(attempt))

    def timed(self, attempt: int) -> bool:
        """Return True when the time that attempt number *attempt* takes is the receiver's own."""
        harm = {damage.kind for damage in self.damage_of(attempt)}
        return harm.isdisjoint(SPOILING | {DamageKind.SLOW})

    @property
    def order(self) -> tuple[int | str, ...]:
        """Last of all at an instant; by recipient and message, then in the order in which things happened."""
        first = self.reports[0]
        ordinal = first.key.ordinal if first.key else 0
        happened = (first.at_ms, first.rank, self.sequence)
        return (4, self.provider, self.recipient, ordinal, *happened, first.label, self.id)


class WebhookRequest(Struct, frozen=True, kw_only=True, gc=False):
    """
    The bytes of one webhook, ready to be sent.
    """

    url: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "POST"
    signed_by: tuple[str, ...] = ()
    """Names of the headers that hold a signature."""
    covered: bytes = b""
    """The part of the body, as it stands there, that they are about; empty: all of it."""
    slow_real_ms: int = 0
    """How long sending the body takes, on purpose."""
    sign: Callable[[bytes], str] | None = None
    """Returns what those headers hold for other bytes of the body; None: the body is not what is signed."""

    def named(self, agent: str) -> WebhookRequest:
        """Return the request with the header User-Agent, unless it has one."""
        if any(name.lower() == "user-agent" for name, _ in self.headers):
            return self
        return structs.replace(self, headers=(*self.headers, ("User-Agent", agent)))


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """
    How long to wait after each failed attempt, in virtual time; no entry left: the webhook is lost.
    """

    delays_ms: tuple[int, ...] = ()
    jitter_bp: int = 0
    """By how much a wait may be shorter than the schedule says; drawn for each attempt."""
    within_ms: int = 0
    """How long after the first attempt the last one may be; 0: as long as there are waits."""

    def next_delay_ms(self, attempts_made: int) -> int | None:
        """Return the longest wait after attempt number *attempts_made*, or None to give up."""
        return self.delays_ms[attempts_made - 1] if attempts_made <= len(self.delays_ms) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPolicy:
    """
    How a provider delivers webhooks.
    """

    retry: RetrySchedule = RetrySchedule()
    acknowledged_from: int = 200
    acknowledged_to: int = 299
    timeout_real_ms: int = 10_000
    in_flight_max: int = 32
    batch_max: int = 1
    batch_wait_ms: int = 0
    verify_tls: bool = True
    pause_ms: int = 0
    """How long an attempt that was not acknowledged holds up everything else the account sends."""
    repeats: Callable[[str, Attempt], bool] | None = None
    """
    Whether an attempt at a target that was not acknowledged is followed by another one.

    It sees the target with its fragment, and what came of the attempt: no connection
    (`status` 0), a status, its number.  None: always, as long as `retry` has a wait left.
    """

    def acknowledges(self, status: int) -> bool:
        """Return True when the integrator's *status* counts as received."""
        return self.acknowledged_from <= status <= self.acknowledged_to


class Sender(Protocol):
    """
    What is asked of an account about the webhooks that are sent in its name.
    """

    @property
    def policy(self) -> WebhookPolicy:
        """How webhooks are delivered."""
        ...

    def reissue(self, report: Report, draws: Draws) -> Report:
        """Return *report* as the provider makes it a second time, with new ids where it numbers them."""
        ...

    def render(self, webhook: Webhook) -> WebhookRequest:
        """Return the request for *webhook*; the same bytes however often it is asked."""
        ...

"""
An Infobip account's settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from simulator.kernel.shape import (
    Choice,
    DelayShape,
    Duration,
    Either,
    Field,
    Integer,
    ListOf,
    Number,
    Record,
    Shape,
    Text,
    Word,
)
from simulator.kernel.units import Delay, UniformDelay
from simulator.kernel.webhook import RetrySchedule, WebhookPolicy
from simulator.webhook_settings import changed_policy, webhook_fields

__all__ = ["RETRY_DOCUMENTED", "SETTINGS", "Settings"]

RETRY_DOCUMENTED: Final = RetrySchedule(tuple(60_000 + 60_000 * n * n for n in range(20)))
"""
20 retries, 1 min + 1 min × n² after attempt n, 41 h 30 min in all.

Source: "Push retry cycle" of "SMS over API" in the Infobip documentation.
"""


_DELIVER_AFTER: Final = UniformDelay(1_000, 4_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    What can be said about an account; each default is the documented behaviour or the chosen one.
    """

    credentials: tuple[str, ...] = ()
    webhook_url: str = ""
    policy: WebhookPolicy = field(default_factory=lambda: WebhookPolicy(retry=RETRY_DOCUMENTED))
    send_status: Mapping[str, int] = field(default_factory=lambda: {"v1": 7, "v2": 26, "v3": 26})
    default_sender: str = "InfoSMS"
    senders: tuple[str, ...] = ()
    invalid_number: str = "answer"
    duplicate_window_ms: int = 48 * 3_600_000
    destinations_max: int = 0
    envelope_v3: str = "documented"
    price_per_message: int | float = 0.01
    currency: str = "EUR"
    deliver_after: Delay = _DELIVER_AFTER
    pull: str = "all"

    def changed(self, values: Mapping[str, object]) -> Settings:
        """Return these settings with what *values*, as SETTINGS read them, say."""
        plain = {name: value for name, value in values.items() if name != "webhook"}
        if "send_status" in plain:
            plain["send_status"] = {**self.send_status, **_mapping(plain["send_status"])}
        webhook = _mapping(values.get("webhook", {}))
        policy = changed_policy(self.policy, webhook, RETRY_DOCUMENTED)
        url = str(webhook.get("url", self.webhook_url))
        return replace(self, policy=policy, webhook_url=url, **plain)  # type: ignore[arg-type]


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected a mapping, got {type(value).__name__}")
    return value


_SEND_STATUS: Final = Choice({"PENDING_ENROUTE": 7, "PENDING_ACCEPTED": 26})

SETTINGS: Final[Shape[Mapping[str, object]]] = Record(
    dict,
    [
        Field(
            "credentials",
            ListOf(Text(1, 500)),
            "The only credentials accepted: keys and tokens bare, Basic as user:password. None listed: any.",
        ),
        Field("webhook", Record(dict, webhook_fields()), "Delivery reports by push."),
        Field(
            "send_status",
            Record(dict, [Field(name, _SEND_STATUS, f"For {name} sends.") for name in ("v1", "v2", "v3")]),
            "The status in the answer to an accepted, unscheduled send.",
        ),
        Field("default_sender", Text(0, 64), "The sender of messages that name none."),
        Field(
            "senders",
            ListOf(Text(1, 64)),
            "Registered senders; others are rejected with REJECTED_SOURCE. None listed: any.",
        ),
        Field(
            "invalid_number",
            Either(Word("answer"), Word("report")),
            "Reject what is no phone number in the answer (52), or later by report (8).",
        ),
        Field(
            "duplicate_window",
            Duration(),
            "How long a messageId is remembered (OC-12); 0s: never refuse a repeated one.",
            argument="duplicate_window_ms",
        ),
        Field(
            "destinations_max",
            Integer(0, 1_000_000),
            "Most destinations in a request (OC-10); 0: no limit.",
        ),
        Field(
            "envelope_v3",
            Either(Word("documented"), Word("legacy")),
            "Shape of errors under /sms/3 (OC-2): the documented ApiError, or that of v1 and v2.",
        ),
        Field("price_per_message", Number(), "Price of a message in reports."),
        Field("currency", Text(3, 3), "Currency of prices."),
        Field("deliver_after", DelayShape(), "From sending to delivery when no rule says otherwise."),
        Field(
            "pull",
            Either(Word("all"), Word("unpushed")),
            "Which reports can be pulled (OC-8): all, or only those that were not pushed.",
        ),
    ],
    doc="Settings of the Infobip account.",
)

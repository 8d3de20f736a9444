"""
An Infobip account's settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from simulator.provider import (
    Choice,
    Delay,
    DelayShape,
    Duration,
    Either,
    Field,
    Integer,
    ListOf,
    MapOf,
    Number,
    Record,
    RetrySchedule,
    Shape,
    Text,
    UniformDelay,
    WebhookPolicy,
    Word,
    changed_policy,
    mapping_of,
    webhook_fields,
)
from simulator.providers.infobip.securing import ALGORITHMS, NO_SECURITY, Hmac, Security

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
    security: Security = NO_SECURITY
    inbound_url: str = ""
    inbound_number: str = "385921004026"
    keywords: tuple[str, ...] = ()
    clicks_url: str = ""
    policy: WebhookPolicy = field(default_factory=lambda: WebhookPolicy(retry=RETRY_DOCUMENTED))
    send_status: Mapping[str, int] = field(default_factory=lambda: {"v1": 7, "v2": 26, "v3": 26})
    default_sender: str = "InfoSMS"
    senders: tuple[str, ...] = ()
    invalid_number: str = "answer"
    duplicate_window_ms: int = 48 * 3_600_000
    empty_text: str = "accept"
    past_send_at: str = "send"
    bulk_transitions: str = "strict"
    canceled_report: str = "notify_url"
    forbidden: str = "FORBIDDEN"
    logs_per_minute: int = 120
    xml_v1: str = "later"
    destinations_max: int = 0
    envelope_v3: str = "documented"
    balance: int | float = 1_000_000
    price_per_message: int | float = 0.01
    charge: str = "part"
    currency: str = "EUR"
    deliver_after: Delay = _DELIVER_AFTER
    pull: str = "all"

    def changed(self, values: Mapping[str, object]) -> Settings:
        """Return these settings with what *values*, as SETTINGS read them, say."""
        grouped = ("webhook", "inbound", "clicks")
        plain = {name: value for name, value in values.items() if name not in grouped}
        if "send_status" in plain:
            plain["send_status"] = {**self.send_status, **mapping_of(plain["send_status"])}
        webhook = mapping_of(values.get("webhook", {}))
        inbound = mapping_of(values.get("inbound", {}))
        changed = replace(
            self,
            policy=changed_policy(self.policy, webhook, RETRY_DOCUMENTED),
            security=_security(self.security, webhook),
            webhook_url=str(webhook.get("url", self.webhook_url)),
            clicks_url=str(mapping_of(values.get("clicks", {})).get("url", self.clicks_url)),
            **plain,  # type: ignore[arg-type]
        )
        return replace(changed, **{_INBOUND[name]: value for name, value in inbound.items()})  # type: ignore[arg-type]


_INBOUND: Final = {"url": "inbound_url", "number": "inbound_number", "keywords": "keywords"}


def _security(security: Security, webhook: Mapping[str, object]) -> Security:
    headers = webhook.get("headers")
    if isinstance(headers, Mapping):
        security = security._replace(headers=tuple(headers.items()))
    basic = webhook.get("basic")
    if isinstance(basic, tuple):
        security = security._replace(basic=basic)
    signature = webhook.get("hmac")
    if isinstance(signature, Hmac):
        security = security._replace(hmac=signature)
    if "secure" in webhook:
        security = security._replace(everywhere=webhook["secure"] == "all")
    return security


_HEADER_NAME: Final = Text(1, 100, r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "a header name", ("X-Signature",))
_HEADER_VALUE: Final = Text(0, 4_000, r"[\t -~]*", "a header value of printable ASCII")

_SECURITY_FIELDS: Final = [
    Field("headers", MapOf(_HEADER_VALUE, _HEADER_NAME, 50), "Custom headers of each webhook, by name."),
    Field(
        "basic",
        Record(
            lambda user, password: (user, password),
            [
                Field("user", Text(1, 500), "User name.", required=True),
                Field("password", Text(0, 500), "Password.", required=True),
            ],
        ),
        "Basic authentication of each webhook.",
    ),
    Field(
        "hmac",
        Record(
            Hmac,
            [
                Field("secret", Text(1, 500), "The shared secret.", required=True),
                Field("algorithm", Choice({name: name for name in ALGORITHMS}), "HMAC_SHA_256 unless said."),
                Field("header", _HEADER_NAME, "X-Signature unless said; no name is documented."),
            ],
        ),
        "A signature of each webhook: the HMAC of its body, in lower-case hexadecimal.",
    ),
    Field(
        "secure",
        Either(Word("subscription"), Word("all")),
        "Which webhooks get headers and signature: those to the account's own URLs, or all.",
    ),
]

_SEND_STATUS: Final = Choice({"PENDING_ENROUTE": 7, "PENDING_ACCEPTED": 26})

SETTINGS: Final[Shape[Mapping[str, object]]] = Record(
    dict,
    [
        Field(
            "credentials",
            ListOf(Text(1, 500)),
            "The only credentials accepted: keys and tokens bare, Basic as user:password. None listed: any.",
        ),
        Field(
            "webhook",
            Record(dict, [*webhook_fields(), *_SECURITY_FIELDS]),
            "Delivery reports by push, as a subscription has it.",
        ),
        Field(
            "inbound",
            Record(
                dict,
                [
                    Field("url", Text(max_length=2_048), "Where inbound messages go; empty: pull only."),
                    Field("number", Text(1, 64), "The number that recipients write to unless they say."),
                    Field("keywords", ListOf(Text(1, 100)), "Keywords that are configured for the number."),
                ],
            ),
            "Messages that recipients write.",
        ),
        Field(
            "clicks",
            Record(dict, [Field("url", Text(max_length=2_048), "Where clicks go unless the send says.")]),
            "Clicks on tracked URLs.",
        ),
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
        Field(
            "empty_text",
            Either(Word("accept"), Word("refuse")),
            "A message without text on v1 and v2 (OC-1): one empty part, or a bad request.",
        ),
        Field(
            "past_send_at",
            Either(Word("send"), Word("refuse")),
            "A sendAt in the past (OC-4): send at once, or a bad request.",
        ),
        Field(
            "bulk_transitions",
            Either(Word("strict"), Word("lenient")),
            "Setting a bulk to the status it has (OC-5): a bad request, or no change.",
        ),
        Field(
            "canceled_report",
            Either(Word("notify_url"), Word("always"), Word("never")),
            "Report messages of a canceled bulk (OC-13): where a notifyUrl was given, always, or never.",
        ),
        Field(
            "forbidden",
            Either(Word("FORBIDDEN"), Word("UNAUTHORIZED")),
            "The messageId of a 403 (OC-11), with the text that goes with it.",
        ),
        Field("logs_per_minute", Integer(0, 1_000_000), "Most calls for logs a minute; 0: no limit."),
        Field(
            "xml_v1",
            Either(Word("later"), Word("2015")),
            "How v1 writes lists in XML: <messages><message>, or <messages><messages> as in 2015.",
        ),
        Field("balance", Number(), "What the account has; when it is used up, status 12."),
        Field(
            "charge",
            Either(Word("part"), Word("message")),
            "What the price is taken for: each part, or each message.",
        ),
        Field("price_per_message", Number(), "The unit price, in reports and for the balance."),
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

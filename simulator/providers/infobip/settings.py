"""
An Infobip account's settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from simulator.provider import (
    TARGET,
    Boolean,
    Choice,
    Delay,
    DelayShape,
    Duration,
    Either,
    Field,
    Integer,
    ListOf,
    Number,
    Record,
    RetrySchedule,
    Shape,
    Text,
    WebhookSettings,
    Word,
    group,
    normal_address,
    setting,
    settings_shape,
)
from simulator.providers.infobip.codes import STATUS_BY_NAME
from simulator.providers.infobip.securing import Security

__all__ = ["RETRY_DOCUMENTED", "SETTINGS", "Settings"]

RETRY_DOCUMENTED: Final = RetrySchedule(tuple(60_000 + 60_000 * n * n for n in range(20)))
"""
20 retries, 1 min + 1 min × n² after attempt n, 41 h 30 min in all.

Source: "Push retry cycle" of "SMS over API" in the Infobip documentation.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundSettings:
    """
    How messages that recipients write reach the integrator.
    """

    url: str = setting(TARGET, "", "Where inbound messages go; empty: pull only.")
    number: str = setting(Text(1, 64), "385921004026", "The number that recipients write to unless they say.")
    keywords: tuple[str, ...] = setting(
        ListOf(Text(1, 100)), [], "Keywords that are configured for the number."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickSettings:
    """
    How clicks on tracked URLs reach the integrator.
    """

    url: str = setting(TARGET, "", "Where clicks go unless the send says.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSettings:
    """
    What a trial account may do: send as somebody from a short list, to numbers of its own.
    """

    numbers: str | Sequence[str] = setting(
        Either[str | Sequence[str]](Word("any"), ListOf(Text(1, 64))),
        "any",
        "The account's own numbers; messages to others are accepted, and reported with status 18 and error "
        "579. any: this is no trial account.",
    )
    senders: tuple[str, ...] = setting(
        ListOf(Text(1, 64)),
        ["InfoSMS", "ServiceSMS", "DemoCompany"],
        "Senders of a trial account; others are rejected with REJECTED_SOURCE.",
    )

    @property
    def on(self) -> bool:
        """Whether this is a trial account."""
        return self.numbers != "any"

    def reaches(self, recipient: str) -> bool:
        """Return whether a number is one of the account's own."""
        return recipient in map(normal_address, self.numbers)


_SEND_STATUS: Final = Choice({"PENDING_ENROUTE": 7, "PENDING_ACCEPTED": 26})
_ENDS: Final = [status for status in STATUS_BY_NAME.values() if status.final]
_PRICED: Final = sorted({name for status in _ENDS for name in (status.group_name, status.name)})
_SEND_STATUSES: Final[Shape[Mapping[str, int]]] = Record(
    dict, [Field(name, _SEND_STATUS, f"For {name} sends.") for name in ("v1", "v2", "v3")]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    What can be said about an account; each default is the documented behaviour or the chosen one.
    """

    credentials: tuple[str, ...] = setting(
        ListOf(Text(1, 500)),
        [],
        "The only credentials accepted: keys and tokens bare, Basic as user:password. None listed: any.",
        secret=True,
    )
    webhook: WebhookSettings = group(WebhookSettings, "Delivery reports by push, as a subscription has it.")
    security: Security = group(Security, "What webhooks are secured with.", name="webhook")
    inbound: InboundSettings = group(InboundSettings, "Messages that recipients write.")
    clicks: ClickSettings = group(ClickSettings, "Clicks on tracked URLs.")
    trial: TrialSettings = group(
        TrialSettings, "A trial account, which most accounts are in their first hour."
    )
    send_status: Mapping[str, int] = setting(
        _SEND_STATUSES,
        {"v1": "PENDING_ENROUTE", "v2": "PENDING_ACCEPTED", "v3": "PENDING_ACCEPTED"},
        "The status in the answer to an accepted, unscheduled send.",
        merges=True,
    )
    accepted_form: str = setting(
        Either(Word("later"), Word("page"), Word("older")),
        "later",
        "Answers to v1 sends: later, with 26 worded as in traffic; page, with 26 described as Pending "
        "Accepted; older, every status 26 MESSAGE_ACCEPTED, without smsCount and trackingProcessKey.",
    )
    default_sender: str = setting(Text(0, 64), "InfoSMS", "The sender of messages that name none.")
    senders: tuple[str, ...] = setting(
        ListOf(Text(1, 64)),
        [],
        "Registered senders; others are rejected with REJECTED_SOURCE. None listed: any.",
    )
    sender_form: str = setting(
        Either(Word("any"), Word("documented")),
        "any",
        "Which senders are good: any, or those of 3 to 11 letters and digits or 3 to 14 digits; others are "
        "rejected with REJECTED_SOURCE.",
    )
    invalid_number: str = setting(
        Either(Word("answer"), Word("report")),
        "answer",
        "Reject what is no phone number in the answer (52), or later by report (8).",
    )
    duplicate_window_ms: int = setting(
        Duration(),
        "48h",
        "How long a messageId is remembered (OC-12); 0s: never refuse a repeated one.",
        name="duplicate_window",
    )
    destinations_max: int = setting(
        Integer(0, 1_000_000), 0, "Most destinations in a request (OC-10); 0: no limit."
    )
    envelope_v3: str = setting(
        Either(Word("documented"), Word("legacy")),
        "documented",
        "Shape of errors under /sms/3 (OC-2): the documented ApiError, or that of v1 and v2.",
    )
    empty_text: str = setting(
        Either(Word("accept"), Word("refuse")),
        "accept",
        "A message without text on v1 and v2 (OC-1): one empty part, or a bad request.",
    )
    coerce: bool = setting(
        Boolean(),
        False,
        "Take texts that hold a number or a boolean for it, and numbers for their text (OC-4), as in "
        '"validityPeriod": "720" or "to": 41793026727; else they are a bad request.',
    )
    past_send_at: str = setting(
        Either(Word("send"), Word("refuse")),
        "send",
        "A sendAt in the past (OC-4): send at once, or a bad request.",
    )
    bulk_transitions: str = setting(
        Either(Word("strict"), Word("lenient")),
        "strict",
        "Setting a bulk to the status it has (OC-5): a bad request, or no change.",
    )
    canceled_report: str = setting(
        Either(Word("notify_url"), Word("always"), Word("never")),
        "notify_url",
        "Report messages of a canceled bulk (OC-13): where a notifyUrl was given, always, or never.",
    )
    forbidden: str = setting(
        Either(Word("FORBIDDEN"), Word("UNAUTHORIZED")),
        "FORBIDDEN",
        "The messageId of a 403 (OC-11), with the text that goes with it.",
    )
    logs_per_minute: int = setting(Integer(0, 1_000_000), 120, "Most calls for logs a minute; 0: no limit.")
    xml_v1: str = setting(
        Either(Word("later"), Word("2015")),
        "later",
        "How v1 writes lists in XML: <messages><message>, or <messages><messages> as in 2015.",
    )
    balance: int | float = setting(
        Number(), 1_000_000, "What the account has; when it is used up, status 12."
    )
    charge: str = setting(
        Either(Word("part"), Word("message")),
        "part",
        "What the price is taken for: each part, or each message.",
    )
    free: tuple[str, ...] = setting(
        ListOf(Choice({name: name for name in _PRICED})),
        ["REJECTED", "UNDELIVERABLE_NOT_SENT"],
        "Statuses, and groups of them, whose messages cost nothing. With SIGNALS_BLOCKED that status is in "
        "the group REJECTED, else in EXPIRED.",
    )
    price_decimals: int = setting(
        Integer(0, 10), 0, "Decimals of prices in reports, up to the ten of real ones; 0: as few as needed."
    )
    price_per_message: int | float = setting(
        Number(), 0.01, "The unit price, in reports and for the balance."
    )
    currency: str = setting(Text(3, 3), "EUR", "Currency of prices.")
    time_zone: str = setting(
        Text(
            5,
            5,
            r"[+-](?:0[0-9]|1[0-4])[0-5][0-9]",
            "an offset such as +0000 or -0300",
            ("+0000", "+0100", "-0300"),
        ),
        "+0000",
        "The offset that dates are told with, in reports, logs, inbound messages and bulks.",
    )
    mcc_mnc: str = setting(
        Either(Word("known"), Word("or_null"), Word("only_null")),
        "known",
        "The network in reports and logs: where it is known; else the text null; or that text always.",
    )
    log_texts: bool = setting(
        Boolean(), True, "Logs show texts; else v3 rows have an empty content, and v1 rows no text."
    )
    deliver_after: Delay = setting(
        DelayShape(), "1s..4s", "From sending to delivery when no rule says otherwise."
    )
    pull: str = setting(
        Either(Word("all"), Word("unpushed")),
        "all",
        "Which reports can be pulled (OC-8): all, or only those that were not pushed.",
    )

    def status_on_send(self, generation: int) -> int:
        """Return the status in the answer to an accepted, unscheduled send."""
        if generation == 1 and self.accepted_form == "older":
            return 26
        return self.send_status[f"v{generation}"]


SETTINGS: Final = settings_shape(Settings, "Settings of the Infobip account.")

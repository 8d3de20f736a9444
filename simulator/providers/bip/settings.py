"""
A BiP service's settings: what the operator grants it, and the choices the documentation leaves open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from simulator.provider import (
    Boolean,
    Choice,
    ConstantDelay,
    Delay,
    DelayShape,
    Duration,
    Either,
    Field,
    Integer,
    ListOf,
    Mapped,
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
from simulator.providers.bip.codes import ERROR_ORDER, GENERAL_ERROR, STRUCTURAL_RULES, VERIFICATION_ORDER

__all__ = ["METHODS", "RETRY_DOCUMENTED", "SETTINGS", "Limits", "SessionRules", "Settings"]

RETRY_DOCUMENTED: Final = RetrySchedule()
"""None at all (OC-7): the sibling REX service is documented not to retry, and to want a 200."""

METHODS: Final = (
    "sendmsgserv",
    "sendmsgservlist",
    "sendmultiusermulticontent",
    "listcontacts",
    "followercount",
)

_DELIVER_AFTER: Final = UniformDelay(500, 3_000)
_WORK_AFTER: Final = ConstantDelay(500)
_POLICY: Final = WebhookPolicy(retry=RETRY_DOCUMENTED, acknowledged_to=200)
_WINDOWS: Final = ("day", "week", "month")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRules:
    """
    What a session allows (OC-14); neither number is published.
    """

    required: bool = True
    length_ms: int = 86_400_000
    messages: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    The largest request that is not answered with 308 (OC-9); 0: no limit.
    """

    receivers: int = 0
    messages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    What can be said about a service; each default is the documented behaviour or the chosen one.
    """

    credentials: tuple[str, ...] = ()
    webhook_url: str = ""
    webhook_basic: str = ""
    policy: WebhookPolicy = _POLICY
    active: bool = True
    authorized: bool = True
    reports: bool = True
    plain_numbers: bool = True
    methods: tuple[str, ...] = METHODS
    session: SessionRules = SessionRules()
    quotas: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    quota_offset_ms: int = 3 * 3_600_000
    limits: Limits = Limits()
    duplicate_window_ms: int = 0
    unauthorized_http: int = 401
    verification_http: int = 400
    structural_codes: Mapping[str, int] = field(
        default_factory=lambda: dict.fromkeys(STRUCTURAL_RULES, GENERAL_ERROR)
    )
    verification_order: tuple[str, ...] = VERIFICATION_ORDER
    error_order: tuple[int, ...] = ERROR_ORDER
    read_reporttype: int = 1
    expired_reporttype: int | str = "none"
    failure_entries: str = "recipient"
    bad_receiver: str = "request"
    broadcast_in_list: str = "refuse"
    unknown_fields: str = "ignore"
    empty_list: str = "accept"
    coerce: bool = True
    trim_addresses: bool = True
    trim_feedback_url: bool = True
    lenient_media: bool = False
    check_media: bool = False
    media_hosts: tuple[str, ...] = ("timsac.turkcell.com.tr", "prptims.turkcell.com.tr")
    hash_form: str = "base64"
    location_form: str = "documented"
    incoming_txnid: bool = True
    report_list_max: int = 0
    work_after: Delay = _WORK_AFTER
    deliver_after: Delay = _DELIVER_AFTER
    validity_ms: int = 7 * 86_400_000
    file_url: str = "http://timsac.turkcell.com.tr/fts/files"

    def changed(self, values: Mapping[str, object]) -> Settings:
        """Return these settings with what *values*, as SETTINGS read them, say."""
        plain = {name: value for name, value in values.items() if name != "webhook"}
        if "session" in plain:
            plain["session"] = replace(self.session, **mapping_of(plain["session"]))  # type: ignore[arg-type]
        if "limits" in plain:
            plain["limits"] = replace(self.limits, **mapping_of(plain["limits"]))  # type: ignore[arg-type]
        if "structural_codes" in plain:
            plain["structural_codes"] = {**self.structural_codes, **mapping_of(plain["structural_codes"])}
        if "quotas" in plain:
            plain["quotas"] = {**self.quotas, **mapping_of(plain["quotas"])}
        webhook = mapping_of(values.get("webhook", {}))
        policy = changed_policy(self.policy, webhook, RETRY_DOCUMENTED)
        url = str(webhook.get("url", self.webhook_url))
        basic = str(webhook.get("basic", self.webhook_basic))
        return replace(self, policy=policy, webhook_url=url, webhook_basic=basic, **plain)  # type: ignore[arg-type]

    @property
    def report_url(self) -> str:
        """Where sent reports go: the feedback URL, `/report`, and one slash between them (OC-24)."""
        path, mark, query = self.webhook_url.partition("?")
        if self.trim_feedback_url:
            path = path.rstrip("/")
        return f"{path}/report{mark}{query}" if path else ""


_Item = TypeVar("_Item", int, str)


def _each_once(item: Shape[_Item], items: tuple[_Item, ...]) -> Shape[tuple[_Item, ...]]:
    """Return the shape of a list that has every one of *items*, in any order."""

    def checked(order: tuple[_Item, ...]) -> tuple[_Item, ...]:
        if sorted(order) != sorted(items):
            raise ValueError(f"expected each of {', '.join(map(str, items))} once, in any order")
        return order

    return Mapped(ListOf(item, max_items=len(items)), checked)


_LIMIT: Final = Integer(0, 1_000_000_000)
_QUOTA: Final[Shape[Mapping[str, int]]] = Record(
    dict, [Field(window, _LIMIT, f"Most per {window}; none, if not given.") for window in _WINDOWS]
)

SETTINGS: Final[Shape[Mapping[str, object]]] = Record(
    dict,
    [
        Field(
            "credentials",
            ListOf(Text(3, 500)),
            "The only credentials accepted, each as user:password. None listed: any.",
        ),
        Field(
            "webhook",
            Record(
                dict,
                [
                    *webhook_fields(),
                    Field("basic", Text(0, 500), "Basic credentials that webhooks carry, as user:password."),
                ],
            ),
            "The feedback URL: delivered and read reports and what users do go there, sent reports to it "
            "with /report appended.",
        ),
        Field("active", Boolean(), "Whether the service is active; if not, 300."),
        Field("authorized", Boolean(), "Whether the service may be used at all; if not, 307."),
        Field("reports", Boolean(), "Report authority: without it there are neither lists nor reports."),
        Field(
            "plain_numbers",
            Boolean(),
            "Plain-number authority: without it type 2 is answered 306, and users show as hashes.",
        ),
        Field(
            "methods",
            ListOf(Choice({name: name for name in METHODS})),
            "The methods that the service may call; others are answered 311.",
        ),
        Field(
            "session",
            Record(
                dict,
                [
                    Field("required", Boolean(), "Whether one-to-one sends need a session; if not, 312."),
                    Field("length", Duration(1), "How long after an act it lasts.", argument="length_ms"),
                    Field("messages", Integer(1, 1_000_000), "How many messages it allows."),
                ],
            ),
            "Sessions that recipients open by acting (OC-14).",
        ),
        Field(
            "quotas",
            Record(
                dict,
                [
                    Field("all_followers", _QUOTA, "Broadcasts of the service."),
                    Field("filtered", _QUOTA, "Sends to each user by sendmsgservlist."),
                ],
            ),
            "Sending quotas; none is published, so none applies unless given here.",
        ),
        Field(
            "quota_offset",
            Duration(0, 14 * 3_600_000),
            "How far ahead of UTC the calendar of quotas is (OC-15).",
            argument="quota_offset_ms",
        ),
        Field(
            "limits",
            Record(
                dict,
                [
                    Field("receivers", _LIMIT, "Most receivers in a request; 0: no limit."),
                    Field("messages", _LIMIT, "Most messages for one receiver; 0: no limit."),
                ],
            ),
            "Sizes above which a request is answered 308 (OC-9).",
        ),
        Field(
            "duplicate_window",
            Duration(),
            "How long a txnid is remembered and answered 310 when repeated (OC-6); 0s: never.",
            argument="duplicate_window_ms",
        ),
        Field("unauthorized_http", Integer(400, 499), "HTTP status for bad credentials (OC-1)."),
        Field(
            "verification_http",
            Either(Integer(200, 200), Integer(400, 499)),
            "HTTP status when verification fails (OC-2).",
        ),
        Field(
            "structural_codes",
            Record(dict, [Field(rule, Integer(1, 9_999), f"For {rule}.") for rule in STRUCTURAL_RULES]),
            "Result codes of the rules whose code is not documented (OC-3, OC-4).",
        ),
        Field(
            "verification_order",
            _each_once(Choice({area: area for area in VERIFICATION_ORDER}), VERIFICATION_ORDER),
            "Which area of a body is verified first when several are bad (OC-11).",
        ),
        Field(
            "error_order",
            _each_once(Integer(0, 999), ERROR_ORDER),
            "Which check after verification comes first (OC-10).",
        ),
        Field("read_reporttype", Integer(0, 9), "The reporttype of a read report (OC-5)."),
        Field(
            "expired_reporttype",
            Either(Word("none"), Integer(0, 9)),
            "The reporttype of a report on a message whose ttl ran out; none: there is no report (OC-25).",
        ),
        Field(
            "failure_entries",
            Either(Word("recipient"), Word("message")),
            "One entry of a report per refused recipient, or per message of it (OC-12).",
        ),
        Field(
            "bad_receiver",
            Either(Word("request"), Word("recipient")),
            "What a malformed receiver in a list refuses: the request, or itself in the report (OC-13).",
        ),
        Field(
            "broadcast_in_list",
            Either(Word("refuse"), Word("accept")),
            "Whether type 1 may stand in a list, for all followers, each under the list's quota (OC-16).",
        ),
        Field(
            "unknown_fields",
            Either(Word("ignore"), Word("refuse")),
            "What becomes of fields that are not documented (OC-18); inside templates nobody looks.",
        ),
        Field(
            "empty_list",
            Either(Word("accept"), Word("refuse")),
            "Whether a list without receivers is accepted (OC-22).",
        ),
        Field("coerce", Boolean(), "Accept numbers as texts and a numeric txnid (OC-17)."),
        Field("trim_addresses", Boolean(), "Ignore blanks around addresses (OC-19)."),
        Field(
            "trim_feedback_url",
            Boolean(),
            "Drop slashes at the end of the feedback URL before /report is appended (OC-24).",
        ),
        Field(
            "lenient_media",
            Boolean(),
            "Accept itemid, and a JSON text as message, with stickers and caps (OC-20).",
        ),
        Field(
            "check_media",
            Boolean(),
            "Check host and kind of media addresses, by their ending, without fetching (OC-21).",
        ),
        Field("media_hosts", ListOf(Text(1, 253)), "Hosts that check_media lets pass."),
        Field(
            "hash_form",
            Either(Word("base64"), Word("hex")),
            "How hashes of numbers are written: as today, or as in 2016.",
        ),
        Field(
            "location_form",
            Either(Word("documented"), Word("captured")),
            "How a location that a user sends is written: as documented, or as captured in 2020.",
        ),
        Field(
            "incoming_txnid",
            Boolean(),
            "Whether users' messages carry a txnid: real ones of 2020 do, documented ones do not.",
        ),
        Field(
            "report_list_max",
            Integer(0, 1_000_000),
            "Most entries in one sent report (OC-23); 0: one report per request.",
        ),
        Field("work_after", DelayShape(), "From the answer to an asynchronous call to its work."),
        Field("deliver_after", DelayShape(), "From sending to delivery when no rule says otherwise."),
        Field(
            "validity",
            Duration(1),
            "How long a message waits for its recipient when it has no ttl.",
            argument="validity_ms",
        ),
        Field("file_url", Text(1, 400), "What addresses of uploaded files begin with."),
    ],
    doc="Settings of the BiP service.",
)

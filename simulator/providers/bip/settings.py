"""
A BiP service's settings: what the operator grants it, and the choices the documentation leaves open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from simulator.provider import (
    Boolean,
    Choice,
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
    WebhookSettings,
    Word,
    group,
    setting,
    settings_shape,
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

_Item = TypeVar("_Item", int, str)


def _each_once(item: Shape[_Item], items: tuple[_Item, ...]) -> Shape[tuple[_Item, ...]]:
    """Return the shape of a list that has every one of *items*, in any order."""

    def checked(order: tuple[_Item, ...]) -> tuple[_Item, ...]:
        if sorted(order) != sorted(items):
            raise ValueError(f"expected each of {', '.join(map(str, items))} once, in any order")
        return order

    return Mapped(ListOf(item, max_items=len(items)), checked)


def _either(first: str, second: str) -> Shape[str]:
    return Either(Word(first), Word(second))


_LIMIT: Final = Integer(0, 1_000_000_000)
_QUOTA: Final[Shape[Mapping[str, int]]] = Record(
    dict,
    [Field(window, _LIMIT, f"Most per {window}; none, if not given.") for window in ("day", "week", "month")],
)
_QUOTAS: Final[Shape[Mapping[str, Mapping[str, int]]]] = Record(
    dict,
    [
        Field("all_followers", _QUOTA, "Broadcasts of the service."),
        Field("filtered", _QUOTA, "Sends to each user by sendmsgservlist."),
    ],
)
_STRUCTURAL_CODES: Final[Shape[Mapping[str, int]]] = Record(
    dict,
    [Field(rule, Integer(1, 9_999), f"For {rule}.", shown=GENERAL_ERROR) for rule in STRUCTURAL_RULES],
)
_EXPIRED: Final[Shape[int | str]] = Either[int | str](Word("none"), Integer(0, 9))


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """
    What webhooks prove themselves with.
    """

    basic: str = setting(
        Text(0, 500), "", "Basic credentials that webhooks carry, as user:password.", secret=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRules:
    """
    What a session allows (OC-14); neither number is published.
    """

    required: bool = setting(
        Boolean(),
        False,
        "Whether one-to-one sends need a session that the user opened by acting, as at the real service; "
        "if there is none, 312. Where length or messages is given, they do unless this says otherwise.",
    )
    length_ms: int = setting(Duration(1), "24h", "How long after an act it lasts.", name="length")
    messages: int = setting(Integer(1, 1_000_000), 10, "How many messages it allows.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    The largest request that is not answered with 308 (OC-9); 0: no limit.
    """

    receivers: int = setting(_LIMIT, 0, "Most receivers in a request; 0: no limit.")
    messages: int = setting(_LIMIT, 0, "Most messages for one receiver; 0: no limit.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    What can be said about a service; each default is the documented behaviour or the chosen one.
    """

    credentials: tuple[str, ...] = setting(
        ListOf(Text(3, 500)),
        [],
        "The only credentials accepted, each as user:password. None listed: any.",
        secret=True,
    )
    webhook: WebhookSettings = group(
        WebhookSettings,
        "The feedback URL: delivered and read reports and what users do go there, sent reports to it "
        "with /report appended.",
        {"acknowledged": "200"},
    )
    feedback: Feedback = group(Feedback, "What webhooks prove themselves with.", name="webhook")
    active: bool = setting(Boolean(), True, "Whether the service is active; if not, 300.")
    authorized: bool = setting(Boolean(), True, "Whether the service may be used at all; if not, 307.")
    reports: bool = setting(
        Boolean(), True, "Report authority: without it there are neither lists nor reports."
    )
    plain_numbers: bool = setting(
        Boolean(),
        True,
        "Plain-number authority: without it type 2 is answered 306, and users show as hashes.",
    )
    methods: tuple[str, ...] = setting(
        ListOf(Choice({name: name for name in METHODS})),
        list(METHODS),
        "The methods that the service may call; others are answered 311.",
    )
    session: SessionRules = group(SessionRules, "Sessions that recipients open by acting (OC-14).")
    quotas: Mapping[str, Mapping[str, int]] = setting(
        _QUOTAS,
        {},
        "Sending quotas; none is published, so none applies unless given here.",
        merges=True,
    )
    quota_offset_ms: int = setting(
        Duration(0, 14 * 3_600_000),
        "3h",
        "How far ahead of UTC the calendar of quotas is (OC-15).",
        name="quota_offset",
    )
    limits: Limits = group(Limits, "Sizes above which a request is answered 308 (OC-9).")
    duplicate_window_ms: int = setting(
        Duration(),
        "0s",
        "How long a txnid is remembered and answered 310 when repeated (OC-6); 0s: never.",
        name="duplicate_window",
    )
    known_hashes: str = setting(
        _either("any", "strict"),
        "any",
        "Whose hashes type 0 may name: any well-formed one, which is a user of its own where this service "
        "did not issue it, or only those that it issued; others are answered 301.",
    )
    unauthorized_http: int = setting(Integer(400, 499), 401, "HTTP status for bad credentials (OC-1).")
    verification_http: int = setting(
        Either(Integer(200, 200), Integer(400, 499)), 400, "HTTP status when verification fails (OC-2)."
    )
    structural_codes: Mapping[str, int] = setting(
        _STRUCTURAL_CODES,
        dict.fromkeys(STRUCTURAL_RULES, GENERAL_ERROR),
        "Result codes of the rules whose code is not documented (OC-3, OC-4).",
        merges=True,
    )
    verification_order: tuple[str, ...] = setting(
        _each_once(Choice({area: area for area in VERIFICATION_ORDER}), VERIFICATION_ORDER),
        list(VERIFICATION_ORDER),
        "Which area of a body is verified first when several are bad (OC-11).",
    )
    error_order: tuple[int, ...] = setting(
        _each_once(Integer(0, 999), ERROR_ORDER),
        list(ERROR_ORDER),
        "Which check after verification comes first (OC-10).",
    )
    read_reporttype: int = setting(Integer(0, 9), 1, "The reporttype of a read report (OC-5).")
    expired_reporttype: int | str = setting(
        _EXPIRED,
        "none",
        "The reporttype of a report on a message whose ttl ran out; none: there is no report (OC-25).",
    )
    failure_entries: str = setting(
        _either("recipient", "message"),
        "recipient",
        "One entry of a report per refused recipient, or per message of it (OC-12).",
    )
    bad_receiver: str = setting(
        _either("request", "recipient"),
        "request",
        "What a malformed receiver in a list refuses: the request, or itself in the report (OC-13).",
    )
    broadcast_in_list: str = setting(
        _either("refuse", "accept"),
        "refuse",
        "Whether type 1 may stand in a list, for all followers, each under the list's quota (OC-16).",
    )
    unknown_fields: str = setting(
        _either("ignore", "refuse"),
        "ignore",
        "What becomes of fields that are not documented (OC-18); inside templates nobody looks.",
    )
    empty_list: str = setting(
        _either("accept", "refuse"), "accept", "Whether a list without receivers is accepted (OC-22)."
    )
    legacy_2016: str = setting(
        _either("accept", "refuse"),
        "accept",
        "Requests as the vendor's samples of 2016 have them: content in place of composition, and messages "
        "of type 8, rich media.",
    )
    coerce: bool = setting(Boolean(), True, "Accept numbers as texts and a numeric txnid (OC-17).")
    trim_addresses: bool = setting(Boolean(), True, "Ignore blanks around addresses (OC-19).")
    trim_feedback_url: bool = setting(
        Boolean(),
        True,
        "Drop slashes at the end of the feedback URL before /report is appended (OC-24).",
    )
    lenient_media: bool = setting(
        Boolean(),
        False,
        "Accept itemid, and a JSON text as message, with stickers and caps (OC-20).",
    )
    check_media: bool = setting(
        Boolean(),
        False,
        "Check host and kind of media addresses, by their ending, without fetching (OC-21).",
    )
    media_hosts: tuple[str, ...] = setting(
        ListOf(Text(1, 253)),
        ["timsac.bip.com", "timsac.turkcell.com.tr", "prptims.turkcell.com.tr"],
        "Hosts that check_media lets pass.",
    )
    hash_form: str = setting(
        _either("base64", "hex"), "base64", "How hashes of numbers are written: as today, or as in 2016."
    )
    location_form: str = setting(
        _either("documented", "captured"),
        "documented",
        "How a location that a user sends is written: as documented, or as captured in 2020.",
    )
    incoming_txnid: bool = setting(
        Boolean(),
        True,
        "Whether users' messages carry a txnid: real ones of 2020 do, documented ones do not.",
    )
    report_list_max: int = setting(
        Integer(0, 1_000_000),
        0,
        "Most entries in one sent report (OC-23); 0: one report per request.",
    )
    work_after: Delay = setting(DelayShape(), "500ms", "From the answer to an asynchronous call to its work.")
    deliver_after: Delay = setting(
        DelayShape(), "500ms..3s", "From sending to delivery when no rule says otherwise."
    )
    validity_ms: int = setting(
        Duration(1),
        "7d",
        "How long a message waits for its recipient when it has no ttl.",
        name="validity",
    )
    file_url: str = setting(
        Text(1, 400),
        "https://timsac.bip.com/scontent",
        "What addresses of files begin with; before 2022 it was http://timsac.turkcell.com.tr/scontent.",
    )
    uploads: str = setting(
        _either("p2p", "v2p"),
        "p2p",
        "How addresses of what the service uploads go on: with /p2p, or with /v2p and the name of its user.",
    )

    @property
    def report_url(self) -> str:
        """Where sent reports go: the feedback URL, `/report`, and one slash between them (OC-24)."""
        path, mark, query = self.webhook.url.partition("?")
        if self.trim_feedback_url:
            path = path.rstrip("/")
        return f"{path}/report{mark}{query}" if path else ""


SETTINGS: Final = settings_shape(Settings, "Settings of the BiP service.")

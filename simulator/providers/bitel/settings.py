"""
A Bitel account's settings: most of what the documentation leaves open; the README lists the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from simulator.provider import (
    Boolean,
    Choice,
    Delay,
    DelayShape,
    Duration,
    Either,
    Field,
    Integer,
    Json,
    ListOf,
    MapOf,
    Node,
    Number,
    Record,
    RetrySchedule,
    Scalar,
    Shape,
    Text,
    WebhookSettings,
    Word,
    describe,
    group,
    segment,
    setting,
    setting_without_default,
    settings_shape,
)
from simulator.providers.bitel.codes import ERRORS, SMS_STATUSES

__all__ = [
    "ANY",
    "CHECKS",
    "HTTP_STATUS",
    "NO_RETRY",
    "SETTINGS",
    "Balance",
    "Settings",
    "Template",
    "WebhookBody",
    "listed",
]

ANY: Final = "any"
CHECKS: Final = ("limits", "numbers", "gateway", "template", "server", "voice")
"""The checks of a send that follow token, JSON and required fields, in the chosen order (OC-11)."""

_VARIABLE: Final = re.compile(r"\{([0-9]{1,3})\}")
NO_RETRY: Final = RetrySchedule()
"""The page promises one event and mentions no second try (OC-18)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """
    A text with positional variables (`{0}`), registered in the panel and reviewed by people.
    """

    text: str
    approved: bool = True

    @property
    def variable_count(self) -> int:
        """How many parameters it needs."""
        return max((int(number) + 1 for number in _VARIABLE.findall(self.text)), default=0)

    def filled(self, params: list[str]) -> str:
        """Return the text with its variables replaced."""
        return _VARIABLE.sub(lambda match: params[int(match[1])], self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """
    Money to send and call with; how its end is told is the user's to say, for that page is not known (OC-5).
    """

    amount_milli: int
    code: str
    http: int


def milli(toman: float) -> int:
    """Return an amount in thousandths of a Toman, for sums without rounding."""
    return round(toman * 1_000)


def _amount() -> Scalar[int]:
    number = Number()

    def convert(node: Node) -> int:
        value = number.convert(node)
        if not 0 <= value <= 10**12:
            raise ValueError("expected an amount in Toman, 0 or more")
        return milli(value)

    return Scalar[int](
        expected="an amount in Toman",
        convert=convert,
        json_schema={"type": "number", "minimum": 0},
        write=lambda milli: milli / 1_000 if milli % 1_000 else milli // 1_000,
    )


def _template_id(node: Node) -> int:
    text = str(node.value)
    if isinstance(node.value, bool) or not re.fullmatch(r"[1-9][0-9]{0,8}", text, re.ASCII):
        raise ValueError("expected a template's number, such as 1")
    return int(text)


_TEMPLATE_ID: Final = Scalar[int](
    expected="a template's number",
    convert=_template_id,
    json_schema={"type": ["string", "integer"], "examples": [1]},
)


def _http_status(node: Node) -> int:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int) or (value != 200 and not 400 <= value <= 599):
        raise ValueError(f"expected {HTTP_STATUS.expected}, got {describe(node)}")
    return value


# Not 204 or 304: their answers have no body, and so could not say the code.
HTTP_STATUS: Final = Scalar[int](
    expected="an HTTP status: 200, or 400 to 599",
    convert=_http_status,
    json_schema={"type": "integer", "minimum": 200, "maximum": 599, "not": {"minimum": 201, "maximum": 399}},
)


def _either(first: str, second: str) -> Shape[str]:
    return Either(Word(first), Word(second))


_ERROR_CODE: Final = Choice({name: name for name in ERRORS})
_SOME: Final[Shape[tuple[str, ...] | str]] = Either[tuple[str, ...] | str](Word(ANY), ListOf(Text(1, 64)))


def _coded(code: str, http: int) -> str:
    return f"{code}/{http}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookBody:
    """
    How the fields of a webhook are filled (OC-17).
    """

    status: str = setting(
        Either(Word("name"), Word("code"), Word("text")),
        "name",
        "deliveryStatus and cause as DELIVERED, 1 or Delivered.",
    )
    amount: str = setting(_either("positive", "negative"), "positive", "Sign of balanceSubtracted.")
    batch_id: str = setting(
        _either("shared", "never"), "shared", "batchId and campaignId: of batches, or null."
    )


_BALANCE: Final = Record(
    Balance,
    [
        Field("amount", _amount(), "Toman to start with.", required=True, argument="amount_milli"),
        Field("code", Text(1, 100), "The error code when it does not suffice.", required=True),
        Field("http", HTTP_STATUS, "The HTTP status when it does not suffice.", required=True),
    ],
)
_THROTTLED: Final = Record(
    _coded,
    [
        Field("code", Text(1, 100), "The error code.", required=True),
        Field("http", HTTP_STATUS, "The HTTP status.", required=True),
    ],
)
_TEMPLATE: Final = Record(
    Template,
    [
        Field("text", Text(1, 10_000), "The text, with variables {0}, {1} ...", required=True),
        Field("approved", Boolean(), "Whether it passed the review.", shown=True),
    ],
)
_TEMPLATES: Final[dict[str, Json]] = {
    "1": {"text": "Your code is {0}"},
    "2": {"text": "Dear {0}, order {1} is on its way."},
    "3": {"text": "Dear {0}, this text is being reviewed.", "approved": False},
    # The documentation's own sample, so that its request works.
    "1234": {"text": "Truth: {0} {1} {2}"},
}
_HTTP: Final[Shape[Mapping[str, int]]] = Record(
    dict, [Field(name, HTTP_STATUS, f"For {name}.", shown=error.http) for name, error in ERRORS.items()]
)
_STATUS_TEXTS: Final[Shape[Mapping[str, str]]] = Record(
    dict,
    [Field(name, Text(1, 100), f"For {name}.", shown=status.text) for name, status in SMS_STATUSES.items()],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    What can be said about an account; each default is the documented behaviour or the chosen one.
    """

    credentials: tuple[str, ...] = setting(
        ListOf(Text(1, 4_000)), [], "The only tokens accepted. None listed: any.", secret=True
    )
    webhook: WebhookSettings = group(WebhookSettings, "The event at the conclusion of a request (OC-18).")
    webhook_body: WebhookBody = group(WebhookBody, "How webhooks are filled (OC-17).")
    unauthorized_body: str = setting(_either("envelope", "empty"), "envelope", "Body of a 401 (OC-1).")
    http: Mapping[str, int] = setting(
        _HTTP, {}, "HTTP status of each error code: 200, or 400 to 599 (OC-2).", merges=True
    )
    status_shape: str = setting(
        Either(Word("table"), Word("send"), Word("legacy_sample")),
        "table",
        "Shape of an SMS status (OC-3): the page's field table, the send reply's, or the page's sample.",
    )
    unknown_sms: str = setting(
        Either(Word("null"), _ERROR_CODE),
        "NotFound",
        "Answer to the status of an unknown SMS (OC-4): an error code, or a null result.",
    )
    throttled: str = setting(
        _THROTTLED,
        {"code": "SimulatedRateLimit", "http": 429},
        "How a throttled call is refused; Bitel's own words are not known (OC-5).",
    )
    balance: Balance | None = setting_without_default(
        _BALANCE,
        None,
        "Money for what is sent from now on, a started minute of each call included; "
        "without limit, if not given (OC-5).",
    )
    call_status: str = setting(_either("enveloped", "bare"), "enveloped", "Body of a call's status (OC-6).")
    numbers: str = setting(
        _either("mobile", ANY),
        "mobile",
        "Numbers (OC-7): Iranian mobile ones, or any of 7 to 15 digits; one leading 0 means +98.",
    )
    bad_number_code: str = setting(_ERROR_CODE, "InvalidRequest", "Error code for a malformed number (OC-7).")
    bad_number: str = setting(
        _either("refuse", "accept"),
        "refuse",
        "A malformed number refuses the request, or is accepted and ends as ERROR (OC-10).",
    )
    templates: Mapping[int, Template] = setting(
        MapOf(_TEMPLATE, _TEMPLATE_ID),
        _TEMPLATES,
        "Registered templates by number (OC-8); replaces the seeded ones.",
    )
    extra_params: str = setting(
        _either("accept", "refuse"), "accept", "More parameters than a template has variables (OC-8)."
    )
    json: str = setting(
        _either("strict", "lenient"),
        "strict",
        "Whether single quotes, raw line breaks in texts and trailing commas are read (OC-9).",
    )
    empty_message: str = setting(_either("refuse", "accept"), "refuse", "An empty message (OC-9).")
    recipients_max: int = setting(Integer(1, 100_000), 100, "Most numbers in a batch (OC-9).")
    check_order: tuple[str, ...] = setting(
        ListOf(Choice({name: name for name in CHECKS}), max_items=len(CHECKS)),
        list(CHECKS),
        "Which checks come first (OC-11); those not listed follow in their usual order.",
    )
    default_gateway: str = setting(
        Text(1, 64), "10009909", "The shared number; black-listed recipients are not reached."
    )
    gateways: tuple[str, ...] | str = setting(
        _SOME,
        ["10007200"],
        "Dedicated numbers (OC-12); others get InvalidGateway. The word any: all of them.",
    )
    otp_reaches_blacklisted: bool = setting(
        Boolean(), True, "Whether OTP messages pass the black list (OC-13)."
    )
    check_ok_after: Delay = setting(
        DelayShape(), "500ms", "From acceptance to CHECK_OK, which comes no later than the end (OC-13)."
    )
    deliver_after: Delay = setting(DelayShape(), "1s..4s", "From acceptance to the end of an SMS (OC-13).")
    validity_ms: int = setting(
        Duration(1_000),
        "48h",
        "How long an SMS is kept for an unreachable phone before DELIVERY_FAILED; "
        "at least as long as deliver_after may be.",
        name="validity",
    )
    price_per_part_milli: int = setting(_amount(), 14, "Toman per part (OC-14).", name="price_per_part")
    price_per_minute_milli: int = setting(
        _amount(), 34.2, "Toman per started minute of a call (OC-14).", name="price_per_minute"
    )
    charged: tuple[str, ...] = setting(
        ListOf(Choice({name: name for name, status in SMS_STATUSES.items() if status.final})),
        ["DELIVERED", "DELIVERY_FAILED"],
        "SMS statuses that cost money (OC-14).",
    )
    status_texts: Mapping[str, str] = setting(
        _STATUS_TEXTS, {}, "Spelling of statusText (OC-15).", merges=True
    )
    parts: str = setting(
        _either("counted", "one"), "counted", "Parts of a text: by the GSM rules, or always one (OC-16)."
    )
    status_lag_ms: int = setting(
        Duration(),
        "0s",
        "How long status calls lag behind the conclusion and its webhook; 0s: never (OC-19).",
        name="status_lag",
    )
    duplicate_numbers: str = setting(
        _either("each", "refuse"), "each", "The same number twice in a batch (OC-20)."
    )
    servers: tuple[str, ...] | str = setting(
        _SOME, ANY, "Call servers (OC-21): a list, others get InvalidServer, or the word any: all of them."
    )
    voices: tuple[str, ...] | str = setting(
        _SOME,
        ANY,
        "Voice files (OC-21): a list, others get the code in unknown_voice_code, or the word any.",
    )
    unknown_voice_code: str = setting(
        _ERROR_CODE, "InvalidRequest", "Error code for an unknown voiceId (OC-21)."
    )
    not_found_body: str = setting(
        _either("envelope", "empty"), "envelope", "Body of a 404 for an unknown path (OC-22)."
    )
    wrong_method_body: str = setting(_either("empty", "envelope"), "empty", "Body of a 405 (OC-22).")
    answer_after: Delay = setting(
        DelayShape(),
        "2s..8s",
        "From the request to a call being answered, which comes no later than its end.",
    )
    hang_up_after: Delay = setting(
        DelayShape(), "15s..60s", "From the request to the end of an answered call."
    )
    attempt_ms: int = setting(
        Duration(1_000),
        "90s",
        "How long one try at a call that is not answered lasts before the next (retryCount).",
        name="attempt",
    )

    @property
    def kept_ms(self) -> int:
        """How long an SMS is kept: no shorter than it takes to reach a phone that is on."""
        return max(self.validity_ms, self.deliver_after.max_ms + 1)

    def http_of(self, code: str) -> int:
        """Return the HTTP status of an error code; a word of the user's own gets 400."""
        if code in self.http:
            return self.http[code]
        return ERRORS[code].http if code in ERRORS else 400

    def parts_of(self, text: str) -> int:
        """Return how many parts a text is charged as."""
        return segment(text).parts if self.parts == "counted" else 1

    def allows(self, values: tuple[str, ...] | str, value: str) -> bool:
        """Return True when *value* is one of *values*, or these are any."""
        return values == ANY or value in values


def listed(values: Iterable[object]) -> str:
    """Return what there is, for a refusal to name: `1, 2, 3`."""
    return ", ".join(map(str, values)) or "none"


SETTINGS: Final = settings_shape(Settings, "Settings of the Bitel account.")

"""
A Bitel account's settings: most of what the documentation leaves open; the README lists the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
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
    MapOf,
    Node,
    Number,
    Record,
    RetrySchedule,
    Scalar,
    Shape,
    Text,
    UniformDelay,
    WebhookPolicy,
    Word,
    changed_policy,
    describe,
    mapping_of,
    segment,
    webhook_fields,
)
from simulator.providers.bitel.codes import ERRORS, SMS_STATUSES

__all__ = ["ANY", "CHECKS", "HTTP_STATUS", "SETTINGS", "Balance", "Settings", "Template", "WebhookBody"]

ANY: Final = "any"
CHECKS: Final = ("limits", "numbers", "gateway", "template", "server", "voice")
"""The checks of a send that follow token, JSON and required fields, in the chosen order (OC-11)."""

_VARIABLE: Final = re.compile(r"\{([0-9]{1,3})\}")
_NO_RETRY: Final = RetrySchedule()
"""The page promises one event and mentions no second try (OC-18)."""

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookBody:
    """
    How the fields of a webhook are filled (OC-17).
    """

    status: str = "name"
    amount: str = "positive"
    batch_id: str = "shared"


def milli(toman: float) -> int:
    """Return an amount in thousandths of a Toman, for sums without rounding."""
    return round(toman * 1_000)


_TEMPLATES: Final = MappingProxyType(
    {
        1: Template(text="Your code is {0}"),
        2: Template(text="Dear {0}, order {1} is on its way."),
        3: Template(text="Dear {0}, this text is being reviewed.", approved=False),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    What can be said about an account; each default is the documented behaviour or the chosen one.
    """

    credentials: tuple[str, ...] = ()
    webhook_url: str = ""
    policy: WebhookPolicy = field(default_factory=lambda: WebhookPolicy(retry=_NO_RETRY))
    webhook_body: WebhookBody = field(default_factory=WebhookBody)
    unauthorized_body: str = "envelope"
    http: Mapping[str, int] = field(default_factory=dict)
    status_shape: str = "table"
    unknown_sms: str = "NotFound"
    throttled: str = "SimulatedRateLimit/429"
    balance: Balance | None = None
    call_status: str = "enveloped"
    numbers: str = "mobile"
    bad_number_code: str = "InvalidRequest"
    bad_number: str = "refuse"
    templates: Mapping[int, Template] = field(default_factory=lambda: _TEMPLATES)
    extra_params: str = "accept"
    empty_message: str = "refuse"
    recipients_max: int = 100
    check_order: tuple[str, ...] = CHECKS
    default_gateway: str = "10009909"
    gateways: tuple[str, ...] | str = ("10007200",)
    otp_reaches_blacklisted: bool = True
    check_ok_after: Delay = ConstantDelay(500)  # noqa: RUF009 - frozen
    deliver_after: Delay = UniformDelay(1_000, 4_000)  # noqa: RUF009 - frozen
    validity_ms: int = 48 * 3_600_000
    price_per_part_milli: int = 14_000
    price_per_minute_milli: int = 34_200
    charged: tuple[str, ...] = ("DELIVERED", "DELIVERY_FAILED")
    status_texts: Mapping[str, str] = field(default_factory=dict)
    parts: str = "counted"
    status_lag_ms: int = 0
    duplicate_numbers: str = "each"
    servers: tuple[str, ...] | str = ("1",)
    voices: tuple[str, ...] | str = ("1",)
    unknown_voice_code: str = "InvalidRequest"
    not_found_body: str = "envelope"
    wrong_method_body: str = "empty"
    answer_after: Delay = UniformDelay(2_000, 8_000)  # noqa: RUF009 - frozen
    hang_up_after: Delay = UniformDelay(15_000, 60_000)  # noqa: RUF009 - frozen
    attempt_ms: int = 90_000

    def changed(self, values: Mapping[str, object]) -> Settings:
        """Return these settings with what *values*, as SETTINGS read them, say."""
        plain = {name: value for name, value in values.items() if name != "webhook"}
        for name in ("http", "status_texts"):
            if name in plain:
                plain[name] = {**getattr(self, name), **mapping_of(plain[name])}
        webhook = mapping_of(values.get("webhook", {}))
        return replace(
            self,
            policy=changed_policy(self.policy, webhook, _NO_RETRY),
            webhook_url=str(webhook.get("url", self.webhook_url)),
            **plain,  # type: ignore[arg-type]
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

    def allows(self, known: tuple[str, ...] | str, value: str) -> bool:
        """Return True when *value* is one of the *known*, or any is."""
        return known == ANY or value in known


def _amount() -> Scalar[int]:
    number = Number()

    def convert(node: Node) -> int:
        value = number.convert(node)
        if not 0 <= value <= 10**12:
            raise ValueError("expected an amount in Toman, 0 or more")
        return milli(value)

    return Scalar[int](
        expected="an amount in Toman", convert=convert, json_schema={"type": "number", "minimum": 0}
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


def _either(name: str, first: str, second: str, doc: str) -> Field:
    return Field(name, Either(Word(first), Word(second)), doc)


def _known(name: str, what: str, code: str) -> Field:
    shape: Shape[object] = Either[object](Word(ANY), ListOf(Text(1, 64)))
    return Field(name, shape, f"{what}; others get {code}. The word any: all of them.")


_ERROR_CODE: Final = Choice({name: name for name in ERRORS})


def _coded(code: str, http: int) -> str:
    return f"{code}/{http}"


SETTINGS: Final[Shape[Mapping[str, object]]] = Record(
    dict,
    [
        Field("credentials", ListOf(Text(1, 4_000)), "The only tokens accepted. None listed: any."),
        Field("webhook", Record(dict, webhook_fields()), "The event at the conclusion of a request (OC-18)."),
        Field(
            "webhook_body",
            Record(
                WebhookBody,
                [
                    Field(
                        "status",
                        Either(Word("name"), Word("code"), Word("text")),
                        "deliveryStatus and cause as DELIVERED, 1 or Delivered.",
                    ),
                    _either("amount", "positive", "negative", "Sign of balanceSubtracted."),
                    _either("batch_id", "shared", "never", "batchId and campaignId: of batches, or null."),
                ],
            ),
            "How webhooks are filled (OC-17).",
        ),
        _either("unauthorized_body", "envelope", "empty", "Body of a 401 (OC-1)."),
        Field(
            "http",
            Record(
                dict,
                [Field(name, HTTP_STATUS, f"For {name}; {e.http} by default.") for name, e in ERRORS.items()],
            ),
            "HTTP status of each error code: 200, or 400 to 599 (OC-2).",
        ),
        Field(
            "status_shape",
            Either(Word("table"), Word("send"), Word("legacy_sample")),
            "Shape of an SMS status (OC-3): the page's field table, the send reply's, or the page's sample.",
        ),
        Field(
            "unknown_sms",
            Either(Word("null"), _ERROR_CODE),
            "Answer to the status of an unknown SMS (OC-4): an error code, or a null result.",
        ),
        Field(
            "throttled",
            Record(
                _coded,
                [
                    Field("code", Text(1, 100), "The error code.", required=True),
                    Field("http", HTTP_STATUS, "The HTTP status.", required=True),
                ],
            ),
            "How a throttled call is refused; Bitel's own words are not known (OC-5).",
        ),
        Field(
            "balance",
            Record(
                Balance,
                [
                    Field(
                        "amount", _amount(), "Toman to start with.", required=True, argument="amount_milli"
                    ),
                    Field("code", Text(1, 100), "The error code when it does not suffice.", required=True),
                    Field("http", HTTP_STATUS, "The HTTP status when it does not suffice.", required=True),
                ],
            ),
            "Money for what is sent from now on, a started minute of each call included; "
            "without limit, if not given (OC-5).",
        ),
        _either("call_status", "enveloped", "bare", "Body of a call's status (OC-6)."),
        _either(
            "numbers",
            "mobile",
            ANY,
            "Numbers (OC-7): Iranian mobile ones, or any of 7 to 15 digits; one leading 0 means +98.",
        ),
        Field(
            "bad_number_code",
            _ERROR_CODE,
            "Error code for a malformed number (OC-7).",
        ),
        _either(
            "bad_number",
            "refuse",
            "accept",
            "A malformed number refuses the request, or is accepted and ends as ERROR (OC-10).",
        ),
        Field(
            "templates",
            MapOf(
                Record(
                    Template,
                    [
                        Field(
                            "text", Text(1, 10_000), "The text, with variables {0}, {1} ...", required=True
                        ),
                        Field("approved", Boolean(), "Whether it passed the review; true, if not given."),
                    ],
                ),
                _TEMPLATE_ID,
            ),
            "Registered templates by number (OC-8); replaces the seeded ones.",
        ),
        _either("extra_params", "accept", "refuse", "More parameters than a template has variables (OC-8)."),
        _either("empty_message", "refuse", "accept", "An empty message (OC-9)."),
        Field("recipients_max", Integer(1, 100_000), "Most numbers in a batch (OC-9)."),
        Field(
            "check_order",
            ListOf(Choice({name: name for name in CHECKS}), max_items=len(CHECKS)),
            "Which checks come first (OC-11); those not listed follow in their usual order.",
        ),
        Field("default_gateway", Text(1, 64), "The shared number; black-listed recipients are not reached."),
        _known("gateways", "Dedicated numbers (OC-12)", "InvalidGateway"),
        Field("otp_reaches_blacklisted", Boolean(), "Whether OTP messages pass the black list (OC-13)."),
        Field(
            "check_ok_after",
            DelayShape(),
            "From acceptance to CHECK_OK, which comes no later than the end (OC-13).",
        ),
        Field("deliver_after", DelayShape(), "From acceptance to the end of an SMS (OC-13)."),
        Field(
            "validity",
            Duration(1_000),
            "How long an SMS is kept for an unreachable phone before DELIVERY_FAILED; "
            "at least as long as deliver_after may be.",
            argument="validity_ms",
        ),
        Field("price_per_part", _amount(), "Toman per part (OC-14).", argument="price_per_part_milli"),
        Field(
            "price_per_minute",
            _amount(),
            "Toman per started minute of a call (OC-14).",
            argument="price_per_minute_milli",
        ),
        Field(
            "charged",
            ListOf(Choice({name: name for name, status in SMS_STATUSES.items() if status.final})),
            "SMS statuses that cost money (OC-14).",
        ),
        Field(
            "status_texts",
            Record(dict, [Field(n, Text(1, 100), f"{s.text} by default.") for n, s in SMS_STATUSES.items()]),
            "Spelling of statusText (OC-15).",
        ),
        _either("parts", "counted", "one", "Parts of a text: by the GSM rules, or always one (OC-16)."),
        Field(
            "status_lag",
            Duration(),
            "How long status calls lag behind the conclusion and its webhook; 0s: never (OC-19).",
            argument="status_lag_ms",
        ),
        _either("duplicate_numbers", "each", "refuse", "The same number twice in a batch (OC-20)."),
        _known("servers", "Call servers (OC-21)", "InvalidServer"),
        _known("voices", "Voice files (OC-21)", "the code in unknown_voice_code"),
        Field("unknown_voice_code", _ERROR_CODE, "Error code for an unknown voiceId (OC-21)."),
        _either("not_found_body", "envelope", "empty", "Body of a 404 for an unknown path (OC-22)."),
        _either("wrong_method_body", "empty", "envelope", "Body of a 405 (OC-22)."),
        Field(
            "answer_after",
            DelayShape(),
            "From the request to a call being answered, which comes no later than its end.",
        ),
        Field("hang_up_after", DelayShape(), "From the request to the end of an answered call."),
        Field(
            "attempt",
            Duration(1_000),
            "How long one try at a call that is not answered lasts before the next (retryCount).",
            argument="attempt_ms",
        ),
    ],
    doc="Settings of the Bitel account.",
)

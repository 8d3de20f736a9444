"""
Short messages: from a request to submissions, with the checks between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from simulator.provider import Call, InTurns, Message, Refuse, Submission, gathered, whole
from simulator.providers.bitel.account import Account
from simulator.providers.bitel.details import SmsDetails
from simulator.providers.bitel.settings import CHECKS, Settings, listed
from simulator.providers.bitel.wire import Body, network_address, otp_text

__all__ = [
    "account_of",
    "check_balance",
    "check_numbers",
    "check_recipients",
    "run_checks",
    "send_batch",
    "send_otp",
    "send_p2p",
    "send_single",
    "send_template",
    "submitted",
]

_ADDRESS_LENGTH_MAX: Final = 64
_NO_NUMBER: Final = "(no number)"

Checks = Mapping[str, Callable[[], "InTurns[None] | None"]]


def account_of(call: Call) -> Account:
    """Return the Bitel account of a call's space."""
    return call.account(Account)


def run_checks(settings: Settings, checks: Checks) -> InTurns[None]:
    """Run the checks of a send in the account's order; the first that fails raises Refuse."""
    for name in dict.fromkeys((*settings.check_order, *CHECKS)):
        if name in checks:
            yield from whole(checks[name]())


def check_recipients(settings: Settings, numbers: Sequence[str]) -> InTurns[None]:
    """Check that a batch has recipients, and not too many."""
    if not 1 <= len(numbers) <= settings.recipients_max:
        raise Refuse(
            "InvalidRequest",
            f"phoneNumbers: expected 1 to {settings.recipients_max} numbers, got {len(numbers)}",
        )
    if settings.duplicate_numbers == "refuse":
        phones: set[str] = set()
        for number in numbers:
            phones.add(network_address(number, settings.numbers) or number)
            yield
        if len(phones) < len(numbers):
            raise Refuse("InvalidRequest", "phoneNumbers: expected each number once")


def check_numbers(settings: Settings, numbers: Sequence[str], *, batch: bool) -> InTurns[None]:
    """Check that numbers are well-formed, unless malformed ones are to end as ERROR."""
    if settings.bad_number == "accept":
        return
    for place, number in enumerate(numbers):
        if network_address(number, settings.numbers) is None:
            where = f"phoneNumbers[{place}]" if batch else "phoneNumber"
            raise Refuse(
                settings.bad_number_code,
                f"{where}: expected a mobile number such as 09120000001, got {number[:40]!r}",
            )
        yield


def check_balance(account: Account, cost_milli: int) -> None:
    """Check that the balance covers *cost_milli* beside all that is under way."""
    balance, left_milli = account.settings.balance, account.left_milli
    if balance is not None and left_milli is not None and left_milli < cost_milli:
        why = f"the balance has {left_milli / 1_000} Toman left beside all that is under way; "
        raise Refuse(f"{balance.code}/{balance.http}", f"{why}this costs {cost_milli / 1_000}")


def submitted(call: Call, submissions: Sequence[Submission]) -> InTurns[list[Message]]:
    """Submit, and return the messages: one each, for whatever refuses here refuses the whole call."""
    outcomes = yield from call.submitting(submissions)
    return [outcome for outcome in outcomes if isinstance(outcome, Message)]


class _Sms(NamedTuple):
    """What one send request asks for."""

    numbers: list[str]
    texts: list[str]
    gateway: str = ""
    otp: bool = False
    batch: bool = False


def send_single(call: Call, body: Body) -> InTurns[list[Message]]:
    """Send one text to one number."""
    sms = _Sms([body.text("phoneNumber")], [body.text("message")], body.text_or("gatewayNumber", ""))
    yield from _check(call, sms)
    return (yield from _submit(call, sms))


def send_batch(call: Call, body: Body) -> InTurns[list[Message]]:
    """Send one text to many numbers."""
    text, numbers = body.text("message"), body.texts("phoneNumbers")
    sms = _Sms(numbers, [text] * len(numbers), body.text_or("gatewayNumber", ""), batch=True)
    yield from _check(call, sms)
    return (yield from _submit(call, sms))


def send_p2p(call: Call, body: Body) -> InTurns[list[Message]]:
    """Send each text to the number at the same place."""
    texts, numbers = body.texts("messages"), body.texts("phoneNumbers")
    sms = _Sms(numbers, texts, body.text_or("gatewayNumber", ""), batch=True)
    yield from _check(call, sms)
    return (yield from _submit(call, sms))


def send_otp(call: Call, body: Body) -> InTurns[list[Message]]:
    """Send a code in Bitel's own words, past the black list."""
    number, app_name, code = body.text("phoneNumber"), body.text("appName"), body.word("code")
    if not app_name or not code:
        raise Refuse("InvalidRequest", "appName, code: expected texts that are not empty")
    sms = _Sms([number], [otp_text(app_name, code)], otp=True)
    yield from _check(call, sms)
    return (yield from _submit(call, sms))


def send_template(call: Call, body: Body) -> InTurns[list[Message]]:
    """Send a registered template with its variables filled."""
    number, params, template_id = body.text("phoneNumber"), body.words("params"), body.whole("templateId")
    settings = account_of(call).settings
    sms = _Sms([number], [""])

    def check_template() -> None:
        template = settings.templates.get(template_id)
        if template is None:
            there_are = listed(sorted(settings.templates))
            raise Refuse("InvalidTemplate", f"templateId: no template {template_id}; there are {there_are}")
        if not template.approved:
            templates = sorted(settings.templates.items())
            approved = listed(number for number, known in templates if known.approved)
            raise Refuse(
                "TemplatePending",
                f"templateId: template {template_id} is not reviewed yet (action review_template); "
                f"reviewed are {approved}",
            )
        count = template.variable_count
        if len(params) < count or (len(params) > count and settings.extra_params == "refuse"):
            raise Refuse(
                "TemplateFormatError",
                f"params: expected {count} of them for {template.text!r}, got {len(params)}",
            )
        if settings.empty_message == "refuse" and not template.filled(params):
            raise Refuse("InvalidRequest", "params: expected some that make a message which is not empty")

    yield from _check(call, sms, {"template": check_template, "limits": _nothing})
    filled = settings.templates[template_id].filled(params)
    return (yield from _submit(call, sms._replace(texts=[filled])))


def _nothing() -> None:
    """Check nothing: a template's text is not the client's."""


def _check(call: Call, sms: _Sms, more: Checks | None = None) -> InTurns[None]:
    settings = account_of(call).settings

    def check_limits() -> InTurns[None]:
        if sms.batch:
            yield from check_recipients(settings, sms.numbers)
        if len(sms.texts) != len(sms.numbers):
            raise Refuse(
                "InvalidRequest",
                f"messages: expected one per phone number, "
                f"got {len(sms.texts)} for {len(sms.numbers)} numbers",
            )
        if settings.empty_message == "refuse" and not all(sms.texts):
            raise Refuse("InvalidRequest", "message: expected a text that is not empty")

    def check_gateway() -> None:
        shared = (settings.default_gateway, "")
        if sms.gateway not in shared and not settings.allows(settings.gateways, sms.gateway):
            raise Refuse(
                "InvalidGateway",
                f"gatewayNumber: no gateway {sms.gateway[:40]!r}; there are {settings.default_gateway}, "
                f"which all share, and of your own {listed(settings.gateways)}",
            )

    yield from run_checks(
        settings,
        {
            "limits": check_limits,
            "numbers": lambda: check_numbers(settings, sms.numbers, batch=sms.batch),
            "gateway": check_gateway,
            **(more or {}),
        },
    )


def _submit(call: Call, sms: _Sms) -> InTurns[list[Message]]:
    account = account_of(call)
    settings = account.settings
    gateway = sms.gateway or settings.default_gateway
    passes = gateway != settings.default_gateway or (sms.otp and settings.otp_reaches_blacklisted)
    credential = call.credential_text
    addresses = yield from gathered(network_address(number, settings.numbers) for number in sms.numbers)
    recipients = [
        address or number[:_ADDRESS_LENGTH_MAX] or _NO_NUMBER
        for address, number in zip(addresses, sms.numbers, strict=True)
    ]
    batch_id = ""
    if sms.batch:
        batch_id = call.gateway.draws("batch", *call.gateway.next_key(recipients[0])).hex("id")
    submissions: list[Submission] = []
    cost_milli = 0
    parts_of: dict[str, int] = {}
    for number, address, recipient, text in zip(sms.numbers, addresses, recipients, sms.texts, strict=True):
        parts = parts_of.get(text)
        if parts is None:
            parts = parts_of[text] = settings.parts_of(text)
        price_milli = parts * settings.price_per_part_milli
        cost_milli += price_milli
        submissions.append(
            Submission(
                provider="bitel",
                recipient=recipient,
                sender=gateway,
                text=text,
                credential=credential,
                validity_ms=settings.kept_ms,
                parts=parts,
                details=SmsDetails(number, price_milli, passes, address is None, batch_id),
            )
        )
        yield
    check_balance(account, cost_milli)
    return (yield from submitted(call, submissions))

"""
Infobip's endpoints.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Final

from simulator.provider import Answer, Call, Coverage, Credential, Route
from simulator.providers.infobip.account import Account
from simulator.providers.infobip.render import refusal_answer, render_reports
from simulator.providers.infobip.sending import send
from simulator.providers.infobip.wire import (
    BadRequest,
    SendRequest,
    parse_advanced,
    parse_messages,
    parse_multi,
    parse_single,
)
from simulator.violations import Violation

__all__ = ["COVERAGE", "ROUTES", "account_of", "credential_of", "refusal"]

_LIMIT_DEFAULT: Final = 50
_LIMIT_MAX: Final = 1_000
_JSON: Final = "application/json"
_REPORT_FILTERS: Final = ("bulkId", "messageId", "applicationId", "entityId", "campaignReferenceId")


def account_of(call: Call) -> Account:
    """Return the Infobip account of a call's space."""
    account = call.gateway.account
    assert isinstance(account, Account)
    return account


def refusal(
    call: Call, message_id: str, *, text: str = "", found: Sequence[Violation] = (), retry_after_s: int = 0
) -> Answer:
    """Return an error answer in the envelope that the account's settings choose."""
    modern = call.path.startswith("/sms/3/") and account_of(call).settings.envelope_v3 == "documented"
    return refusal_answer(
        call, message_id, text=text, found=found, retry_after_s=retry_after_s, modern=modern
    )


def credential_of(call: Call) -> Credential | None:
    """Return the credential in the Authorization header, or None when it is missing or malformed."""
    header = call.headers.get("Authorization", "")
    scheme, _, secret = header.strip().partition(" ")
    secret = secret.strip()
    if not secret:
        return None
    match scheme.lower():
        case "app" | "ibsso" | "bearer":
            return Credential(scheme.lower(), secret)
        case "basic":
            try:
                user, colon, password = base64.b64decode(secret, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return None
            return Credential("basic", password, user) if colon and user else None
    return None


def _sending(parse: Callable[[bytes], SendRequest]) -> Callable[[Call], Answer]:
    def handle(call: Call) -> Answer:
        content_type = call.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        try:
            if content_type != _JSON:
                raise BadRequest
            return send(call, account_of(call), parse(call.body))
        except BadRequest as bad:
            return refusal(call, "BAD_REQUEST", found=bad.violations)

    return handle


def _pulling(generation: int) -> Callable[[Call], Answer]:
    def handle(call: Call) -> Answer:
        limit = _limit(call)
        if limit is None:
            found = [Violation("limit", f"must be a whole number between 1 and {_LIMIT_MAX}")]
            return refusal(call, "BAD_REQUEST", found=found)
        wanted = {name: value for name in _REPORT_FILTERS if (value := call.parameter(name))}
        reports = account_of(call).take_reports(limit, wanted)
        body = render_reports(reports, generation, call.gateway.simulation.clock.epoch_ms)
        return Answer(200, body, "application/json;charset=UTF-8")

    return handle


def _limit(call: Call) -> int | None:
    given = call.parameter("limit")
    if not given:
        return _LIMIT_DEFAULT
    if not given.isascii() or not given.isdigit() or len(given) > 6:
        return None
    limit = int(given)
    return limit if 1 <= limit <= _LIMIT_MAX else None


ROUTES: Final[tuple[Route, ...]] = (
    Route("POST", "/sms/1/text/single", _sending(lambda body: parse_single(body, 1)), "send", sends=True),
    Route("POST", "/sms/1/text/multi", _sending(lambda body: parse_multi(body, 1)), "send", sends=True),
    Route("POST", "/sms/1/text/advanced", _sending(lambda body: parse_advanced(body, 1)), "send", sends=True),
    Route("POST", "/sms/2/text/advanced", _sending(lambda body: parse_advanced(body, 2)), "send", sends=True),
    Route("POST", "/sms/3/messages", _sending(parse_messages), "send", sends=True),
    Route("GET", "/sms/1/reports", _pulling(1), "reports"),
    Route("GET", "/sms/3/reports", _pulling(3), "reports"),
)

COVERAGE: Final[tuple[Coverage, ...]] = (
    Coverage("POST", "/sms/1/text/single", "supported"),
    Coverage("POST", "/sms/1/text/multi", "supported"),
    Coverage("POST", "/sms/1/text/advanced", "supported", "JSON"),
    Coverage("POST", "/sms/1/binary/single", "absent"),
    Coverage("POST", "/sms/1/binary/multi", "absent"),
    Coverage("POST", "/sms/1/binary/advanced", "absent"),
    Coverage("POST", "/sms/2/text/single", "absent"),
    Coverage("POST", "/sms/2/text/advanced", "supported", "JSON"),
    Coverage("POST", "/sms/2/binary/advanced", "absent"),
    Coverage("POST", "/sms/3/messages", "partial", "text content; no binary content yet"),
    Coverage("GET", "/sms/1/text/query", "absent"),
    Coverage("GET", "/sms/3/text/query", "absent"),
    Coverage("POST", "/sms/1/preview", "absent"),
    Coverage("GET", "/sms/1/bulks", "absent"),
    Coverage("PUT", "/sms/1/bulks", "absent"),
    Coverage("GET", "/sms/1/bulks/status", "absent"),
    Coverage("PUT", "/sms/1/bulks/status", "absent"),
    Coverage("GET", "/sms/1/reports", "supported", "JSON"),
    Coverage("GET", "/sms/3/reports", "supported", "JSON"),
    Coverage("GET", "/sms/1/logs", "absent"),
    Coverage("GET", "/sms/3/logs", "absent"),
    Coverage("GET", "/sms/1/inbox/reports", "absent"),
    Coverage("POST", "/ct/1/log/end/{messageId}", "absent"),
    Coverage("GET", "/account/1/balance", "absent"),
)

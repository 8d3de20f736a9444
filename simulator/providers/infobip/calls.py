"""
What every call has in common: its account, its credential, its errors and its lists.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from simulator.kernel.store.facts import Note
from simulator.provider import Answer, Call, Credential
from simulator.providers.infobip.account import Account
from simulator.providers.infobip.checks import decode
from simulator.providers.infobip.formats import WRONG_CONTENT_TYPE, formatted, request_format, wants_xml
from simulator.providers.infobip.render import refusal_answer
from simulator.providers.infobip.wire import BadRequest
from simulator.violations import Violation

__all__ = [
    "account_of",
    "answering",
    "body_of",
    "credential_of",
    "limit_of",
    "refusal",
    "values_of",
    "with_reason",
]

_LIMIT_DEFAULT: Final = 50
_LIMIT_MAX: Final = 1_000
_REASON_LENGTH_MAX: Final = 300
_QUERY_CREDENTIALS: Final = "/sms/1/text/query"
_ROOTS_2015: Final = {"smsResponse": "SMSResponse"}


def account_of(call: Call) -> Account:
    """Return the Infobip account of a call's space."""
    account = call.gateway.account
    assert isinstance(account, Account)
    return account


def credential_of(call: Call) -> Credential | None:
    """
    Return the credential of a call, or None when it is missing or malformed.

    It stands in the Authorization header; in the query only where v1 sends by query.
    """
    header = call.headers.get("Authorization", "")
    if not header and call.method == "GET" and call.path.startswith(_QUERY_CREDENTIALS):
        user, password = call.parameter("username"), call.parameter("password")
        return Credential("query", password, user) if user and password else None
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


def refusal(
    call: Call,
    message_id: str,
    *,
    text: str = "",
    found: Sequence[Violation] = (),
    retry_after_s: int = 0,
    legacy: bool = False,
) -> Answer:
    """Return an error answer in the envelope that the path and the account's settings choose."""
    settings = account_of(call).settings
    if message_id == "FORBIDDEN" and settings.forbidden != message_id and not text:
        text = "Unauthorized access"
    modern = not legacy and call.path.startswith("/sms/3/") and settings.envelope_v3 == "documented"
    shown = settings.forbidden if message_id == "FORBIDDEN" else ""
    answer = refusal_answer(
        message_id, shown=shown, text=text, found=found, retry_after_s=retry_after_s, modern=modern
    )
    return formatted(call, answer, "ApiError" if modern else "ApiException")


def answering(handle: Callable[[Call], Answer], root: str) -> Callable[[Call], Answer]:
    """Return *handle* with bad requests refused, and its answer written as the call wants it."""

    def answer(call: Call) -> Answer:
        try:
            found = handle(call)
        except BadRequest as bad:
            refused = refusal(call, "BAD_REQUEST", found=bad.violations)
            return with_reason(call, refused, bad.why) if bad.why else refused
        if not wants_xml(call):
            return found
        if account_of(call).settings.xml_v1 == "2015" and call.path.startswith("/sms/1/"):
            return formatted(call, found, _ROOTS_2015.get(root, root), repeat=True)
        return formatted(call, found, root)

    return answer


def with_reason(call: Call, answer: Answer, why: str) -> Answer:
    """Return *answer* with what was expected in a header of ours; Infobip says "Bad Request" alone here."""
    simulation = call.gateway.simulation
    said = ascii(why)[1:-1][:_REASON_LENGTH_MAX]
    what = f"{call.method} {call.path} refused: {said}"
    simulation.journal.add(simulation.clock.now_ms, Note(what), provider="infobip")
    return answer._replace(headers=(*answer.headers, ("X-Simulator-Reason", said)))


def body_of(call: Call, decoder: msgspec.json.Decoder[Any]) -> Any:
    """Return the body of a call as the decoder's type; raises BadRequest."""
    xml = request_format(call)
    if xml is None:
        raise BadRequest(why=WRONG_CONTENT_TYPE)
    return decode(decoder, call.body, xml)


def limit_of(call: Call) -> int:
    """Return how many rows a call wants, 50 unless it says; raises BadRequest."""
    given = call.parameter("limit")
    if not given:
        return _LIMIT_DEFAULT
    if given.isascii() and given.isdigit() and len(given) < 7 and 1 <= int(given) <= _LIMIT_MAX:
        return int(given)
    raise BadRequest([Violation("limit", f"must be a whole number between 1 and {_LIMIT_MAX}")])


def values_of(call: Call, name: str) -> list[str]:
    """Return the values of a query parameter that may be repeated, a comma list, or both."""
    return [
        part
        for key, value in call.query
        if key in (name, f"{name}[]")
        for part in map(str.strip, value.split(","))
        if part
    ]

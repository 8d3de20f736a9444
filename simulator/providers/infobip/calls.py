"""
What every call has in common: its account, its credential, its errors and its lists.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Final

import msgspec

from simulator.provider import (
    Answer,
    Call,
    Credential,
    Handler,
    Refuse,
    Violation,
    basic_credential,
    scheme_of,
)
from simulator.providers.infobip.account import Account
from simulator.providers.infobip.decoding import Format, decode
from simulator.providers.infobip.formats import WRONG_CONTENT_TYPE, formatted, request_format, wants_xml
from simulator.providers.infobip.render import refusal_answer
from simulator.providers.infobip.wire import bad_request

__all__ = [
    "account_of",
    "answering",
    "body_of",
    "credential_of",
    "credential_wanted",
    "format_of",
    "limit_of",
    "refusal",
    "refused",
    "values_of",
]

_LIMIT_DEFAULT: Final = 50
_LIMIT_MAX: Final = 1_000
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

    It stands in the Authorization header, but for v1's send by query, which requires
    it there and takes no other.  Source: OpenAPI, `username` and `password`.
    """
    if _in_query(call):
        user, password = call.query_value("username"), call.query_value("password")
        return Credential("query", password, user) if user and password else None
    scheme, secret = scheme_of(call)
    if scheme == "basic":
        return basic_credential(call)
    return Credential(scheme, secret) if secret and scheme in ("app", "ibsso", "bearer") else None


def credential_wanted(call: Call) -> str:
    """Return what the credential of a call should look like."""
    if _in_query(call):
        return "username and password in the query; this call takes no Authorization header"
    return "Authorization: App <key>, Basic <user:password in base64>, IBSSO <token> or Bearer <token>"


def _in_query(call: Call) -> bool:
    return call.method == "GET" and call.path.startswith(_QUERY_CREDENTIALS)


def refusal(
    call: Call,
    message_id: str,
    *,
    text: str = "",
    violations: Sequence[Violation] = (),
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
        message_id, shown=shown, text=text, violations=violations, retry_after_s=retry_after_s, modern=modern
    )
    return formatted(call, answer, "ApiError" if modern else "ApiException")


def refused(call: Call, refuse: Refuse) -> Answer:
    """Answer a call that is refused; with Retry-After where it is known when to come back."""
    text, violations = refuse.facts.get("text", ""), refuse.facts.get("violations", ())
    assert isinstance(text, str)
    assert isinstance(violations, tuple)
    return refusal(call, refuse.code, text=text, violations=violations, retry_after_s=refuse.retry_after_s)


def answering(handle: Handler, root: str) -> Handler:
    """Return *handle* with its answer written as the call wants it."""

    def written(call: Call, plain: Answer) -> Answer:
        if not wants_xml(call):
            return plain
        if account_of(call).settings.xml_v1 == "2015" and call.path.startswith("/sms/1/"):
            return formatted(call, plain, _ROOTS_2015.get(root, root), repeat=True)
        return formatted(call, plain, root)

    async def later(call: Call, awaited: Awaitable[Answer]) -> Answer:
        plain = await awaited
        return await call.aside(len(plain.body), lambda: written(call, plain))

    def answer(call: Call) -> Answer | Awaitable[Answer]:
        plain = handle(call)
        if not isinstance(plain, Answer):
            return later(call, plain)
        if wants_xml(call):
            return call.aside(len(plain.body), lambda: written(call, plain))
        return plain

    return answer


def body_of(call: Call, decoder: msgspec.json.Decoder[Any]) -> Any:
    """Return the body of a call as the decoder's type; raises Refuse."""
    return decode(decoder, call.body, format_of(call))


def format_of(call: Call) -> Format:
    """Return what the body of a call is written in; raises Refuse when its content type is neither's."""
    xml = request_format(call)
    if xml is None:
        raise bad_request(why=WRONG_CONTENT_TYPE)
    if xml:
        return Format.XML
    return Format.COERCED_JSON if account_of(call).settings.coerce else Format.JSON


def limit_of(call: Call) -> int:
    """Return how many rows a call wants, 50 unless it says; raises Refuse."""
    limit = call.query_value("limit")
    if not limit:
        return _LIMIT_DEFAULT
    if limit.isascii() and limit.isdigit() and len(limit) < 7 and 1 <= int(limit) <= _LIMIT_MAX:
        return int(limit)
    raise bad_request([Violation("limit", f"must be a whole number between 1 and {_LIMIT_MAX}")])


def values_of(call: Call, name: str) -> list[str]:
    """Return the values of a query parameter that may be repeated, a comma list, or both."""
    return [
        part
        for key, value in call.query
        if key in (name, f"{name}[]")
        for part in map(str.strip, value.split(","))
        if part
    ]

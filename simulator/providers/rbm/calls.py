"""
What every RBM call has in common: who calls, for which agent, about which number.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from simulator.provider import BODY_BYTES_MAX, Answer, Call, Credential, Route
from simulator.providers.rbm.account import Account
from simulator.providers.rbm.agents import Agent
from simulator.providers.rbm.errors import refuse
from simulator.providers.rbm.outcomes import magic_refusal
from simulator.providers.rbm.tokens import EXPIRES_S, read_token

__all__ = [
    "account_of",
    "agent_of",
    "bearer_of",
    "client_id_of",
    "credential_of",
    "phone_of",
    "required",
    "route",
    "texts_in_body",
]

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_ID_LENGTH_MAX: Final = 1_000


def account_of(call: Call) -> Account:
    """Return the RBM account of a call's space."""
    account = call.gateway.account
    assert isinstance(account, Account)
    return account


def bearer_of(call: Call) -> str:
    """Return the bearer token in header or query, or an empty text."""
    scheme, _, secret = call.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer" and secret.strip():
        return secret.strip()
    return call.query_value("access_token") or call.query_value("oauth_token") or ""


def credential_of(call: Call) -> Credential | None:
    """Return whom a call's token was issued to, or None when there is no well-formed token."""
    token = read_token(bearer_of(call))
    return Credential("bearer", token.credential) if token is not None else None


def _authorise(call: Call, scope: str) -> None:
    token = read_token(bearer_of(call))
    if token is None:
        raise refuse("UNAUTHENTICATED")
    account = account_of(call)
    if token.issued_ms is not None:
        expiring = account.settings.access_tokens == "expiring"
        if expiring and call.gateway.now_ms >= token.issued_ms + EXPIRES_S * 1_000:
            raise refuse("INVALID_CREDENTIALS")
        if token.serial <= account.tokens_void:
            raise refuse("INVALID_CREDENTIALS")
    if scope not in token.scopes and account.settings.scopes == "enforced":
        raise refuse("INSUFFICIENT_SCOPE")


def route(
    method: str,
    path: str,
    handler: Callable[[Call], Answer | Awaitable[Answer]],
    operation: str,
    *,
    scope: str = "r",
    sends: bool = False,
    body_bytes_max: int = BODY_BYTES_MAX,
    recipients: Callable[[Call], Sequence[str]] | None = None,
) -> Route:
    """Return a route for tokens with *scope*."""

    def handle(call: Call) -> Answer | Awaitable[Answer]:
        _authorise(call, scope)
        return handler(call)

    if recipients is None and "{phone}" in path:
        recipients = _phone_in_path
    return Route(
        method, path, handle, operation, sends=sends, body_bytes_max=body_bytes_max, recipients=recipients
    )


def texts_in_body(call: Call, name: str) -> Sequence[str]:
    """Return the texts under *name* in the body of any call, however wrong that body may be."""
    try:
        body = msgspec.json.decode(call.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()
    value = body.get(name) if isinstance(body, dict) else None
    values = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(text for text in values if isinstance(text, str) and text))


def _phone_in_path(call: Call) -> Sequence[str]:
    return (call.path_values["phone"],)


def phone_of(call: Call, *, magic: bool = True) -> str:
    """Return the number in the path; raises Refuse when it is none, or one that asks for a refusal."""
    phone = call.path_values["phone"]
    if _E164.fullmatch(phone) is None:
        raise refuse(
            "INVALID_ARGUMENT", f"phones/{phone[:60]}: must be a phone number in E.164, such as +15551234567"
        )
    if magic and (name := magic_refusal(phone)):
        raise refuse(name)
    return phone


def required(call: Call, name: str) -> str:
    """Return a query parameter; raises Refuse when it is missing."""
    given = call.query_value(name)
    if not given:
        raise refuse("INVALID_ARGUMENT", f"{name}: must be given as a query parameter")
    return given


def client_id_of(call: Call, name: str) -> str:
    """Return the id that the client chose for a message or event; raises Refuse."""
    given = required(call, name)
    if len(given) > _ID_LENGTH_MAX or "/" in given:
        raise refuse("INVALID_ARGUMENT", f"{name}: must be a UUID, got {given[:60]!r}")
    if account_of(call).settings.message_ids == "uuid" and _UUID.fullmatch(given) is None:
        raise refuse("INVALID_ARGUMENT", f"{name}: must be a UUID, got {given[:60]!r}")
    return given


def agent_of(call: Call, in_body: str = "") -> Agent:
    """Return the agent that a call names, in the query or in its body; raises Refuse."""
    account = account_of(call)
    name = call.query_value("agentId") or in_body
    agent = account.agents.find(name) if name else None
    if agent is None and not name and account.settings.agent_id == "single":
        agent = account.agents.only()
    if agent is None:
        raise refuse("AGENT_LOOKUP")
    return agent

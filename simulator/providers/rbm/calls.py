"""
What every RBM call has in common: who calls, for which agent, about which number.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec

from simulator.provider import BODY_BYTES_MAX, Answer, Call, Credential, Refuse, Route
from simulator.providers.rbm.account import Account
from simulator.providers.rbm.agents import Agent
from simulator.providers.rbm.errors import ERRORS, refuse
from simulator.providers.rbm.instants import format_instant
from simulator.providers.rbm.outcomes import magic_refusal
from simulator.providers.rbm.schema import standard_parameters
from simulator.providers.rbm.tokens import EXPIRES_S, SCOPE_URLS, read_token
from simulator.providers.rbm.wire import Violation, bad_request, read_body

__all__ = [
    "account_of",
    "agent_lookup",
    "agent_of",
    "bearer_of",
    "body_of",
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
    return call.account(Account)


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
            ended = format_instant(call.gateway.unix_ms(token.issued_ms + EXPIRES_S * 1_000))
            hint = f"the token ended at {ended}, the space's clock stands at {account.reporter.now_text()}"
            raise refuse("INVALID_CREDENTIALS", hint=hint)
        if account.tokens.is_void(token.serial):
            raise refuse("INVALID_CREDENTIALS", hint="the action expire_tokens has ended this token")
    if scope not in token.scopes and account.settings.scopes == "enforced":
        raise refuse("INSUFFICIENT_SCOPE", hint=f"expected a token with the scope {SCOPE_URLS[scope]}")


def route(
    method: str,
    path: str,
    handler: Callable[[Call], Answer | Awaitable[Answer]],
    operation: str,
    *,
    query: tuple[str, ...] = ("agentId",),
    scope: str = "r",
    sends: bool = False,
    body_bytes_max: int = BODY_BYTES_MAX,
    recipients: Callable[[Call], Sequence[str]] | None = None,
) -> Route:
    """Return a route for tokens with *scope*; *query* names the parameters that are not standard ones."""

    def handle(call: Call) -> Answer | Awaitable[Answer]:
        _authorise(call, scope)
        _check_query(call, query)
        return handler(call)

    if recipients is None and "{phone}" in path:
        recipients = _phone_in_path
    return Route(
        method, path, handle, operation, sends=sends, body_bytes_max=body_bytes_max, recipients=recipients
    )


def _phone_in_path(call: Call) -> Sequence[str]:
    return (call.path_values["phone"],)


def texts_in_body(call: Call, name: str) -> Sequence[str]:
    """Return the texts under *name* in the body of any call, however wrong that body may be."""
    try:
        body = msgspec.json.decode(call.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()
    value = body.get(name) if isinstance(body, dict) else None
    values = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(text for text in values if isinstance(text, str) and text))


def _check_query(call: Call, names: tuple[str, ...]) -> None:
    unknown = [name for name, _ in call.query if name not in names and name not in standard_parameters()]
    policy = account_of(call).settings.unknown_fields if unknown else "ignore"
    texts = [
        f'Unknown name "{name[:60]}": Cannot bind query parameter. '
        f"Field '{name[:60]}' could not be found in request message."
        for name in dict.fromkeys(unknown)
    ]
    if policy == "warn":
        for text in texts:
            call.note(text)
    elif policy == "refuse":
        hint = f"this call takes {', '.join(names)} and Google's standard parameters"
        words = [f"Invalid JSON payload received. {text}" for text in texts]
        raise bad_request([Violation("", text) for text in words], hint=hint)


def body_of(call: Call, message: str, root: str, body: bytes | None = None) -> dict[str, Any]:
    """Return the body of a call (or *body*, a part of it) as a message called *message*; raises Refuse."""
    intake = account_of(call).settings.intake
    return read_body(call.body if body is None else body, message, root, intake, call.note)


def phone_of(call: Call, *, magic: bool = True) -> str:
    """Return the number in the path; raises Refuse when it is none, or one that asks for a refusal."""
    phone = call.path_values["phone"]
    if _E164.fullmatch(phone) is None:
        raise refuse(
            "INVALID_ARGUMENT", f"phones/{phone[:60]}: must be a phone number in E.164, such as +15551234567"
        )
    if magic and (name := magic_refusal(phone)):
        raise refuse(name, hint=f"{phone} is a magic recipient")
    return phone


def required(call: Call, name: str) -> str:
    """Return a query parameter; raises Refuse when it is missing."""
    value = call.query_value(name)
    if not value:
        raise refuse("INVALID_ARGUMENT", f"{name}: must be given as a query parameter")
    return value


def client_id_of(call: Call, name: str) -> str:
    """Return the id that the client chose for a message or event; raises Refuse."""
    client_id = required(call, name)
    if len(client_id) > _ID_LENGTH_MAX:
        raise refuse(
            "INVALID_ARGUMENT", f"{name}: must have at most {_ID_LENGTH_MAX} characters, got {len(client_id)}"
        )
    if "/" in client_id:
        raise refuse("INVALID_ARGUMENT", f"{name}: must have no slash, got {client_id[:60]!r}")
    if account_of(call).settings.message_ids == "uuid" and _UUID.fullmatch(client_id) is None:
        raise refuse("INVALID_ARGUMENT", f"{name}: must be a UUID, got {client_id[:60]!r}")
    return client_id


def agent_of(call: Call, in_body: str = "") -> Agent:
    """Return the agent that a call names, in the query or in its body; raises Refuse."""
    account = account_of(call)
    name = call.query_value("agentId") or in_body
    agent = account.agents.find(name) if name else None
    if agent is None and not name and account.settings.agent_id == "single":
        agent = account.agents.only()
    if agent is None:
        raise agent_lookup(account, name)
    return agent


def agent_lookup(account: Account, name: str) -> Refuse:
    """Return the refusal of a call for an agent called *name*, whom nobody knows; empty: it named none."""
    agents = f"there are {account.agents.names}" if account.agents.all() else "any name is taken"
    if not name:
        hint = f"expected a query parameter agentId, such as agentId=welcome-bot; {agents}"
        if account.settings.agent_id == "single" and not account.agents.all():
            hint += "; `agent_id: single` implies the one that `agents` lists, or that was used before"
        return refuse("AGENT_LOOKUP", hint=hint)
    text = ERRORS["AGENT_LOOKUP"].text.replace("(ID: null)", f"(ID: {name[:100]})")
    return refuse("AGENT_LOOKUP", text, hint=f"there is no agent {name[:100]!r}; {agents}")

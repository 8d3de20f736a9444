"""
RBM's refusals: HTTP status, status word and wording.

Wordings without a source note are chosen: Google documents when they come, not how they read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from simulator.provider import Answer, Call, Refuse

__all__ = ["ERRORS", "RbmError", "error_answer", "json_answer", "refuse", "refused"]

_SCOPE_URL: Final = "https://www.googleapis.com/auth/rcsbusinessmessaging"
_SERVICE: Final = "rcsbusinessmessaging.googleapis.com"
_TYPE_URL: Final = "type.googleapis.com/google.rpc."
_HEADERS: Final = (
    ("Vary", "Origin"),
    ("Vary", "X-Origin"),
    ("Vary", "Referer"),
    ("Server", "ESF"),
    ("Cache-Control", "private"),
)
_JSON: Final = "application/json; charset=UTF-8"
_ENCODER: Final = msgspec.json.Encoder()


class RbmError(NamedTuple):
    """
    One way of refusing a call.
    """

    name: str
    number: int
    """HTTP status and two digits of ours: what a magic recipient ends in."""
    status: str
    text: str
    reason: str
    """The word in the legacy `errors` list."""
    source: str = ""

    @property
    def http(self) -> int:
        """The HTTP status."""
        return self.number // 100


_ROWS: Final = (
    RbmError(
        "INVALID_ARGUMENT", 40000, "INVALID_ARGUMENT", "Request contains an invalid argument.", "badRequest"
    ),
    RbmError(
        "SUGGESTED_REPLY_TOO_LONG",
        40001,
        "INVALID_ARGUMENT",
        "Within suggested reply, the provided text exceeds the maximum allowed length.",
        "badRequest",
        "seen through resellers",
    ),
    RbmError(
        "SUGGESTED_ACTION_TOO_LONG",
        40002,
        "INVALID_ARGUMENT",
        "Within suggested action, the provided text exceeds the maximum allowed length.",
        "badRequest",
        "seen through resellers",
    ),
    RbmError(
        "UNKNOWN_NAME",
        40003,
        "INVALID_ARGUMENT",
        "Invalid JSON payload received. Unknown name \"foo\" at 'agent_message': Cannot find field.",
        "badRequest",
        "pattern seen on sister APIs",
    ),
    RbmError(
        "FEATURE_UNSUPPORTED",
        40004,
        "INVALID_ARGUMENT",
        "The device of the recipient does not support a feature that the message needs.",
        "badRequest",
    ),
    RbmError(
        "TRAFFIC_TYPE_MISSING",
        40005,
        "INVALID_ARGUMENT",
        "agent_message.message_traffic_type: must be set for an agent with several use cases",
        "badRequest",
    ),
    RbmError(
        "UNAUTHENTICATED",
        40100,
        "UNAUTHENTICATED",
        "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie "
        "or other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project.",
        "required",
        "seen on sister APIs",
    ),
    RbmError(
        "INVALID_CREDENTIALS",
        40101,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
        "other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project.",
        "authError",
    ),
    RbmError(
        "INSUFFICIENT_SCOPE",
        40300,
        "PERMISSION_DENIED",
        "Request had insufficient authentication scopes.",
        "insufficientPermissions",
        "seen on sister APIs",
    ),
    RbmError(
        "AGENT_LOOKUP",
        40301,
        "PERMISSION_DENIED",
        "There was an error looking up the RBM agent (ID: null) that corresponds to the Google Cloud "
        "Platform (GCP) project you're authenticating with. This may be transient, so please retry. If it "
        "persists, check that the agent is registered and that you use the right project.",
        "forbidden",
        "its beginning was seen, issue 24 of rbm-api-examples",
    ),
    RbmError(
        "NOT_A_TESTER",
        40302,
        "PERMISSION_DENIED",
        "The agent is not launched and the phone number is not one of its testers.",
        "forbidden",
    ),
    RbmError(
        "DIALOGFLOW_DISABLED",
        40303,
        "PERMISSION_DENIED",
        "Dialogflow is not enabled for the agent.",
        "forbidden",
    ),
    RbmError(
        "NOT_REACHABLE",
        40400,
        "NOT_FOUND",
        "The specified phone number cannot be reached by RBM at this time.",
        "notFound",
        "seen through resellers",
    ),
    RbmError(
        "ENTITY_NOT_FOUND",
        40401,
        "NOT_FOUND",
        "Requested entity was not found.",
        "notFound",
        "seen through resellers",
    ),
    RbmError(
        "ALREADY_DELIVERED",
        40402,
        "NOT_FOUND",
        "The message cannot be revoked: it is not in the queue any more.",
        "notFound",
    ),
    RbmError(
        "ALREADY_EXISTS",
        40900,
        "ALREADY_EXISTS",
        "Requested entity already exists.",
        "alreadyExists",
        "in no text of Google's; one client has a branch for it",
    ),
    RbmError(
        "RESOURCE_EXHAUSTED",
        42900,
        "RESOURCE_EXHAUSTED",
        "Resource has been exhausted (e.g. check quota).",
        "rateLimitExceeded",
    ),
    RbmError(
        "USER_TRAFFIC_LIMIT",
        42901,
        "RESOURCE_EXHAUSTED",
        "You have reached the allowed traffic limit for this agent on the user, your message will not be "
        "delivered",
        "rateLimitExceeded",
        "seen through resellers",
    ),
    RbmError("INTERNAL", 50000, "INTERNAL", "Internal error encountered.", "backendError"),
    RbmError("UNAVAILABLE", 50300, "UNAVAILABLE", "The service is currently unavailable.", "backendError"),
)

ERRORS: Final[Mapping[str, RbmError]] = {row.name: row for row in _ROWS}
"""Every refusal by our name for it, which scenario files use."""


def refuse(name: str, text: str = "", violations: Sequence[tuple[str, str]] = ()) -> Refuse:
    """Return the refusal of a call with one of ERRORS; *text* and *violations* replace the usual ones."""
    words = text or ERRORS[name].text
    return Refuse(name, words.replace("\n", "; "), text=words, violations=tuple(violations))


def refused(call: Call, refuse: Refuse) -> Answer:
    """Answer a call that is refused, by a rule, a magic recipient, circumstances or our own checks."""
    if refuse.code not in ERRORS:
        # The token endpoint has codes and an error shape of its own.
        body = {"error": refuse.code, "error_description": refuse.reason}
        return Answer(400, _ENCODER.encode(body), "application/json; charset=utf-8")
    text, violations = refuse.facts.get("text", ""), refuse.facts.get("violations", ())
    assert isinstance(text, str)
    assert isinstance(violations, tuple)
    return error_answer(call, refuse.code, text, violations)


def json_answer(
    call: Call, body: object, status: int = 200, headers: Sequence[tuple[str, str]] = ()
) -> Answer:
    """Return a JSON answer, indented unless the client says `prettyPrint=false`."""
    encoded = _ENCODER.encode(body)
    if body and call.query_value("prettyPrint") not in ("false", "0"):
        encoded = msgspec.json.format(encoded, indent=2)
    return Answer(status, encoded, _JSON, (*_HEADERS, *headers))


def error_answer(call: Call, name: str, text: str = "", violations: Sequence[tuple[str, str]] = ()) -> Answer:
    """Return the answer for one of ERRORS, with the details and headers that belong to it."""
    row = ERRORS[name]
    said: dict[str, Any] = {"code": row.http, "message": text or row.text}
    if call.query_value("$.xgafv") == "1":
        # The list belongs to the first error format, which clients must ask for.
        said["errors"] = [{"domain": "global", "message": said["message"], "reason": row.reason}]
    said["status"] = row.status
    details = _details(call, row, violations)
    if details:
        said["details"] = details
    return json_answer(call, {"error": said}, row.http, _challenge(row))


def _details(call: Call, row: RbmError, violations: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    if row.name == "UNKNOWN_NAME" and not violations:
        violations = [("agent_message", row.text)]
    if violations:
        fields = [
            {"field": field, "description": text} if field else {"description": text}
            for field, text in violations
        ]
        return [{"@type": f"{_TYPE_URL}BadRequest", "fieldViolations": fields}]
    reason = {
        "UNAUTHENTICATED": "CREDENTIALS_MISSING",
        "INSUFFICIENT_SCOPE": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
    }
    if row.name in reason:
        metadata = {"service": _SERVICE, "method": call.path}
        return [
            {
                "@type": f"{_TYPE_URL}ErrorInfo",
                "reason": reason[row.name],
                "domain": "googleapis.com",
                "metadata": metadata,
            }
        ]
    return []


def _challenge(row: RbmError) -> tuple[tuple[str, str], ...]:
    realm = 'Bearer realm="https://accounts.google.com/"'
    match row.name:
        case "INSUFFICIENT_SCOPE":
            return (("WWW-Authenticate", f'{realm}, error="insufficient_scope", scope="{_SCOPE_URL}"'),)
        case "INVALID_CREDENTIALS":
            return (("WWW-Authenticate", f'{realm}, error="invalid_token"'),)
        case "UNAUTHENTICATED":
            return (("WWW-Authenticate", realm),)
    return ()

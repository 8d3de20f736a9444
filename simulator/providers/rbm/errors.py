"""
RBM's refusals: HTTP status, status word and wording.

Wordings without a source note are chosen: Google documents when they come, not how they read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
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


def _rows() -> Iterator[RbmError]:
    table = Path(__file__).with_name("errors.tsv").read_text(encoding="utf-8")
    for line in table.splitlines()[1:]:
        name, number, *words = line.split("\t")
        yield RbmError(name, int(number), *words)


ERRORS: Final[Mapping[str, RbmError]] = {row.name: row for row in _rows()}
"""Every refusal by our name for it, which scenario files use."""


def refuse(
    name: str, text: str = "", violations: Sequence[tuple[str, str]] = (), *, hint: str = ""
) -> Refuse:
    """
    Return the refusal of a call with one of ERRORS; *text* and *violations* replace the usual ones.

    The reason has the text in one line; *hint* is what it says beyond that.
    """
    words = text or ERRORS[name].text
    line = words.replace("\n", "; ")
    return Refuse(name, f"{line} ({hint})" if hint else line, text=words, violations=tuple(violations))


def refused(call: Call, refuse: Refuse) -> Answer:
    """Answer a call that is refused, by a rule, a magic recipient, circumstances or our own checks."""
    if refuse.code not in ERRORS:
        # The token endpoint has codes and an error shape of its own.
        body = {"error": refuse.code, "error_description": refuse.facts.get("text", refuse.reason)}
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
    message = text or row.text
    error: dict[str, Any] = {"code": row.http, "message": message}
    if call.query_value("$.xgafv") == "1":
        # The list belongs to the first error format, which clients must ask for.
        error["errors"] = [{"domain": "global", "message": message, "reason": row.reason}]
    error["status"] = row.status
    if details := _details(call, row, violations):
        error["details"] = details
    return json_answer(call, {"error": error}, row.http, _challenge(row))


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

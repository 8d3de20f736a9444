"""
What many providers need: credentials in headers, forms, answers in JSON.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from simulator.provider.calls import Answer, Call, Credential
from simulator.provider.refusing import Refuse

__all__ = [
    "basic_credential",
    "basic_header",
    "bearer_credential",
    "form_of",
    "json_answer",
    "json_failed",
    "json_not_found",
    "json_refused",
    "json_too_large",
    "json_unauthorized",
    "scheme_of",
]

_FORM_FIELDS_MAX: Final = 1_000
_ENCODER: Final = msgspec.json.Encoder()


def scheme_of(call: Call) -> tuple[str, str]:
    """Return scheme (in small letters) and secret of the Authorization header; empty texts without one."""
    scheme, _, secret = call.headers.get("Authorization", "").strip().partition(" ")
    return scheme.lower(), secret.strip()


def bearer_credential(call: Call) -> Credential | None:
    """Return the token of `Authorization: Bearer …`; None when it is missing or malformed."""
    scheme, secret = scheme_of(call)
    return Credential("bearer", secret) if scheme == "bearer" and secret and " " not in secret else None


def basic_credential(call: Call) -> Credential | None:
    """Return user and password of `Authorization: Basic …`; None when they are missing or malformed."""
    scheme, secret = scheme_of(call)
    if scheme != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(secret, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Credential("basic", password, user) if colon and user else None


def basic_header(credential: str) -> str:
    """Return the value of the Authorization header for `user:password`."""
    return f"Basic {base64.b64encode(credential.encode()).decode()}"


def form_of(call: Call) -> dict[str, str]:
    """
    Return the fields of an `application/x-www-form-urlencoded` body; of a repeated one, the last.

    Raises ValueError for a body that is none.
    """
    try:
        text = call.body.decode("ascii")
        return dict(
            parse_qsl(
                text,
                keep_blank_values=True,
                strict_parsing=bool(text),
                errors="strict",
                max_num_fields=_FORM_FIELDS_MAX,
            )
        )
    except ValueError:
        raise ValueError("body: expected fields such as To=%2B41793026727&Body=hello") from None


def json_answer(body: object, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    """Return an answer in JSON."""
    return Answer(status, _ENCODER.encode(body), headers=tuple(headers))


# What a provider answers unless it says otherwise: the least that a client can read.


def json_unauthorized(call: Call) -> Answer:
    """Answer 401."""
    return json_answer({"error": "unauthorized"}, 401)


def json_not_found(call: Call, allowed: Sequence[str]) -> Answer:
    """Answer 404, or 405 for a wrong method."""
    if allowed:
        return json_answer({"error": "method not allowed"}, 405, (("Allow", ", ".join(allowed)),))
    return json_answer({"error": "not found"}, 404)


def json_too_large(call: Call, bytes_max: int) -> Answer:
    """Answer 413."""
    return json_answer({"error": f"expected a body of at most {bytes_max} bytes"}, 413)


def json_failed(call: Call) -> Answer:
    """Answer 500."""
    return json_answer({"error": "internal error"}, 500)


def json_refused(call: Call, refuse: Refuse) -> Answer:
    """Answer with the code: with the HTTP status it is, or else with 400."""
    status = int(refuse.code) if refuse.code.isdecimal() and 400 <= int(refuse.code) <= 599 else 400
    facts: Mapping[str, object] = refuse.facts
    return json_answer({"error": refuse.code, **facts}, status, refuse.retry_headers)

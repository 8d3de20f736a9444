"""
The pigeon line protocol: `COO|to|text|key=value`, one bird a line.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from simulator.provider import Message, Refuse, Refused, Report, Submission, normal_address
from toys.pigeon.codes import HUH, NO_LOFT

__all__ = ["parse_flock", "pigeon", "render_outcomes", "render_reports", "seal"]

_KEYS: Final = ("from", "id", "ttl", "after", "loft")
_DAY_MS: Final = 86_400_000
_CODED: Final = {"p": "|", "n": "\n", "^": "^"}


def pigeon(
    to: str,
    text: str = "coo",
    *,
    sender: str = "LOFT",
    id: str = "",
    validity_ms: int = _DAY_MS,
    hold_until_ms: int = 0,
    credential: str = "",
    operation: str = "send",
    refusal: str = "",
    refusal_why: str = "",
    loft: str = "",
) -> Submission:
    """
    Return a submission, as `parse_flock` would have read it; *loft* is where its reports go.
    """
    return Submission(
        provider="pigeon",
        recipient=normal_address(to),
        operation=operation,
        sender=sender,
        text=text,
        credential=credential,
        id=id,
        validity_ms=validity_ms,
        hold_until_ms=hold_until_ms,
        refusal=refusal,
        refusal_why=refusal_why,
        details=loft,
    )


def parse_flock(body: bytes, now_ms: int, credential: str = "") -> list[Submission]:
    """
    Return one submission per line; raises Refuse, which says in which line and why.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Refuse(HUH, "line 1: expected UTF-8") from None
    lines = [line for line in text.split("\n") if line]
    if not lines:
        raise Refuse(HUH, "line 1: expected COO|to|text, got nothing")
    return [_parse_bird(number, line, now_ms, credential) for number, line in enumerate(lines, 1)]


def _parse_bird(number: int, line: str, now_ms: int, credential: str) -> Submission:
    word, *fields = line.split("|")
    if word != "COO" or len(fields) < 2:
        raise Refuse(HUH, f"line {number}: expected COO|to|text")
    to, text, *options = fields
    values: dict[str, str] = {}
    for option in options:
        key, _, value = option.partition("=")
        if key not in _KEYS:
            raise Refuse(HUH, f"line {number}: expected one of {', '.join(_KEYS)}, got {key}")
        values[key] = _plain(value)
    for key in ("ttl", "after"):
        if not re.fullmatch("[0-9]{1,9}", values.get(key, "0")):
            raise Refuse(HUH, f"line {number}: {key}: expected whole seconds, got {values[key]}")
    address = normal_address(_plain(to))
    lives = re.fullmatch(r"\+?[0-9]{7,15}", address) is not None
    after_ms = int(values.get("after", "0")) * 1_000
    return pigeon(
        address,
        _plain(text),
        sender=values.get("from", "LOFT"),
        id=values.get("id", ""),
        validity_ms=int(values["ttl"]) * 1_000 if "ttl" in values else _DAY_MS,
        hold_until_ms=now_ms + after_ms if after_ms else 0,
        credential=credential,
        refusal="" if lives else NO_LOFT,
        refusal_why="" if lives else f"expected a loft of 7 to 15 digits, got {address[:40]!r}",
        loft=values.get("loft", ""),
    )


def _plain(text: str) -> str:
    return re.sub(r"\^([pn^])", lambda match: _CODED[match[1]], text)


def _coded(text: str) -> str:
    return text.replace("^", "^^").replace("|", "^p").replace("\n", "^n")


def render_outcomes(outcomes: Sequence[Message | Refused]) -> bytes:
    """
    Return one line per bird: `AYE|id|to` or `NAY|code|to`.
    """
    return "".join(
        f"NAY|{outcome.code}|{_coded(outcome.key.recipient)}\n"
        if isinstance(outcome, Refused)
        else f"AYE|{_coded(outcome.id)}|{_coded(outcome.key.recipient)}\n"
        for outcome in outcomes
    ).encode("utf-8", "replace")


def render_reports(reports: Sequence[Report]) -> bytes:
    """
    Return one line per report: what it tells, then the fields of its payload.
    """
    lines = []
    for report in reports:
        fields = report.payload if isinstance(report.payload, tuple) else ()
        lines.append("|".join([report.label, *(_coded(str(part)) for part in fields)]))
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def seal(body: bytes, key: str) -> str:
    """Return the signature of a webhook's body."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()

"""
Webhooks damaged on purpose: cut short, garbled, mislabelled, wrongly signed, not signed at all, respelt.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from simulator.kernel.model.chance import Draws
from simulator.kernel.model.faults import Damage, DamageKind
from simulator.kernel.webhooks.webhook import WebhookRequest

__all__ = ["damaged", "garbled"]

_GARBLED_BYTES_MAX = 8
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[,:{}\[\]]')
"""What a spelling of JSON is changed at: texts, and what stands between values."""


def damaged(request: WebhookRequest, damage: tuple[Damage, ...], draws: Draws) -> WebhookRequest:
    """Return *request* with everything in *damage* done to it; the same way for the same draws."""
    # What is spelt otherwise is signed anew, so that comes before whatever spoils it.
    for each in sorted(damage, key=lambda each: each.kind is not DamageKind.RESPELT):
        match each.kind:
            case DamageKind.RESPELT:
                request = _respelt(request, draws)
            case DamageKind.TRUNCATE:
                length = draws.integer("truncate", 0, max(0, len(request.body) - 1))
                request = replace(request, body=request.body[:length])
            case DamageKind.CORRUPT:
                request = replace(request, body=garbled(request.body, draws))
            case DamageKind.CONTENT_TYPE:
                request = replace(request, headers=_mislabelled(request.headers))
            case DamageKind.SIGNATURE:
                request = replace(request, headers=_missigned(request.headers, request.signed_by, draws))
            case DamageKind.UNSIGNED:
                request = replace(request, headers=_without(request.headers, request.signed_by))
            case DamageKind.SLOW:
                request = replace(request, slow_real_ms=each.real_ms)
    return request


def _respelt(request: WebhookRequest, draws: Draws) -> WebhookRequest:
    """Return *request* with the same JSON spelt otherwise, and signed as it is sent; other formats stay."""
    if not request.body.startswith((b"{", b"[")):
        return request
    lines = draws.hits("respell.lines", 5_000)

    def spelt(match: re.Match[bytes]) -> bytes:
        token = match[0]
        if token.startswith(b'"'):
            # A slash may be written so, and many a library does.
            return token.replace(b"\\/", b"/").replace(b"/", b"\\/")
        if lines and token in b",{[":
            return token + b"\n  "
        return token + b" " if token in b",:" else token

    body = _TOKEN.sub(spelt, request.body)
    if request.sign is None:
        return replace(request, body=body)
    names = {name.lower() for name in request.signed_by}
    signature = request.sign(body)
    headers = tuple((name, signature if name.lower() in names else value) for name, value in request.headers)
    return replace(request, body=body, headers=headers)


def garbled(body: bytes, draws: Draws) -> bytes:
    """Return *body* with a few bytes flipped."""
    changed = bytearray(body)
    for number in range(min(_GARBLED_BYTES_MAX, len(changed))):
        place = draws.integer(f"corrupt.{number}", 0, len(changed) - 1)
        # From the original, so that a place drawn twice does not change back.
        changed[place] = body[place] ^ 0x15
    return bytes(changed)


def _without(headers: tuple[tuple[str, str], ...], names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    lower = {name.lower() for name in names}
    return tuple((name, value) for name, value in headers if name.lower() not in lower)


def _mislabelled(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return (*_without(headers, ("content-type",)), ("Content-Type", "text/plain"))


def _missigned(
    headers: tuple[tuple[str, str], ...], signed_by: tuple[str, ...], draws: Draws
) -> tuple[tuple[str, str], ...]:
    names = {name.lower() for name in signed_by}
    return tuple((name, _other(value, draws) if name.lower() in names else value) for name, value in headers)


def _other(signature: str, draws: Draws) -> str:
    """Return a signature of the same form that is not this one."""
    places = [place for place, letter in enumerate(signature) if letter.isalnum()]
    if not places:
        return signature
    # The last letter of base64 may carry bits that nobody reads.
    places = places[:-1] or places
    place = places[draws.integer("signature", 0, len(places) - 1)]
    letter = signature[place]
    # Stays in the alphabet of hexadecimal and base64, so that only checking it tells.
    other = "0" if letter != "0" else "1"
    return f"{signature[:place]}{other}{signature[place + 1 :]}"

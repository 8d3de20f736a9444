"""
Access tokens and service-account keys: Google's token endpoint, offline.

The key is one and the same for everybody and public (test_only_key.pem), so nothing
here is a secret; what tells spaces apart is the e-mail address that a key names.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from simulator.provider import Refuse

__all__ = [
    "EXPIRES_S",
    "SCOPE_URLS",
    "Grant",
    "IssuedTokens",
    "Token",
    "grant",
    "judged_by",
    "mint_key",
    "read_token",
]

EXPIRES_S: Final = 3_599
_GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE_S_MAX: Final = 3_600
_SAME_CLOCK_S: Final = 86_400
_SCOPES: Final = {
    "https://www.googleapis.com/auth/rcsbusinessmessaging": "r",
    "https://www.googleapis.com/auth/businesscommunications": "b",
}
SCOPE_URLS: Final = {letter: url for url, letter in _SCOPES.items()}
"""The scopes by the letters that stand for them in tokens."""

_EMAIL_DOMAIN: Final = "simulator-tests.iam.gserviceaccount.com"
_ISSUED: Final = re.compile(
    r"(ya29\.(?:[0-9a-f]{32}|e-[A-Za-z0-9_-]+))\.([rb]*)\.([0-9]{1,15})\.([0-9]{1,15})", re.ASCII
)
_OURS: Final = re.compile(rf"sim-([0-9a-f]{{32}})@{re.escape(_EMAIL_DOMAIN)}", re.ASCII)

_MODULUS: Final = int(
    "de7601830005b9d4774115d47d8b77c9d9c265bfac346d0248a93ea1eb473fcecf9b7f7a5be5764e13714c4ff3bd9309"
    "8da7760b11278fc1fbef72c100bbeeb8e24c8893e93e0df1365794f82f4969648100bf7f5ff8f93781c023d027d4535e"
    "5d1dc55f0a7f9c1cf240622364fed3ce3605045b89bdc2c2054b1d8568ce4014c355b440dded597fc30136fdad207a61"
    "8e6ca20c09cb434e030d336e02899878597653736b555d6b78f05ec04935d544b0213ffa93f07e37d6ba3309237c4fac"
    "0fe944affa70170df71d67c6c3c1b146fb046fc6c42e8424ab5627253487e381e88405eb498a74e072a4a54825549f03"
    "2477076cf095237b7b066743c7b7a267",
    16,
)
_EXPONENT: Final = 65_537
_SHA256_PREFIX: Final = bytes.fromhex("3031300d060960864801650304020105000420")
"""What PKCS 1 puts before a SHA-256 digest.  Source: RFC 8017, section 9.2."""


class Token(NamedTuple):
    """
    What a bearer token says.
    """

    credential: str
    """The credential as settings list it: the token itself, or the e-mail address it was issued to."""
    scopes: str = "rb"
    issued_ms: int | None = None
    """When /token issued it; None for every other token."""
    serial: int = 0
    """The how-manieth token it is of its space."""


class Grant(NamedTuple):
    """
    What /token was convinced of.
    """

    subject: str
    scopes: str

    def token(self, now_ms: int, serial: int) -> str:
        """Return the access token."""
        return f"{self.subject}.{self.scopes}.{now_ms}.{serial}"


class IssuedTokens:
    """
    How many tokens /token has issued in a space, and which of them are refused.
    """

    __slots__ = ("_count", "_void")

    def __init__(self) -> None:
        self._count = 0
        self._void = 0

    def next_serial(self) -> int:
        """Return the serial number of one more token."""
        self._count += 1
        return self._count

    def expire(self) -> None:
        """Let every token issued so far be refused."""
        self._void = self._count

    def is_void(self, serial: int) -> bool:
        """Return True when the token with this number is refused."""
        return serial <= self._void


@lru_cache(maxsize=1_024)
def read_token(secret: str) -> Token | None:
    """
    Return what a bearer token says, or None when it is malformed.

    Tokens of /token lead to the credential they were issued to; a self-signed
    JWT counts as the account that signed it; everything else is taken as it is.
    """
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        return None
    if (issued := _ISSUED.fullmatch(secret)) is not None:
        return Token(_credential(issued[1]), issued[2], int(issued[3]), int(issued[4]))
    if secret.count(".") == 2 and secret.startswith("eyJ"):
        claims = _claims(secret)
        if claims is None or not isinstance(claims.get("iss"), str):
            return None
        scopes = _scopes(claims) if "scope" in claims else "rb"
        return Token(_credential(_subject(claims["iss"])), scopes)
    return Token(secret)


def _any_time(issued: int, expires: int) -> str:
    return ""


def grant(body: bytes, judge: Callable[[int, int], str] = _any_time) -> Grant:
    """
    Return what a request to /token is granted; raises Refuse.

    *judge* says what is wrong with the seconds in which an assertion begins and ends, if anything.

    The audience is not looked at: Google's Python library always names Google's
    own.  A signature is checked when the assertion names a key of ours; other
    keys we cannot know, so their assertions need only be well formed.
    """
    try:
        form = dict(parse_qsl(body.decode()))
    except UnicodeDecodeError:
        raise Refuse("invalid_request", "The body is not a form.") from None
    if form.get("grant_type") != _GRANT_TYPE:
        raise Refuse("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
    assertion = form.get("assertion", "")
    claims = _claims(assertion)
    if claims is None or not isinstance(claims.get("iss"), str):
        raise Refuse("invalid_grant", "Invalid JWT: it is not well formed or names no issuer.")
    issuer = claims["iss"]
    if issuer.startswith("invalid") or (_OURS.fullmatch(issuer) and not _well_signed(assertion)):
        raise Refuse("invalid_grant", "Invalid JWT Signature.")
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(expires, int):
        raise _untimely(f"expected iat and exp as seconds, got {issued!r} and {expires!r}")
    if not 0 < expires - issued <= _LIFE_S_MAX:
        raise _untimely(f"expected 1 to {_LIFE_S_MAX} s from iat to exp, got {expires - issued}")
    if why := judge(issued, expires):
        raise _untimely(why)
    return Grant(_subject(issuer), _scopes(claims))


def judged_by(now_s: int, skew_s: int, now_text: str) -> Callable[[int, int], str]:
    """
    Return what judges the times of an assertion by a clock that stands at *now_s*.

    An assertion that begins a day or more away comes from another clock, such as
    that of a machine whose space stands still elsewhere in time: it passes.
    """

    def judge(issued: int, expires: int) -> str:
        if abs(issued - now_s) >= _SAME_CLOCK_S:
            return ""
        clock = f"the space's clock stands at {now_text}; `assertion_times: ignored` lets any pass"
        if expires <= now_s:
            return f"exp {expires} was {now_s - expires} s ago: {clock}"
        if issued > now_s + skew_s:
            return f"iat {issued} is {issued - now_s} s ahead: {clock}"
        return ""

    return judge


def _untimely(why: str) -> Refuse:
    text = (
        "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
        "Check your iat and exp values in the JWT claim."
    )
    return Refuse("invalid_grant", f"{text} ({why})", text=text)


def mint_key(credential: str, base_url: str) -> dict[str, str]:
    """Return a service-account file that leads to *credential*, with a token_uri under *base_url*."""
    digits = credential.removeprefix("ya29.")
    pem = Path(__file__).with_name("test_only_key.pem").read_text(encoding="ascii")
    return {
        "type": "service_account",
        "project_id": "simulator-tests",
        "private_key_id": digits,
        "private_key": pem[pem.index("-----BEGIN") :],
        "client_email": f"sim-{digits}@{_EMAIL_DOMAIN}",
        "client_id": str(10**20 + int(digits, 16) % 10**20),
        "token_uri": f"{base_url}/token",
    }


def _subject(issuer: str) -> str:
    ours = _OURS.fullmatch(issuer)
    if ours is not None:
        return f"ya29.{ours[1]}"
    return f"ya29.e-{base64.urlsafe_b64encode(issuer.encode()).decode().rstrip('=')}"


def _credential(subject: str) -> str:
    if not subject.startswith("ya29.e-"):
        return subject
    try:
        return _decoded(subject.removeprefix("ya29.e-")).decode()
    except (binascii.Error, ValueError):
        return subject


def _scopes(claims: dict[str, Any]) -> str:
    scopes = str(claims.get("scope", "")).split()
    return "".join(letter for scope, letter in _SCOPES.items() if scope in scopes)


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _claims(assertion: str) -> dict[str, Any] | None:
    parts = assertion.split(".")
    if len(parts) != 3:
        return None
    try:
        header, claims = (msgspec.json.decode(_decoded(part)) for part in parts[:2])
        signature = _decoded(parts[2])
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        return None
    if not isinstance(header, dict) or not isinstance(claims, dict) or header.get("alg") != "RS256":
        return None
    return claims if signature else None


def _well_signed(assertion: str) -> bool:
    """Check an RS256 signature against our key: so little arithmetic needs no library."""
    signed, _, signature = assertion.rpartition(".")
    raw = _decoded(signature)
    if len(raw) != 256:
        return False
    opened = pow(int.from_bytes(raw, "big"), _EXPONENT, _MODULUS).to_bytes(256, "big")
    digest = _SHA256_PREFIX + hashlib.sha256(signed.encode()).digest()
    padding = b"\xff" * (256 - 3 - len(digest))
    return hmac.compare_digest(opened, b"\x00\x01" + padding + b"\x00" + digest)

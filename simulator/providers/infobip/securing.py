"""
What proves to the integrator that a webhook is from its provider: headers, and a signature.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from simulator.provider import (
    Choice,
    Either,
    Field,
    MapOf,
    Record,
    Shape,
    Text,
    Word,
    basic_header,
    setting,
    setting_without_default,
)

__all__ = ["ALGORITHMS", "Hmac", "Security"]

ALGORITHMS: Final = {
    "HMAC_MD5": "md5",
    "HMAC_SHA_1": "sha1",
    "HMAC_SHA_224": "sha224",
    "HMAC_SHA_256": "sha256",
    "HMAC_SHA_384": "sha384",
    "HMAC_SHA_512": "sha512",
}
"""Algorithms by the names that subscriptions use."""


class Hmac(NamedTuple):
    """
    How webhooks are signed.  Header and signed text are not documented; both are our choice.
    """

    secret: str
    algorithm: str = "HMAC_SHA_256"
    header: str = "X-Signature"

    def sign(self, body: bytes) -> str:
        """Return the signature of exactly these bytes, in lower-case hexadecimal."""
        return hmac.digest(self.secret.encode(), body, ALGORITHMS[self.algorithm]).hex()


_HEADER_NAME: Final = Text(1, 100, r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "a header name", ("X-Signature",))
_HEADER_VALUE: Final = Text(0, 4_000, r"[\t -~]*", "a header value of printable ASCII")
_BASIC: Final[Shape[tuple[str, str]]] = Record(
    lambda user, password: (user, password),
    [
        Field("user", Text(1, 500), "User name.", required=True),
        Field("password", Text(0, 500), "Password.", required=True),
    ],
)
_HMAC: Final = Record(
    Hmac,
    [
        Field("secret", Text(1, 500), "The shared secret.", required=True),
        Field("algorithm", Choice({name: name for name in ALGORITHMS}), "Of the HMAC.", shown="HMAC_SHA_256"),
        Field("header", _HEADER_NAME, "Where it stands; no name is documented.", shown="X-Signature"),
    ],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """
    What a subscription adds to each webhook; nothing unless it is set.
    """

    headers: Mapping[str, str] = setting(
        MapOf(_HEADER_VALUE, _HEADER_NAME, 50), {}, "Custom headers of each webhook, by name.", secret=True
    )
    basic: tuple[str, str] | None = setting_without_default(
        _BASIC, None, "Basic authentication of each webhook.", secret=True
    )
    hmac: Hmac | None = setting_without_default(
        _HMAC,
        None,
        "A signature of each webhook: the HMAC of its body, in lower-case hexadecimal.",
        secret=True,
    )
    secure: str = setting(
        Either(Word("subscription"), Word("all")),
        "subscription",
        "Which webhooks get headers and signature: those to the account's own URLs, or all.",
    )

    @property
    def everywhere(self) -> bool:
        """Also where a request names its own target; else only where the subscription does."""
        return self.secure == "all"

    def headers_for(self, body: bytes) -> tuple[tuple[str, str], ...]:
        """Return the headers that a webhook with this body gets."""
        headers = tuple(self.headers.items())
        if self.basic is not None:
            headers += (("Authorization", basic_header(":".join(self.basic))),)
        if self.hmac is not None:
            headers += ((self.hmac.header, self.hmac.sign(body)),)
        return headers

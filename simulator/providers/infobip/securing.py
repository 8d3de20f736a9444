"""
What proves to the integrator that a webhook is from its provider: headers, and a signature.
"""

from __future__ import annotations

import base64
import hmac
from typing import Final, NamedTuple

__all__ = ["ALGORITHMS", "NO_SECURITY", "Hmac", "Security"]

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
        return hmac.new(self.secret.encode(), body, ALGORITHMS[self.algorithm]).hexdigest()


class Security(NamedTuple):
    """
    What a subscription adds to each webhook; nothing unless it is set.
    """

    headers: tuple[tuple[str, str], ...] = ()
    basic: tuple[str, str] | None = None
    hmac: Hmac | None = None
    everywhere: bool = False
    """Also where a request names its own target; else only where the subscription does."""

    def headers_for(self, body: bytes) -> tuple[tuple[str, str], ...]:
        """Return the headers that a webhook with this body gets."""
        found = self.headers
        if self.basic is not None:
            credential = base64.b64encode(":".join(self.basic).encode()).decode()
            found += (("Authorization", f"Basic {credential}"),)
        if self.hmac is not None:
            found += ((self.hmac.header, self.hmac.sign(body)),)
        return found


NO_SECURITY: Final = Security()

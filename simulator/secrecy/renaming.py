"""
The policy for records: each secret gets another name, the same one wherever it turns up.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from typing import Final

from simulator.schema.node import Json
from simulator.secrecy.places import (
    HARMLESS,
    SECRET_NAME,
    Known,
    in_authorization,
    in_fields,
    in_text,
    is_secret,
)
from simulator.secrecy.withholding import WITHHELD, Withholding

__all__ = ["Renaming"]

_UNKNOWN: Final = "withheld-"
_GIVEN: Final = "withheld-in-scenario-"
# What says nothing about the call, or is made anew for the one that a replay makes.
_NOT_KEPT: Final = frozenset(
    {"host", "connection", "keep-alive", "transfer-encoding", "user-agent", "cookie", "content-length"}
)
_PROOFS: Final = frozenset({"authorization", "proxy-authorization"})
_JWT: Final = re.compile(r"(eyJ[A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
_NO_SIGNATURE: Final = base64.urlsafe_b64encode(WITHHELD.encode()).decode().rstrip("=")
_OUTGOING: Final = Withholding()


class Renaming:
    """
    Gives credentials other names, which lead to the same answers in a replay.

    One that stands in the scenario file is called by its place there, so that the
    rules that name it still apply; any other is numbered as it first turns up.
    What the simulator itself made is nobody's secret and is kept.
    """

    def __init__(self, given: Sequence[str], minted: Iterable[str]) -> None:
        self._names = {secret: f"{_GIVEN}{number}" for number, secret in enumerate(given, 1)}
        self._given = {name: secret for secret, name in self._names.items()}
        self._open = set(minted)
        self._minted = [secret[-32:] for secret in self._open]
        self._known = Known(self._names, prose=False)
        self._count = 0
        self.withheld = False
        """True when something was renamed that signatures may be made with."""

    # -- what stands instead --------------------------------------------------------------------

    def secret(self, secret: str) -> str:
        """Return what *secret* is called in the record."""
        if secret in self._open or secret.startswith((_UNKNOWN, WITHHELD)):
            return secret
        token = _JWT.fullmatch(secret)
        if token is not None:
            return secret if self._is_ours(token[2]) else f"{token[1]}.{token[2]}.{_NO_SIGNATURE}"
        name = self._names.get(secret)
        if name is None:
            self._count += 1
            name = f"{_UNKNOWN}{self._count}"
            if ":" in secret:
                name = f"{name}:{name}"
            self._names[secret] = name
            self._known = Known(self._names, prose=False)
        return name

    def number(self, number: str) -> str:
        """Return the number: it may be how long a token lasts, and a replay must hear the same."""
        return number

    def user_info(self) -> str:
        """Return what stands before the @ of an address; a replay posts to other ones anyway."""
        return "withheld"

    def _is_ours(self, claims: str) -> bool:
        # A token about an account that the simulator made up is signed with its public key.
        try:
            plain = base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)).decode("latin-1")
        except (binascii.Error, ValueError):
            return False
        return any(minted in plain for minted in self._minted)

    def keep(self, secret: str) -> None:
        """Let *secret* stand in the record: the simulator handed it out."""
        self._open.add(secret)

    # -- what comes in --------------------------------------------------------------------------

    def headers(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the headers of a call as the record has them."""
        return [
            (str(name), self._header(name.lower(), value))
            for name, value in headers
            if name.lower() not in _NOT_KEPT and not name.lower().startswith("x-simulator-")
        ]

    def _header(self, name: str, value: str) -> str:
        if name in HARMLESS:
            return value
        if name in _PROOFS:
            return in_authorization(value, self.secret)
        return self.secret(value) if SECRET_NAME.search(name) else self.text(value)

    def query(self, query: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the query of a call as the record has it."""
        return [(name, self.secret(value) if is_secret(name) else self.text(value)) for name, value in query]

    def body(self, body: bytes) -> bytes:
        """Return the body of a call as the record has it."""
        # Every byte is one character here, so nothing is lost that is not UTF-8.
        text = in_fields(body.decode("latin-1"), _InFields(self))
        return self.text(text).encode("latin-1")

    def hidden(self, plain: Json, *, secret: bool = False) -> Json:
        """Return settings or a scenario as the record has them."""
        match plain:
            case str():
                return _InFields(self).secret(plain) if secret else self.text(plain)
            case list():
                return [self.hidden(part, secret=secret) for part in plain]
            case dict():
                return {
                    name: self.hidden(part, secret=secret or is_secret(name)) for name, part in plain.items()
                }
            case _:
                return plain

    def text(self, text: str) -> str:
        """Return any text without credentials: those in addresses, and those known."""
        return self._plain(in_text(text, self))

    # -- what goes out --------------------------------------------------------------------------

    def webhook_url(self, url: str) -> str:
        """Return the URL of a webhook as the record has it."""
        return self._plain(_OUTGOING.text(url))

    def webhook_headers(
        self, headers: Iterable[tuple[str, str]], signed_by: Sequence[str]
    ) -> list[tuple[str, str]]:
        """Return the headers of a webhook as the record has them; a signature tells no secret."""
        return [
            (name, value if name.lower() in HARMLESS or name in signed_by or _is_label(name) else WITHHELD)
            for name, value in headers
        ]

    def webhook_body(self, body: bytes) -> bytes:
        """Return the body of a webhook as the record has it."""
        return self._plain(body.decode("latin-1")).encode("latin-1")

    # -- the way back ---------------------------------------------------------------------------

    def restored(self, text: str) -> str:
        """Return *text* with the secrets that stand in the scenario."""
        if _GIVEN not in text:
            return text
        return re.sub(rf"{_GIVEN}[0-9]+", lambda match: self._given.get(match[0], match[0]), text)

    def restored_header(self, name: str, value: str) -> str:
        """Return the value of a header with the secrets that stand in the scenario."""
        return (
            in_authorization(value, self.restored)
            if name.lower() == "authorization"
            else self.restored(value)
        )

    def restored_body(self, body: bytes) -> bytes:
        """Return a body with the secrets that stand in the scenario."""
        return self.restored(body.decode("latin-1")).encode("latin-1") if _GIVEN.encode() in body else body

    def _plain(self, text: str) -> str:
        return self._known.replaced(text, lambda secret: self._names.get(secret, WITHHELD))


class _InFields:
    """
    The same names, and a note that something was renamed that signatures may be made with.
    """

    def __init__(self, renaming: Renaming) -> None:
        self._renaming = renaming

    def secret(self, secret: str) -> str:
        self._renaming.withheld = True
        return self._renaming.secret(secret)

    def number(self, number: str) -> str:
        return number

    def user_info(self) -> str:
        return self._renaming.user_info()


def _is_label(name: str) -> bool:
    return name.lower().endswith("-type")

"""
The policy for evidence: one word in the place of every secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from simulator.secrecy.places import HARMLESS, SECRET_NAME, Known, in_fields, in_text

__all__ = ["WITHHELD", "Withholding", "harmless_query", "harmless_text"]

WITHHELD: Final = "(withheld)"
_PROVES_WHO: Final = re.compile(rf"{SECRET_NAME.pattern}|user[-_]?name", re.IGNORECASE)


class Withholding:
    """
    Takes secrets out of what is shown.

    What sounds like a secret by its name is withheld wherever it stands, and so is
    every secret that is *known*, in whatever text it turns up.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known = Known(secrets, prose=True)

    def header(self, name: str, value: str) -> str:
        """Return a header's value if it is of the harmless few."""
        return self.plain(value) if name.lower() in HARMLESS else WITHHELD

    def headers(self, headers: Iterable[tuple[str, str]]) -> list[list[str]]:
        """Return headers for whoever owns them: values are withheld where the name sounds like a secret."""
        shown = []
        for name, value in headers:
            secret = _PROVES_WHO.search(name) or "cookie" in name.lower()
            shown.append([str(name), WITHHELD if secret else self.text(value)])
        return shown

    def text(self, text: str) -> str:
        """Return an address, or any text with addresses in it, without what proves who calls."""
        return self.plain(in_text(text, self))

    def body(self, text: str) -> str:
        """Return a JSON, XML or form body without its secrets."""
        return self.text(in_fields(text, self))

    def plain(self, text: str) -> str:
        """Return *text* without the secrets that are known."""
        return self._known.replaced(text, self.secret)

    # -- what stands instead --------------------------------------------------------------------

    def secret(self, secret: str) -> str:
        """Return the one word."""
        return WITHHELD

    def number(self, number: str) -> str:
        """Return the one word as a JSON text."""
        return f'"{WITHHELD}"'

    def user_info(self) -> str:
        """Return the one word."""
        return WITHHELD


_NOTHING_KNOWN: Final = Withholding()


def harmless_text(text: str) -> str:
    """Return any text without what proves who calls in the addresses within it."""
    return _NOTHING_KNOWN.text(text)


def harmless_query(query: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the parameters of a query without what proves who calls: names stay, values are withheld."""
    text = harmless_text
    return tuple((name, WITHHELD if _PROVES_WHO.search(name) else text(value)) for name, value in query)

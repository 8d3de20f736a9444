"""
What evidence must not tell: credentials.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from simulator.runtime.secret_names import NAMES, SECRET_NAME, WITHHELD
from simulator.runtime.space import Space

__all__ = ["HARMLESS", "IN_JSON", "IN_XML", "SECRET_NAME", "USER_INFO", "WITHHELD", "Redaction"]

# Shorter ones, such as the "key" of a test, would turn up in innocent words.
_CREDENTIAL_LENGTH_MIN = 8
_CREDENTIALS_MAX = 1_000

HARMLESS: Final = frozenset(
    {"accept", "accept-encoding", "content-encoding", "content-length", "content-type", "date", "user-agent"}
)
# Names are short; without the bounds a hostile text could keep the patterns busy for hours.
IN_JSON: Final = re.compile(
    rf'("[^"\\]{{0,60}}(?:{NAMES})[^"\\]{{0,60}}"\s{{0,60}}:\s{{0,60}})'
    r'(?:"(?:[^"\\]|\\.)*+"?|[0-9][0-9.eE+-]*)',
    re.IGNORECASE | re.DOTALL,
)
_IN_FORM: Final = re.compile(
    rf"((?:^|[&?;\n])[^=&?;\n]{{0,60}}(?:{NAMES})[^=&?;\n]{{0,60}}=)[^&;\s]+", re.IGNORECASE
)
IN_XML: Final = re.compile(
    rf"(<[^<>/\s]{{0,60}}(?:{NAMES})[^<>/\s]{{0,60}}(?:\s[^<>]{{0,500}})?>)[^<]+", re.IGNORECASE
)
USER_INFO: Final = re.compile(r"(://)[^/@?#\s]+@")


class Redaction:
    """
    Takes credentials out of what one space heard and said.

    Fields whose name sounds like a secret are withheld wherever they stand, and
    so is every credential that the space knows, in whatever text it turns up.
    """

    def __init__(self, space: Space) -> None:
        known: set[str] = set()
        for credential in _credentials(space):
            known.update((credential, credential.partition(":")[2]))
            if len(known) >= _CREDENTIALS_MAX:
                break
        long = {secret for secret in known if len(secret) >= _CREDENTIAL_LENGTH_MIN}
        spelled = {spelling for secret in long for spelling in (secret, quote(secret, safe=""))}
        # The longest first, lest one that begins like another leave its end behind.
        ordered = sorted(spelled, key=lambda secret: (-len(secret), secret))
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def header(self, name: str, value: str) -> str:
        """Return a header's value if it is of the harmless few."""
        return self._plain(value) if name.lower() in HARMLESS else WITHHELD

    def url(self, url: str) -> str:
        """Return a URL without what proves who calls."""
        path, mark, query = url.partition("?")
        return self._plain(
            USER_INFO.sub(rf"\1{WITHHELD}@", path) + _IN_FORM.sub(rf"\1{WITHHELD}", mark + query)
        )

    def body(self, text: str) -> str:
        """Return a JSON, XML or form body without its secrets."""
        start = text.lstrip()[:1]
        if SECRET_NAME.search(text) is None:
            return self._plain(text)
        if start in ("{", "["):
            text = IN_JSON.sub(rf'\1"{WITHHELD}"', text)
        elif start == "<":
            text = IN_XML.sub(rf"\1{WITHHELD}", text)
        else:
            text = _IN_FORM.sub(rf"\1{WITHHELD}", text)
        return self._plain(text)

    def _plain(self, text: str) -> str:
        return self._known.sub(WITHHELD, text) if self._known is not None else text


def _credentials(space: Space) -> Iterable[str]:
    for gateway in space.gateways.values():
        yield from gateway.account.credentials
    yield from {message.submission.credential for message in space.simulation.messages.values()}

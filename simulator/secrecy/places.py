"""
Where secrets stand: in addresses, queries, bodies, headers and settings.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Protocol
from urllib.parse import quote, unquote

__all__ = [
    "HARMLESS",
    "SECRET_NAME",
    "Known",
    "Policy",
    "in_authorization",
    "in_fields",
    "in_text",
    "is_secret",
    "secrets_in",
]

HARMLESS: Final = frozenset(
    {"accept", "accept-encoding", "content-encoding", "content-length", "content-type", "date", "user-agent"}
)
"""Headers that prove nothing."""

_NAMES: Final = "passw(?:or)?d|pwd|secret|token|assertion|api[-_]?key|authorization|credential"
SECRET_NAME: Final = re.compile(_NAMES, re.IGNORECASE)
_SETTING: Final = re.compile(rf"(?:{_NAMES})s?$|^basic$", re.IGNORECASE)
# Words for how tokens are dealt with, not tokens.
_NO_SECRETS: Final = frozenset({"access_tokens", "tokens"})

# Names are short; without the bounds a hostile text could keep the patterns busy for hours.
_IN_JSON: Final = re.compile(
    rf'("[^"\\]{{0,60}}(?:{_NAMES})[^"\\]{{0,60}}"\s{{0,60}}:\s{{0,60}})'
    r'(?:"((?:[^"\\]|\\.)*+)"?|([0-9][0-9.eE+-]*))',
    re.IGNORECASE | re.DOTALL,
)
_IN_XML: Final = re.compile(
    rf"(<[^<>/\s]{{0,60}}(?:{_NAMES})[^<>/\s]{{0,60}}(?:\s[^<>]{{0,500}})?>)([^<]+)", re.IGNORECASE
)
# The short names count within an address alone; at the start of a text they may be anything.
_IN_QUERY: Final = re.compile(
    rf"((?:(?:^|[?&;\n])[^=&?;\s\"<>]{{0,60}}(?:{_NAMES})[^=&?;\s\"<>]{{0,60}}|[?&](?:auth|key|sig|signature))=)"
    r"([^&;\s\"<>\\]+)",
    re.IGNORECASE,
)
# Up to the last @ before the path: passwords with one are seen.  Some write JSON with \/ for /.
_USER_INFO: Final = re.compile(r"(:(?:\\?/){2})([^/?#\s\"<>]+)@")
_ENCODED_URL: Final = re.compile(r"(?<==)[^&;\s\"<>=]*%3A(?:%2F){2}[^&;\s\"<>]*", re.IGNORECASE)
_UNESCAPED: Final = "-._~()"

_LENGTH_MIN: Final = 8
_WORD_LENGTH_MAX: Final = 15
_KNOWN_MAX: Final = 1_000


class Policy(Protocol):
    """
    What stands in the place of a secret.
    """

    def secret(self, secret: str) -> str:
        """Return what stands for a credential."""

    def number(self, number: str) -> str:
        """Return what stands for a number under a name that sounds like a secret, as JSON."""

    def user_info(self) -> str:
        """Return what stands before the @ of an address."""


class Known:
    """
    Finds secrets by their values, in whatever text they turn up.

    Short ones, such as the "key" of a test, would turn up in innocent words and are
    not looked for.  In *prose*, neither are those that are a word themselves, such as
    "integrator", or sentences of ours would lose theirs; and what is looked for is found
    percent-encoded, escaped for JSON and, as credentials of a Basic header, in base64, too.
    """

    __slots__ = ("_pattern", "_spellings")

    def __init__(self, secrets: Iterable[str], *, prose: bool) -> None:
        long: dict[str, None] = {}
        for secret in secrets:
            for part in (secret, secret.partition(":")[2]):
                if len(part) >= _LENGTH_MIN and not (prose and _is_word(part)):
                    long[part] = None
            if len(long) >= _KNOWN_MAX:
                break
        spelled = {spelling for secret in long for spelling in (_spellings(secret) if prose else (secret,))}
        # The longest first, lest one that begins like another leave its end behind.
        self._spellings = sorted(spelled, key=lambda secret: (-len(secret), secret))
        self._pattern = re.compile("|".join(map(re.escape, self._spellings))) if spelled else None

    def replaced(self, text: str, replace: Callable[[str], str]) -> str:
        """Return *text* with *replace* applied to every secret that is known."""
        # To look for each spelling is far quicker than the pattern, and most texts hold none.
        if self._pattern is None or not any(spelling in text for spelling in self._spellings):
            return text
        return self._pattern.sub(lambda match: replace(match[0]), text)


def _is_word(secret: str) -> bool:
    return secret.isalpha() and len(secret) <= _WORD_LENGTH_MAX


def _spellings(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield json.dumps(secret)[1:-1]
    if ":" in secret:
        yield base64.b64encode(secret.encode("utf-8", "replace")).decode()


def in_text(text: str, policy: Policy) -> str:
    """Return any text, such as an address, without what proves who calls in the addresses within it."""
    if "://" in text or ":\\/" in text:
        text = _USER_INFO.sub(lambda match: f"{match[1]}{policy.user_info()}@", text)
    if "=" in text:
        text = _IN_QUERY.sub(lambda match: match[1] + policy.secret(match[2]), text)
        if "%2" in text:
            text = _ENCODED_URL.sub(lambda match: _in_encoded(match[0], policy), text)
    return text


def _in_encoded(encoded: str, policy: Policy) -> str:
    plain = unquote(encoded)
    changed = in_text(plain, policy)
    return encoded if changed == plain else quote(changed, safe=_UNESCAPED)


def in_fields(text: str, policy: Policy) -> str:
    """Return a JSON or XML body without what stands under names that sound like secrets."""
    start = text.lstrip()[:1]
    if SECRET_NAME.search(text) is None:
        return text
    if start in ("{", "["):
        return _IN_JSON.sub(lambda match: _json_value(match, policy), text)
    return _IN_XML.sub(lambda match: match[1] + policy.secret(match[2]), text) if start == "<" else text


def _json_value(match: re.Match[str], policy: Policy) -> str:
    name, text, number = match.groups()
    return f'{name}"{policy.secret(text)}"' if number is None else f"{name}{policy.number(number)}"


def in_authorization(value: str, replace: Callable[[str], str]) -> str:
    """Return the value of an `Authorization` header with *replace* applied to its secret."""
    scheme, _, secret = value.strip().partition(" ")
    secret = secret.strip()
    if scheme.lower() != "basic":
        return f"{scheme} {replace(secret)}" if secret else replace(scheme)
    try:
        plain = base64.b64decode(secret, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return f"{scheme} {replace(secret)}"
    return f"{scheme} {base64.b64encode(replace(plain).encode()).decode()}"


def is_secret(name: str) -> bool:
    """Return True when what stands under *name* in settings is a secret, and all below it."""
    # What a webhook is to carry besides its signature proves who sends it, whatever it is called.
    return name == "headers" or (_SETTING.search(name) is not None and name not in _NO_SECRETS)


def secrets_in(settings: object, *, secret: bool = False) -> Iterator[str]:
    """Yield the secrets that stand in settings, or in a whole scenario, as plain JSON, in their order."""
    match settings:
        case str() if secret and settings:
            yield settings
            if settings.partition(":")[2]:
                # The password of Basic credentials may come without its user.
                yield settings.partition(":")[2]
        case list() | tuple():
            for part in settings:
                yield from secrets_in(part, secret=secret)
        case Mapping():
            for name, part in settings.items():
                yield from secrets_in(part, secret=secret or is_secret(str(name)))
        case _:
            pass

"""
Credentials in a record: each is given another name, the same one wherever it turns up.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from simulator.evidence.redaction import HARMLESS, IN_JSON, IN_XML, SECRET_NAME, USER_INFO, WITHHELD
from simulator.scenario.yaml import YamlError, parse
from simulator.schema.node import Json

__all__ = ["Pseudonyms", "secrets_of"]

_UNKNOWN: Final = "withheld-"
_GIVEN: Final = "withheld-in-scenario-"
# Shorter ones would turn up in innocent words.
_LENGTH_MIN: Final = 8
_KNOWN_MAX: Final = 1_000
# What says nothing about the call, or is made anew for the one that a replay makes.
_NOT_KEPT: Final = frozenset(
    {"host", "connection", "keep-alive", "transfer-encoding", "user-agent", "cookie", "content-length"}
)
_IN_QUERY: Final = re.compile(
    r"((?:^|[?&;])[^=&?;\s\"<>]{0,60}(?:" + SECRET_NAME.pattern + r")[^=&?;\s\"<>]{0,60}=)([^&;\s\"<>]+)",
    re.IGNORECASE,
)
_PROOFS: Final = frozenset({"authorization", "proxy-authorization"})
_JWT: Final = re.compile(r"(eyJ[A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
_NO_SIGNATURE: Final = base64.urlsafe_b64encode(WITHHELD.encode()).decode().rstrip("=")
_SETTINGS: Final = re.compile(rf"(?:{SECRET_NAME.pattern})s?$|^basic$", re.IGNORECASE)
# Words for how tokens are dealt with, not tokens.
_NO_SECRETS: Final = frozenset({"access_tokens", "tokens"})


class Pseudonyms:
    """
    Gives credentials other names, which lead to the same answers in a replay.

    One that stands in the scenario file is called by its place there, so that the
    rules that name it still apply; any other is address_of_arrival as it first turns up.
    What the simulator itself made is nobody's secret and is kept.
    """

    def __init__(self, given: Sequence[str], minted: Iterable[str]) -> None:
        self._names = {secret: f"{_GIVEN}{number}" for number, secret in enumerate(given, 1)}
        self._given = {name: secret for secret, name in self._names.items()}
        self._open = set(minted)
        self._minted = [secret[-32:] for secret in self._open]
        self._known: re.Pattern[str] | None = None
        self._count = 0
        self.withheld = False
        """True when something was renamed that signatures may be made with."""
        self._look_for()

    # -- what comes in --------------------------------------------------------------------------

    def name_of(self, secret: str) -> str:
        """Return what *secret* is called in the record."""
        if secret in self._open or secret.startswith((_UNKNOWN, WITHHELD)):
            return secret
        token = _JWT.fullmatch(secret)
        if token is not None:
            return secret if self._is_ours(token[2]) else f"{token[1]}.{token[2]}.{_NO_SIGNATURE}"
        found = self._names.get(secret)
        if found is None:
            self._count += 1
            found = f"{_UNKNOWN}{self._count}"
            if ":" in secret:
                found = f"{found}:{found}"
            self._names[secret] = found
            self._look_for()
        return found

    def keep(self, secret: str) -> None:
        """Let *secret* stand in the record: the simulator handed it out."""
        self._open.add(secret)

    def _is_ours(self, claims: str) -> bool:
        # A token about an account that the simulator made up is signed with its public key.
        try:
            plain = base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)).decode("latin-1")
        except (binascii.Error, ValueError):
            return False
        return any(minted in plain for minted in self._minted)

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
            return _authorization(value, self.name_of)
        return self.name_of(value) if SECRET_NAME.search(name) else self.text(value)

    def query(self, query: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the query of a call as the record has it."""
        return [
            (name, self.name_of(value) if _SETTINGS.search(name) else self.text(value))
            for name, value in query
        ]

    def body(self, body: bytes) -> bytes:
        """Return the body of a call as the record has it."""
        # Every byte is one character here, so nothing is lost that is not UTF-8.
        text = body.decode("latin-1")
        if SECRET_NAME.search(text) is None and "://" not in text:
            return self._plain(text).encode("latin-1")
        start = text.lstrip()[:1]
        if start in ("{", "["):
            text = IN_JSON.sub(self._in_json, text)
        elif start == "<":
            text = IN_XML.sub(lambda found: found[1] + self._renamed(found[0][len(found[1]) :]), text)
        return self.text(text).encode("latin-1")

    def _in_json(self, found: re.Match[str]) -> str:
        value = found[0][len(found[1]) :]
        if not value.startswith('"'):
            return found[0]
        return f'{found[1]}"{self._renamed(value.strip(chr(34)))}"'

    def _renamed(self, secret: str) -> str:
        self.withheld = True
        return self.name_of(secret)

    def command(self, content_type: str, body: bytes) -> tuple[str, bytes]:
        """Return content type and body of a command as the record has them."""
        try:
            plain = json.loads(body) if body.strip() else None
        except ValueError:
            plain = None
        if plain is None:
            plain = _yaml(body.decode("utf-8", "replace"))
            if not isinstance(plain, dict):
                return content_type, self.body(body)
        if isinstance(plain, str):
            plain = _yaml(plain)
        hidden = self._hide(plain, secret=False)
        # YAML is a way to write the same values; without its comments, which may tell anything.
        return "application/json", json.dumps(hidden, ensure_ascii=False).encode()

    def _hide(self, plain: Json, *, secret: bool) -> Json:
        match plain:
            case str():
                return self._renamed(plain) if secret else self.text(plain)
            case list():
                return [self._hide(part, secret=secret) for part in plain]
            case dict():
                return {
                    name: self._hide(part, secret=secret or _is_secret(name)) for name, part in plain.items()
                }
            case _:
                return plain

    def text(self, text: str) -> str:
        """Return any text without credentials: those in URLs, and those known."""
        if "://" in text:
            text = USER_INFO.sub(lambda found: f"{found[1]}withheld@", text)
        if "=" in text:
            text = _IN_QUERY.sub(lambda found: found[1] + self.name_of(found[2]), text)
        return self._plain(text)

    # -- what goes out --------------------------------------------------------------------------

    def webhook_url(self, url: str) -> str:
        """Return the URL of a webhook as the record has it."""
        return self._plain(_IN_QUERY.sub(rf"\1{WITHHELD}", USER_INFO.sub(rf"\1{WITHHELD}@", url)))

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
        return self._plain(body.decode("latin-1")).encode("latin-1") if self._known is not None else body

    # -- the way back ---------------------------------------------------------------------------

    def restored(self, text: str) -> str:
        """Return *text* with the secrets that stand in the scenario."""
        if _GIVEN not in text:
            return text
        return re.sub(rf"{_GIVEN}[0-9]+", lambda found: self._given.get(found[0], found[0]), text)

    def restored_header(self, name: str, value: str) -> str:
        """Return the value of a header with the secrets that stand in the scenario."""
        return (
            _authorization(value, self.restored) if name.lower() == "authorization" else self.restored(value)
        )

    def restored_body(self, body: bytes) -> bytes:
        """Return a body with the secrets that stand in the scenario."""
        return self.restored(body.decode("latin-1")).encode("latin-1") if _GIVEN.encode() in body else body

    # -- known secrets --------------------------------------------------------------------------

    def _look_for(self) -> None:
        secrets = {part for secret in self._names for part in (secret, secret.partition(":")[2])}
        long = [secret for secret in secrets if len(secret) >= _LENGTH_MIN]
        # The longest first, lest one that begins like another leave its end behind.
        long = sorted(long, key=lambda secret: (-len(secret), secret))[:_KNOWN_MAX]
        self._known = re.compile("|".join(map(re.escape, long))) if long else None

    def _plain(self, text: str) -> str:
        if self._known is None:
            return text
        return self._known.sub(lambda found: self._names.get(found[0], WITHHELD), text)


def secrets_of(scenario_text: str) -> list[str]:
    """Return the credentials that a scenario file names, in the order of the file, each once."""
    return list(dict.fromkeys(_secrets(_yaml(scenario_text), secret=False)))


def _secrets(plain: Json, *, secret: bool) -> Iterator[str]:
    match plain:
        case str() if secret and plain:
            yield plain
            if plain.partition(":")[2]:
                # The password of Basic credentials may come without its user.
                yield plain.partition(":")[2]
        case list():
            for part in plain:
                yield from _secrets(part, secret=secret)
        case dict():
            for name, part in plain.items():
                yield from _secrets(part, secret=secret or _is_secret(name))
        case _:
            pass


def _is_secret(name: str) -> bool:
    # What a webhook is to carry besides its signature proves who sends it, whatever it is called.
    return name == "headers" or (_SETTINGS.search(name) is not None and name not in _NO_SECRETS)


def _is_label(name: str) -> bool:
    return name.lower().endswith("-type")


def _yaml(text: str) -> Json:
    try:
        return parse(text).plain()
    except YamlError:
        return None


def _authorization(value: str, rename: Callable[[str], str]) -> str:
    scheme, _, secret = value.strip().partition(" ")
    secret = secret.strip()
    if scheme.lower() != "basic":
        return f"{scheme} {rename(secret)}" if secret else rename(scheme)
    try:
        plain = base64.b64decode(secret, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return f"{scheme} {rename(secret)}"
    return f"{scheme} {base64.b64encode(rename(plain).encode()).decode()}"

"""
Heads of plain HTTP/1.1: what of a request the simulator's own server reads by itself, and heads of replies.

A request that is not plain in every respect is not read here at all; aiohttp's
parser says what is wrong with it, or serves it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from multidict import CIMultiDict, CIMultiDictProxy

__all__ = ["HEAD_BYTES_MAX", "Fields", "ReplyHeads", "Target", "may_be_plain", "read_fields", "read_target"]

HEAD_BYTES_MAX: Final = 8_190
"""A longer head is aiohttp's affair."""
_BODY_BYTES_MAX: Final = 262_144
"""A larger body may be refused before it is here, which is aiohttp's affair, too."""
_PREPARED_MAX: Final = 256

_TARGET: Final = re.compile(rb"(GET|POST|PUT|DELETE|PATCH) (/[!\"$-~]*) HTTP/1\.1")
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t -~]*?)[ \t]*")
_METHODS: Final = (b"GET /", b"POST /", b"PUT /", b"DELETE /", b"PATCH /")
_ODD: Final = frozenset(
    {"transfer-encoding", "content-encoding", "expect", "upgrade", "te", "trailer", "proxy-connection"}
)
_BODILESS: Final = frozenset({204, 304})


class Target(NamedTuple):
    """
    The first line of a request.
    """

    method: str
    path: str
    """As it was sent, with its escapes."""
    query: tuple[tuple[str, str], ...]


class Fields(NamedTuple):
    """
    The header fields of a request, and what they say of its framing.
    """

    headers: CIMultiDictProxy[str]
    host: str
    body_bytes: int
    close: bool
    """The client wants the connection to end with the answer."""


def may_be_plain(beginning: bytes) -> bool:
    """Return True while a request that begins so may still turn out to be plain."""
    return beginning.startswith(_METHODS) or any(method.startswith(beginning) for method in _METHODS)


def read_target(line: bytes) -> Target | None:
    """Return the first line of a request, or None when it is not plain."""
    match = _TARGET.fullmatch(line)
    if match is None:
        return None
    path, _, query = match[2].decode("ascii").partition("?")
    # As yarl reads it for aiohttp.
    pairs = parse_qsl(query, keep_blank_values=True) if query else ()
    return Target(match[1].decode("ascii"), path, tuple(pairs))


def read_fields(block: bytes) -> Fields | None:
    """Return the header fields in *block*, the lines after the first, or None when they are not plain."""
    headers: CIMultiDict[str] = CIMultiDict()
    values: dict[str, str] = {}
    for line in block.split(b"\r\n"):
        match = _FIELD.fullmatch(line)
        if match is None:
            return None
        name, value = match[1].decode("ascii"), match[2].decode("ascii")
        headers.add(name, value)
        lowered = name.lower()
        if lowered in _ODD or lowered in values:
            return None
        values[lowered] = value
    length = values.get("content-length", "0")
    connection = values.get("connection", "keep-alive").lower()
    if not values.get("host") or connection not in ("keep-alive", "close"):
        return None
    if not length.isdecimal() or len(length) > 10 or int(length) > _BODY_BYTES_MAX:
        return None
    return Fields(CIMultiDictProxy(headers), values["host"], int(length), connection == "close")


class _Beginning(NamedTuple):
    """What replies of one kind begin with, and whether it has the date that the server would add."""

    lines: bytes
    dated: bool


class ReplyHeads:
    """
    Makes the heads of replies; those that come again and again are made once.
    """

    __slots__ = ("_beginnings", "_date", "_second")

    def __init__(self) -> None:
        self._beginnings: dict[tuple[int, tuple[tuple[str, str], ...], bool], _Beginning] = {}
        self._second = 0
        self._date = b""

    def head(self, status: int, headers: Sequence[tuple[str, str]], length: int, close: bool) -> bytes:
        """Return the head of a reply with a body so long; raises ValueError for what is no header."""
        kind = (status, tuple(headers), length > 0)
        beginning = self._beginnings.get(kind)
        if beginning is None:
            if len(self._beginnings) >= _PREPARED_MAX:
                self._beginnings.clear()
            beginning = self._beginnings[kind] = _beginning(*kind)
        lines, dated = beginning
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._date = f"Date: {formatdate(second, usegmt=True)}\r\n".encode()
        return b"%s%s%s%s" % (
            lines,
            b"" if status in _BODILESS else b"Content-Length: %d\r\n" % length,
            b"" if dated else self._date,
            b"Connection: close\r\n\r\n" if close else b"\r\n",
        )


def _beginning(status: int, headers: tuple[tuple[str, str], ...], has_body: bool) -> _Beginning:
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = ""
    lines = [f"HTTP/1.1 {status} {reason}"]
    names = {name.lower() for name, _ in headers}
    for name, value in headers:
        if any(letter in name or letter in value for letter in "\r\n\0"):
            raise ValueError(f"expected a header of one line, got {name!r}: {value[:200]!r}")
        if name.lower() != "content-length":
            lines.append(f"{name}: {value}")
    if has_body and status not in _BODILESS and "content-type" not in names:
        lines.append("Content-Type: application/octet-stream")
    text = "".join(f"{line}\r\n" for line in lines)
    return _Beginning(text.encode(), "date" in names)

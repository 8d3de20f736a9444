"""
Addresses as they are given: where they lead to, and the bytes that go on the wire.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from simulator.runtime.transport.seam import AGENT

__all__ = ["Target", "header_lines", "target_of"]

_URL: Final = re.compile(
    r"""
    http://
    (?: (?P<userinfo>[^@/?\#]*) @ )?
    (?P<host> \[ [0-9A-Fa-f:.]+ (?: %[A-Za-z0-9._~%-]+ )? \] | [^:@/?\#\[\]\\]+ )
    (?: : (?P<port>[0-9]{0,5}) )?
    (?P<path>/[^?\#]*)?
    (?P<query>\?[^\#]*)?
    (?: \#.* )?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_UNSPEAKABLE: Final = re.compile(r"[^\x21-\x7e]+")
_METHOD: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NAME: Final = _METHOD
_FRAMING: Final = frozenset({"content-length", "transfer-encoding"})
_PORT_MAX: Final = 65_535


class Target(NamedTuple):
    """
    Where a request goes, and what of it never changes.
    """

    host: str
    port: int
    where: str
    """Host and port as people read them."""
    head: bytes
    """Request line and Host; more headers follow."""
    host_line: bytes
    request_line: bytes
    authorization: bytes
    """The header line for user and password of the address, or nothing."""


def target_of(method: str, url: str) -> Target | None:
    """
    Return where *url* leads to, or None when it cannot be called over plain HTTP.

    Path and query go out as they are given, byte for byte: nothing is quoted
    anew, unquoted or folded.  Only blanks and letters beyond ASCII, which a
    request line cannot hold, are percent-encoded.
    """
    if _CONTROL.search(url) or not _METHOD.fullmatch(method):
        return None
    match = _URL.fullmatch(url)
    if match is None:
        return None
    port = int(match["port"] or 80)
    if not 0 < port <= _PORT_MAX:
        return None
    try:
        host = match["host"].strip("[]")
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
        if _UNSPEAKABLE.search(host):
            return None
        wire = _UNSPEAKABLE.sub(_quoted, (match["path"] or "/") + (match["query"] or ""))
        userinfo = match["userinfo"]
        authorization = b""
        if userinfo is not None:
            user, _, password = userinfo.partition(":")
            pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
            authorization = b"Authorization: Basic %s\r\n" % b64encode(pair)
    except UnicodeError:
        return None
    shown = f"[{host}]" if ":" in host else host
    # A zone is this machine's own business, not the receiver's.
    named = f"[{host.partition('%')[0]}]" if ":" in host else host
    host_line = f"Host: {named}\r\n" if port == 80 else f"Host: {named}:{port}\r\n"
    request_line = f"{method} {wire} HTTP/1.1\r\n".encode("ascii")
    return Target(
        host=host,
        port=port,
        where=f"{shown}:{port}",
        head=request_line + host_line.encode("ascii"),
        host_line=host_line.encode("ascii"),
        request_line=request_line,
        authorization=authorization,
    )


def _quoted(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())


@lru_cache(maxsize=1_024)
def _lower(name: str) -> str | None:
    """Return a header's name in small letters; None: it is no name."""
    return name.lower() if _NAME.fullmatch(name) else None


def header_lines(target: Target, headers: Sequence[tuple[str, str]]) -> bytes | None:
    """
    Return the head of a request but for its length, or None when *headers* cannot be sent.

    Lengths and encodings of the transfer are the transport's own.
    """
    lines: list[str] = []
    names: set[str] = set()
    for name, value in headers:
        lower = _lower(name)
        if lower is None or "\r" in value or "\n" in value or "\0" in value:
            return None
        if lower not in _FRAMING:
            names.add(lower)
            lines.append(f"{name}: {value}\r\n")
    head = target.request_line if "host" in names else target.head
    if "authorization" not in names:
        head += target.authorization
    if "accept" not in names:
        lines.append("Accept: */*\r\n")
    if "user-agent" not in names:
        lines.append(f"User-Agent: {AGENT}\r\n")
    try:
        return head + "".join(lines).encode()
    except UnicodeError:
        return None

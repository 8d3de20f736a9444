"""
Bodies of requests that are packed: unpacked to a limit, and no further.
"""

from __future__ import annotations

import zlib
from typing import Final

__all__ = ["NotUnpacked", "TooLarge", "unpacked"]

_GZIP: Final = 31
_ZLIB: Final = 15
_RAW: Final = -15


class NotUnpacked(ValueError):
    """
    A body is not packed as its header says, or in a way that nobody here can unpack.
    """


class TooLarge(ValueError):
    """
    A body has more bytes than it may have.
    """


def unpacked(body: bytes, encoding: str, bytes_max: int) -> bytes:
    """
    Return *body* as it was before it was packed; raises NotUnpacked and TooLarge.

    Beyond *bytes_max* nothing is unpacked: a small body may unfold to any size.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return _members(body, _GZIP, bytes_max, "gzip")
        case "deflate":
            # Some clients leave out the wrapping that the standard wants.
            wrapped = body[:1] and body[0] & 0x0F == 8
            return _members(body, _ZLIB if wrapped else _RAW, bytes_max, "deflate")
    raise NotUnpacked(f"Content-Encoding: expected gzip or deflate, got {encoding[:100]!r}")


def _members(body: bytes, kind: int, bytes_max: int, label: str) -> bytes:
    pieces: list[bytes] = []
    room = bytes_max
    rest = body
    while rest:
        unpacker = zlib.decompressobj(kind)
        try:
            piece = unpacker.decompress(rest, room + 1)
        except zlib.error as trouble:
            text = str(trouble).rpartition(": ")[2]
            raise NotUnpacked(
                f"Content-Encoding says {label}, and the body is not packed so: {text}"
            ) from None
        room -= len(piece)
        if room < 0:
            raise TooLarge
        if not unpacker.eof:
            raise NotUnpacked(f"Content-Encoding says {label}, and the packed body breaks off")
        pieces.append(piece)
        rest = unpacker.unused_data if kind == _GZIP else b""
    return b"".join(pieces)

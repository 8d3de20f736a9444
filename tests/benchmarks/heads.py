"""
As much of HTTP as generator and receiver need: how long a body is.
"""

from __future__ import annotations

__all__ = ["length_of"]


def length_of(data: bytes, end: int) -> int:
    """Return the length of the body that the head up to *end* announces; 0 when it announces none."""
    start = data.find(b"Content-Length: ", 0, end)
    if start < 0:
        start = data[:end].lower().find(b"content-length: ")
        if start < 0:
            return 0
    stop = data.find(b"\r\n", start)
    return int(data[start + 16 : stop])

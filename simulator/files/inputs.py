"""
Reading files that somebody names: so much and no more, counted while they are read.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["read_bounded", "rows_of"]

_CHUNK_BYTES = 1 << 20


def read_bounded(path: Path, bytes_max: int) -> bytes:
    """
    Return the content of a file; raises OSError, also when it is longer than *bytes_max*.

    Pipes and devices say nothing of their length, and some have no end.
    """
    parts: list[bytes] = []
    left = bytes_max + 1
    with path.open("rb") as file:
        while left and (part := file.read(min(left, _CHUNK_BYTES))):
            parts.append(part)
            left -= len(part)
    if not left:
        raise OSError(errno.EFBIG, f"it is longer than {bytes_max:,} bytes", str(path))
    return b"".join(parts)


def rows_of(file: BinaryIO, bytes_max: int) -> Iterator[bytes]:
    """Yield the lines of an open file; raises OSError at one that is longer than *bytes_max*."""
    while line := file.readline(bytes_max + 1):
        if len(line) > bytes_max:
            raise OSError(errno.EFBIG, f"a line is longer than {bytes_max:,} bytes")
        yield line

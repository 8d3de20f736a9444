"""
What a run and its workers tell each other: pickled values over pipes, each with its length before it.

Both ends are one program on one machine, started by the same hand, so nobody else's bytes are unpickled.
"""

from __future__ import annotations

import asyncio
import pickle
from typing import BinaryIO, Final

__all__ = ["framed", "read_frame", "read_frame_later"]

_LENGTH_BYTES: Final = 8


def framed(value: object) -> bytes:
    """Return *value* as bytes for a pipe."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


def read_frame(file: BinaryIO) -> object | None:
    """Return the next value of a pipe, waiting for it; None: there is no more."""
    head = file.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    length = int.from_bytes(head, "big")
    data = file.read(length)
    value: object = pickle.loads(data) if len(data) == length else None
    return value


async def read_frame_later(stream: asyncio.StreamReader) -> object | None:
    """Return the next value of a pipe; None: there is no more."""
    try:
        length = int.from_bytes(await stream.readexactly(_LENGTH_BYTES), "big")
        value: object = pickle.loads(await stream.readexactly(length))
    except asyncio.IncompleteReadError:
        return None
    return value

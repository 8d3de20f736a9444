"""
What never became a call: connections beyond the limit, requests that never ended, bytes that are no HTTP.

And whether an answer was lost with its connection.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Final

__all__ = ["Losses", "is_reset"]

_APART_REAL_S: Final = 1.0
_LOG = logging.getLogger("simulator")


class Losses:
    """
    Counts them, and tells the log of them once a second at most.
    """

    __slots__ = ("_told", "_waiting", "refused", "timed_out", "unreadable")

    def __init__(self) -> None:
        self.refused = 0
        """Connections that were closed at once, since there were as many as there may be."""
        self.timed_out = 0
        """Connections that were closed since the rest of a request did not come."""
        self.unreadable = 0
        """Requests that could not be read as HTTP."""
        self._told = (0, 0)
        self._waiting: asyncio.TimerHandle | None = None

    def refuse(self) -> None:
        """Count a connection too many."""
        self.refused += 1
        self._tell_soon()

    def time_out(self) -> None:
        """Count a connection whose request never ended."""
        self.timed_out += 1
        self._tell_soon()

    def _tell_soon(self) -> None:
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().call_later(_APART_REAL_S, self.tell)

    def tell(self) -> None:
        """Tell the log what was counted since it was told last."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        refused, timed_out = self.refused - self._told[0], self.timed_out - self._told[1]
        self._told = (self.refused, self.timed_out)
        if refused:
            _LOG.warning("%d connections refused: as many are open as there may be (docs/limits.md)", refused)
        if timed_out:
            _LOG.warning("%d connections closed: the rest of their requests did not come", timed_out)


def is_reset(transport: asyncio.BaseTransport | None, failure: BaseException | None) -> bool:
    """
    Return True when a connection that is lost did not end, but broke: what was written last was not read.

    Whoever is gone when an answer comes resets the connection, and so does a process
    that ends with an answer unread; who has read it all just closes.
    """
    if isinstance(failure, ConnectionError):
        return True
    connection = transport.get_extra_info("socket") if transport is not None else None
    if connection is None:
        return False
    return bool(connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

"""
Connections that aiohttp serves: those that are not plain, from their first byte or from a later one on.

What aiohttp itself would answer in words of its own, or not at all, is answered here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from simulator.server.losses import is_reset
from simulator.server.problems import Problem
from simulator.server.replies import problem_reply

__all__ = [
    "LINE_BYTES_MAX",
    "UNREADABLE",
    "TakenOver",
    "connection_of",
    "has_left",
    "problem_response",
    "waiting_for_body",
]

UNREADABLE: Final = (web.RequestPayloadError, HttpProcessingError, ConnectionError)
"""What reading a body raises when it breaks off or cannot be unpacked."""
LINE_BYTES_MAX: Final = 65_536
"""
How long the first line of a request, and each header field, may be.

A text of 25 parts in a query takes some 20,000 when each of its letters is escaped.
"""
_TURNS: Final = 5
_INSIDE: Final = frozenset({"_messages", "_waiter"})
"""What aiohttp calls the requests that have come and are not begun, and what waits for the next one."""
_HTTP_LOG = logging.getLogger("simulator.http")


class TakenOver(web.RequestHandler):
    """
    One connection.
    """

    __slots__ = ("_unreadable", "body_since_s", "ended", "request", "since_s", "when_unread")

    looks_inside: ClassVar[bool] = set(getattr(web.RequestHandler, "__slots__", ())) >= _INSIDE
    """
    Whether this aiohttp keeps under the names we know what nobody can ask for.

    One that does not closes half-closed connections at once, as aiohttp does by itself.
    """

    def __init__(
        self,
        server: web.Server,
        loop: asyncio.AbstractEventLoop,
        unreadable: Callable[[str], None],
        log: logging.Logger = _HTTP_LOG,
    ) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]
            logger=log,
            max_line_size=LINE_BYTES_MAX,
            max_field_size=LINE_BYTES_MAX,
            # Unpacked by `packing`, which stops at a limit and knows what to say.
            auto_decompress=False,
        )
        self._unreadable = unreadable
        self.request: web.BaseRequest | None = None
        """The one that is being served."""
        self.ended = False
        """The client has said that it will send nothing more."""
        self.since_s = 0.0
        """Since when the head of a request is on its way; 0: none is."""
        self.body_since_s = 0.0
        """Since when nothing of the body has come that is waited for; 0: none is."""
        self.when_unread: Callable[[], None] | None = None
        """What is to be called when the last answer turns out not to have been read."""

    def data_received(self, data: bytes) -> None:
        if self.request is None and not self.since_s:
            self.since_s = asyncio.get_running_loop().time()
        elif self.body_since_s:
            self.body_since_s = asyncio.get_running_loop().time()
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self.when_unread is not None and is_reset(self.transport, exc):
            self.when_unread()
        self.when_unread = None
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the way back open for as long as an answer is owed: who has asked all may still read."""
        self.ended = True
        if not self.looks_inside:
            return bool(super().eof_received())
        tls = self.transport is None or self.transport.get_extra_info("sslcontext") is not None
        if tls or (self.request is None and not self._messages and self.idle):
            return False
        if self.request is not None and not self.request.content.is_eof():
            self.request.content.set_exception(ConnectionResetError("the body broke off"))
        self._end_when_idle(_TURNS)
        return True

    def _end_when_idle(self, turns: int) -> None:
        """Close when nothing is owed; what came just before the end needs some turns of the loop to begin."""
        if self.idle:
            self.force_close()
        elif turns:
            asyncio.get_running_loop().call_soon(self._end_when_idle, turns - 1)

    def is_late(self, late_s: float) -> bool:
        """Return True when the rest of a request has not come since before *late_s*."""
        begun_s = self.since_s if self.request is None else self.body_since_s
        return 0 < begun_s < late_s

    @property
    def idle(self) -> bool:
        """True when a request is waited for."""
        if not self.looks_inside:
            return self.request is None and not self.since_s
        return self._waiter is not None and not self._waiter.done()

    def begin(self, request: web.BaseRequest) -> None:
        """Note that *request* is being served from now on."""
        self.request = request
        self.when_unread = None
        self.since_s = 0.0
        if self.ended and not request.content.is_eof():
            request.content.set_exception(ConnectionResetError("the body broke off"))

    def finish(self) -> None:
        """Note that nothing is being served."""
        self.request = None
        if self.ended and not (self.looks_inside and self._messages):
            self.close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be read as HTTP, in the shape of every other problem."""
        if status >= 500 or request.writer.output_size:
            return super().handle_error(request, status, exc, message)
        self.since_s = 0.0
        why = (str(getattr(exc, "message", "")) or message or "it is no HTTP").split("\n", 1)[0].strip(" :")
        if isinstance(exc, LineTooLong):
            why = f"expected lines of at most {LINE_BYTES_MAX} bytes"
        self.logger.info("unreadable request from %s; %s: %r", request.remote, type(exc).__name__, why[:200])
        self._unreadable(why[:200])
        response = problem_response(Problem(status, "Unreadable", f"the request is no HTTP/1.1: {why[:200]}"))
        response.force_close()
        return response


def connection_of(request: web.Request) -> TakenOver | None:
    """Return the connection on which *request* came, when it is one of ours."""
    protocol = request.protocol
    return protocol if isinstance(protocol, TakenOver) else None


@contextmanager
def waiting_for_body(request: web.Request) -> Iterator[None]:
    """Let the connection know that the body of *request* is waited for."""
    connection = connection_of(request)
    if connection is None:
        yield
        return
    connection.body_since_s = asyncio.get_running_loop().time()
    try:
        yield
    finally:
        connection.body_since_s = 0.0


def has_left(request: web.Request) -> bool:
    """Return True when whoever asked has hung up, or has said that nothing more will come."""
    connection = connection_of(request)
    return request.transport is None or (connection is not None and connection.ended)


def problem_response(problem: Problem) -> web.Response:
    """Return a problem as an HTTP response."""
    status, body, headers, _ = problem_reply(problem)
    return web.Response(status=status, body=body, headers=dict(headers))

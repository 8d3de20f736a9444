"""
The same by aiohttp's client: for https, and for what the simulator's own client does not do.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any, Final

from aiohttp import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientPayloadError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    NonHttpUrlClientError,
    ServerDisconnectedError,
    TCPConnector,
)
from yarl import URL

from simulator.kernel.model.causes import Cause
from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.runtime.guard import ForbiddenTarget, Guard
from simulator.runtime.transport.seam import (
    AGENT,
    CONNECTIONS_MAX,
    CUT,
    ENDED_EARLY,
    RESET_BEFORE_ANSWER,
    SLOW_PIECES,
    Done,
    Reply,
    TagT,
    Terms,
    broken_off,
    refused,
    timed_out,
    unresolved,
    unsendable,
)

__all__ = ["AiohttpTransport", "reply_for"]

_ADDRESSES_REAL_S: Final = 10
_IDLE_REAL_S: Final = 30.0
_ENDED: Final = frozenset({errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE})
_OURS: Final = frozenset({"content-length", "transfer-encoding"})


class _Sending:
    """A request under way: its task, and whom to tell."""

    __slots__ = ("_done", "_tag", "task")

    def __init__(self, task: asyncio.Task[Reply], done: Done[Any], tag: object) -> None:
        self.task = task
        self._done: Done[Any] | None = done
        self._tag = tag

    def cancel(self) -> None:
        """Break it off; nobody is told."""
        self._done = None
        self.task.cancel()

    def tell(self, task: asyncio.Task[Reply]) -> None:
        """Pass the reply on."""
        if self._done is not None:
            self._done(self._tag, broken_off() if task.cancelled() else task.result())


class AiohttpTransport:
    """
    aiohttp's client: a task per request, http and https, any method.
    """

    def __init__(self, guard: Guard, connections_max: int = CONNECTIONS_MAX) -> None:
        connector = TCPConnector(
            limit=0,
            limit_per_host=connections_max,
            socket_factory=guard.make_socket,
            ttl_dns_cache=_ADDRESSES_REAL_S,
            keepalive_timeout=_IDLE_REAL_S,
        )
        # No cookies, no proxy from the environment, and nothing said of what it could unpack.
        self._session = ClientSession(
            connector=connector,
            trust_env=False,
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept-Encoding", "Content-Type"),
            headers={"User-Agent": AGENT},
        )
        self._sendings: dict[_Sending, None] = {}

    async def __aenter__(self) -> AiohttpTransport:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def send(self, request: WebhookRequest, terms: Terms, done: Done[TagT], tag: TagT) -> _Sending:
        """Send *request*; *done* is called once with *tag* and the reply, never before this returns."""
        task = asyncio.get_running_loop().create_task(self._exchange(request, terms))
        sending = _Sending(task, done, tag)
        self._sendings[sending] = None
        task.add_done_callback(lambda ended: self._ended(sending, ended))
        return sending

    def _ended(self, sending: _Sending, task: asyncio.Task[Reply]) -> None:
        del self._sendings[sending]
        sending.tell(task)

    async def close(self) -> None:
        """End everything that is under way; whoever waits is told so."""
        sendings = list(self._sendings)
        for sending in sendings:
            sending.task.cancel()
        await asyncio.gather(*(sending.task for sending in sendings), return_exceptions=True)
        await self._session.close()

    async def _exchange(self, request: WebhookRequest, terms: Terms) -> Reply:
        slow = request.slow_real_ms > 0 and request.body != b""
        headers = [(name, value) for name, value in request.headers if name.lower() not in _OURS]
        if slow:
            # Otherwise it would go out in chunks, unlike one that is not slow.
            headers.append(("Content-Length", str(len(request.body))))
        url = _url_of(request.url)
        if url is None:
            return unsendable(request.url)
        try:
            async with self._session.request(
                request.method,
                url,
                data=_slowly(request) if slow else request.body or None,
                headers=headers,
                allow_redirects=False,
                ssl=terms.verify_tls,
                timeout=ClientTimeout(total=terms.timeout_real_ms / 1000),
            ) as answer:
                return await _reply(answer, terms)
        except TimeoutError:
            return timed_out(terms)
        except (InvalidURL, NonHttpUrlClientError):
            return unsendable(request.url)
        except Exception as failure:
            # Targets come from outside, and an HTTP client fails over odd ones in many ways.
            return reply_for(failure)


def _url_of(text: str) -> URL | None:
    """Return an address as it is given, or None when it cannot be called."""
    try:
        url = URL(text, encoded=True)
        return url if url.host and url.port else None
    except ValueError:
        return None


async def _reply(answer: ClientResponse, terms: Terms) -> Reply:
    """Read an answer, to its end if that is near, so that the connection is kept."""
    kept = b""
    length = 0
    note = ""
    try:
        async for chunk in answer.content.iter_any():
            length += len(chunk)
            kept += chunk[: max(0, terms.keep_bytes_max - len(kept))]
            if length > terms.read_bytes_max:
                note = CUT
                answer.close()
                break
    except (ClientPayloadError, ClientError, OSError) as trouble:
        if isinstance(trouble, TimeoutError):
            raise
        note = ENDED_EARLY
        answer.close()
    # Older releases of aiohttp keep blanks around a value.
    location = answer.headers.get("Location", "").strip() if 300 <= answer.status < 400 else ""
    lines = [b"", *(b"%s: %s" % pair for pair in answer.raw_headers)]
    return Reply(answer.status, kept, note=note, location=location, head=b"\r\n".join(lines))


async def _slowly(request: WebhookRequest) -> AsyncIterator[bytes]:
    """Yield the body bit by bit, over the time it is to take."""
    body = request.body
    length = max(1, -(-len(body) // SLOW_PIECES))
    for place in range(0, len(body), length):
        await asyncio.sleep(request.slow_real_ms / SLOW_PIECES / 1000)
        yield body[place : place + length]


def reply_for(failure: BaseException) -> Reply:
    """Return what came of a request that failed, in the words of this program."""
    links = list(_links(failure))
    cause, root = next(
        ((cause, link) for link in links for kind, cause in _KNOWN if _is(link, kind)), (None, failure)
    )
    connector = next((link for link in links if isinstance(link, ClientConnectorError)), None)
    text = str(getattr(root, "message", "")) or str(root) or type(root).__name__
    if connector is not None and cause is Cause.REFUSED:
        return refused(f"{connector.host}:{connector.port}")
    if connector is not None and cause is Cause.NAME_NOT_FOUND:
        return unresolved(connector.host)
    if connector is not None and cause is None:
        reason = getattr(links[-1], "strerror", None) or str(links[-1])
        text = f"{connector.host}:{connector.port} cannot be reached: {reason}"
        return Reply(0, error=text, cause=Cause.UNREACHABLE)
    texts = {
        Cause.RESET: RESET_BEFORE_ANSWER,
        Cause.UNTRUSTED: f"TLS failed: {links[-1]}",
        Cause.UNREADABLE: f"the answer is not HTTP: {text.partition(chr(10))[0]}",
        Cause.UNSENDABLE: f"it cannot be sent: {text}",
    }
    cause = cause or Cause.UNREACHABLE
    return Reply(0, error=texts.get(cause, text), cause=cause)


# The first that fits: an outer failure tells more than the error of the socket inside.
_KNOWN: Final = (
    (ForbiddenTarget, Cause.FORBIDDEN),
    (ClientConnectorDNSError, Cause.NAME_NOT_FOUND),
    (ClientSSLError, Cause.UNTRUSTED),
    (ssl.SSLError, Cause.UNTRUSTED),
    (ConnectionRefusedError, Cause.REFUSED),
    (ServerDisconnectedError, Cause.RESET),
    (ConnectionError, Cause.RESET),
    (socket.gaierror, Cause.NAME_NOT_FOUND),
    (ClientResponseError, Cause.UNREADABLE),
    (ValueError, Cause.UNSENDABLE),
)


def _is(link: BaseException, kind: type[BaseException]) -> bool:
    # aiohttp's own class of a failing socket is no ConnectionError, whatever its number says.
    cut = kind is ConnectionError and isinstance(link, OSError) and link.errno in _ENDED
    return cut or isinstance(link, kind)


def _links(failure: BaseException) -> Iterator[BaseException]:
    """Yield a failure and what led to it, down to the error of the socket."""
    link: BaseException | None = failure
    while link is not None:
        yield link
        if isinstance(link, ExceptionGroup):
            link = link.exceptions[0]
        else:
            link = getattr(link, "os_error", None) or link.__cause__

"""
The same by aiohttp's client: for https, and for what the simulator's own client does not do.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Final

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientPayloadError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
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

__all__ = ["AiohttpTransport"]

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
        try:
            url = URL(request.url, encoded=True)
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
            return _failed(failure)


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
    location = answer.headers.get("Location", "") if 300 <= answer.status < 400 else ""
    return Reply(answer.status, kept, note=note, location=location)


async def _slowly(request: WebhookRequest) -> AsyncIterator[bytes]:
    """Yield the body bit by bit, over the time it is to take."""
    body = request.body
    length = max(1, -(-len(body) // SLOW_PIECES))
    for place in range(0, len(body), length):
        await asyncio.sleep(request.slow_real_ms / SLOW_PIECES / 1000)
        yield body[place : place + length]


def _failed(failure: Exception) -> Reply:
    """Return why a request failed, in the words of this program."""
    root = _root(failure)
    if isinstance(root, ForbiddenTarget):
        return Reply(0, error=str(root), cause=Cause.FORBIDDEN)
    if isinstance(failure, ClientConnectorDNSError):
        return unresolved(failure.host)
    if isinstance(failure, ClientConnectorCertificateError | ClientConnectorSSLError) or isinstance(
        root, ssl.SSLError
    ):
        return Reply(0, error=f"TLS failed: {root}", cause=Cause.UNTRUSTED)
    if isinstance(failure, ClientConnectorError):
        where = f"{failure.host}:{failure.port}"
        if isinstance(root, ConnectionRefusedError):
            return refused(where)
        reason = getattr(root, "strerror", None) or str(root)
        return Reply(0, error=f"{where} cannot be reached: {reason}", cause=Cause.UNREACHABLE)
    if isinstance(failure, ServerDisconnectedError | ConnectionError) or (
        isinstance(failure, OSError) and failure.errno in _ENDED
    ):
        return Reply(0, error=RESET_BEFORE_ANSWER, cause=Cause.RESET)
    if isinstance(failure, ClientResponseError):
        said = failure.message.split("\n", 1)[0]
        return Reply(0, error=f"the answer is not HTTP: {said}", cause=Cause.UNREADABLE)
    if isinstance(failure, ValueError):
        return Reply(0, error=f"it cannot be sent: {failure}", cause=Cause.UNSENDABLE)
    return Reply(0, error=f"{type(failure).__name__}: {failure}", cause=Cause.UNREACHABLE)


def _root(failure: BaseException) -> BaseException:
    """Return what lies behind a failure to connect."""
    root = failure
    while True:
        if isinstance(root, ExceptionGroup):
            behind: BaseException | None = root.exceptions[0]
        else:
            behind = getattr(root, "os_error", None) or root.__cause__
        if behind is None:
            return root
        root = behind

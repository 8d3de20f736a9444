"""
The seam of everything that is sent: a request goes in, a reply comes back, and nothing is raised.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from types import TracebackType
from typing import Final, NamedTuple, Protocol, TypeVar

from simulator.kernel.model.causes import Cause
from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.secrecy import harmless_text

__all__ = [
    "AGENT",
    "CONNECTIONS_MAX",
    "CUT",
    "ENDED_EARLY",
    "RESET_BEFORE_ANSWER",
    "SLOW_PIECES",
    "Done",
    "Reply",
    "Sending",
    "Terms",
    "Transport",
    "answered",
    "broken_off",
    "refused",
    "timed_out",
    "unresolved",
    "unsendable",
]

AGENT: Final = "http-client/1.0"
"""How requests name who sends them, unless they name somebody themselves: nobody whom a filter could know."""

CONNECTIONS_MAX: Final = 512
"""How many connections to one target are open at once, unless told otherwise."""

SLOW_PIECES: Final = 10
"""In how many pieces a body goes out that is to be slow."""

RESET_BEFORE_ANSWER: Final = "the connection was reset before an answer"
ENDED_EARLY: Final = "the connection ended before the answer did"
CUT: Final = "only the beginning of the answer was read"

_URL_SHOWN_MAX: Final = 200
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_INTERIM: Final = re.compile(rb"\s*HTTP/1\.[01] 1(?!01)\d\d")

TagT = TypeVar("TagT")


class Terms(NamedTuple):
    """
    What holds for many requests alike.
    """

    timeout_real_ms: int = 10_000
    """How long everything may take, from being handed over to the end of the answer."""
    keep_bytes_max: int = 512
    """How much of the answer's body the reply brings."""
    read_bytes_max: int = 65_536
    """How much of it is read at most, so that the connection can be used again."""
    verify_tls: bool = True


class Reply(NamedTuple):
    """
    What came of a request.
    """

    status: int
    """0: there was no answer; `error` and `cause` say why."""
    body: bytes = b""
    """The beginning of the answer's body."""
    error: str = ""
    cause: Cause | None = None
    note: str = ""
    """What was odd about an answer that counts all the same."""
    location: str = ""
    """Where a redirect points to."""
    head: bytes = b""
    """What the answer began with: its status line and headers, and perhaps more of it."""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The answer's headers, as far as they can be read."""
        head = self.head
        while _INTERIM.match(head) and (end := _HEAD_END.search(head)) is not None:
            head = head[end.end() :]
        lines = _HEAD_END.split(head, 1)[0].decode("utf-8", "replace").splitlines()[1:]
        pairs = (line.partition(":") for line in lines if ":" in line)
        return [(name.strip(), value.strip()) for name, _, value in pairs]


Done = Callable[[TagT, Reply], None]


class Sending(Protocol):
    """
    A request that is under way.
    """

    def cancel(self) -> None:
        """Break it off; whoever asked is not told any more."""
        ...


class Transport(Protocol):
    """
    Sends requests to addresses that the guard allows, and keeps connections for the next ones.
    """

    def send(self, request: WebhookRequest, terms: Terms, done: Done[TagT], tag: TagT) -> Sending:
        """
        Send *request*; *done* is called once with *tag* and the reply, never before this returns.

        The status line decides: once it is there the request has been answered,
        whatever is wrong with the rest.  Only a time-out counts for all of it.
        """
        ...

    async def close(self) -> None:
        """End everything that is under way; whoever waits is told so."""
        ...

    async def __aenter__(self) -> Transport: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def _fulfil(future: asyncio.Future[Reply], reply: Reply) -> None:
    if not future.done():
        future.set_result(reply)


async def answered(transport: Transport, request: WebhookRequest, terms: Terms) -> Reply:
    """Send *request* and return the reply; when this is cancelled, so is the request."""
    future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    sending = transport.send(request, terms, _fulfil, future)
    try:
        return await future
    except asyncio.CancelledError:
        sending.cancel()
        raise


def unsendable(url: str) -> Reply:
    """Return the reply for an address that nobody can call."""
    shown = harmless_text(url)[:_URL_SHOWN_MAX]
    return Reply(0, error=f"{shown!r} is not a URL that can be called", cause=Cause.UNSENDABLE)


def timed_out(terms: Terms) -> Reply:
    """Return the reply when the time is over."""
    return Reply(0, error=f"timed out after {terms.timeout_real_ms / 1000:g} s", cause=Cause.TIMED_OUT)


def refused(where: str) -> Reply:
    """Return the reply when nobody listens at *where*, a host with its port."""
    return Reply(0, error=f"nobody listens at {where}", cause=Cause.REFUSED)


def unresolved(host: str) -> Reply:
    """Return the reply when *host* has no address."""
    return Reply(0, error=f"no address is known for the name {host}", cause=Cause.NAME_NOT_FOUND)


def broken_off() -> Reply:
    """Return the reply for what was still under way when the transport was closed."""
    return Reply(0, error="the simulator stopped before there was an answer", cause=Cause.BROKEN_OFF)

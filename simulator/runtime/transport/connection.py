"""
One connection to a receiver: a request goes out, and what comes back is read as far as it can be.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final, Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from simulator.kernel.model.causes import Cause
from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.runtime.transport.seam import CUT, ENDED_EARLY, RESET_BEFORE_ANSWER, SLOW_PIECES, Reply, Terms

__all__ = ["Carried", "Connection", "Owner"]

_BUFFER_BYTES: Final = 16_384
_HEAD_BYTES_MAX: Final = 65_536
_SHOWN_BYTES_MAX: Final = 60
_ANSWER_BYTES_MAX: Final = 1_024
_ANSWERS_MAX: Final = 64
_SWITCHING: Final = 101
_BODILESS: Final = frozenset({204, 304})
_STATUS_LINE: Final = re.compile(rb"HTTP/\d\.\d +(\d{3})(?!\d)")
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_DELIMITED: Final = re.compile(
    rb"^(?:content-length[ \t]*:|transfer-encoding[ \t]*:[^\r\n]*chunked)", re.IGNORECASE | re.MULTILINE
)
_ANNOUNCED: Final = re.compile(
    rb"^(?:content-length[ \t]*:[ \t]*0*[1-9]|transfer-encoding[ \t]*:)", re.IGNORECASE | re.MULTILINE
)
_LOCATION: Final = re.compile(rb"^location[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_HEAD_TOO_LONG: Final = f"the head of the answer is longer than {_HEAD_BYTES_MAX} bytes"
_MORE: Final = "more came than the answer may hold"


class Carried(Protocol):
    """
    What a connection has to know of a request that it carries.
    """

    request: WebhookRequest
    head: bytes
    """Everything before the body."""
    terms: Terms


class Owner(Protocol):
    """
    Whose connection it is: told when it is free again, and when it is gone.
    """

    answers: dict[tuple[bytes, int], Reply]
    """What answers in one piece were read as, by their bytes and how much is kept of them."""

    def ended(self, connection: Connection, reply: Reply, reusable: bool) -> None:
        """Take the reply to what the connection carried."""
        ...

    def lost(self, connection: Connection) -> None:
        """Take note that the connection is gone."""
        ...

    def again(self, connection: Connection) -> None:
        """Send what a used connection carried once more; not a byte of an answer had come."""
        ...


class Connection(asyncio.BufferedProtocol):
    """
    A kept connection with at most one request on its way.
    """

    __slots__ = (
        "_body",
        "_buffer",
        "_came",
        "_complete",
        "_headed",
        "_kept",
        "_left",
        "_more",
        "_owner",
        "_parser",
        "_persists",
        "_raw",
        "_read",
        "_slow",
        "_status",
        "_view",
        "carried",
        "idle_since",
        "transport",
        "used",
    )

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._parser = HttpResponseParser(self)
        # Older versions of the parser take a bare line feed anyway, and cannot be asked to.
        lenient = getattr(self._parser, "set_dangerous_leniencies", None)
        if lenient is not None:
            lenient(lenient_optional_cr_before_lf=True, lenient_headers=True)
        self.transport: asyncio.Transport | None = None
        self.carried: Carried | None = None
        """What it carries; None: it is free."""
        self.used = False
        """True once it has carried something to its end."""
        self.idle_since = 0.0
        self._slow: asyncio.TimerHandle | None = None
        self._reset()

    def _reset(self) -> None:
        self._came = False
        self._raw = b""
        self._body: list[bytes] | None = None
        self._kept = 0
        self._read = 0
        self._left = 0
        self._status = 0
        self._headed = False
        self._complete = False
        self._more = False
        self._persists = False

    # -- sending --------------------------------------------------------------------------------

    def carry(self, carried: Carried) -> None:
        """Send a request; the owner is told how it ended."""
        self.carried = carried
        assert self.transport is not None
        request = carried.request
        if request.slow_real_ms and request.body:
            self.transport.write(carried.head)
            self._left = len(request.body)
            self._drip_later(request)
        else:
            # One write, one packet.
            self.transport.write(carried.head + request.body)

    def _drip_later(self, request: WebhookRequest) -> None:
        wait_s = request.slow_real_ms / SLOW_PIECES / 1000
        self._slow = asyncio.get_running_loop().call_later(wait_s, self._drip, request)

    def _drip(self, request: WebhookRequest) -> None:
        assert self.transport is not None
        length = max(1, -(-len(request.body) // SLOW_PIECES))
        place = len(request.body) - self._left
        self.transport.write(request.body[place : place + length])
        self._left = max(0, self._left - length)
        self._slow = None
        if self._left:
            self._drip_later(request)

    def abort(self) -> None:
        """End the connection at once; nobody is told about what it carried."""
        self._forget()
        if self.transport is not None:
            self.transport.abort()

    def _forget(self) -> None:
        self.carried = None
        self._stop_dripping()

    def _stop_dripping(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    # -- asyncio's side -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the open connection."""
        self.transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to put what comes."""
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """Read what has come."""
        if self.carried is None:
            # Nobody asked: whatever that is, the next answer must not begin with it.
            self._owner.lost(self)
            self.abort()
            return
        chunk = bytes(self._view[:nbytes])
        answers = self._owner.answers
        place = chunk, self.carried.terms.keep_bytes_max
        if not self._came and not self._left and (reply := answers.get(place)) is not None:
            # Receivers say the same again and again, and nothing is left to be found out about it.
            self.used = True
            self._owner.ended(self, reply, True)
            return
        first, self._came = not self._came, True
        if not self._headed:
            self._raw = self._raw + chunk if self._raw else chunk
        try:
            self._parser.feed_data(chunk)
        except HttpParserUpgrade:
            self._more = True
        except HttpParserError as trouble:
            if not self._complete:
                self._broken(str(trouble))
                return
            self._more = True
        if self._complete:
            if self._status in _BODILESS and _ANNOUNCED.search(self._raw):
                # Its body may come later, and must not be taken for the beginning of the next answer.
                self._more = True
            note = _MORE if self._more else ""
            reusable = self._persists and not self._more and not self._left
            reply = self._reply(self._status, note)
            if reusable and first and nbytes <= _ANSWER_BYTES_MAX:
                if len(answers) >= _ANSWERS_MAX:
                    answers.clear()
                answers[place] = reply
            self._end(reply, reusable)
        elif not self._headed:
            if len(self._raw) > _HEAD_BYTES_MAX:
                self._broken(_HEAD_TOO_LONG)
        elif self._read > self.carried.terms.read_bytes_max:
            self._end(self._reply(self._parser.get_status_code(), CUT), reusable=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note of the end of the connection, whoever ended it."""
        if self.carried is not None:
            self._cut(exc)
        # Last, so that what is sent again comes before what waits.
        self._owner.lost(self)
        # The two hold each other.
        del self._parser

    def _cut(self, exc: Exception | None) -> None:
        if not self._came:
            if self.used:
                # The receiver had let go of it before this request came: nobody has seen it.
                self._owner.again(self)
                self._forget()
            else:
                self._end(Reply(0, error=RESET_BEFORE_ANSWER, cause=Cause.RESET), reusable=False)
            return
        status, head = _answer_head(self._raw)
        if not status:
            self._end(Reply(0, error=RESET_BEFORE_ANSWER, cause=Cause.RESET), reusable=False)
        elif self._headed and not _DELIMITED.search(head) and exc is None:
            # Neither length nor chunks: the end of the connection is the end of the answer.
            self._end(self._reply(status, ""), reusable=False)
        else:
            self._end(self._reply(status, ENDED_EARLY), reusable=False)

    def eof_received(self) -> None:
        """Let the connection be closed from here as well, and lend it to nobody meanwhile."""
        if self.carried is None:
            self._owner.lost(self)

    # -- the parser's side ----------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Notice that more comes after the answer."""
        if self._complete:
            self._more = True

    def on_headers_complete(self) -> None:
        """Notice the end of a head, an interim one's perhaps."""
        self._headed = True

    def on_body(self, body: bytes) -> None:
        """Keep the beginning of the body."""
        self._read += len(body)
        if self._complete or self.carried is None:
            return
        room = self.carried.terms.keep_bytes_max - self._kept
        if room > 0:
            kept = body[:room]
            self._kept += len(kept)
            if self._body is None:
                self._body = [kept]
            else:
                self._body.append(kept)

    def on_message_complete(self) -> None:
        """Notice the end of the answer; after an interim one, such as 100 or 103, the real one comes."""
        if self._complete:
            return
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != _SWITCHING:
            self._headed = False
            return
        self._status = status
        self._complete = True
        self._persists = self._parser.should_keep_alive()

    # -- how it ends ----------------------------------------------------------------------------

    def _broken(self, why: str) -> None:
        """End with what the status line says, or with the news that there is none."""
        status, _ = _answer_head(self._raw)
        if status:
            self._end(self._reply(status, f"the rest of the answer cannot be read: {why}"), reusable=False)
            return
        shown = self._raw[:_SHOWN_BYTES_MAX]
        error = f"the answer is not HTTP, it begins with {shown!r}"
        self._end(Reply(0, error=error, cause=Cause.UNREADABLE), reusable=False)

    def _reply(self, status: int, note: str) -> Reply:
        body = b"" if self._body is None else b"".join(self._body)
        location = ""
        if 300 <= status < 400:
            match = _LOCATION.search(_answer_head(self._raw)[1])
            location = match[1].decode("utf-8", "replace").strip() if match is not None else ""
        return Reply(status, body, note=note, location=location, head=self._raw)

    def _end(self, reply: Reply, reusable: bool) -> None:
        if reusable:
            self.used = True
            self._reset()
        else:
            self._stop_dripping()
            if self.transport is not None:
                self.transport.abort()
        self._owner.ended(self, reply, reusable)


def _answer_head(raw: bytes) -> tuple[int, bytes]:
    """
    Return status and head of the answer that *raw* begins with, passing over interim ones.

    The status is 0 as long as its line is not complete.
    """
    rest = raw.lstrip(b"\r\n")
    while True:
        match = _STATUS_LINE.match(rest)
        if match is None or b"\n" not in rest:
            return 0, b""
        end = _HEAD_END.search(rest)
        status = int(match[1])
        if not 100 <= status < 200 or status == _SWITCHING:
            return status, rest[: end.end()] if end is not None else rest
        if end is None:
            return 0, b""
        rest = rest[end.end() :].lstrip(b"\r\n")

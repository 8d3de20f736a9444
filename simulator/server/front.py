"""
The simulator's own HTTP server, for calls to providers and the control API: plain HTTP/1.1, and little of it.

It reads what is plain and of these; every other request, and with it the connection,
goes on to aiohttp's server, as if that had taken it from the start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, cast

from simulator.server.edge import HttpRequest
from simulator.server.faces import Faces, OwnCall
from simulator.server.heads import HEAD_BYTES_MAX, ReplyHeads, may_be_plain
from simulator.server.losses import is_reset
from simulator.server.others import Others
from simulator.server.reading import Heads
from simulator.server.replies import HttpReply

__all__ = ["Front"]

_AT_ONCE_MAX: Final = 32
"""After so many requests of one connection, others get their turn."""
_SWEEP_REAL_S: Final = 60.0
_LOOK_REAL_S_MIN: Final = 0.05
_READ_BYTES_MAX: Final = 65_536
_IDLE_REAL_S: Final = 3_600.0
"""A connection on which nothing came for so long is closed; aiohttp waits as long."""


class Front:
    """
    The connections of one port.
    """

    def __init__(
        self, faces: Faces, alone: str, patience_real_s: float, patience_at_end_real_s: float
    ) -> None:
        self.faces = faces
        self.edge = faces.edge
        self.losses = faces.losses
        self.idle_real_s = _IDLE_REAL_S
        self.patience_real_s = patience_real_s
        """How long a request may take to arrive; 0: as long as it likes."""
        self._patience_at_end_real_s = patience_at_end_real_s
        """How long calls under way are waited for when it stops."""
        self.connections: set[_Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        """Calls to providers that are answered later."""
        self.own_tasks: set[asyncio.Task[None]] = set()
        """Calls of the control API that are being answered."""
        self.heads = ReplyHeads()
        self.read = memoryview(bytearray(_READ_BYTES_MAX))
        """Where connections read to, one after the other; to make a buffer for each read takes longer."""
        self._address_of = faces.addresses(alone)
        self.head = Heads(self._address_of).read
        """Returns what a head asks for, and its fields; None: it is not plain, or not for here."""
        self._others: Others | None = None
        """What takes over connections that are not plain; None: there was none yet."""
        self._sweeping: asyncio.TimerHandle | None = None

    def __call__(self) -> asyncio.BufferedProtocol:
        """Return the protocol of a new connection."""
        self._sweep_soon()
        return _Connection(self)

    def take_over(self) -> asyncio.Protocol:
        """Return the protocol of a connection that aiohttp serves."""
        self._sweep_soon()
        if self._others is None:
            # Loaded with the first such connection: a start takes half as long without.
            from simulator.server.all_http import AllHttp

            self._others = AllHttp(self.faces, self._address_of, self._patience_at_end_real_s)
        return self._others.connection()

    def _sweep_soon(self) -> None:
        if self._sweeping is None:
            apart_real_s = _SWEEP_REAL_S
            if self.patience_real_s:
                apart_real_s = min(apart_real_s, max(_LOOK_REAL_S_MIN, self.patience_real_s / 10))
            self._sweeping = asyncio.get_running_loop().call_later(apart_real_s, self.sweep)

    @property
    def count(self) -> int:
        """How many connections are open, whoever serves them."""
        return len(self.connections) + (self._others.count if self._others is not None else 0)

    def sweep(self) -> None:
        """Close connections that have been idle for too long, or half a request; look again after a while."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        self._sweep_soon()
        now_s = asyncio.get_running_loop().time()
        late_s = now_s - self.patience_real_s if self.patience_real_s else 0.0
        for connection in list(self.connections):
            connection.sweep(now_s, late_s)
        if self._others is not None:
            self._others.sweep(late_s)

    def cut(self) -> None:
        """Break every connection off at once."""
        for connection in list(self.connections):
            connection.cut()
        if self._others is not None:
            self._others.cut()

    async def finish(self) -> None:
        """Let every connection end as soon as nothing is owed; calls to providers get some time."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        for connection in list(self.connections):
            connection.close_when_idle()
        if self._others is not None:
            self._others.close_idle()
        await _end(self.tasks, self._patience_at_end_real_s)

    async def close(self) -> None:
        """End every connection; calls of the control API get some time."""
        await _end(self.own_tasks, self._patience_at_end_real_s)
        for connection in list(self.connections):
            connection.cut()
        if self._others is not None:
            await self._others.close()
            self._others = None


async def _end(tasks: set[asyncio.Task[None]], patience_real_s: float) -> None:
    """Wait for *tasks* so long, and end what is left."""
    if not tasks:
        return
    await asyncio.wait(tasks, timeout=patience_real_s)
    left = list(tasks)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


class _Connection(asyncio.BufferedProtocol):
    """One connection, and the door of the call that is being served on it."""

    __slots__ = (
        "_begun",
        "_begun_s",
        "_buffer",
        "_busy",
        "_close",
        "_ended",
        "_ending",
        "_front",
        "_idle_since_s",
        "_needed",
        "_resumed",
        "_transport",
        "_unread",
        "_when_unread",
        "_write_paused",
    )

    def __init__(self, front: Front) -> None:
        self._front = front
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._unread: list[bytes] = []
        """What came while a request is not complete, beside the buffer."""
        self._needed = 0
        """How many bytes are to come before it is."""
        self._busy = False
        """A call is being served, or it is the turn of others."""
        self._write_paused = False
        self._resumed: asyncio.Future[None] | None = None
        """Awaited by who writes more than the client reads."""
        self._close = False
        """The connection ends with the answer to the call being served."""
        self._ending = False
        """The connection ends as soon as nothing is left to be answered."""
        self._ended = False
        """The client has said that it will send nothing more."""
        self._begun = False
        """Something of that answer is on its way."""
        self._idle_since_s = 0.0
        """Since when nothing has come, as far as a sweep has seen; 0: something came since the last one."""
        self._begun_s = 0.0
        """Since when, as far as a sweep has seen, a request is on its way; 0: none is."""
        self._when_unread: Callable[[], None] | None = None
        """What is to be called when the last answer turns out not to have been read."""

    # -- the connection -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._front.connections.add(self)
        if transport.get_extra_info("sslcontext") is not None:
            self._hand_over()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._when_unread is not None and is_reset(self._transport, exc):
            self._when_unread()
        self._when_unread = None
        self._front.connections.discard(self)
        self._transport = None
        self._tell_resumed()
        self._buffer = b""
        self._unread.clear()

    def eof_received(self) -> bool:
        # Who has nothing more to ask may still want to read.
        self._ending = self._ended = True
        if self._buffer and self._ready:
            # Half a request: aiohttp has a word for it.
            self._hand_over()
            return True
        return self._busy

    def pause_writing(self) -> None:
        self._write_paused = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._write_paused = False
        self._tell_resumed()
        self._go_on()

    def _tell_resumed(self) -> None:
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)

    def sweep(self, now_s: float, late_s: float) -> None:
        """Close the connection when it has been idle for long, or half a request since before *late_s*."""
        transport = self._transport
        if transport is None or self._busy:
            self._idle_since_s = self._begun_s = 0.0
        elif not self._idle_since_s:
            self._idle_since_s = now_s
        elif now_s - self._idle_since_s > self._front.idle_real_s:
            transport.close()
        if not self._buffer or self._busy or self._write_paused or transport is None:
            self._begun_s = 0.0
        elif not self._begun_s:
            self._begun_s = now_s
        elif self._begun_s < late_s:
            self._front.losses.time_out()
            transport.close()

    def close_when_idle(self) -> None:
        """Close the connection, after the answer to a call that is being served."""
        self._ending = True
        if not self._busy and self._transport is not None:
            self._transport.close()

    # -- requests -------------------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._front.read

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(self._front.read[:nbytes])
        self._idle_since_s = 0.0
        if self._busy and self._transport is not None:
            if self._close:
                # Left unread it would reset the connection, and might take the last answer with it.
                return
            self._transport.pause_reading()
        if self._buffer:
            self._unread.append(data)
            self._needed -= len(data)
            if self._needed > 0:
                return
            data = b"".join((self._buffer, *self._unread))
            self._unread.clear()
        self._buffer = data
        if not self._busy and not self._write_paused:
            self._serve()

    def _serve(self) -> None:
        """Serve the requests in the buffer, one after the other, as far as they are complete."""
        front = self._front
        for _ in range(_AT_ONCE_MAX):
            buffer = self._buffer
            end = buffer.find(b"\r\n\r\n", 0, HEAD_BYTES_MAX)
            if end < 0:
                self._needed = 0
                if len(buffer) >= HEAD_BYTES_MAX or not may_be_plain(buffer):
                    self._hand_over()
                return
            head = front.head(buffer[:end])
            if head is None:
                self._hand_over()
                return
            request, fields = head
            body_end = end + 4 + fields.body_bytes
            self._needed = body_end - len(buffer)
            if self._needed > 0:
                return
            self._buffer = buffer[body_end:]
            self._begun_s = 0.0
            self._answer(request, buffer[end + 4 : body_end], fields.close)
            if not self._buffer or not self._ready:
                return
        self._busy = True
        asyncio.get_running_loop().call_soon(self._take_turn)

    def _answer(self, request: HttpRequest | OwnCall, body: bytes, close: bool) -> None:
        self._close = close
        self._begun = False
        self._when_unread = None
        front, edge = self._front, self._front.edge
        try:
            if isinstance(request, OwnCall):
                reply = front.faces.at_once(request)
                if reply is None:
                    self._answer_later(request, self._answer_own(request, body), front.own_tasks)
                    return
                self.write(reply)
                if self._close:
                    self.close()
                return
            admitted = edge.admit(request)
            if isinstance(admitted, HttpReply):
                self.write(admitted)
            elif len(body) > admitted.route.body_bytes_max:
                self.write(edge.too_large(admitted))
            elif (remaining := edge.handle(admitted, body, self)) is not None:
                self._answer_later(request, remaining, front.tasks)
                return
        except Exception as failure:
            self._apologise(request, failure)
        if self._close:
            self.close()

    def _answer_later(
        self, request: HttpRequest | OwnCall, remaining: Awaitable[None], tasks: set[asyncio.Task[None]]
    ) -> None:
        self._busy = True
        task = asyncio.get_running_loop().create_task(self._finish(request, remaining))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _answer_own(self, call: OwnCall, body: bytes) -> None:
        """Answer a call of the control API."""
        reply = await self._front.faces.control.reply(call.method, call.path, call.asked(body))
        if reply.is_short:
            self.write(reply)
            return
        await self.begin(reply, len(reply.body))
        for piece in reply.pieces():
            await self.push(piece)
            await asyncio.sleep(0)
            if self._write_paused and self._transport is not None:
                self._resumed = asyncio.get_running_loop().create_future()
                await self._resumed

    async def _finish(self, request: HttpRequest | OwnCall, remaining: Awaitable[None]) -> None:
        try:
            await remaining
        except Exception as failure:
            self._apologise(request, failure)
        if self._close:
            self.close()
        self._take_turn()

    def _apologise(self, request: HttpRequest | OwnCall, failure: Exception) -> None:
        """Answer a request for which the edge failed, or break off an answer that was begun."""
        begin = f"/{request.provider.name}" if isinstance(request, HttpRequest) else ""
        reply = self._front.edge.failed(request.method, f"{begin}{request.path}", failure)
        if self._begun:
            self.cut()
        else:
            self.write(reply)

    def _take_turn(self) -> None:
        self._busy = False
        self._go_on()

    def _go_on(self) -> None:
        """Serve what came meanwhile, and read on."""
        if self._ready and self._buffer:
            self._serve()
        transport = self._transport
        if self._ready and transport is not None:
            if self._ended and self._buffer:
                self._hand_over()
            elif self._ending:
                transport.close()
            else:
                transport.resume_reading()

    @property
    def _ready(self) -> bool:
        """True when the next request may be served."""
        transport = self._transport
        return not (self._busy or self._write_paused or transport is None or transport.is_closing())

    def _hand_over(self) -> None:
        """Let aiohttp serve this connection from here on, beginning with what is in the buffer."""
        transport, buffer = self._transport, self._buffer
        assert transport is not None
        self._front.connections.discard(self)
        self._transport, self._buffer = None, b""
        other = self._front.take_over()
        transport.set_protocol(other)
        other.connection_made(transport)
        # Behind a call that took its time nothing is read, and the end is not said twice.
        transport.resume_reading()
        if buffer:
            other.data_received(buffer)
        if self._ending and not other.eof_received():
            transport.close()

    # -- the door -------------------------------------------------------------------------------

    def watch(self, unread: Callable[[], None]) -> None:
        """Call *unread* if the connection breaks, or is broken, before the next answer was read."""
        if self._transport is None or self._transport.is_closing():
            unread()
        else:
            self._when_unread = unread

    def write(self, reply: HttpReply) -> None:
        """Send a whole reply."""
        self._begun = True
        status, body, headers, close = reply
        if close:
            self._close = True
        if self._transport is not None:
            self._transport.write(self._front.heads.head(status, headers, len(body), self._close) + body)

    async def begin(self, reply: HttpReply, length: int) -> None:
        """Send the head of a reply."""
        self._begun = True
        if self._transport is not None:
            self._transport.write(self._front.heads.head(reply.status, reply.headers, length, self._close))

    async def push(self, piece: bytes) -> None:
        """Send a piece of the body."""
        if self._transport is not None:
            self._transport.write(piece)

    async def end(self) -> None:
        """Nothing is to be done: the length was told."""

    def close(self) -> None:
        """End the connection as soon as what was written has left."""
        if self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        """Break the connection off at once."""
        if self._transport is not None:
            self._transport.abort()

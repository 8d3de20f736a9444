"""
A receiver that says exactly the bytes it is told to, and notes the bytes that come.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

__all__ = ["OK", "Line", "Raw", "answering", "raw"]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Line:
    """
    One connection, as the receiver sees it.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self._reader = reader
        self._writer = writer
        self.number = number
        """Which connection of the receiver this is, from 1."""
        self.requests: list[bytes] = []

    async def take(self) -> bytes:
        """Return the next request as it came, or nothing when there are no more."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            request = head + await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        self.requests.append(request)
        return request

    async def read(self) -> bytes:
        """Return what has come, as much as there is."""
        return await self._reader.read(65_536)

    async def say(self, *pieces: bytes) -> None:
        """Answer with these bytes, each piece by itself."""
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(0)

    async def end(self) -> None:
        """Return when the other side has ended the connection."""
        try:
            while await self._reader.read(65_536):
                pass
        except ConnectionError:
            pass

    def close(self) -> None:
        """End the connection in order."""
        self._writer.close()

    def reset(self) -> None:
        """Cut the connection, as a process does that is killed."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class Raw:
    """
    A receiver on a free port of loopback.
    """

    def __init__(self) -> None:
        self.port = 0
        self.lines: list[Line] = []
        self.open = 0
        """How many connections are open now."""
        self.open_most = 0

    @property
    def where(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://{self.where}"

    @property
    def requests(self) -> list[bytes]:
        """All requests, connection by connection."""
        return [request for line in self.lines for request in line.requests]


@asynccontextmanager
async def raw(handle: Callable[[Line], Awaitable[None]], host: str = "127.0.0.1") -> AsyncIterator[Raw]:
    """Run a receiver that lets *handle* deal with each connection."""
    receiver = Raw()
    tasks: set[asyncio.Task[None]] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer, len(receiver.lines) + 1)
        receiver.lines.append(line)
        receiver.open += 1
        receiver.open_most = max(receiver.open_most, receiver.open)
        try:
            await handle(line)
        except ConnectionError:
            pass
        finally:
            receiver.open -= 1
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(run(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, host, 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def answering(*pieces: bytes, close: bool = False) -> Callable[[Line], Awaitable[None]]:
    """Return how to answer every request with *pieces*, and to close afterwards if asked to."""

    async def handle(line: Line) -> None:
        while await line.take():
            await line.say(*pieces)
            if close:
                line.close()
                return

    return handle

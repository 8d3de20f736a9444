"""
A webhook receiver that only counts and acknowledges.

Prints its port.  `GET /count` answers what came so far, `GET /arrivals` when each webhook came, `GET /reset`
begins anew.  `--record` appends each body to a file before it is acknowledged, so that nothing that was
acknowledged is forgotten when the process is killed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from array import array
from time import perf_counter
from typing import NamedTuple

from benchmarks.heads import length_of

__all__ = ["Ways"]

_ACKNOWLEDGED = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Ways(NamedTuple):
    """
    How the receiver behaves.
    """

    port: int = 0
    delay_ms: int = 0
    """How long it takes for each answer."""
    die_after: int = 0
    """It kills itself when so many have come, before the last one is acknowledged; 0: never."""
    record: str = ""
    """A file to which each body is appended."""


class _Counts:
    """What came so far."""

    def __init__(self, ways: Ways) -> None:
        self.ways = ways
        self.record = os.open(ways.record, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if ways.record else -1
        self.reset()

    def reset(self) -> None:
        self.arrivals = array("d")
        self.body_bytes = 0

    def count(self, body: bytes) -> None:
        self.arrivals.append(perf_counter())
        self.body_bytes += len(body)
        if self.record >= 0:
            os.write(self.record, body + b"\n")
        if len(self.arrivals) == self.ways.die_after:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

    def answer(self, path: bytes) -> bytes:
        """Return the answer to a question, whole."""
        if path == b"/reset":
            self.reset()
        if path == b"/arrivals":
            body = self.arrivals.tobytes()
        else:
            first, last = (self.arrivals[0], self.arrivals[-1]) if self.arrivals else (0.0, 0.0)
            body = json.dumps(
                {
                    "count": len(self.arrivals),
                    "first": first,
                    "last": last,
                    "body_bytes": self.body_bytes,
                }
            ).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class _Connection(asyncio.Protocol):
    """Takes one request after the other."""

    def __init__(self, counts: _Counts) -> None:
        self._counts = counts
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            whole = end + 4 + length_of(data, end)
            if len(data) < whole:
                break
            self._take(data[: data.find(b"\r\n")], data[end + 4 : whole])
            data = data[whole:]
        self._buffer = data

    def _take(self, line: bytes, body: bytes) -> None:
        if line.startswith(b"GET "):
            self._transport.write(self._counts.answer(line.split()[1]))
            return
        self._counts.count(body)
        if self._counts.ways.delay_ms:
            loop = asyncio.get_running_loop()
            loop.call_later(self._counts.ways.delay_ms / 1000, self._transport.write, _ACKNOWLEDGED)
        else:
            self._transport.write(_ACKNOWLEDGED)


async def _serve(ways: Ways) -> None:
    counts = _Counts(ways)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(counts), "127.0.0.1", ways.port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay-ms", type=int, default=0)
    parser.add_argument("--die-after", type=int, default=0)
    parser.add_argument("--record", default="")
    asyncio.run(_serve(Ways(**vars(parser.parse_args()))))

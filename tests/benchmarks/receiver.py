"""
A webhook receiver that only counts and acknowledges.

Prints its port.  `GET /count` answers what came so far, `GET /arrivals` when each webhook came, `GET /reset`
begins anew.  `--record` appends each body to a file before it is acknowledged, so that nothing that was
acknowledged is forgotten when the process is killed.  Sockets are watched without an event loop, as by the
generator: what is measured is who sends.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import signal
import socket
from array import array
from collections import deque
from contextlib import suppress
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
        self.later: deque[tuple[float, socket.socket]] = deque()
        """Who is to be acknowledged, and when."""
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


class _Connection:
    """Takes one request after the other."""

    __slots__ = ("_buffer", "_counts", "_plain", "wire")

    def __init__(self, counts: _Counts, wire: socket.socket) -> None:
        self._counts = counts
        self._plain = counts.ways == Ways(port=counts.ways.port)
        """Nothing but counting is asked for."""
        self._buffer = b""
        self.wire = wire
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self) -> bytes:
        """Take what has come and return what is to be answered at once; raises OSError at its end."""
        data = self.wire.recv(65_536)
        if not data:
            raise ConnectionResetError("the connection was closed")
        if self._buffer:
            data = self._buffer + data
        elif self._plain and data.startswith(b"POST "):
            end = data.find(b"\r\n\r\n") + 4
            if end > 3 and len(data) == end + length_of(data, end - 4):
                # Nearly all come so: one webhook, whole.
                self._counts.arrivals.append(perf_counter())
                self._counts.body_bytes += len(data) - end
                return _ACKNOWLEDGED
        answers = b""
        while (end := data.find(b"\r\n\r\n")) >= 0:
            whole = end + 4 + length_of(data, end)
            if len(data) < whole:
                break
            answers += self._take(data[: data.find(b"\r\n")], data[end + 4 : whole])
            data = data[whole:]
        self._buffer = data
        return answers

    def _take(self, line: bytes, body: bytes) -> bytes:
        counts = self._counts
        if line.startswith(b"GET "):
            return counts.answer(line.split()[1])
        counts.count(body)
        if counts.ways.delay_ms:
            counts.later.append((perf_counter() + counts.ways.delay_ms / 1000, self.wire))
            return b""
        return _ACKNOWLEDGED


def _serve(ways: Ways) -> None:
    counts = _Counts(ways)
    listening = socket.create_server(("127.0.0.1", ways.port), backlog=1024)
    print(listening.getsockname()[1], flush=True)
    with selectors.DefaultSelector() as selector:
        selector.register(listening, selectors.EVENT_READ)
        while True:
            wait_s = max(0.0, counts.later[0][0] - perf_counter()) if counts.later else None
            for key, _ in selector.select(wait_s):
                if key.data is None:
                    wire, _ = listening.accept()
                    selector.register(wire, selectors.EVENT_READ, _Connection(counts, wire))
                    continue
                try:
                    answers = key.data.receive()
                    if answers:
                        key.data.wire.sendall(answers)
                except OSError:
                    selector.unregister(key.fileobj)
                    key.data.wire.close()
            while counts.later and counts.later[0][0] <= perf_counter():
                # Its client may have gone meanwhile.
                with suppress(OSError):
                    counts.later.popleft()[1].sendall(_ACKNOWLEDGED)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay-ms", type=int, default=0)
    parser.add_argument("--die-after", type=int, default=0)
    parser.add_argument("--record", default="")
    _serve(Ways(**vars(parser.parse_args())))

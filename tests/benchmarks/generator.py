"""
A closed-loop load generator: so many keep-alive connections, each with one call under way.

Everything of a call but the recipients' numbers is built beforehand, and of an answer only status and
length are read; sockets are watched without an event loop, which halves what a call costs here.  So the
server is what is measured.  Prints one line of JSON.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
from time import perf_counter
from typing import NamedTuple

from benchmarks.heads import length_of

__all__ = ["NUMBER", "Load", "run"]

NUMBER = "##########"
"""Stands for ten digits that differ in each call."""


_ANSWER_S_MAX = 60.0


class Load(NamedTuple):
    """
    What is to be sent.
    """

    port: int
    path: str
    body: str
    """With `NUMBER` where numbers go, each time a new one."""
    calls: int
    connections: int = 32
    first: int = 0
    """The first number."""
    within_s: float = 120.0


class _Calls:
    """What all connections share: the next number, how many calls are left, and what came of them."""

    def __init__(self, load: Load) -> None:
        pieces = load.body.replace("%", "%%").split(NUMBER)
        template = "%010d".join(pieces).encode()
        self._numbers = len(pieces) - 1
        length = len(template % tuple(range(self._numbers)))
        head = (
            f"POST {load.path} HTTP/1.1\r\nHost: 127.0.0.1:{load.port}\r\nAuthorization: App bench\r\n"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        )
        self._template = head.replace("%", "%%").encode() + template
        self._next = load.first
        self.left = load.calls
        self.bad = 0
        self.latencies_s: list[float] = []
        self.complaint = ""

    def complain(self, complaint: str) -> None:
        """Count a call that was not answered as it should; the last complaint is kept."""
        self.bad += 1
        self.complaint = complaint

    def request(self) -> bytes:
        """Return the next call as it goes over the wire."""
        first = self._next
        self._next = first + self._numbers
        self.left -= 1
        if self._numbers == 1:
            return self._template % first
        return self._template % tuple(range(first, self._next))


class _Connection:
    """Sends a call, and the next one when its answer is whole."""

    __slots__ = ("begun", "buffer", "calls", "wire")

    def __init__(self, calls: _Calls, port: int) -> None:
        self.calls = calls
        self.buffer = b""
        self.wire = socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_S_MAX)
        self.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self) -> bool:
        """Send the next call; return False when there is none."""
        if self.calls.left <= 0:
            return False
        self.begun = perf_counter()
        self.wire.sendall(self.calls.request())
        return True

    def receive(self) -> bool:
        """Take what has come; return False when this connection has nothing more to do."""
        data = self.wire.recv(65_536)
        if not data:
            self.calls.complain("the connection was closed")
            return False
        if self.buffer:
            data = self.buffer + data
        end = data.find(b"\r\n\r\n")
        if end < 0 or len(data) < end + 4 + length_of(data, end):
            self.buffer = data
            return True
        self.buffer = b""
        self.calls.latencies_s.append(perf_counter() - self.begun)
        if data[9:12] != b"200":
            self.calls.complain(data[:300].decode("latin-1"))
        return self.send()


def run(load: Load) -> dict[str, float | int | str]:
    """
    Send everything and return what came of it; times in seconds are those of `perf_counter`.
    """
    calls = _Calls(load)
    started = perf_counter()
    with selectors.DefaultSelector() as selector:
        for _ in range(min(load.connections, load.calls)):
            connection = _Connection(calls, load.port)
            selector.register(connection.wire, selectors.EVENT_READ, connection)
            connection.send()
        while selector.get_map():
            if perf_counter() - started > load.within_s:
                calls.complain(f"not done within {load.within_s:g} s")
                break
            for key, _ in selector.select(1.0):
                try:
                    goes_on = key.data.receive()
                except OSError as failure:
                    calls.complain(f"{type(failure).__name__}: {failure}")
                    goes_on = False
                if not goes_on:
                    selector.unregister(key.fileobj)
                    key.data.wire.close()
    ended = perf_counter()
    latencies_s = sorted(calls.latencies_s) or [0.0]
    answered = len(calls.latencies_s)
    return {
        "answered": answered,
        "bad": max(calls.bad, load.calls - answered),
        "complaint": calls.complaint,
        "started": started,
        "ended": ended,
        "per_s": answered / (ended - started),
        "p50_ms": latencies_s[answered // 2] * 1000,
        "p99_ms": latencies_s[min(len(latencies_s) - 1, answered * 99 // 100)] * 1000,
        "max_ms": latencies_s[-1] * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(run(Load(**json.loads(sys.argv[1])))))

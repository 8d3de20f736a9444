"""
A soak: everything that may be sent, receivers that misbehave, clients that leave, spaces that come and go.

`make soak ARGS="--seconds 300 --seed 7"`.  Prints figures; ends with 1 when a promise was broken.
All traffic stays on loopback, and the whole ends by itself within ten minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent.parent))

from soak.mutating import inputs, mutated, wire

_SECONDS_MAX: Final = 540
_SLOWEST_REAL_S: Final = 5.0
"""An answer may take so long while everything else goes on, on two shared cores."""
_GROWTH_MB_MAX: Final = 400
_SEND: Final = "/infobip/sms/2/text/advanced"
_KEY: Final = "Authorization: App key\r\nContent-Type: application/json\r\n"


class Figures:
    """
    What was counted.
    """

    def __init__(self) -> None:
        self.inputs = 0
        self.statuses: Counter[int] = Counter()
        self.failures: list[str] = []
        self.drops: list[str] = []
        self.slowest_real_s = 0.0
        self.abandoned = 0
        self.spaces = 0
        self.received: set[str] = set()
        self.received_in_all = 0


class Connection:
    """
    A connection to the server that is opened again when it was closed.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, sent: bytes) -> tuple[int, bytes]:
        """Send a request; return status and body, status 0: there was no answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 22)
        reader, writer = self._streams
        try:
            writer.write(sent)
            head = b"HTTP/1.1 100"
            while head.startswith(b"HTTP/1.1 100"):
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
            fields = head.lower().split(b"\r\n")
            length = next((int(f[15:]) for f in fields if f.startswith(b"content-length:")), 0)
            body = await asyncio.wait_for(reader.readexactly(length), 60)
            if b"connection: close" in fields:
                self.close()
            return int(head[9:12]), body
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return 0, b""

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def request(method: str, path: str, body: object = None, headers: str = _KEY) -> bytes:
    """Return the bytes of a well-formed request."""
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


def message(number: int) -> dict[str, Any]:
    """Return a send to the n-th recipient."""
    return {"messages": [{"destinations": [{"to": f"4179{number:07}"}], "text": "soak"}]}


class Receiver:
    """
    Takes webhooks, and is killed every now and then.
    """

    def __init__(self, take: Callable[[bytes, asyncio.StreamWriter], Coroutine[Any, Any, None]]) -> None:
        self._take = take
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 22)
        self.port = self._server.sockets[0].getsockname()[1]

    def kill(self) -> None:
        """Break everything off, as the end of a process does."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
                await self._take(await reader.readexactly(length), writer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # The end of the soak finds some of them waiting.
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


class Soak:
    """
    One run against one server.
    """

    def __init__(self, port: int, seed: int, seconds: int) -> None:
        self.port = port
        self.figures = Figures()
        self._seed = seed
        self._seconds = seconds
        self._ends_s = 0.0
        self._number = 0
        self.good = Receiver(self._take)
        self.hostile = Receiver(self._misbehave)
        self._draws = random.Random(f"{seed} receivers")

    def _draw(self, name: str) -> random.Random:
        return random.Random(f"{self._seed} {name}")

    @property
    def _going(self) -> bool:
        return perf_counter() < self._ends_s

    async def _take(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        self.figures.received_in_all += 1
        for row in json.loads(body)["results"]:
            self.figures.received.add(row["messageId"])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async def _misbehave(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        match self._draws.randrange(8):
            case 0:
                writer.write(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno")
            case 1:
                writer.transport.abort()
            case 2:
                writer.write(b"\x00\xffnothing that is HTTP\r\n\r\n")
            case 3:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 200_000)
                writer.close()
            case 4:
                writer.write(
                    b"HTTP/1.1 302 Away\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
                )
            case 5:
                writer.write(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\nContent-Length: 0\r\n\r\n")
            case 6:
                await asyncio.sleep(2)
                writer.close()
            case _:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async def control(self, connection: Connection, method: str, path: str, body: object = None) -> Any:
        """Make a call of the control API that has to succeed."""
        status, answer = await connection.ask(request(method, f"/_sim/v1{path}", body))
        if status >= 400 or not status:
            self.figures.failures.append(f"{method} {path}: {status} {answer[:200]!r}")
            return {}
        return json.loads(answer) if answer else {}

    async def run(self) -> None:
        """Do everything at once until the time is over, then let the steady space settle."""
        await self.good.start()
        await self.hostile.start()
        connection = Connection(self.port)
        for name, receiver in (("steady", self.good), ("rough", self.hostile), ("fuzzed", self.hostile)):
            # Retries that end within the run; the clock of each goes sixty times as fast.
            settings = {
                "webhook": {
                    "url": f"http://127.0.0.1:{receiver.port}/",
                    "retry": ["5s"] * 60,
                    "timeout": "5s",
                }
            }
            made = {"name": name, "clock": {"mode": "live", "rate": 60}, "providers": {"infobip": settings}}
            await self.control(connection, "POST", "/spaces", made)
        self._ends_s = perf_counter() + self._seconds
        await asyncio.gather(
            *(self._fuzz(place) for place in range(6)),
            self._send("steady"),
            self._send("rough"),
            self._abandon(),
            self._churn(),
            self._kill(),
        )
        await self.good.start()
        clock = {"mode": "frozen"}
        await self.control(connection, "PUT", "/spaces/steady/clock", clock)
        await self.control(connection, "POST", "/spaces/steady/clock/advance", {"until": "settled"})
        connection.close()

    async def _fuzz(self, place: int) -> None:
        draws, connection, seeds = self._draw(f"fuzz {place}"), Connection(self.port), inputs()
        while self._going:
            given = mutated(draws.choice(seeds), draws)
            began = perf_counter()
            status, body = await connection.ask(wire(given))
            self._count(status, body, perf_counter() - began, f"{given.method} {given.target[:200]}")

    def _count(self, status: int, body: bytes, took_s: float, what: str) -> None:
        figures = self.figures
        figures.inputs += 1
        figures.statuses[status] += 1
        figures.slowest_real_s = max(figures.slowest_real_s, took_s)
        if status >= 500 and len(figures.failures) < 20:
            figures.failures.append(f"{what}: {status} {body[:200]!r}")
        if not status and len(figures.drops) < 20:
            figures.drops.append(what)

    async def _send(self, space: str) -> None:
        connection = Connection(self.port)
        while self._going:
            self._number += 1
            sent = request("POST", f"/s/{space}{_SEND}", message(self._number))
            began = perf_counter()
            status, body = await connection.ask(sent)
            self._count(status, body, perf_counter() - began, f"a send to {space}")
            if status != 200:
                self.figures.failures.append(f"a send to {space}: {status}")
            await asyncio.sleep(0.005)
        connection.close()

    async def _abandon(self) -> None:
        draws = self._draw("abandon")
        whole = [
            request("GET", "/_sim/v1/spaces/steady/wait?count=1000000&within=30s"),
            request("GET", "/_sim/v1/spaces/steady/journal?limit=100000"),
            request("GET", "/_sim/v1/spaces/steady/journal?follow=1"),
            request("POST", _SEND, message(1)),
        ]
        while self._going:
            sent = draws.choice(whole)
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(sent[: draws.randrange(len(sent) + 1)] if draws.random() < 0.5 else sent)
            await asyncio.sleep(draws.random() / 10)
            if draws.random() < 0.5:
                writer.transport.abort()
            else:
                writer.close()
            self.figures.abandoned += 1

    async def _churn(self) -> None:
        connection = Connection(self.port)
        while self._going:
            name = f"brief-{self.figures.spaces}"
            await self.control(connection, "POST", "/spaces", {"name": name})
            for number in range(5):
                await connection.ask(request("POST", f"/s/{name}{_SEND}", message(number)))
            await self.control(connection, "POST", f"/spaces/{name}/clock/advance", {"until": "settled"})
            await self.control(connection, "DELETE", f"/spaces/{name}")
            self.figures.spaces += 1
        connection.close()

    async def _kill(self) -> None:
        while self._going:
            await asyncio.sleep(5)
            self.good.kill()
            await asyncio.sleep(1)
            await self.good.start()
        self.good.kill()


def rss_mb(pid: int) -> float:
    """Return how much memory a process has, in MB; 0 where nobody tells."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1_024
    return 0.0


async def soak(seconds: int, seed: int) -> int:
    """Run a server and a soak against it; return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        log, port_file = Path(folder, "log"), Path(folder, "port")
        arguments = [
            "-m",
            "simulator",
            "serve",
            "--port",
            "0",
            "--port-file",
            str(port_file),
            "--patience",
            "5s",
        ]
        errors = log.open("wb")  # noqa: ASYNC230 - before anything else goes on
        server = await asyncio.create_subprocess_exec(sys.executable, *arguments, stderr=errors)
        errors.close()
        try:
            while not port_file.exists():  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.05)
            run = Soak(int(port_file.read_text()), seed, seconds)
            before = rss_mb(server.pid)
            await run.run()
            after = rss_mb(server.pid)
            ledger = await run.control(Connection(run.port), "GET", "/spaces/steady/webhooks?limit=100000")
        finally:
            if server.returncode is None:
                server.terminate()
            await server.wait()
        return told(run.figures, ledger.get("items", []), log.read_text("utf-8", "replace"), before, after)


def told(
    figures: Figures, webhooks: list[dict[str, Any]], log: str, before_mb: float, after_mb: float
) -> int:
    """Print what was counted and which promises broke; return the exit code."""
    acknowledged = sum(webhook["state"] == "acknowledged" for webhook in webhooks)
    attempts = sum(len(webhook["attempts"]) for webhook in webhooks)
    failed = sum(count for status, count in figures.statuses.items() if status >= 500)
    rows = {
        "inputs": figures.inputs,
        "by status": dict(sorted(figures.statuses.items())),
        "5xx": failed,
        "tracebacks": log.count("Traceback"),
        "unexpected drops": figures.statuses[0],
        "slowest answer, s": round(figures.slowest_real_s, 2),
        "RSS first and last, MB": (round(before_mb), round(after_mb)),
        "clients that left": figures.abandoned,
        "spaces that came and went": figures.spaces,
        "webhooks owed, attempts, acknowledged": (len(webhooks), attempts, acknowledged),
        "webhooks received, distinct": (figures.received_in_all, len(figures.received)),
    }
    for name, value in rows.items():
        print(f"{name:40} {value}")
    promises = {
        "no failure inside the simulator": not failed and "Traceback" not in log,
        "every well-framed request is answered": not figures.statuses[0],
        "nobody waits for long": figures.slowest_real_s <= _SLOWEST_REAL_S,
        "memory is bounded": after_mb - before_mb <= _GROWTH_MB_MAX,
        "every webhook is acknowledged in the end": bool(webhooks) and acknowledged == len(webhooks),
        "what is acknowledged was received": acknowledged <= len(figures.received),
        "every call that must succeed does": not figures.failures,
    }
    for line in [*figures.failures[:20], *figures.drops]:
        print(f"  {line}")
    broken = [name for name, kept in promises.items() if not kept]
    for name in broken:
        print(f"BROKEN: {name}")
    if "Traceback" in log:
        print(log[log.index("Traceback") :][:3_000])
    return 1 if broken else 0


def main() -> int:
    """Read the command line and soak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120, help="how long, at most nine minutes")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    return asyncio.run(soak(min(given.seconds, _SECONDS_MAX), given.seed))


if __name__ == "__main__":
    sys.exit(main())

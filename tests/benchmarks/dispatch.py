"""
How fast webhooks go out, as ratios to a bare `ClientSession.post` loop in the same run.

Two columns: the client alone, and the whole way of a webhook that is ready
(render, sign, POST, record the attempt), with 32 in flight.  Each round takes all
of them in turn; medians of the ratios are printed with their range.  Everything
stays on loopback and is bounded in count and time:

    python tests/benchmarks/dispatch.py [WEBHOOKS] [ROUNDS]
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from typing import NamedTuple

from aiohttp import ClientSession

from simulator.kernel.model.units import ConstantDelay
from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.provider import Call
from simulator.runtime.guard import Guard
from simulator.runtime.transport.client import open_client
from simulator.runtime.transport.seam import Reply, Terms
from simulator.server.app import Server, ServerConfig

_IN_FLIGHT = 32
_REAL_S_MAX = 60.0
_BODY = b'{"results":[' + b"x" * 480 + b"]}"
_FLOOR, _GOAL = 2.0, 4.0


class Took(NamedTuple):
    """
    What so many webhooks took, each in microseconds.
    """

    wall_us: float
    cpu_us: float
    """Of this process alone: what a busy machine does not change much."""


class Sink(asyncio.Protocol):
    """
    A receiver that does next to nothing: it must not be what is measured.
    """

    def __init__(self) -> None:
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        came = self._came + data
        while (end := came.find(b"\r\n\r\n")) >= 0:
            place = came.index(b"Content-Length: ") + 16
            length = int(came[place : came.index(b"\r", place)])
            if len(came) < end + 4 + length:
                break
            came = came[end + 4 + length :]
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")  # type: ignore[attr-defined]
        self._came = came


def _receive(pipe: Connection) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    asyncio.run(run())


async def _timed(what: Callable[[], Awaitable[None]], count: int) -> Took:
    wall, cpu = time.perf_counter(), time.process_time()
    async with asyncio.timeout(_REAL_S_MAX):
        await what()
    return Took((time.perf_counter() - wall) / count * 1e6, (time.process_time() - cpu) / count * 1e6)


async def bare(url: str, count: int) -> Took:
    """
    A loop of aiohttp's client, as anybody would write it.
    """
    left = count

    async def worker(client: ClientSession) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            async with client.post(url, data=_BODY, headers={"Content-Type": "application/json"}) as answer:
                await answer.read()

    async with ClientSession() as client:

        async def all_of_them() -> None:
            await asyncio.gather(*(worker(client) for _ in range(_IN_FLIGHT)))

        return await _timed(all_of_them, count)


async def client_alone(url: str, count: int) -> Took:
    """
    The simulator's client, with nothing around it.
    """
    request = WebhookRequest(url=url, body=_BODY, headers=(("Content-Type", "application/json"),))
    terms = Terms()
    ended = asyncio.Event()
    left, unanswered = count, count
    async with open_client(Guard()) as client:

        def done(tag: None, reply: Reply) -> None:
            nonlocal left, unanswered
            assert reply.status == 200, reply
            unanswered -= 1
            if left > 0:
                left -= 1
                client.send(request, terms, done, None)
            elif unanswered == 0:
                ended.set()

        async def all_of_them() -> None:
            nonlocal left
            for _ in range(min(_IN_FLIGHT, count)):
                left -= 1
                client.send(request, terms, done, None)
            await ended.wait()

        return await _timed(all_of_them, count)


async def dispatch(url: str, count: int) -> Took:
    """
    The whole way of webhooks that are ready: signed reports, each recorded with its attempt.
    """
    server = Server(ServerConfig(port=0))
    await server.start()
    try:
        space = server.registry.get("default")
        gateway = space.gateways["infobip"]
        space.configure("infobip", {"webhook": {"url": url}, "deliver_after": ConstantDelay(1_000)})
        destinations = [{"to": f"4179{number:07d}"} for number in range(count)]
        route = next(route for route in gateway.provider.routes if route.path == "/sms/1/text/advanced")
        call = Call(
            method="POST",
            path=route.path,
            gateway=gateway,
            headers={"Content-Type": "application/json"},
            body=json.dumps({"messages": [{"destinations": destinations, "text": "hi"}]}).encode(),
        )
        route.handler(call)
        simulation = space.simulation
        simulation.answered(call.result)
        while (due_ms := simulation.next_due()) is not None:
            simulation.fire(max(due_ms, simulation.clock.now_ms))

        async def all_of_them() -> None:
            space.dispatcher.pump()
            await space.dispatcher.wait_idle()

        took = await _timed(all_of_them, count)
        answered = sum(w.attempts[0].status == 200 for w in simulation.outbox.webhooks.values())
        assert answered == count, f"{answered} of {count} were answered"
        return took
    finally:
        await server.stop()


def main(count: int, rounds: int) -> None:
    """
    Print each column's time for one webhook, and its ratio to the bare loop.
    """
    mine, theirs = multiprocessing.Pipe()
    receiver = multiprocessing.get_context("spawn").Process(target=_receive, args=(theirs,), daemon=True)
    receiver.start()
    try:
        url = f"http://127.0.0.1:{mine.recv()}/"
        columns = {"bare": bare, "client alone": client_alone, "dispatch": dispatch}
        rows: dict[str, list[Took]] = {name: [] for name in columns}
        asyncio.run(bare(url, count // 4))
        for number in range(rounds):
            order = list(columns) if number % 2 == 0 else list(reversed(columns))
            for name in order:
                rows[name].append(asyncio.run(columns[name](url, count)))
    finally:
        receiver.terminate()
        receiver.join()
    for name, all_took in rows.items():
        print(f"{name:13} {statistics.median(took.wall_us for took in all_took):6.1f} µs each")
        if name != "bare":
            for kind in ("wall_us", "cpu_us"):
                ratios = [
                    getattr(reference, kind) / getattr(took, kind)
                    for reference, took in zip(rows["bare"], all_took, strict=True)
                ]
                print(
                    f"  {kind.partition('_')[0]:4} {statistics.median(ratios):.2f} of bare "
                    f"({min(ratios):.2f}–{max(ratios):.2f})  floor {_FLOOR:g}, goal {_GOAL:g}"
                )


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    main(*(numbers + [5_000, 7][len(numbers) :])[:2])

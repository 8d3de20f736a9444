"""
What tests that need sockets stand on: a server and a webhook receiver, both on loopback.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import ClientSession, ClientTimeout, web

from simulator.explain.narrative import what_of
from simulator.provider import built_in
from simulator.runtime.space import Space
from simulator.server.app import Server, ServerConfig

KEY = {"Authorization": "App key"}


class Received(NamedTuple):
    """
    One webhook as it arrived.
    """

    path: str
    body: Any
    connection: tuple[str, int]


class Receiver:
    """
    The integrator's side of webhooks: keeps what comes, answers as told.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.running = 0
        self.running_most = 0
        self.url = ""
        self.port = 0
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
        """What to do with a webhook; None: 200 at once."""
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> None:
        """Listen on *port*."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        assert request.transport is not None
        peer = request.transport.get_extra_info("peername")
        self.received.append(Received(request.path, json.loads(body) if body else None, (peer[0], peer[1])))
        self.running += 1
        self.running_most = max(self.running_most, self.running)
        try:
            return await self.answer(request) if self.answer is not None else web.Response(text="thanks")
        finally:
            self.running -= 1

    def told(self) -> list[tuple[str, str]]:
        """Return recipient and status name of every Infobip report received, in order."""
        return [(row["to"], row["status"]["name"]) for one in self.received for row in one.body["results"]]


class Bench:
    """
    A running server, an HTTP client for it, and its default space.
    """

    def __init__(self, server: Server, http: ClientSession) -> None:
        self.server = server
        self.http = http

    @property
    def url(self) -> str:
        """The base URL of the server."""
        return self.server.url

    @property
    def space(self) -> Space:
        """The default space."""
        return self.server.registry.get("default")

    async def send(
        self,
        to: str | list[str] = "41793026727",
        text: str = "hello",
        *,
        base: str = "",
        headers: Mapping[str, str] = KEY,
        **more: Any,
    ) -> tuple[int, Any]:
        """Send a message through Infobip's second generation; return status and body."""
        numbers = [to] if isinstance(to, str) else to
        message = {"destinations": [{"to": number} for number in numbers], "text": text, **more}
        return await self.post(
            f"{base or '/infobip'}/sms/2/text/advanced", {"messages": [message]}, headers=headers
        )

    async def post(
        self, path: str, body: Any, *, method: str = "POST", headers: Mapping[str, str] = KEY
    ) -> tuple[int, Any]:
        """Send *body* as JSON; return status and JSON body."""
        async with self.http.request(method, f"{self.url}{path}", json=body, headers=headers) as answer:
            raw = await answer.read()
            return answer.status, json.loads(raw) if raw else None

    async def control(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Run a control operation; return status and body, an NDJSON one as a list."""
        async with self.http.request(
            method, f"{self.url}/_sim/v1{path}", json=body if body is not None else None
        ) as answer:
            raw = await answer.read()
            if answer.content_type == "application/x-ndjson":
                return answer.status, [json.loads(line) for line in raw.splitlines()]
            return answer.status, json.loads(raw) if raw else None

    async def load(self, scenario: Mapping[str, Any], space: str = "default") -> None:
        """Put *scenario* in force."""
        status, body = await self.control("PUT", f"/spaces/{space}/scenario", scenario)
        assert status == 200, body

    async def configure(self, space: str = "default", **settings: Any) -> None:
        """Change Infobip's settings in *space*."""
        status, body = await self.control("PUT", f"/spaces/{space}/providers/infobip", settings)
        assert status == 200, body

    def attempts(self) -> list[tuple[int, int, str]]:
        """Return instant, status and error of every attempt in the default space, in order."""
        return sorted(
            (attempt.at_ms, attempt.status, attempt.error)
            for webhook in self.space.simulation.outbox.webhooks.values()
            for attempt in webhook.attempts
        )

    def lines(self) -> list[str]:
        """Return what the journal of the default space says, in words."""
        return [what_of(entry.fact) or entry.kind.value for entry in self.space.simulation.journal]


@asynccontextmanager
async def serving(**config: Any) -> AsyncIterator[Bench]:
    """Run a server on a free port of loopback."""
    # Whatever providers somebody has installed, these tests are about ours.
    server = Server(ServerConfig(**{"port": 0, "providers": built_in(), **config}))
    await server.start()
    try:
        async with ClientSession(timeout=ClientTimeout(total=30)) as http:
            yield Bench(server, http)
    finally:
        await server.stop()


@asynccontextmanager
async def receiving(port: int = 0) -> AsyncIterator[Receiver]:
    """Run a webhook receiver on a free port of loopback."""
    receiver = Receiver()
    await receiver.start(port)
    try:
        yield receiver
    finally:
        await receiver.stop()


async def until(holds: Callable[[], bool], *, turns_max: int = 2_000) -> None:
    """Return as soon as *holds*; give up with an assertion after a bounded number of looks."""
    for _ in range(turns_max):
        if holds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen in time")

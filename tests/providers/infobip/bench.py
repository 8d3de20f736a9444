"""
A server with an Infobip account, a client of it, and an integrator that receives webhooks.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any, NamedTuple

from aiohttp import ClientSession, web

from simulator.kernel.model.scenario import ClockSpec
from simulator.kernel.model.units import parse_duration
from simulator.runtime.space import Space
from simulator.scenario.loader import load
from simulator.server.app import Server, ServerConfig

KEY = "App 0123456789abcdef0123456789abcdef-01234567-89ab-4cde-8f01-23456789abcd"
MONDAY = 1_767_603_600_000
"""2026-01-05T09:00:00Z, where a frozen clock begins."""


class Push(NamedTuple):
    """One webhook as the integrator received it."""

    at_ms: int
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def plain(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Answered(NamedTuple):
    """One answer as the client received it."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def plain(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Integrator:
    """Receives webhooks on loopback; answers 200 unless told otherwise."""

    def __init__(self) -> None:
        self.pushes: list[Push] = []
        self.statuses: list[int] = []
        """What to answer next; 200 once they are used up."""
        self.space: Space | None = None
        self.url = ""

    async def receive(self, request: web.Request) -> web.Response:
        """Keep a webhook and answer it."""
        assert self.space is not None
        body = await request.read()
        now_ms = self.space.simulation.clock.now_ms
        self.pushes.append(Push(now_ms, request.path, dict(request.headers), body))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    @property
    def results(self) -> list[dict[str, Any]]:
        """The reports of all pushes, in the order they came."""
        return [one for push in self.pushes for one in push.plain["results"]]


class Bench:
    """What a test works with."""

    def __init__(self, server: Server, session: ClientSession, integrator: Integrator) -> None:
        self.server = server
        self.session = session
        self.integrator = integrator

    @property
    def space(self) -> Space:
        """The default space."""
        return self.server.registry.get("default")

    @property
    def url(self) -> str:
        """Base URL of the provider."""
        return f"{self.server.url}/infobip"

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: Sequence[tuple[str, str]] = (),
        authorization: str | None = KEY,
    ) -> Answered:
        """Call the provider; a body that is not bytes is sent as JSON."""
        sent = dict(headers or {})
        if authorization is not None:
            sent.setdefault("Authorization", authorization)
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        async with self.session.request(
            method,
            self.url + path,
            data=None if data is None else BytesIO(data),
            headers=sent,
            params=query or None,
        ) as answer:
            return Answered(answer.status, await answer.read(), dict(answer.headers))

    async def send(self, body: object, path: str = "/sms/1/text/advanced") -> Any:
        """Send and return the decoded answer, which must be 200."""
        answer = await self.call("POST", path, body)
        assert answer.status == 200, answer.body
        return answer.plain

    async def get(self, path: str, *query: tuple[str, str]) -> Any:
        """Get and return the decoded answer, which must be 200."""
        answer = await self.call("GET", path, query=query)
        assert answer.status == 200, answer.body
        return answer.plain

    async def advance(self, by: str) -> None:
        """Move the clock, draining."""
        now_ms = self.space.simulation.clock.now_ms
        await self.space.driver.advance(now_ms + parse_duration(by))

    async def settle(self) -> None:
        """Move the clock until nothing is due."""
        await self.space.driver.advance(None)

    def configure(self, **settings: object) -> None:
        """Change settings as a scenario file would."""
        self.load({"providers": {"infobip": settings}})

    def load(self, scenario: Mapping[str, object]) -> None:
        """Put a scenario in force."""
        self.space.load(load(json.dumps(scenario), "test.yaml", self.server.registry.providers))


@asynccontextmanager
async def bench(*, start_unix_ms: int = MONDAY, seed: int = 0, **settings: object) -> AsyncIterator[Bench]:
    """Run a server and an integrator on loopback; *settings* are those of the Infobip account."""
    integrator = Integrator()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", integrator.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    integrator.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    server = Server(ServerConfig(port=0, seed=seed, clock=ClockSpec(start_unix_ms=start_unix_ms)))
    await server.start()
    integrator.space = server.registry.get("default")
    try:
        async with ClientSession() as session:
            made = Bench(server, session, integrator)
            if settings:
                made.configure(**settings)
            yield made
    finally:
        await server.stop()
        await runner.cleanup()


def one(to: object = "41793026727", text: str = "hello", **more: object) -> dict[str, object]:
    """Return the body of an advanced send with one message to one destination."""
    return {"messages": [{"destinations": [{"to": to}], "from": "InfoSMS", "text": text, **more}]}

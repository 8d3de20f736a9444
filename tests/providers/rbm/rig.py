"""
What the tests of RBM share: a server, an integrator that checks signatures, and a caller.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import ClientSession, web

from simulator.runtime.space import Space
from simulator.server.app import Server, ServerConfig

PHONE = "+15551234567"
TOKEN = "sim-client-token"


def signature(token: str, data: bytes) -> str:
    """Return a signature as an integrator computes it, from Google's description alone."""
    return base64.b64encode(hmac.new(token.encode(), data, hashlib.sha512).digest()).decode()


class Told(NamedTuple):
    """One webhook, opened."""

    kind: str
    envelope: dict[str, Any]
    data: dict[str, Any]
    raw: bytes


class Integrator:
    """Answers handshakes, refuses bad signatures, remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.refused = 0
        self.status = 200
        self.token = TOKEN
        self.secret_form = "{}"
        self.handshakes: list[tuple[str, str]] = []
        self.url = ""
        self.on_told: Any = None

    @property
    def events(self) -> list[str]:
        """The types of the events told so far, in order."""
        return [told.data["eventType"] for told in self.told if "eventType" in told.data]

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        plain = json.loads(body)
        kind = request.headers["X-Goog-Webhook-Type"]
        if kind == "verification":
            self.handshakes.append((plain["clientToken"], plain["secret"]))
            if plain["clientToken"] != self.token:
                return web.Response(status=403)
            return web.Response(text=self.secret_form.format(plain["secret"]))
        data = base64.b64decode(plain["message"]["data"], validate=True)
        if request.headers["X-Goog-Signature"] != signature(self.token, data):
            self.refused += 1
            return web.Response(status=403)
        self.told.append(Told(kind, plain, json.loads(data), data))
        if self.on_told is not None:
            await self.on_told(self.told[-1])
        return web.Response(status=self.status)


class Bench:
    """A space of a running server, and a caller of its API."""

    def __init__(self, server: Server, space: Space, session: ClientSession, integrator: Integrator) -> None:
        self.server = server
        self.space = space
        self.session = session
        self.integrator = integrator
        self.url = f"{server.url}/s/{space.name}/rbm"
        self.headers = {"Authorization": "Bearer anything"}

    async def call(self, method: str, path: str, body: object = None, **more: Any) -> tuple[int, Any]:
        """Call the API and return status and JSON body; raw bytes go out as they are."""
        headers = {**self.headers, **more.get("headers", {})}
        sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        from yarl import URL

        async with self.session.request(
            method, URL(f"{self.url}{path}", encoded=True), data=sent, headers=headers
        ) as answer:
            raw = await answer.read()
            return answer.status, json.loads(raw) if raw else None

    async def send(self, message_id: str = "m1", phone: str = PHONE, **body: Any) -> tuple[int, Any]:
        """Send a message, a short text unless told otherwise."""
        body.setdefault("contentMessage", {"text": "hi"})
        path = f"/v1/phones/{phone}/agentMessages?messageId={message_id}&agentId=welcome-bot"
        return await self.call("POST", path, body)

    async def revoke(self, message_id: str = "m1", phone: str = PHONE) -> tuple[int, Any]:
        """Revoke a message."""
        return await self.call("DELETE", f"/v1/phones/{phone}/agentMessages/{message_id}?agentId=welcome-bot")

    async def advance(self, ms: int | None) -> None:
        """Let so much time pass, or all that matters."""
        now_ms = self.space.simulation.clock.now_ms
        await self.space.driver.advance(None if ms is None else now_ms + ms)

    async def act(self, kind: str, phone: str = PHONE, **body: Any) -> tuple[int, Any]:
        """Let the recipient do something."""
        url = f"{self.server.url}/_sim/v1/spaces/{self.space.name}/recipients/{phone}/inbound"
        said = {"provider": "rbm", **({"does": kind} if kind else {}), **body}
        async with self.session.post(url, json=said) as answer:
            return answer.status, await answer.json(content_type=None)

    async def action(self, name: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Run an action of the provider."""
        url = f"{self.server.url}/_sim/v1/spaces/{self.space.name}/providers/rbm/actions/{name}"
        async with self.session.post(url, json=dict(body or {})) as answer:
            return answer.status, await answer.json(content_type=None)

    def states(self) -> list[str]:
        """Where every message is, oldest first."""
        return [m.state.value for m in self.space.simulation.messages.values() if not m.submission.signal]


@asynccontextmanager
async def bench(seed: int = 7, **settings: Any) -> AsyncIterator[Bench]:
    """Yield a fresh space with a partner webhook, frozen at 2026-01-05T09:00:00Z."""
    integrator = Integrator()
    app = web.Application()
    app.router.add_post("/{path:.*}", integrator.receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    integrator.url = f"http://127.0.0.1:{runner.addresses[0][1]}/rbm"
    server = Server(ServerConfig(port=0))
    await server.start()
    try:
        space = server.registry.create("test", seed=seed)
        async with ClientSession() as session:
            made = Bench(server, space, session, integrator)
            await configure(made, webhook={"url": integrator.url, "client_token": TOKEN})
            if settings:
                await configure(made, **settings)
            yield made
    finally:
        await server.stop()
        await runner.cleanup()


async def configure(made: Bench, **settings: Any) -> None:
    """Change the account's settings as a user would."""
    url = f"{made.server.url}/_sim/v1/spaces/{made.space.name}/providers/rbm"
    async with made.session.put(url, json=settings) as answer:
        assert answer.status == 200, await answer.text()

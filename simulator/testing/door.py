"""
A provider's door: one provider on a server of its own, a receiver for its webhooks, and how it is called.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from io import BytesIO
from typing import NamedTuple

from aiohttp import ClientSession, web
from yarl import URL

from simulator.explain.narrative import what_of
from simulator.kernel.model.message import Message
from simulator.kernel.store.facts import Fact, Failed
from simulator.provider import Provider, ProviderAccount
from simulator.runtime.space import Space
from simulator.schema.node import Problems, node_of
from simulator.schema.shapes import Invalid
from simulator.server.app import Server, ServerConfig
from simulator.testing.row import Request, Row

__all__ = ["Door", "Heard", "filled", "open_door"]

_PIECE_BYTES = 65_536


class Heard(NamedTuple):
    """
    An answer.
    """

    status: int
    content_type: str
    body: bytes
    reason: str
    """What the header X-Simulator-Reason says; empty: there is none."""


class _Receiver:
    """Takes every webhook, and keeps what came."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[bytes] = []

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        return web.Response()


class Door:
    """
    One provider on a loopback server of its own, on a frozen clock.
    """

    def __init__(
        self, provider: Provider, row: Row, server: Server, http: ClientSession, receiver: _Receiver
    ) -> None:
        self.provider = provider
        self.row = row
        self.url = f"{server.url}/{provider.name}"
        self.space: Space = server.registry.get("default")
        self.credential = server.registry.credentials("default")[provider.name]
        self._http = http
        self._receiver = receiver

    # -- calling --------------------------------------------------------------------------------

    def request(self, method: str, path: str, body: bytes | None = None) -> Request:
        """Return a call to *path*; a body is announced as the one of an ordinary send is."""
        headers = self.row.send(self.row.number(1), "").headers if body is not None else {}
        return Request(method, path, headers, body or b"")

    async def call(self, request: Request, *, credential: str | None = "", in_pieces: bool = False) -> Heard:
        """Make a call; *credential*: empty for the space's own, None for none at all."""
        if credential is not None:
            request = self.row.signed(request, credential or self.credential)
        data: object = None
        if request.body:
            data = _pieces(request.body) if in_pieces else BytesIO(request.body)
        url = URL(self.url + filled(request.path), encoded=True)
        async with self._http.request(request.method, url, data=data, headers=request.headers) as answer:
            return Heard(
                answer.status,
                answer.headers.get("Content-Type", ""),
                await answer.read(),
                answer.headers.get("X-Simulator-Reason", ""),
            )

    async def send(self, recipient: str, kind: str = "") -> Heard:
        """Send to one recipient."""
        return await self.call(self.row.send(recipient, kind))

    # -- arranging ------------------------------------------------------------------------------

    def ready(self, recipient: str) -> str:
        """Make *recipient* one that can be sent to; return its address."""
        address = self.row.address(recipient)
        if self.row.circumstances:
            self.space.simulation.change_recipient(address, self.row.circumstances)
        return address

    def report_to_receiver(self) -> None:
        """Let webhooks go to a receiver that takes them all, where settings have `webhook: {url: …}`."""
        problems = Problems()
        settings = self.provider.settings.read(
            node_of({"webhook": {"url": self._receiver.url}}), "", problems
        )
        if not isinstance(settings, Invalid):
            self.space.configure(self.provider.name, settings)

    async def settle(self) -> None:
        """Let everything happen that is due."""
        await self.space.driver.advance(None)

    # -- asking ---------------------------------------------------------------------------------

    @property
    def account(self) -> ProviderAccount:
        """The provider's account in the space."""
        return self.space.gateways[self.provider.name].account

    @property
    def messages(self) -> list[Message]:
        """Every message there is, oldest first."""
        return list(self.space.simulation.messages.values())

    @property
    def failures(self) -> list[str]:
        """What failed inside the simulator."""
        return [what_of(fact) for fact in self.facts() if isinstance(fact, Failed)]

    @property
    def webhooks(self) -> list[bytes]:
        """Bodies of the webhooks that came, in the order of their coming, without the receiver's address."""
        return [
            body.replace(self._receiver.url.encode(), b"http://receiver") for body in self._receiver.bodies
        ]

    def facts(self) -> Iterable[Fact]:
        """Return what the journal holds, oldest first."""
        return [entry.fact for entry in self.space.simulation.journal]


def filled(path: str) -> str:
    """Return a path with something in its parameters."""
    return re.sub(r"\{\w+\*?\}", "1", path)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), _PIECE_BYTES):
        yield body[start : start + _PIECE_BYTES]


@asynccontextmanager
async def open_door(provider: Provider, row: Row, seed: int = 1) -> AsyncIterator[Door]:
    """Run a server with *provider* alone, and a receiver of webhooks, on free ports of loopback."""
    server = Server(ServerConfig(port=0, seed=seed, providers={provider.name: provider}))
    receiver = _Receiver()
    async with AsyncExitStack() as stack:
        await server.start()
        stack.push_async_callback(server.stop)
        http = await stack.enter_async_context(ClientSession())
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", receiver.take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield Door(provider, row, server, http, receiver)

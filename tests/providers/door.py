"""
A provider's door: one provider on a server of its own, and how the contract calls it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any, NamedTuple

from aiohttp import ClientSession
from yarl import URL

from providers.contract import ROWS, Row, Sending
from simulator.explain.narrative import what_of
from simulator.kernel.model.message import Message
from simulator.kernel.store.facts import Failed
from simulator.provider import Provider
from simulator.runtime.space import Space
from simulator.server.app import Server, ServerConfig

__all__ = ["Door", "Heard", "door_of"]


class Heard(NamedTuple):
    """
    An answer.
    """

    status: int
    content_type: str
    body: bytes


class Door:
    """
    One provider on a loopback server of its own, on a frozen clock.
    """

    def __init__(self, provider: Provider, server: Server, http: ClientSession) -> None:
        self.provider = provider
        self.row: Row = ROWS[provider.name]
        self.url = f"{server.url}/{provider.name}"
        self.space: Space = server.registry.get("default")
        self.credential = server.registry.credentials("default")[provider.name]
        self._http = http

    async def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        credential: str | None = "",
        in_pieces: bool = False,
    ) -> Heard:
        """Call the provider; *credential*: empty for its own, None for none at all."""
        headers = {"Content-Type": "application/json"}
        if credential is not None:
            headers["Authorization"] = self.row.authorization(credential or self.credential)
        data: Any = None
        if body is not None:
            data = _pieces(body) if in_pieces else BytesIO(body)
        url = URL(self.url + path, encoded=True)
        async with self._http.request(method, url, data=data, headers=headers) as answer:
            return Heard(answer.status, answer.headers.get("Content-Type", ""), await answer.read())

    async def send(self, recipient: str, kind: str = "") -> Heard:
        """Send to one recipient."""
        sending: Sending = self.row.send(recipient, kind)
        return await self.call("POST", sending.path, json.dumps(sending.body).encode())

    def ready(self, recipient: str) -> str:
        """Make *recipient* one that can be sent to; return its address."""
        address = self.row.address(recipient)
        if self.row.circumstances:
            self.space.simulation.change_recipient(address, self.row.circumstances)
        return address

    async def settle(self) -> None:
        """Let everything happen that is due."""
        await self.space.driver.advance(None)

    @property
    def messages(self) -> list[Message]:
        """Every message there is, oldest first."""
        return list(self.space.simulation.messages.values())

    @property
    def failures(self) -> list[str]:
        """What failed inside the simulator."""
        journal = self.space.simulation.journal
        return [what_of(entry.fact) for entry in journal if isinstance(entry.fact, Failed)]


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


@asynccontextmanager
async def door_of(provider: Provider, seed: int = 1) -> AsyncIterator[Door]:
    """Run a server with *provider* alone on a free port of loopback."""
    server = Server(ServerConfig(port=0, seed=seed, providers={provider.name: provider}))
    await server.start()
    try:
        async with ClientSession() as http:
            yield Door(provider, server, http)
    finally:
        await server.stop()

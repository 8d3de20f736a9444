"""
A Bitel account on a loopback server, with the integrator's receiver: what Bitel's HTTP tests stand on.
"""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any, NamedTuple

from aiohttp import ClientSession

from receiver import Receiver
from simulator.provider import Gateway
from simulator.providers.bitel import PROVIDER
from simulator.providers.bitel.account import Account
from simulator.runtime.space import Space
from simulator.schema.node import Problems, node_of
from simulator.schema.shapes import Invalid
from simulator.server.app import Server, ServerConfig

__all__ = ["EPOCH_S", "Bench", "Got", "read_settings"]

EPOCH_S = 1_767_603_600
"""The first second of every frozen space."""


class Got(NamedTuple):
    """
    An answer: its status and its JSON.
    """

    status: int
    body: Any


def read_settings(plain: Any) -> dict[str, object]:
    """Return settings as a scenario file would hold them, read; fails with the complaints."""
    problems = Problems()
    values = PROVIDER.settings.read(node_of(plain), "", problems)
    assert not isinstance(values, Invalid), problems.render("settings")
    return dict(values)


class Bench:
    """
    Sends to Bitel and receives its webhooks, on a frozen clock.
    """

    def __init__(self, *, seed: int = 1, **settings: Any) -> None:
        self._settings = settings
        self._seed = seed
        self.receiver = Receiver()
        self.space: Space
        self.client: ClientSession
        self.url = ""

    async def __aenter__(self) -> Bench:
        await self.receiver.__aenter__()
        self._server = Server(ServerConfig(port=0, seed=self._seed, providers={"bitel": PROVIDER}))
        await self._server.start()
        self.url = f"{self._server.url}/bitel"
        self.space = self._server.registry.get("default")
        settings = {"webhook": {"url": self.receiver.url}, **self._settings}
        self.space.configure("bitel", read_settings(settings))
        self.client = ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.close()
        await self._server.stop()
        await self.receiver.__aexit__(kind, failure, trace)

    async def control(self, path: str) -> Any:
        """Return what the control API tells of the space."""
        async with self.client.get(f"{self._server.url}/_sim/v1/spaces/default{path}") as answer:
            return await answer.json()

    @property
    def gateway(self) -> Gateway:
        """Bitel's door into the space."""
        return self.space.gateways["bitel"]

    @property
    def account(self) -> Account:
        """Bitel's account in the space."""
        account = self.gateway.account
        assert isinstance(account, Account)
        return account

    async def call(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> Got:
        """Call Bitel; *body* is bytes or becomes JSON."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"Authorization": "Bearer token"} if headers is None else headers
        async with self.client.request(method, self.url + path, data=data, headers=sent) as answer:
            raw = await answer.read()
            return Got(answer.status, json.loads(raw) if raw else None)

    async def post(self, path: str, body: Any) -> Got:
        """Post to v2."""
        return await self.call("POST", f"/api/v2{path}", body)

    async def get(self, path: str) -> Got:
        """Get from v2."""
        return await self.call("GET", f"/api/v2{path}")

    async def settle(self) -> None:
        """Let everything happen that is due."""
        await self.space.driver.advance(None)

    async def advance(self, by_ms: int) -> None:
        """Let *by_ms* pass."""
        await self.space.driver.advance(self.gateway.now_ms + by_ms)

    @property
    def webhooks(self) -> list[Any]:
        """The bodies that the integrator received, in order."""
        return [json.loads(one.body) for one in self.receiver.received]

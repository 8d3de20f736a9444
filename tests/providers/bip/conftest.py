"""
A BiP service under test: a server, one space, a receiver of webhooks, and a client that calls.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from io import BytesIO
from types import TracebackType
from typing import Any, NamedTuple

import pytest
from aiohttp import ClientSession

from receiver import Receiver
from simulator.provider import discover
from simulator.runtime.space import Space
from simulator.scenario.loader import load
from simulator.server.app import Server, ServerConfig
from simulator.server.operations.base import read_as

__all__ = ["Bench", "Got"]

_BASE = "/tes/rest/spi"


class Got(NamedTuple):
    """
    An answer of BiP: its status and its body as JSON.
    """

    status: int
    body: Any
    reason: str = ""


class Bench:
    """
    One space with a frozen clock; `hooks` are the webhooks it sent, as path and JSON.
    """

    def __init__(self, settings: dict[str, object], scenario: str) -> None:
        self._settings = settings
        self._scenario = scenario
        self.server = Server(ServerConfig(port=0, providers={"bip": discover()["bip"]}))
        self.receiver = Receiver()
        self.client: ClientSession
        self.space: Space

    async def __aenter__(self) -> Bench:
        await self.receiver.__aenter__()
        await self.server.start()
        self.client = ClientSession()
        self.space = self.server.registry.create("test", seed=1)
        # As the real service has it; what everybody may send without is tested where it is said.
        self.configure(webhook={"url": f"{self.receiver.url}/bip/"}, session={"required": True})
        if self._settings:
            self.configure(**self._settings)
        if self._scenario:
            providers = self.server.registry.providers
            self.space.load(load(self._scenario, "test.yaml", providers))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.close()
        await self.server.stop()
        await self.receiver.__aexit__(kind, failure, trace)

    @property
    def url(self) -> str:
        return f"{self.server.url}/s/test/bip"

    @property
    def account(self) -> Any:
        return self.space.gateways["bip"].account

    def configure(self, **settings: object) -> None:
        """Change settings as a scenario file would write them."""
        shape = self.server.registry.providers["bip"].settings
        values = read_as(shape, settings, "settings")
        assert isinstance(values, dict)
        self.space.configure("bip", values)

    async def call(self, path: str, body: object, **more: Any) -> Got:
        """Call a path below the provider's base; what is neither text nor bytes goes as JSON."""
        sent = body if isinstance(body, str | bytes | BytesIO) else json.dumps(body)
        headers = {
            "Authorization": f"Basic {base64.b64encode(b'service:secret').decode()}",
            "Content-Type": "application/json",
        } | more.get("headers", {})
        url = f"{self.url}{path if path.startswith('/') else f'{_BASE}/{path}'}"
        method = more.get("method", "POST")
        async with self.client.request(method, url, data=sent, headers=headers) as answer:
            raw = await answer.read()
            reason = answer.headers.get("X-Simulator-Reason", "")
            return Got(answer.status, json.loads(raw) if raw else None, reason)

    async def send(self, to: str, *contents: dict[str, object], **more: object) -> Got:
        """Send to one user by number."""
        composition = {"list": list(contents) or [{"type": 0, "message": "hello"}]}
        receiver = {"type": 2, "address": to}
        return await self.call(
            "sendmsgserv", {"txnid": "t-1", "receiver": receiver, "composition": composition, **more}
        )

    async def send_list(self, *to: str, **more: object) -> Got:
        """Send one text to a list of numbers."""
        receivers = [{"type": 2, "address": address} for address in to]
        composition = {"list": [{"type": 0, "message": "hello"}]}
        body = {"txnid": "t-2", "receivers": receivers, "composition": composition, **more}
        return await self.call("sendmsgservlist", body)

    async def broadcast(self, **more: object) -> Got:
        """Send one text to all followers."""
        composition = {"list": [{"type": 0, "message": "hello"}]}
        body = {"txnid": "t-3", "receiver": {"type": 1}, "composition": composition, **more}
        return await self.call("sendmsgserv", body)

    async def advance(self, by_ms: int) -> None:
        """Let time pass."""
        await self.space.driver.advance(self.space.simulation.clock.now_ms + by_ms)

    async def settle(self) -> None:
        """Let everything happen that is going to."""
        await self.space.driver.advance(None)

    @property
    def hooks(self) -> list[tuple[str, Any]]:
        return [(one.path, json.loads(one.body)) for one in self.receiver.received]

    def drawn(self, body: Any) -> Any:
        """Return a body with what was drawn replaced by its form, so that it can be compared whole."""
        if isinstance(body, dict):
            return {key: _form(key, value, self.drawn) for key, value in body.items()}
        return [self.drawn(part) for part in body] if isinstance(body, list) else body


def _form(key: str, value: Any, inner: Callable[[Any], Any]) -> Any:
    import re

    if key in ("reportid", "txnid") and isinstance(value, str):
        return "<id>" if re.fullmatch(r"[0-9A-Za-z]{5}-\d+", value) else value
    if key in ("msgid", "reqid"):
        return "<number>" if isinstance(value, int) and 0 < value < 2**31 else value
    return inner(value)


@pytest.fixture
def bip() -> Callable[..., Bench]:
    """Return how to open a bench: `async with bip(**settings) as bench`."""

    def make(scenario: str = "", **settings: object) -> Bench:
        return Bench(settings, scenario)

    return make

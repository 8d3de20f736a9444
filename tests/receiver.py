"""
A small integrator's webhook receiver, for tests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import NamedTuple

from aiohttp import web

__all__ = ["Received", "Receiver"]


class Received(NamedTuple):
    """
    One webhook as it came.
    """

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """
    Listens on a free loopback port, remembers what comes, answers as it is told.
    """

    def __init__(self, answer: Callable[[Received], Awaitable[int] | int] = lambda _: 200) -> None:
        self.answer = answer
        self.received: list[Received] = []
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Receiver:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        one = Received(request.path_qs, dict(request.headers), await request.read())
        self.received.append(one)
        status = self.answer(one)
        return web.Response(status=status if isinstance(status, int) else await status)

"""
Servers with one handler: whatever can be read as HTTP reaches it, and what cannot be has our words.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

from aiohttp import web
from aiohttp.http import HttpVersion11

from simulator.server.takeover import TakenOver, connection_of

__all__ = ["Serve", "application", "ask_for_body", "listening"]

Serve: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
_PATIENCE_REAL_S: Final = 0.5


def application(
    serve: Serve, expect: Callable[[web.Request], Awaitable[web.StreamResponse | None]]
) -> web.Application:
    """Return an application that hands every request to *serve*, whatever its target is."""

    async def attended(request: web.Request) -> web.StreamResponse:
        connection = connection_of(request)
        if connection is None:
            return await serve(request)
        connection.begin(request)
        try:
            return await serve(request)
        finally:
            connection.finish()

    @web.middleware
    async def even_without_path(request: web.Request, handler: Serve) -> web.StreamResponse:
        # No route matches `OPTIONS *` and `CONNECT host:1`, which have no path.
        return await (attended if request.match_info.http_exception is not None else handler)(request)

    app = web.Application(middlewares=[even_without_path])
    # A dot would not match a line feed, which a path may have as %0A.
    app.router.add_route("*", r"/{path:[\s\S]*}", attended, expect_handler=expect)
    return app


async def ask_for_body(request: web.Request) -> None:
    """Ask for the body where a client waits for that."""
    if request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # It is no part of the answer, which may still become another one.
        request.writer.output_size = 0


@asynccontextmanager
async def listening(
    serve: Serve, host: str, port: int, unreadable: Callable[[str], None], log: logging.Logger
) -> AsyncIterator[int]:
    """Serve meanwhile, and give the port; raises OSError when it cannot be had."""
    runner = web.AppRunner(
        application(serve, ask_for_body),
        access_log=None,
        handle_signals=False,
        shutdown_timeout=_PATIENCE_REAL_S,
        logger=log,
    )
    await runner.setup()
    http, loop = runner.server, asyncio.get_running_loop()
    assert http is not None
    try:
        listener = await loop.create_server(lambda: TakenOver(http, loop, unreadable, log), host, port)
        try:
            yield int(listener.sockets[0].getsockname()[1])
        finally:
            listener.close()
    finally:
        await runner.cleanup()

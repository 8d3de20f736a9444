"""
The port of a run over workers: how it goes on, and that it takes no calls.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from simulator.load.live import View
from simulator.server.catchall import listening
from simulator.server.guests import forbidden
from simulator.server.metrics import CONTENT_TYPE, exposed
from simulator.server.problems import Problem
from simulator.server.takeover import problem_response

__all__ = ["Front", "fronting"]

_METRICS: Final = "/_sim/metrics"


class Front:
    """
    Answers for a run that has no server: calls are counted and refused, for no worker has seen them.
    """

    def __init__(self, look: Callable[[], View | None]) -> None:
        self._look = look
        self.port = 0
        self.calls = 0
        """How many calls came that nobody could take."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        if request.path in ("/_sim/health", "/_sim/ready"):
            return web.json_response({"status": "ok"})
        if request.path == _METRICS and request.method in ("GET", "HEAD"):
            if (problem := forbidden(request.method, request.host, request.headers, frozenset())) is not None:
                return problem_response(problem)
            view = self._look()
            body = exposed(view.gauges() if view is not None else [])
            return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})
        self.calls += 1
        why = "expected no call: this run is shared among workers, and none of them serves; run it without"
        return problem_response(Problem(503, "A run over workers takes no calls", f"{why} --workers"))

    def note_unreadable(self, _: str) -> None:
        """Count what is no HTTP, too: somebody meant to call."""
        self.calls += 1


@asynccontextmanager
async def fronting(host: str, port: int, look: Callable[[], View | None]) -> AsyncIterator[Front]:
    """Serve at *port* meanwhile; raises OSError when it cannot be had."""
    front = Front(look)
    log = logging.getLogger("simulator.http")
    async with listening(front.answer, host, port, front.note_unreadable, log) as bound:
        front.port = bound
        yield front

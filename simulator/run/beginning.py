"""
Before a run begins: the software under test is there, and remembers nothing of an earlier run.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Final
from urllib.parse import urlsplit

from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.runtime.guard import Guard
from simulator.runtime.transport.redirects import followed
from simulator.runtime.transport.seam import Terms, Transport
from simulator.scenario.goals import Drive

__all__ = ["IntegratorUnreachable", "await_answer", "await_listeners", "reset"]

_POLL_REAL_S: Final = 0.05
_MOMENT_REAL_S: Final = 3.0
"""So long software that is only just starting is given, where nobody asked to wait for it."""
_PROBE: Final = Terms(timeout_real_ms=2_000)
_RESET: Final = Terms(timeout_real_ms=30_000)


class IntegratorUnreachable(ConnectionError):
    """
    The integrator did not show up in time.
    """


async def await_answer(url: str, client: Transport, within_real_s: float) -> None:
    """Return when *url* answers; raises IntegratorUnreachable."""

    async def trouble() -> str:
        reply = await followed(client, WebhookRequest(url=url, body=b"", method="GET"), _PROBE)
        if 0 < reply.status < 500:
            return ""
        return f"it answers {reply.status}" if reply.status else reply.error

    if why := await _over(trouble, within_real_s):
        raise IntegratorUnreachable(f"{url} is not ready after {within_real_s:g} s: {why}")


async def await_listeners(drives: Iterable[Drive], guard: Guard) -> None:
    """
    Return when somebody listens wherever *drives* call; raises IntegratorUnreachable after a moment.

    Whatever else may be wrong with these addresses, the calls themselves tell.
    """
    for place in dict.fromkeys(_place(drive.url) for drive in drives if drive.method):
        if place is None:
            continue

        async def trouble(place: tuple[str, int] = place) -> str:
            return "nobody listens" if await _refused(guard, *place) else ""

        if await _over(trouble, _MOMENT_REAL_S):
            host, port = place
            raise IntegratorUnreachable(
                f"nobody listens at {f'[{host}]' if ':' in host else host}:{port}, where drive: calls your "
                "software: start it first, let the run begin it (--start COMMAND) or wait for it "
                "(--wait-for URL)"
            )


async def reset(request: tuple[str, str] | None, client: Transport) -> None:
    """Have the software forget what it has; raises IntegratorUnreachable when it does not do so."""
    if request is None:
        return
    method, url = request
    reply = await followed(client, WebhookRequest(url=url, body=b"", method=method), _RESET)
    if not 0 < reply.status < 400:
        why = f"answers {reply.status}" if reply.status else f"is not answered: {reply.error}"
        raise IntegratorUnreachable(f"reset: {method} {url} {why}")


async def _over(trouble: Callable[[], Awaitable[str]], within_real_s: float) -> str:
    """Return what *trouble* there still is after so long; empty: none any more."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + within_real_s
    while why := await trouble():
        if loop.time() >= deadline_s:
            return why
        await asyncio.sleep(_POLL_REAL_S)
    return ""


def _place(url: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname else None


async def _refused(guard: Guard, host: str, port: int) -> bool:
    """Tell whether every address of *host* refuses connections to *port*; False, too, where nobody knows."""
    loop = asyncio.get_running_loop()
    try:
        infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for info in infos:
            with guard.make_socket(info) as probe:
                probe.setblocking(False)
                try:
                    await asyncio.wait_for(loop.sock_connect(probe, info[4]), _MOMENT_REAL_S)
                except ConnectionRefusedError:
                    continue
                return False
    except OSError:
        return False
    return True

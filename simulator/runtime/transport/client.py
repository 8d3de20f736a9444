"""
The client of an application: its own for plain HTTP, aiohttp's for everything else.
"""

from __future__ import annotations

from types import TracebackType
from typing import Final

from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.runtime.guard import Guard
from simulator.runtime.transport.own import OwnTransport
from simulator.runtime.transport.seam import CONNECTIONS_MAX, Done, Sending, TagT, Terms, Transport

__all__ = ["Client", "open_client"]

_SECURE: Final = "https:"
_UNUSUAL: Final = frozenset({"HEAD", "CONNECT"})
"""Methods whose answers end where their heads end, whatever those announce."""


class Client:
    """
    A transport that chooses another one for each request, by scheme and method.
    """

    def __init__(self, guard: Guard, connections_max: int = CONNECTIONS_MAX) -> None:
        self._guard = guard
        self._connections_max = connections_max
        self._own = OwnTransport(guard, connections_max)
        self._other: Transport | None = None

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def send(self, request: WebhookRequest, terms: Terms, done: Done[TagT], tag: TagT) -> Sending:
        """Send *request*; *done* is called once with *tag* and the reply, never before this returns."""
        if request.url[:6].lower() != _SECURE and request.method not in _UNUSUAL:
            return self._own.send(request, terms, done, tag)
        if self._other is None and not self._own.closed:
            # Loaded with the first request that needs it: servers start and send without.
            from simulator.runtime.transport.by_aiohttp import AiohttpTransport

            self._other = AiohttpTransport(self._guard, self._connections_max)
        other = self._other if self._other is not None else self._own
        return other.send(request, terms, done, tag)

    async def close(self) -> None:
        """End everything that is under way; whoever waits is told so."""
        await self._own.close()
        if self._other is not None:
            await self._other.close()
            self._other = None


def open_client(guard: Guard, connections_max: int = CONNECTIONS_MAX) -> Client:
    """
    Return the one HTTP client of an application; its owner closes it.

    It keeps connections alive, keeps no cookies, follows no redirect and no
    environment proxy, and dials only what *guard* allows.
    """
    return Client(guard, connections_max)

"""
The ports of a server: each takes connections, and those of one provider refuse them for a while.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Collection
from typing import Any, Final

from simulator.kernel.model.scenario import Scenario

__all__ = ["Door", "Doors"]

_BACKLOG: Final = 1_024


class Door:
    """
    One port: what listens there makes a protocol with *connect*, and *cut* ends its connections.
    """

    def __init__(
        self, connect: Callable[[], asyncio.BaseProtocol], cut: Callable[[], None], tls: ssl.SSLContext | None
    ) -> None:
        self._connect = connect
        self._cut = cut
        self._tls = tls
        self._listeners: list[asyncio.Server] = []
        self._kept: list[socket.socket] = []
        """Bound while the port is closed, so that it is nobody else's: connections to them are refused."""
        self._opening: dict[asyncio.Task[None], socket.socket] = {}
        self._shut = False

    async def open(self, host: str, port: int) -> int:
        """Listen, and return the bound port."""
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(self._connect, host, port, backlog=_BACKLOG, ssl=self._tls)
        self._listeners.append(listener)
        bound: int = listener.sockets[0].getsockname()[1]
        return bound

    def shut(self) -> None:
        """Refuse connections from now on, and cut those there are."""
        self._shut = True
        places = [(place.family, place.getsockname()) for each in self._listeners for place in each.sockets]
        self._close_listeners()
        self._kept += [_bound(family, address) for family, address in places]
        self._cut()

    def reopen(self) -> None:
        """Take connections again, from this instant on."""
        self._shut = False
        while self._kept:
            place = self._kept.pop()
            # The system takes them from here; they are served as soon as the loop comes to it.
            place.listen(_BACKLOG)
            task = asyncio.get_running_loop().create_task(self._listen(place))
            self._opening[task] = place
            task.add_done_callback(self._opening.pop)

    async def _listen(self, place: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(self._connect, sock=place, backlog=_BACKLOG, ssl=self._tls)
        self._listeners.append(listener)
        if self._shut:
            # In the same instant.
            self.shut()

    def close(self) -> None:
        """Take no connections any more."""
        for task, place in self._opening.items():
            task.cancel()
            place.close()
        while self._kept:
            self._kept.pop().close()
        self._close_listeners()

    def _close_listeners(self) -> None:
        while self._listeners:
            self._listeners.pop().close()


class Doors:
    """
    The ports that providers have for themselves, and which spaces keep them shut.

    A port cannot tell who knocks, so it is shut for all spaces while one of them shuts it.
    """

    def __init__(self, providers: Collection[str]) -> None:
        self._providers = providers
        """Those that have, or will have, such a port."""
        self._doors: dict[str, Door] = {}
        self._shut_by: dict[str, dict[str, None]] = {name: {} for name in providers}

    def add(self, provider: str, door: Door) -> None:
        """Take the port of *provider*, which is open."""
        self._doors[provider] = door

    def why_not(self, scenario: Scenario) -> str:
        """Return why the timeline of *scenario* cannot be carried out here; empty: it can."""
        for item in scenario.timeline:
            if item.server is not None and item.provider not in self._providers:
                place = f" (line {item.line})" if item.line else ""
                return (
                    f"timeline{place}: server {item.server.value}: {item.provider} has no port of its own "
                    f"here that could close: --listen {item.provider}=8081"
                )
        return ""

    def turn(self, space: str, provider: str, up: bool) -> None:
        """Open or shut the port of *provider*, as far as *space* has a say."""
        holders = self._shut_by.get(provider)
        door = self._doors.get(provider)
        if holders is None or door is None:
            return
        was_shut = bool(holders)
        if up:
            holders.pop(space, None)
        else:
            holders[space] = None
        if bool(holders) is not was_shut:
            door.reopen() if up else door.shut()

    def forget(self, space: str) -> None:
        """Open what *space* alone has shut."""
        for provider in self._shut_by:
            self.turn(space, provider, True)


def _bound(family: int, address: tuple[Any, ...]) -> socket.socket:
    place = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            place.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        place.setblocking(False)
        place.bind(address)
    except BaseException:
        place.close()
        raise
    return place

"""
The application: one port for all providers, spaces and the control API.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from simulator.kernel.model.scenario import ClockSpec, Scenario
from simulator.kernel.store.journal import Entry
from simulator.kernel.store.messages import MESSAGES_MAX
from simulator.provider import Provider, discover
from simulator.runtime.doubts import Doubts
from simulator.runtime.guard import Guard
from simulator.runtime.space import Space
from simulator.runtime.transport.client import open_client
from simulator.runtime.transport.seam import Transport
from simulator.server.doors import Door, Doors
from simulator.server.faces import ControlPages, Faces
from simulator.server.front import Front
from simulator.server.spaces import DEFAULT_SPACE, SpaceRegistry

__all__ = ["Server", "ServerConfig"]

_PATIENCE_REAL_S: Final = 1.0
"""How long calls under way are waited for when the server stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """
    How a server is set up.
    """

    host: str = "127.0.0.1"
    port: int = 4010
    seed: int = 0
    clock: ClockSpec = ClockSpec()  # noqa: RUF009 - frozen, and without arguments
    scenario: Scenario | None = None
    settings: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Settings of the default space by provider, beyond those of the scenario."""
    allow_targets: Sequence[str] = ()
    """Networks that webhooks may go to, beside loopback and private ones."""
    guard: Guard | None = None
    """Decides instead of `allow_targets`."""
    allow_hosts: frozenset[str] = frozenset()
    http: str = field(default_factory=lambda: os.environ.get("SIMULATOR_HTTP", "own"))
    """
    Who serves calls: `own`, the simulator's own server as far as they are plain HTTP/1.1 to
    providers or the control API, and aiohttp's beyond that; `aiohttp`, that one alone.
    """
    messages_max: int = MESSAGES_MAX
    """Beyond so many messages in a space the oldest that are over give way, and webhooks likewise."""
    connections_max: int = 4_096
    """Beyond so many open connections further ones are closed at once, counted and told in the log."""
    patience_real_s: float = 30.0
    """
    How long the head of a request may take to arrive, and then its body; 0: for ever.

    It says nothing about answers: those that a scenario makes slow take their time.
    """
    tls: ssl.SSLContext | None = None
    """Serves https beside http; see `simulator.server.tls`."""
    tls_port: int = 0
    listen: Mapping[str, int] = field(default_factory=dict)
    """Further ports that serve one provider alone, by its name."""
    providers: Mapping[str, Provider] | None = None
    """None: every one there is."""
    tell: Callable[[Space, Entry], None] | None = None
    """Told of everything that happens, with the space where it does."""


class _Client:
    """The one HTTP client of an application, there as long as it runs."""

    __slots__ = ("transport",)

    def __init__(self) -> None:
        self.transport: Transport | None = None

    def __call__(self) -> Transport:
        if self.transport is None:
            raise RuntimeError("the server is not running")
        return self.transport


class _Full(asyncio.Protocol):
    """What a connection too many gets: its end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class Server:
    """
    A running server; start it, use it, stop it.
    """

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self._guard = config.guard if config.guard is not None else Guard(config.allow_targets)
        self._client = _Client()
        providers = config.providers if config.providers is not None else discover()
        self.registry = registry = SpaceRegistry(providers, self._client)
        """The spaces of this server."""
        registry.tell = config.tell
        registry.messages_max = config.messages_max
        self._doubts = registry.doubts = Doubts(self._guard)
        registry.doors = Doors(config.listen)
        if config.scenario is not None and (why_not := registry.doors.why_not(config.scenario)):
            raise ValueError(why_not)
        self._faces = Faces(registry, config.allow_hosts)
        self.ports: dict[str, int] = {}
        """Bound ports: `""` is the main one, others by provider name."""
        self.tls_port = 0
        """The port of https; 0: none."""
        self.fronts: list[Front] = []
        """What takes connections: that of the main port, then one for each further provider."""
        self._doors: list[Door] = []

    @property
    def control(self) -> ControlPages:
        """The control API, callable without HTTP."""
        return self._faces.control

    @property
    def url(self) -> str:
        """The base URL of the main port."""
        return f"http://{self._shown_host}:{self.ports['']}"

    @property
    def alone_urls(self) -> dict[str, str]:
        """The base URLs of providers that have a port of their own."""
        return {name: f"http://{self._shown_host}:{port}" for name, port in self.ports.items() if name}

    @property
    def tls_url(self) -> str:
        """The base URL of https; empty: there is none."""
        return f"https://{self._shown_host}:{self.tls_port}" if self.tls_port else ""

    @property
    def _shown_host(self) -> str:
        host = self.config.host
        if host in ("0.0.0.0", ""):
            host = "127.0.0.1"
        elif host == "::":
            # On some systems this takes connections over IPv4, too; over IPv6 it always does.
            host = "::1"
        return f"[{host}]" if ":" in host else host

    async def start(self) -> None:
        """Bind and serve; raises OSError when an address cannot be bound."""
        config = self.config
        try:
            self._client.transport = open_client(self._guard)
            space = self.registry.create(
                DEFAULT_SPACE, seed=config.seed, clock=config.clock, scenario=config.scenario
            )
            for provider, settings in config.settings.items():
                space.configure(provider, settings)
            main = self._serving("")
            self.ports[""] = await self._bind(main, config.port)
            if config.tls is not None:
                self.tls_port = await self._bind(main, config.tls_port, config.tls)
            for provider, port in config.listen.items():
                self.ports[provider] = await self._bind(self._serving(provider), port)
                self.registry.doors.add(provider, self._doors[-1])
        except BaseException:
            await self.stop()
            raise

    def _serving(self, alone: str) -> Front:
        """Return what serves a port: everything, or the provider *alone*."""
        front = Front(self._faces, alone, self.config.patience_real_s, _PATIENCE_REAL_S)
        self.fronts.append(front)
        return front

    async def _bind(self, front: Front, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen for *front*, or for aiohttp alone, and return the bound port."""
        make = front if self.config.http == "own" else front.take_over
        losses = self._faces.losses
        coming = 0

        def came() -> None:
            nonlocal coming
            coming -= 1

        def connect() -> asyncio.BaseProtocol:
            nonlocal coming
            if front.count + coming >= self.config.connections_max:
                losses.refuse()
                return _Full()
            # Several are accepted in one turn of the loop, before the first of them counts.
            coming += 1
            asyncio.get_running_loop().call_soon(came)
            return make()

        door = Door(connect, front.cut, tls)
        bound = await door.open(self.config.host, port)
        self._doors.append(door)
        return bound

    async def stop(self) -> None:
        """Stop serving; what is being sent is broken off."""
        while self._doors:
            self._doors.pop().close()
        for front in self.fronts:
            await front.finish()
        # Before connections are closed: it lets those go who wait for something to happen.
        await self.registry.close()
        while self.fronts:
            await self.fronts.pop().close()
        self._doubts.close()
        if self._client.transport is not None:
            await self._client.transport.close()
            self._client.transport = None
        self._faces.losses.tell()

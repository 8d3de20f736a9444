"""
The application: one port for all providers, spaces and the control API.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from aiohttp import web
from aiohttp.http import SERVER_SOFTWARE, HttpVersion11

from simulator import __version__
from simulator.kernel.model.scenario import ClockSpec, Scenario
from simulator.kernel.store.journal import Entry
from simulator.kernel.store.messages import MESSAGES_MAX
from simulator.provider import Provider, discover
from simulator.runtime.doubts import Doubts
from simulator.runtime.guard import Guard
from simulator.runtime.space import Space
from simulator.runtime.transport.client import open_client
from simulator.runtime.transport.seam import Transport
from simulator.server.addressing import PROBES, Address, Addressing, AmbiguousPath
from simulator.server.by_aiohttp import serve
from simulator.server.catchall import application, ask_for_body
from simulator.server.doors import Door, Doors
from simulator.server.edge import Edge
from simulator.server.faces import ControlPages
from simulator.server.front import Front
from simulator.server.guests import Guests, forbidden
from simulator.server.losses import Losses
from simulator.server.problems import UNREADABLE, Problem, problem_response
from simulator.server.spaces import DEFAULT_SPACE, SpaceRegistry

__all__ = ["REGISTRY", "Server", "ServerConfig", "make_app"]

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
    Who serves calls to providers: `own`, the simulator's own server as far as they are plain
    HTTP/1.1 and aiohttp's beyond that; `aiohttp`, that one alone.
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


_LOG = logging.getLogger("simulator")
_HTTP_LOG = logging.getLogger("simulator.http")


def _calm(record: logging.LogRecord) -> bool:
    """Say in one line that somebody's HTTP was broken: it is no failure of ours, and needs no trace."""
    failure = record.exc_info[1] if record.exc_info else None
    if not isinstance(failure, UNREADABLE):
        return True
    text = (str(getattr(failure, "message", "")) or str(failure)).split("\n", 1)[0]
    _LOG.info("%s; %s: %r", record.getMessage(), type(failure).__name__, text[:200])
    return False


_HTTP_LOG.addFilter(_calm)


class _Client:
    """The one HTTP client of an application, there as long as it runs."""

    __slots__ = ("transport",)

    def __init__(self) -> None:
        self.transport: Transport | None = None

    def __call__(self) -> Transport:
        if self.transport is None:
            raise RuntimeError("the server is not running")
        return self.transport


class _Apps:
    """What the catch-all handler needs."""

    __slots__ = ("_control", "addressing", "allow_hosts", "edge", "losses", "registry")

    def __init__(self, registry: SpaceRegistry, allow_hosts: frozenset[str]) -> None:
        self.registry = registry
        self.addressing = Addressing(registry.providers)
        self.edge = Edge(registry, Guests(allow_hosts, self.addressing.is_providers))
        self.losses = Losses()
        self.allow_hosts = allow_hosts
        self._control: ControlPages | None = None

    def addresses(self, alone: str) -> Callable[[str, str], Address | None]:
        """Return what tells where a request to a host and path belongs; *alone* names the only provider."""
        if not alone:
            return self.addressing.find
        provider = self.registry.providers[alone]
        return lambda _, path: Address(provider, "", path, "")

    @property
    def control(self) -> ControlPages:
        """The control API; loaded when first asked for, since servers start and send without."""
        if self._control is None:
            from simulator.server.http import ControlFace
            from simulator.server.operations.base import Controller

            self._control = ControlFace(Controller(self.registry))
        return self._control


REGISTRY: Final = web.AppKey("registry", SpaceRegistry)
_APPS: Final = web.AppKey("faces", _Apps)
_ALONE: Final = web.AppKey("alone", str)


def make_app(config: ServerConfig) -> web.Application:
    """Return the application of a server; it may be run by any aiohttp runner."""
    providers = config.providers if config.providers is not None else discover()
    guard = config.guard if config.guard is not None else Guard(config.allow_targets)
    client = _Client()
    registry = SpaceRegistry(providers, client)
    registry.tell = config.tell
    registry.messages_max = config.messages_max
    doubts = registry.doubts = Doubts(guard)
    registry.doors = Doors(config.listen)
    if config.scenario is not None and (why_not := registry.doors.why_not(config.scenario)):
        raise ValueError(why_not)

    async def life(_: web.Application) -> AsyncIterator[None]:
        transport = open_client(guard)
        client.transport = transport
        space = registry.create(DEFAULT_SPACE, seed=config.seed, clock=config.clock, scenario=config.scenario)
        for provider, settings in config.settings.items():
            space.configure(provider, settings)
        yield
        doubts.close()
        await transport.close()
        client.transport = None

    async def end(_: web.Application) -> None:
        # Before connections are closed: it lets those go who wait for something to happen.
        await registry.close()

    app = _application()
    app.on_shutdown.append(end)
    app[REGISTRY] = registry
    app[_APPS] = _Apps(registry, config.allow_hosts)
    app[_ALONE] = ""
    app.cleanup_ctx.append(life)
    return app


def _application() -> web.Application:
    app = application(_route, _expect)
    app.on_response_prepare.append(_name_nobody)
    return app


async def _name_nobody(_: web.Request, response: web.StreamResponse) -> None:
    """Leave out the header Server that says what this is built on; a provider's own stays."""
    if response.headers.get("Server") == SERVER_SOFTWARE:
        del response.headers["Server"]


def _make_alone(app: web.Application, provider: str) -> web.Application:
    """Return an application that serves *provider* alone, in the spaces of *app*."""
    alone = _application()
    alone[_APPS] = app[_APPS]
    alone[_ALONE] = provider
    return alone


async def _expect(request: web.Request) -> web.StreamResponse | None:
    """Ask for the body where a client waits for that; no other expectation can be met."""
    expected = request.headers.get("Expect", "")
    if expected.lower() != "100-continue":
        path = unquote(request.rel_url.raw_path)
        request.app[_APPS].edge.note_unserved(request.method, path, f"Expect: {expected[:200]}")
        return problem_response(Problem(417, "Not met", f"expected 100-continue, got {expected[:200]!r}"))
    await ask_for_body(request)
    return None


async def _route(request: web.Request) -> web.StreamResponse:
    faces = request.app[_APPS]
    if request.version.major != 1:
        refusal = problem_response(
            Problem(505, "Which HTTP?", f"expected HTTP/1.1, got {'.'.join(map(str, request.version))}")
        )
        refusal.force_close()
        return refusal
    hosts = request.headers.getall("Host", ())
    if len(hosts) > 1 or (not hosts and request.version >= HttpVersion11):
        refusal = problem_response(
            Problem(400, "Which host?", f"expected one header Host, got {len(hosts)} of them")
        )
        refusal.force_close()
        faces.losses.unreadable += 1
        faces.edge.note_unreadable(f"it has {len(hosts)} headers Host")
        return refusal
    path = unquote(request.rel_url.raw_path)
    try:
        address = faces.addresses(request.app[_ALONE])(request.host, path)
    except AmbiguousPath as ambiguous:
        faces.edge.note_unserved(request.method, path, str(ambiguous))
        return problem_response(Problem(400, "Whose path?", str(ambiguous)))
    if address is None:
        return await _serve_own(request, faces, path)
    return await serve(faces.edge, request, address)


async def _serve_own(request: web.Request, faces: _Apps, path: str) -> web.StreamResponse:
    # Probes know the address of a container, and any name for it.
    if path not in PROBES and (why := forbidden(request, faces.allow_hosts)) is not None:
        return problem_response(why)
    if path.startswith("/_ui/"):
        return await faces.control.inspector.serve(request, path)
    if path.startswith("/_sim/v1/"):
        return await faces.control.serve(request, path)
    document = _DOCUMENTS.get(path)
    if document is None:
        return _nobodys(request, faces, path)
    if request.method not in ("GET", "HEAD"):
        wrong = problem_response(Problem(405, "Wrong method", f"expected GET, got {request.method[:50]}"))
        wrong.headers["Allow"] = "GET, HEAD"
        return wrong
    return await document(request, faces)


async def _alive(_: web.Request, __: _Apps) -> web.Response:
    return web.json_response({"status": "ok", "version": __version__})


async def _description(_: web.Request, faces: _Apps) -> web.Response:
    from simulator.server.openapi import openapi

    return web.json_response(openapi(__version__, faces.registry.providers))


async def _metrics(_: web.Request, faces: _Apps) -> web.Response:
    from simulator.server.metrics import CONTENT_TYPE, scrape

    body = await asyncio.to_thread(scrape, faces.registry.all(), faces.edge.calls, faces.losses)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})


def _nobodys(request: web.Request, faces: _Apps, path: str) -> web.Response:
    names = ", ".join(f"/{name}/" for name in faces.registry.providers)
    detail = (
        f"there is nothing at {path[:200]!r}; providers are at {names} or at their own paths, "
        "the control API is described at /_sim/openapi.json"
    )
    faces.edge.note_unserved(request.method, path, detail)
    return problem_response(Problem(404, "Nothing here", detail))


async def _front(request: web.Request, faces: _Apps) -> web.Response:
    if "text/html" in request.headers.get("Accept", ""):
        # Relative, so that it holds behind the prefix of a proxy, too.
        return web.Response(status=302, headers={"Location": f"_ui/{DEFAULT_SPACE}/messages"})
    base = f"{request.scheme}://{request.host}"
    places = [(p.title, f"{base}/{name}") for name, p in faces.registry.providers.items()]
    own = (("inspector", "/_ui/"), ("control API", "/_sim/openapi.json"), ("metrics", "/_sim/metrics"))
    places += [(title, f"{base}{path}") for title, path in own]
    width = max(len(title) for title, _ in places)
    lines = [f"simulator {__version__}", "", *(f"{title:{width}}  {url}" for title, url in places)]
    return web.Response(text="\n".join(lines) + "\n")


_DOCUMENTS: Final[Mapping[str, Callable[[web.Request, _Apps], Awaitable[web.Response]]]] = {
    "/": _front,
    "/_sim/openapi.json": _description,
    "/_sim/metrics": _metrics,
    **dict.fromkeys(PROBES, _alive),
}


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
        self.app = make_app(config)
        self.ports: dict[str, int] = {}
        """Bound ports: `""` is the main one, others by provider name."""
        self.tls_port = 0
        """The port of https; 0: none."""
        self._runners: list[web.AppRunner] = []
        self.fronts: list[Front] = []
        """What takes calls to providers: that of the main port, then one for each further provider."""
        self._doors: list[Door] = []

    @property
    def registry(self) -> SpaceRegistry:
        """The spaces of this server."""
        return self.app[REGISTRY]

    @property
    def control(self) -> ControlPages:
        """The control API, callable without HTTP."""
        return self.app[_APPS].control

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
        try:
            main = await self._serving(self.app)
            self.ports[""] = await self._bind(main, self.config.port)
            if self.config.tls is not None:
                self.tls_port = await self._bind(main, self.config.tls_port, self.config.tls)
            for provider, port in self.config.listen.items():
                alone = await self._serving(_make_alone(self.app, provider))
                self.ports[provider] = await self._bind(alone, port)
                self.registry.doors.add(provider, self._doors[-1])
        except BaseException:
            await self.stop()
            raise

    async def _serving(self, app: web.Application) -> Front:
        runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=_PATIENCE_REAL_S,
            logger=_HTTP_LOG,
        )
        self._runners.append(runner)
        await runner.setup()
        http = runner.server
        assert http is not None
        faces = app[_APPS]
        front = Front(
            faces.edge, faces.addresses(app[_ALONE]), http, faces.losses, self.config.patience_real_s
        )
        self.fronts.append(front)
        return front

    async def _bind(self, front: Front, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen for *front*, or for aiohttp alone, and return the bound port."""
        make = front if self.config.http == "own" else front.take_over
        losses = self.app[_APPS].losses
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
        while self.fronts:
            await self.fronts.pop().stop(_PATIENCE_REAL_S)
        while self._runners:
            await self._runners.pop().cleanup()
        self.app[_APPS].losses.tell()

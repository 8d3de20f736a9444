"""
aiohttp's server: it serves whatever is HTTP, on connections that the simulator's own server does not keep.

Loaded with the first of them: servers start, send and answer plain calls without.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import cached_property
from typing import Final, Protocol
from urllib.parse import unquote

from aiohttp import web
from aiohttp.http import SERVER_SOFTWARE, HttpVersion11
from multidict import CIMultiDict

from simulator import __version__
from simulator.server.addressing import Address, AmbiguousPath
from simulator.server.asked import Asked
from simulator.server.by_aiohttp import read_body, response_of, serve
from simulator.server.catchall import application, ask_for_body
from simulator.server.faces import CONTROL, Faces, OwnCall, only_read
from simulator.server.packing import NotUnpacked, TooLarge
from simulator.server.problems import Problem
from simulator.server.replies import HttpReply, problem_reply
from simulator.server.spaces import DEFAULT_SPACE
from simulator.server.takeover import UNREADABLE, TakenOver, has_left, problem_response

__all__ = ["AllHttp"]

_BODY_BYTES_MAX: Final = 16 * 1_048_576
"""Of a call of the control API."""
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


class _Pages(Protocol):
    """The pages of the inspector; their modules are loaded when the first one is asked for."""

    async def serve(self, request: web.Request, path: str) -> web.StreamResponse:
        """Answer a request for a page."""
        ...


class AllHttp:
    """
    The server of one port.
    """

    def __init__(
        self, faces: Faces, address_of: Callable[[str, str], Address | None], patience_real_s: float
    ) -> None:
        self._faces = faces
        self._address_of = address_of
        app = application(self._route, self._expect)
        app.on_response_prepare.append(_name_nobody)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=patience_real_s,
            logger=_HTTP_LOG,
        )
        _at_once(self._runner.setup())
        server = self._runner.server
        assert server is not None
        self._server = server

    # -- its connections ------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """How many connections are open."""
        return len(self._server.connections)

    def connection(self) -> asyncio.Protocol:
        """Return the protocol of a connection that is served here from now on."""
        return TakenOver(self._server, asyncio.get_running_loop(), self._note_unreadable)

    def _note_unreadable(self, why: str) -> None:
        self._faces.losses.unreadable += 1
        self._faces.edge.note_unreadable(why)

    def sweep(self, late_s: float) -> None:
        """Close connections on which half a request has waited since before *late_s*."""
        for connection in self._server.connections:
            if isinstance(connection, TakenOver):
                if connection.is_late(late_s):
                    self._faces.losses.time_out()
                    connection.force_close()
                elif connection.ended and connection.idle:
                    connection.force_close()

    def cut(self) -> None:
        """Break every connection off at once."""
        for connection in self._server.connections:
            connection.force_close()

    def close_idle(self) -> None:
        """Close what is not being served, and the rest after its answer."""
        self._server.pre_shutdown()

    async def close(self) -> None:
        """End every connection."""
        await self._runner.cleanup()

    # -- its requests ---------------------------------------------------------------------------

    async def _expect(self, request: web.Request) -> web.StreamResponse | None:
        """Ask for the body where a client waits for that; no other expectation can be met."""
        expected = request.headers.get("Expect", "")
        if expected.lower() != "100-continue":
            self._note_unserved(request, f"Expect: {expected[:200]}")
            return problem_response(Problem(417, "Not met", f"expected 100-continue, got {expected[:200]!r}"))
        await ask_for_body(request)
        return None

    def _note_unserved(self, request: web.Request, why: str) -> None:
        self._faces.edge.note_unserved(request.method, unquote(request.rel_url.raw_path), why)

    async def _route(self, request: web.Request) -> web.StreamResponse:
        if request.version.major != 1:
            version = ".".join(map(str, request.version))
            refusal = problem_response(Problem(505, "Which HTTP?", f"expected HTTP/1.1, got {version}"))
            refusal.force_close()
            return refusal
        hosts = request.headers.getall("Host", ())
        if len(hosts) > 1 or (not hosts and request.version >= HttpVersion11):
            refusal = problem_response(
                Problem(400, "Which host?", f"expected one header Host, got {len(hosts)} of them")
            )
            refusal.force_close()
            self._note_unreadable(f"it has {len(hosts)} headers Host")
            return refusal
        path = unquote(request.rel_url.raw_path)
        try:
            address = self._address_of(request.host, path)
        except AmbiguousPath as ambiguous:
            self._note_unserved(request, str(ambiguous))
            return problem_response(Problem(400, "Whose path?", str(ambiguous)))
        if address is None:
            return await self._serve_own(request, path)
        return await serve(self._faces.edge, request, address)

    async def _serve_own(self, request: web.Request, path: str) -> web.StreamResponse:
        faces = self._faces
        query = list(request.rel_url.query.items())
        call = OwnCall(request.method, path, query, request.headers, request.host, request.scheme)
        reply = faces.at_once(call)
        if reply is not None:
            return response_of(reply)
        if path.startswith("/_ui/"):
            return await self._inspector.serve(request, path)
        if path.startswith(CONTROL):
            return await self._control(request, call)
        document = _DOCUMENTS.get(path)
        if document is not None:
            wrong = only_read(request.method)
            return response_of(wrong) if wrong is not None else await document(request, faces)
        names = ", ".join(f"/{name}/" for name in faces.registry.providers)
        detail = (
            f"there is nothing at {path[:200]!r}; providers are at {names} or at their own paths, "
            "the control API is described at /_sim/openapi.json"
        )
        self._note_unserved(request, detail)
        return problem_response(Problem(404, "Nothing here", detail))

    @cached_property
    def _inspector(self) -> _Pages:
        from simulator.server.inspector.room import Inspector
        from simulator.server.operations.base import Controller

        return Inspector(Controller(self._faces.registry))

    async def _control(self, request: web.Request, call: OwnCall) -> web.StreamResponse:
        """Answer a request of the control API."""
        try:
            body = await _body(request)
        except Problem as problem:
            return response_of(problem_reply(problem)._replace(close=True))
        asked = call.asked(body)._replace(gone=lambda: has_left(request))
        if call.follows:
            return await self._follow(request, call.path, asked)
        reply = await self._faces.control.reply(call.method, call.path, asked)
        return await _sent(request, reply)

    async def _follow(self, request: web.Request, path: str, asked: Asked) -> web.StreamResponse:
        try:
            pieces = self._faces.control.followed(path, asked)
        except Problem as problem:
            return problem_response(problem)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        # A reader that goes away ends the reading, and nothing else.
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            async for piece in pieces:
                if piece:
                    await response.write(piece)
                if has_left(request):
                    break
        return response


def _at_once(awaited: Coroutine[None, None, None]) -> None:
    """Carry out what waits for nothing: an application without a life of its own is set up so."""
    try:
        awaited.send(None)
    except StopIteration:
        return
    awaited.close()
    raise RuntimeError("aiohttp waits for something before it serves an empty application")


async def _name_nobody(_: web.Request, response: web.StreamResponse) -> None:
    """Leave out the header Server that says what this is built on; a provider's own stays."""
    if response.headers.get("Server") == SERVER_SOFTWARE:
        del response.headers["Server"]


async def _description(_: web.Request, faces: Faces) -> web.Response:
    from simulator.server.openapi import openapi

    return web.json_response(openapi(__version__, faces.registry.providers))


async def _metrics(_: web.Request, faces: Faces) -> web.Response:
    from simulator.server.metrics import CONTENT_TYPE, scrape

    body = await asyncio.to_thread(scrape, faces.registry.all(), faces.edge.calls, faces.losses)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})


async def _front(request: web.Request, faces: Faces) -> web.Response:
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


_DOCUMENTS: Final[Mapping[str, Callable[[web.Request, Faces], Awaitable[web.Response]]]] = {
    "/": _front,
    "/_sim/openapi.json": _description,
    "/_sim/metrics": _metrics,
}


async def _sent(request: web.Request, reply: HttpReply) -> web.StreamResponse:
    """Return an answer; a long one is sent in pieces, as fast as its client reads."""
    if reply.is_short:
        return response_of(reply)
    response = web.StreamResponse(status=reply.status, headers=CIMultiDict(reply.headers))
    response.content_length = len(reply.body)
    # A reader that goes away ends the reading, and nothing else.
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        for piece in reply.pieces():
            await response.write(piece)
            await asyncio.sleep(0)
    return response


async def _body(request: web.Request) -> bytes:
    try:
        return await read_body(request, _BODY_BYTES_MAX)
    except TooLarge:
        raise Problem(413, "Too large", f"expected a body of up to {_BODY_BYTES_MAX} bytes") from None
    except UNREADABLE:
        raise Problem(400, "Unreadable", "the body broke off") from None
    except NotUnpacked as trouble:
        raise Problem(400, "Unreadable", str(trouble)) from None

"""
Requests for pages, static files and the stream of changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final, NamedTuple
from urllib.parse import unquote

from aiohttp import web

from simulator.evidence.pages import style
from simulator.server.inspector.frame import Visit
from simulator.server.inspector.message_page import message_page
from simulator.server.inspector.messages_page import messages_page
from simulator.server.inspector.phone_page import phone_page, phones_page
from simulator.server.inspector.run_page import run_page
from simulator.server.inspector.scenario_page import scenario_page
from simulator.server.inspector.spaces_page import spaces_page
from simulator.server.inspector.stream import stream
from simulator.server.inspector.webhooks_page import webhook_page, webhooks_page
from simulator.server.operations.base import Controller
from simulator.server.problems import Problem
from simulator.server.spaces import DEFAULT_SPACE, UnknownSpace

__all__ = ["PREFIX", "Inspector"]

PREFIX: Final = "/_ui/"
"""Where every page of the inspector is."""

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_PAGES: Final[Mapping[str, Callable[[Visit], str]]] = {
    "messages": messages_page,
    "message": message_page,
    "phones": phones_page,
    "phone": phone_page,
    "webhooks": webhooks_page,
    "webhook": webhook_page,
    "scenario": scenario_page,
    "run": run_page,
    "spaces": spaces_page,
}
_OF_ALL_SPACES: Final = frozenset({"spaces"})
_KINDS: Final = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


class _Asset(NamedTuple):
    """A static file with what tells one version of it from another."""

    body: bytes
    kind: str
    tag: str


class Inspector:
    """
    Serves `/_ui/`: pages by space, static files and one stream of changes for a whole browser.
    """

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    async def serve(self, request: web.Request, path: str) -> web.StreamResponse:
        """Answer a request for anything of the inspector."""
        if request.method not in ("GET", "HEAD"):
            refusal = _plain(405, f"expected GET, got {request.method}; changes go through /_sim/v1/")
            refusal.headers["Allow"] = "GET, HEAD"
            return refusal
        rest = path.removeprefix(PREFIX)
        if rest == "stream":
            return await stream(request, self._controller.registry, _HEADERS)
        if rest.startswith("static/"):
            return _static(request, rest.removeprefix("static/"))
        # Names are unquoted one by one: a recipient's may hold a slash.
        raw = request.rel_url.raw_path.removeprefix(PREFIX)
        space, _, behind = raw.partition("/")
        name, _, tail = behind.partition("/")
        return await self._page(request, unquote(space), unquote(name), unquote(tail))

    async def _page(self, request: web.Request, space_name: str, name: str, tail: str) -> web.Response:
        root = "../" * (request.rel_url.raw_path.count("/") - 1)
        make = _PAGES.get(name)
        if make is None:
            return _to(f"{root}_ui/{DEFAULT_SPACE}/messages") if not name else _plain(404, "no such page")
        try:
            space = self._controller.registry.look(space_name)
        except UnknownSpace as unknown:
            return _plain(404, str(unknown))
        base_url = f"{request.scheme}://{request.host}"
        visit = Visit(self._controller, space, tail, dict(request.rel_url.query), root, base_url)
        try:
            if name not in _OF_ALL_SPACES and self._controller.large(space_name) is not None:
                controller = self._controller.beside(space)
                visit = visit._replace(controller=controller, space=controller.still_space(space))
                text = await asyncio.to_thread(make, visit)
            else:
                space.driver.sync()
                text = make(visit)
        except Problem as problem:
            return _plain(problem.status, str(problem))
        headers = {**_HEADERS, "Cache-Control": "no-store"}
        return web.Response(text=text, content_type="text/html", headers=headers)


def _to(place: str) -> web.Response:
    # Relative, so that it holds behind a prefix of somebody's proxy, too.
    return web.Response(status=302, headers={**_HEADERS, "Location": place})


def _plain(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers=_HEADERS)


def _static(request: web.Request, name: str) -> web.Response:
    asset = _assets().get(name)
    if asset is None:
        return _plain(404, "no such file")
    headers = {**_HEADERS, "ETag": asset.tag, "Cache-Control": "no-cache"}
    if request.headers.get("If-None-Match") == asset.tag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=asset.body, content_type=asset.kind, charset="utf-8", headers=headers)


@cache
def _assets() -> Mapping[str, _Asset]:
    """Return every static file by name; the style sheet of evidence is one of them."""
    bodies = {"evidence.css": style().encode()}
    for file in files("simulator.server.inspector").joinpath("static").iterdir():
        if file.name.rpartition(".")[2] in _KINDS:
            bodies[file.name] = file.read_bytes()
    return {
        name: _Asset(body, _KINDS[name.rpartition(".")[2]], f'"{sha256(body).hexdigest()[:16]}"')
        for name, body in bodies.items()
    }

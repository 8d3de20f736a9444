"""
The control API over HTTP: requests to operations, replies and problems to responses.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

import msgspec
from aiohttp import web

from simulator.explain.views import entry_view
from simulator.provider import Answer, Call, Route, Router
from simulator.schema.node import did_you_mean
from simulator.server.by_aiohttp import read_body
from simulator.server.faces import InspectorPages
from simulator.server.operations.base import (
    AFTER_MAX,
    LONG_BODY_BYTES_MAX,
    Asked,
    Controller,
    Operation,
    Reply,
    whole,
)
from simulator.server.operations.table import OPERATIONS
from simulator.server.packing import NotUnpacked, TooLarge
from simulator.server.problems import UNREADABLE, Problem, problem_response
from simulator.server.takeover import has_left

__all__ = ["ControlFace"]

_BODY_BYTES_MAX: Final = LONG_BODY_BYTES_MAX
_FOLLOWED_MAX: Final = 500
_SLICE: Final = 500
"""So many rows are written before others get their turn."""
_PIECE_BYTES: Final = 1_048_576
_LOOK_REAL_S: Final = 15.0
"""How often to look whether a silent follower is still there."""

_LOG = logging.getLogger("simulator")
_ENCODER: Final = msgspec.json.Encoder()


def _unused(call: Call) -> Answer:
    raise AssertionError("control operations are run by the control face")


class ControlFace:
    """
    Serves `/_sim/v1`.
    """

    def __init__(self, controller: Controller, operations: Sequence[Operation] = OPERATIONS) -> None:
        self._controller = controller
        self._operations = {(op.method, op.path): op for op in operations}
        self._router = Router(Route(op.method, op.path, _unused, op.summary) for op in operations)

    @cached_property
    def inspector(self) -> InspectorPages:
        """The pages over the same spaces."""
        from simulator.server.inspector.room import Inspector

        return Inspector(self._controller)

    async def call(self, method: str, path: str, asked: Asked) -> Reply:
        """Run one operation. Problems are answers, too."""
        try:
            operation, asked = self._find(method, path, asked)
            if len(asked.body) > operation.body_bytes_max:
                raise Problem(413, "Too large", f"expected a body of up to {operation.body_bytes_max} bytes")
            space = self._controller.large(asked.parameters["space"]) if _may_be_aside(operation) else None
            if space is None:
                return await operation.run(self._controller, asked)
            return await asyncio.to_thread(_run_at_once, operation, self._controller.beside(space), asked)
        except Problem as problem:
            return Reply(problem.body, problem.status, headers=problem.headers)
        except Exception:
            _LOG.exception("%s %s failed inside the simulator", method, path)
            detail = f"{method} {path} failed inside the simulator; its log has the details"
            return Reply(Problem(500, "Failed", detail).body, 500)

    def _find(self, method: str, path: str, asked: Asked) -> tuple[Operation, Asked]:
        route, parameters, allowed = self._router.find(method, path.rstrip("/"))
        if route is None and allowed:
            allowed = tuple(self._allowed(path.rstrip("/")))
            wrong = Problem(405, "Wrong method", f"expected {' or '.join(allowed)}, got {method[:50]}")
            wrong.headers = (("Allow", ", ".join(allowed)),)
            raise wrong
        if route is None:
            raise Problem(404, "No such call", f"there is no {path}; /_sim/openapi.json lists what there is")
        operation = self._operations[route.method, route.path]
        names = [name for name, _ in operation.query]
        for name in asked.query:
            if name not in names:
                # A condition that is passed over finds too much, and a test passes that should not.
                hint = did_you_mean(name, names) or f"; known: {', '.join(names) or 'none'}"
                raise Problem(400, "Bad query", f"unknown parameter {name[:200]!r}{hint}")
        return operation, asked._replace(parameters=parameters, method=method, path=path)

    def _allowed(self, path: str) -> list[str]:
        """Return the methods of the path that says most of *path* literally: /webhooks/hold is no {id}."""
        fitting = [
            (sum(not part.startswith("{") for part in there.split("/")), method)
            for method, there in self._operations
            if self._router.find(method, path)[0] is not None and _fits(there, path)
        ]
        most = max((literal for literal, _ in fitting), default=0)
        return sorted({method for literal, method in fitting if literal == most})

    async def serve(self, request: web.Request, path: str) -> web.StreamResponse:
        """Answer a request of the control API."""
        try:
            asked = Asked(
                parameters={},
                query=dict(request.rel_url.query),
                body=await _body(request),
                content_type=request.headers.get("Content-Type", ""),
                base_url=f"{request.scheme}://{request.host}",
                gone=lambda: has_left(request),
            )
        except Problem as problem:
            refusal = problem_response(problem)
            refusal.force_close()
            return refusal
        follows = path.endswith("/journal") and asked.query.get("follow") in ("1", "true")
        if request.method == "GET" and follows:
            return await self._follow(request, path, asked)
        body, status, content_type, headers = await self.call(request.method, path, asked)
        if status == 204:
            return web.Response(status=204)
        if isinstance(body, bytes):
            # A document tells what was said by others: no browser may take it for anything else.
            safe = {"Content-Type": content_type, "X-Content-Type-Options": "nosniff"}
            return await _sent(request, status, body, safe)
        kind = "application/x-ndjson" if isinstance(body, list) else "application/json"
        kind = "application/problem+json" if status >= 400 else kind
        long = len(_rows_of(body)) > _SLICE
        text = await asyncio.to_thread(_encoded, body) if long else _encoded(body)
        return await _sent(request, status, text, {"Content-Type": kind, **dict(headers)})

    async def _follow(self, request: web.Request, path: str, asked: Asked) -> web.StreamResponse:
        try:
            _, asked = self._find("GET", path, asked)
            space = self._controller.space(asked)
            after = whole(asked, "after", 0, AFTER_MAX)
        except Problem as problem:
            return problem_response(problem)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        # A reader that goes away ends the reading, and nothing else.
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            while not space.closed and not has_left(request):
                entries = space.simulation.journal.after(after, _FOLLOWED_MAX)
                if entries:
                    after = entries[-1].seq
                    await response.write(_lines([entry_view(entry) for entry in entries]))
                    # Whoever reads fast is never waited for.
                    await asyncio.sleep(0)
                else:
                    await space.wait_change(_LOOK_REAL_S)
        return response


def _may_be_aside(operation: Operation) -> bool:
    """Return True for questions about one space: they are answered beside its work when it is large."""
    question = operation.method == "GET" and "{space}" in operation.path
    return question and not operation.path.endswith(("/wait", "/recording"))


def _run_at_once(operation: Operation, controller: Controller, asked: Asked) -> Reply:
    """Return the reply of an operation that waits for nothing but its next turn."""
    running = operation.run(controller, asked).__await__()
    while True:
        try:
            next(running)
        except StopIteration as end:
            reply: Reply = end.value
            return reply


def _rows_of(body: object) -> Sequence[object]:
    """Return the rows of a listing, which may be many."""
    rows = body.get("items", ()) if isinstance(body, dict) else body
    return rows if isinstance(rows, list) else ()


def _encoded(body: object) -> bytes:
    """Return *body* as JSON or as lines of it; many rows in slices, for encoding stops every thread."""
    rows = _rows_of(body)
    slices = [rows[place : place + _SLICE] for place in range(0, len(rows), _SLICE)]
    if isinstance(body, list):
        return b"".join(_lines(part) for part in slices)
    if len(slices) < 2 or not isinstance(body, dict):
        return _ENCODER.encode(body)
    rest = _ENCODER.encode({name: value for name, value in body.items() if name != "items"})
    items = b",".join(_ENCODER.encode(part)[1:-1] for part in slices)
    return b'{"items":[' + items + (b"]," if len(rest) > 2 else b"]") + rest[1:]


async def _sent(
    request: web.Request, status: int, body: bytes, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Return an answer; a long one is sent in pieces, as fast as its client reads."""
    if len(body) <= _PIECE_BYTES:
        return web.Response(status=status, body=body, headers=headers)
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = len(body)
    # A reader that goes away ends the reading, and nothing else.
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        for place in range(0, len(body), _PIECE_BYTES):
            await response.write(body[place : place + _PIECE_BYTES])
            await asyncio.sleep(0)
    return response


def _fits(pattern: str, path: str) -> bool:
    expected, parts = pattern.split("/"), path.split("/")
    return len(expected) == len(parts) and all(
        part == there or there.startswith("{") for there, part in zip(expected, parts, strict=True)
    )


def _lines(rows: Sequence[object]) -> bytes:
    return b"".join(_ENCODER.encode(row) + b"\n" for row in rows)


async def _body(request: web.Request) -> bytes:
    try:
        return await read_body(request, _BODY_BYTES_MAX)
    except TooLarge:
        raise Problem(413, "Too large", f"expected a body of up to {_BODY_BYTES_MAX} bytes") from None
    except UNREADABLE:
        raise Problem(400, "Unreadable", "the body broke off") from None
    except NotUnpacked as trouble:
        raise Problem(400, "Unreadable", str(trouble)) from None

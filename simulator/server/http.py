"""
The control API over HTTP: calls to operations, and what these answer to replies.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from simulator.explain.views import entry_view
from simulator.provider import Answer, Call, Route, Router
from simulator.runtime.space import Space
from simulator.schema.node import did_you_mean
from simulator.server.operations.base import AFTER_MAX, Asked, Controller, Operation, Reply, whole
from simulator.server.operations.table import OPERATIONS
from simulator.server.problems import Problem
from simulator.server.replies import HttpReply

__all__ = ["ControlFace"]

_FOLLOWED_MAX: Final = 500
_SLICE: Final = 500
"""So many rows are written before others get their turn."""
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

    async def reply(self, method: str, path: str, asked: Asked) -> HttpReply:
        """Run one operation and return what is answered over HTTP."""
        body, status, content_type, headers = await self.call(method, path, asked)
        if status == 204:
            return HttpReply(204, b"", ())
        if isinstance(body, bytes):
            # A document tells what was said by others: no browser may take it for anything else.
            safe = (("Content-Type", content_type), ("X-Content-Type-Options", "nosniff"))
            return HttpReply(status, body, safe)
        kind = "application/x-ndjson" if isinstance(body, list) else "application/json"
        kind = "application/problem+json" if status >= 400 else kind
        long = len(_rows_of(body)) > _SLICE
        text = await asyncio.to_thread(_encoded, body) if long else _encoded(body)
        return HttpReply(status, text, (("Content-Type", kind), *headers))

    def followed(self, path: str, asked: Asked) -> AsyncIterator[bytes]:
        """
        Return the journal as it grows, line by line, until its space ends; raises Problem at once.

        From time to time nothing is yielded, for who writes to look whether anybody still reads.
        """
        _, asked = self._find("GET", path, asked)
        return _followed(self._controller.space(asked), whole(asked, "after", 0, AFTER_MAX))


async def _followed(space: Space, after: int) -> AsyncIterator[bytes]:
    while not space.closed:
        entries = space.simulation.journal.after(after, _FOLLOWED_MAX)
        if entries:
            after = entries[-1].seq
            yield _lines([entry_view(entry) for entry in entries])
            # Whoever reads fast is never waited for.
            await asyncio.sleep(0)
        else:
            await space.wait_change(_LOOK_REAL_S)
            yield b""


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
    # Put together once: to copy some ten megabytes stops every thread as well.
    pieces = [b'{"items":[']
    for part in slices:
        pieces += (_ENCODER.encode(part)[1:-1], b",")
    pieces[-1] = b"]," if len(rest) > 2 else b"]"
    return b"".join((*pieces, rest[1:]))


def _fits(pattern: str, path: str) -> bool:
    expected, parts = pattern.split("/"), path.split("/")
    return len(expected) == len(parts) and all(
        part == there or there.startswith("{") for there, part in zip(expected, parts, strict=True)
    )


def _lines(rows: Sequence[object]) -> bytes:
    return b"".join(_ENCODER.encode(row) + b"\n" for row in rows)

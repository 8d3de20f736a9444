"""
Requests to every endpoint, and what becomes of them when a few of their bytes change.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from providers.contract import ROWS
from simulator.provider import built_in
from simulator.server.operations.table import OPERATIONS
from simulator.testing.row import Request, Row

__all__ = ["Input", "inputs", "mutated", "wire"]

_DEEP: Final = b'{"a":' * 200 + b"1" + b"}" * 200
_ODD: Final[Sequence[object]] = (
    None, True, -1, 0, 1.5, 10**30, "", "\u202e\x1b[31m", "x" * 5_000,
    "\ud83d\ude00", [], {}, [[]], "invalid",
)  # fmt: skip
_BYTES: Final[Sequence[bytes]] = (
    b"\x00",
    b"\xff\xfe",
    b"{",
    b"]",
    b'"',
    b"%0A",
    b"<a>",
    b"&amp;",
    b"\\u0000",
)
_HEADERS: Final[Sequence[tuple[str, str]]] = (
    ("Content-Encoding", "br"), ("Content-Encoding", "gzip"), ("Content-Type", "text/plain"),
    ("Accept", "application/xml"), ("Authorization", "x"), ("X-Simulator-Space", "nothing"),
    ("X-Long", "y" * 9_000), ("TE", "trailers"), ("Expect", "100-continue"), ("Connection", "close"),
)  # fmt: skip


class Input(NamedTuple):
    """
    One request, ready to be changed.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def inputs() -> list[Input]:
    """Return at least one valid request for each endpoint of each provider and of the control API."""
    requests: list[Input] = []
    for name, provider in built_in().items():
        row = ROWS[name]
        send = _signed(row, row.send(row.number(1), ""))
        requests.append(_input(name, send))
        requests += [_input(name, _signed(row, request)) for request in row.bad.values()]
        for route in provider.routes:
            path = re.sub(r"\{\w+\*?\}", "1", route.path)
            request = _signed(row, send._replace(method=route.method, path=path))
            requests.append(_input(name, request))
    for operation in OPERATIONS:
        if operation.path.endswith("/wait") or operation.summary == "Create a space":
            continue
        target = operation.path.replace("{space}", "fuzzed").replace("{provider}", "infobip")
        target = re.sub(r"\{\w+\}", "1", target)
        body = b"{}" if operation.body is not None else b""
        if operation.method != "DELETE":
            requests.append(Input(operation.method, target, (("Content-Type", "application/json"),), body))
    return requests


def _signed(row: Row, request: Request) -> Request:
    return row.signed(request, "soak-credential")


def _input(name: str, request: Request) -> Input:
    return Input(request.method, f"/{name}{request.path}", tuple(request.headers.items()), request.body)


def mutated(given: Input, draws: random.Random) -> Input:
    """Return a request with up to three things changed, in its target, headers or body."""
    for _ in range(draws.randrange(4)):
        given = draws.choice(_WAYS)(given, draws)
    return given


def _values(given: Input, draws: random.Random) -> Input:
    try:
        document = json.loads(given.body)
    except (ValueError, RecursionError):
        return given
    places: list[tuple[object, object]] = []
    level = [document]
    while level:
        part = level.pop()
        keys = list(part) if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
        for key in keys:
            places.append((part, key))
            level.append(part[key])
    if places:
        part, key = draws.choice(places)
        part[key] = draws.choice(_ODD)  # type: ignore[index]
    return given._replace(body=json.dumps(document).encode("utf-8", "surrogatepass"))


def _splice(given: Input, draws: random.Random) -> Input:
    place = draws.randrange(len(given.body) + 1)
    rest = given.body[place + draws.randrange(4) :]
    return given._replace(body=given.body[:place] + draws.choice(_BYTES) + rest)


def _cut(given: Input, draws: random.Random) -> Input:
    return given._replace(body=given.body[: draws.randrange(len(given.body) + 1)])


def _deep(given: Input, draws: random.Random) -> Input:
    return given._replace(body=draws.choice((_DEEP, b"[" * 5_000, b" " * 100_000, b"")))


def _header(given: Input, draws: random.Random) -> Input:
    name, value = draws.choice(_HEADERS)
    kept = tuple(pair for pair in given.headers if pair[0].lower() != name.lower())
    return given._replace(headers=(*kept, (name, value)))


def _target(given: Input, draws: random.Random) -> Input:
    place = draws.randrange(1, len(given.target) + 1)
    piece = draws.choice(("%0A", "%00", "%ff", "/", "?", "&to=1", "..", "é".encode().hex(), "%", "a" * 9_000))
    return given._replace(target=given.target[:place] + piece + given.target[place:])


def _method(given: Input, draws: random.Random) -> Input:
    return given._replace(method=draws.choice(("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")))


_WAYS: Final[Sequence[Callable[[Input, random.Random], Input]]] = (
    _values, _values, _values, _splice, _cut, _deep, _header, _target, _method,
)  # fmt: skip


def wire(given: Input) -> bytes:
    """Return the bytes of a request; its framing is right, whatever else is not."""
    lines = [f"{given.method} {given.target} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in given.headers if name.lower() not in ("host",)]
    lines.append(f"Content-Length: {len(given.body)}")
    return "\r\n".join([*lines, "", ""]).encode("ascii", "replace") + given.body

"""
Control of a simulator from Python, in this process or another.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import http.client
import json
import socket
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

from simulator.server.asked import Asked, ControlCalls, Reply

__all__ = ["Control", "ControlError", "HttpControl", "LocalControl", "Unreachable"]

# Tests fail where they are wrong, not in here.
__tracebackhide__ = True

_TIMEOUT_REAL_S = 600.0
_NO_CONTENT = 204
_PROBLEM = "application/problem+json"


class ControlError(Exception):
    """
    The simulator refused an operation; the text says what was expected.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or status))
        self.status = status
        self.problem = problem


class Unreachable(ConnectionError):
    """
    No simulator answers at the address.
    """


class Control(Protocol):
    """
    A way to run operations of the control API.
    """

    @property
    def url(self) -> str:
        """Base URL of the server."""
        ...

    def call(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> Any:
        """Run an operation, *path* counted from `/_sim/v1`; raises ControlError."""
        ...

    def fetch(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """Return the document at *path* as it is; raises ControlError."""
        ...


class HttpControl:
    """
    Control over HTTP, of a server in any process or container.

    Each call opens a connection of its own: it may be used from any thread.
    """

    def __init__(self, url: str = "http://127.0.0.1:4010") -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"expected a URL such as http://127.0.0.1:4010, got {url!r}")
        self._host = parts.hostname
        self._port = parts.port or 80
        host = f"[{self._host}]" if ":" in self._host else self._host
        self._named = f"{host}:{self._port}" if self._port != 80 else host
        self.url = f"http://{parts.netloc}"

    def _request(self, method: str, path: str, body: bytes | None) -> tuple[int, str, bytes]:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._named}"]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        sent = "\r\n".join([*lines, "Connection: close", "", ""]).encode("ascii") + (body or b"")
        try:
            with socket.create_connection((self._host, self._port), _TIMEOUT_REAL_S) as connection:
                # In one piece, which the server reads in one go; `http.client` sends a body by itself.
                connection.sendall(sent)
                with http.client.HTTPResponse(connection, method=method) as answer:
                    answer.begin()
                    return answer.status, answer.headers.get_content_type(), answer.read()
        except (OSError, http.client.HTTPException) as trouble:
            why = "nobody listens there" if isinstance(trouble, ConnectionRefusedError) else trouble
            raise Unreachable(f"no simulator answers at {self.url}: {why}") from trouble

    def ready(self) -> None:
        """Return when the server is ready; raises Unreachable when it is not."""
        status, _, answer = self._request("GET", "/_sim/ready", None)
        if status != 200:
            raise Unreachable(f"{self.url} answered {status} to /_sim/ready; is it a simulator?")
        plain = self._decoded(answer)
        if not isinstance(plain, dict) or plain.get("status") != "ok" or "version" not in plain:
            raise self._stranger()

    def call(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> Any:
        """Run an operation, *path* counted from `/_sim/v1`; raises ControlError."""
        sent = None if body is None else json.dumps(body).encode()
        status, kind, answer = self._request(method, _target(path, query), sent)
        if kind == "application/x-ndjson":
            return [json.loads(line) for line in answer.splitlines()]
        self._refuse(status, kind, answer)
        return None if status == _NO_CONTENT else self._decoded(answer)

    def _refuse(self, status: int, kind: str, answer: bytes) -> None:
        """Raise ControlError for what the simulator refuses, Unreachable for what is none of its answers."""
        if status < 400:
            return
        plain = self._decoded(answer) if kind == _PROBLEM else None
        if not isinstance(plain, dict):
            raise self._stranger()
        raise ControlError(status, plain)

    def _decoded(self, answer: bytes) -> Any:
        try:
            return json.loads(answer)
        except (ValueError, RecursionError):
            raise self._stranger() from None

    def _stranger(self) -> Unreachable:
        return Unreachable(f"{self.url} answers, but not as a simulator does")

    def fetch(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """Return the document at *path* as it is; raises ControlError."""
        status, kind, answer = self._request("GET", _target(path, query), None)
        self._refuse(status, kind, answer)
        return answer


def _target(path: str, query: Mapping[str, str] | None) -> str:
    return f"/_sim/v1{quote(path)}" + (f"?{urlencode(query)}" if query else "")


class LocalControl:
    """
    Control of a server that runs in another thread of this process, without HTTP.
    """

    def __init__(self, calls: ControlCalls, loop: asyncio.AbstractEventLoop, url: str) -> None:
        self._calls = calls
        self._loop = loop
        self.url = url

    def call(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> Any:
        """Run an operation, *path* counted from `/_sim/v1`; raises ControlError."""
        return _body_of(self._ask(method, path, body, query).result())

    async def call_async(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> Any:
        """Run an operation from a coroutine on another loop, which goes on meanwhile."""
        return _body_of(await asyncio.wrap_future(self._ask(method, path, body, query)))

    def _ask(
        self, method: str, path: str, body: object, query: Mapping[str, str] | None
    ) -> concurrent.futures.Future[Reply]:
        asked = Asked(
            parameters={},
            query=query or {},
            body=b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
            base_url=self.url,
        )
        return asyncio.run_coroutine_threadsafe(self._run(method, path, asked), self._loop)

    async def _run(self, method: str, path: str, asked: Asked) -> Reply:
        return await self._calls.call(method, f"/_sim/v1{path}", asked)

    def fetch(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """Return the document at *path* as it is; raises ControlError."""
        document = self.call("GET", path, None, query)
        if not isinstance(document, bytes):
            raise TypeError(f"{path} answers plain values, no document; `call` returns them")
        return document


def _body_of(reply: Reply) -> Any:
    if reply.status >= 400:
        raise ControlError(reply.status, reply.body if isinstance(reply.body, dict) else {})
    return reply.body

"""
A running server in a thread, called by plain sockets, with an ear on its logs.
"""

from __future__ import annotations

import http.client
import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from simulator.thread import ServerThread

KEY = {"Authorization": "App key", "Content-Type": "application/json"}


class House(NamedTuple):
    """
    A running server and everything its logs said.
    """

    server: ServerThread
    said: list[logging.LogRecord]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server.url.rpartition(":")[2])

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str, bytes]:
        """Make a call on a connection of its own; return status, content type and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, KEY if headers is None else headers)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Content-Type", ""), answer.read()
        finally:
            connection.close()

    def raw(self, sent: bytes, *, hang_up: bool = False) -> bytes:
        """Write bytes to a socket; return what comes back until the server closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as wire:
            wire.sendall(sent)
            if hang_up:
                return b""
            answer = b""
            while chunk := wire.recv(65_536):
                answer += chunk
        return answer

    def messages(self) -> int:
        """Return how many messages the default space has."""
        return int(self.server.control.call("GET", "/spaces/default/messages", query={"limit": "0"})["total"])

    def is_well(self) -> None:
        """Assert that the server still serves and that no log has complained."""
        assert self.call("GET", "/_sim/health")[0] == 200
        said = [record.getMessage() for record in self.said]
        self.said.clear()
        assert said == []


class _Listening(logging.Handler):
    """Keeps what is logged from warnings on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record)


@contextmanager
def open_house() -> Iterator[House]:
    """Run a server and keep what the logs say, from warnings on."""
    listening = _Listening()
    logging.getLogger().addHandler(listening)
    try:
        with ServerThread() as server:
            yield House(server, listening.said)
    finally:
        logging.getLogger().removeHandler(listening)


def in_shape(status: int, kind: str, body: bytes, *, modern: bool) -> dict[str, Any]:
    """Assert that an error answer has Infobip's own shape; return it."""
    assert kind.startswith("application/json")
    said = json.loads(body)
    if modern:
        assert list(said) == ["errorCode", "description", "action", "violations", "resources"]
    else:
        exception = said["requestError"]["serviceException"]
        assert list(said) == ["requestError"]
        assert {"messageId", "text"} <= set(exception) <= {"messageId", "text", "validationErrors"}
    assert 400 <= status < 500
    return dict(said)

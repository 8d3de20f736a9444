"""
What the control API is asked, what it answers, and what can be asked; light, for clients import it too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

__all__ = ["Asked", "ControlCalls", "Reply"]


def _never() -> bool:
    return False


class Asked(NamedTuple):
    """
    What an operation is asked: path parameters, query, and the raw body.
    """

    parameters: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    content_type: str
    base_url: str
    method: str = ""
    path: str = ""
    gone: Callable[[], bool] = _never
    """Whether whoever asked has hung up meanwhile."""


class Reply(NamedTuple):
    """
    What an operation answers: plain JSON values, or a document in bytes.
    """

    body: object
    status: int = 200
    content_type: str = ""
    """Of a body in bytes, which is answered as it is; empty: JSON, or NDJSON for a list."""
    headers: tuple[tuple[str, str], ...] = ()


class ControlCalls(Protocol):
    """
    The control API of a server, as far as it needs no HTTP.
    """

    async def call(self, method: str, path: str, asked: Asked) -> Reply:
        """Run one operation.  Problems are answers, too."""
        ...

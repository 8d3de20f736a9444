"""
The other side of a provider's API: what a client says, for load tests that play one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["ClientCall", "ClientSide", "json_at"]


class ClientCall(NamedTuple):
    """
    A call as a client makes it.
    """

    method: str
    path: str
    """Below the provider's base URL, with its query."""
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class ClientSide:
    """
    How a client sends one message, learns its id, and asks what has become of it.
    """

    send: Callable[[str, str, str, str], ClientCall]
    """Returns the send, for a credential, a recipient, a text and an id of the client's own."""
    id_of: Callable[[bytes], str] | None = None
    """Returns the message's id in the answer, empty where there is none; None: it is the client's own."""
    ask: Callable[[str, str], ClientCall] | None = None
    """Returns the question for the state of a message, for a credential and its id; None: there is none."""
    state_of: Callable[[bytes], str] = lambda _: ""
    """Returns the state in the answer to that, in the provider's words; empty: none is known."""


def json_at(body: bytes, *path: str | int) -> str:
    """Return the text or number at *path* of a JSON body; empty: there is none."""
    try:
        value: Any = json.loads(body)
        for step in path:
            value = value[step]
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
    return str(value) if isinstance(value, str | int) else ""

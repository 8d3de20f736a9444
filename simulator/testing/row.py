"""
What the contract needs to know of a provider, and cannot ask it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from simulator.kernel.model.recipient import Value
from simulator.provider import Code

__all__ = ["Ended", "Request", "Row"]


class Request(NamedTuple):
    """
    A call as it goes over the wire.
    """

    method: str
    path: str
    """With its query, percent-encoded; in it `{name}` may stand for what `Row.signed` puts there."""
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Ended(NamedTuple):
    """
    What became of a send: its answer, and what the journal tells.
    """

    status: int
    body: bytes
    codes: frozenset[str]
    """The provider's codes in the journal and of the message."""
    state: str
    """State of the message; empty: there is none."""


def _bearer(request: Request, credential: str) -> Request:
    return request._replace(headers={**request.headers, "Authorization": f"Bearer {credential}"})


def _plus(number: str) -> str:
    return f"+{number.removeprefix('+')}"


def _told(code: Code, ended: Ended) -> bool:
    return code.code in ended.codes


class Row(NamedTuple):
    """
    One provider in the contract.
    """

    send: Callable[[str, str], Request]
    """
    From a recipient as clients write it to a call that sends to it alone, credential apart.

    The second argument is the kind of a catalogue row (`Code.kind`), for providers
    whose magic recipients belong to different calls; empty for ordinary sends.
    """
    number: Callable[[int], str]
    """The n-th ordinary recipient as clients write it."""
    signed: Callable[[Request, str], Request] = _bearer
    """The same request with a credential, as settings list it, in its header, its path or elsewhere."""
    refused_credential: str = "invalid-token"
    """A well-formed credential that every space refuses."""
    malformed: Mapping[str, str] = {"Authorization": "Nonsense"}
    """Headers of a client whose credential is not of the provider's form."""
    address: Callable[[str], str] = _plus
    """From a recipient as clients write it to the kernel's spelling."""
    holds: Callable[[Code, Ended], bool] = _told
    """Whether a send to a magic recipient ended as the catalogue says; by itself: its code was told."""
    circumstances: Mapping[str, Value] = {}
    """What must be true of an ordinary recipient before anything can be sent to it."""
    bad: Mapping[str, Request] = {}
    """
    Requests that the provider's own checks refuse, by what is wrong with them, credential apart.

    Each must be told why.  Name here at least one for every check that you wrote.
    """
    page: bytes = b""
    """What stands in the page that answers unknown paths; empty: they are answered like other refusals."""
    readme: str = ""
    """Text of a page that lists every endpoint as `` `METHOD /path` ``; empty: there is none to check."""

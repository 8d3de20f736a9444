"""
What a port shows: the providers, and beside them what is the simulator's own.

The control API and its pages are loaded when they are first asked for: servers start and send without.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple, Protocol

import msgspec

from simulator import __version__
from simulator.server.addressing import PROBES, Address, Addressing
from simulator.server.asked import Asked, ControlCalls
from simulator.server.edge import Edge
from simulator.server.guests import Guests, forbidden
from simulator.server.losses import Losses
from simulator.server.problems import Problem
from simulator.server.replies import HttpReply, problem_reply
from simulator.server.spaces import SpaceRegistry

__all__ = ["CONTROL", "PROBES", "ControlPages", "Faces", "OwnCall", "only_read"]

CONTROL: Final = "/_sim/v1/"
"""What the paths of the control API begin with."""
_LASTING: Final = ("/wait", "/journal")
"""Questions whose answers end when the client goes away."""


class OwnCall(NamedTuple):
    """
    The head of a request that is to no provider.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    """By name, in any letters."""
    host: str
    scheme: str = "http"

    @property
    def lasts(self) -> bool:
        """True: its answer may take as long as the client stays."""
        return self.method == "GET" and self.path.rstrip("/").endswith(_LASTING)

    @property
    def follows(self) -> bool:
        """True: it asks for the journal as it grows."""
        follow = dict(self.query).get("follow")
        return self.method == "GET" and self.path.endswith("/journal") and follow in ("1", "true")

    def asked(self, body: bytes) -> Asked:
        """Return what it asks an operation."""
        kind = self.headers.get("Content-Type", "")
        return Asked({}, dict(self.query), body, kind, f"{self.scheme}://{self.host}")


class ControlPages(ControlCalls, Protocol):
    """
    The control API of a server, over HTTP as well; its module is loaded when it is first asked.
    """

    async def reply(self, method: str, path: str, asked: Asked) -> HttpReply:
        """Run one operation and return what is answered.  Problems are answers, too."""
        ...

    def followed(self, path: str, asked: Asked) -> AsyncIterator[bytes]:
        """Return the journal as it grows, or nothing from time to time; raises Problem at once."""
        ...


class Faces:
    """
    Everything that one server serves, whichever of its ports it is asked at.
    """

    def __init__(self, registry: SpaceRegistry, allow_hosts: frozenset[str]) -> None:
        self.registry = registry
        self.addressing = Addressing(registry.providers)
        self.edge = Edge(registry, Guests(allow_hosts, self.addressing.is_providers))
        self.losses = Losses()
        self._allow_hosts = allow_hosts

    def addresses(self, alone: str) -> Callable[[str, str], Address | None]:
        """Return what tells where a request to a host and path belongs; *alone* names the only provider."""
        if not alone:
            return self.addressing.find
        provider = self.registry.providers[alone]
        return lambda _, path: Address(provider, "", path, "")

    @cached_property
    def control(self) -> ControlPages:
        """The control API."""
        from simulator.server.http import ControlFace
        from simulator.server.operations.base import Controller

        return ControlFace(Controller(self.registry))

    def at_once(self, call: OwnCall) -> HttpReply | None:
        """Return the reply to a probe, or to a call that is turned away; None: it is to be served."""
        if call.path in PROBES:
            # Probes know the address of a container, and any name for it.
            wrong = only_read(call.method)
            return wrong or _json({"status": "ok", "version": __version__})
        problem = forbidden(call.method, call.host, call.headers, self._allow_hosts)
        return problem_reply(problem) if problem is not None else None


def only_read(method: str) -> HttpReply | None:
    """Return the reply to who does anything but read what is only read; None: it is to be served."""
    if method in ("GET", "HEAD"):
        return None
    reply = problem_reply(Problem(405, "Wrong method", f"expected GET, got {method[:50]}"))
    return reply._replace(headers=(*reply.headers, ("Allow", "GET, HEAD")))


def _json(body: object) -> HttpReply:
    return HttpReply(200, msgspec.json.encode(body), (("Content-Type", "application/json"),))

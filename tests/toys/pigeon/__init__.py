"""
Pigeon post: a provider that does not exist, with an awkward wire format.

It keeps kernel, server and plugin honest: whatever they do must work for a
provider that nobody had in mind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from simulator.kernel.engine.call_result import CallRefusal
from simulator.kernel.model.fates import Fate
from simulator.provider import Answer, Call, Code, Coverage, Credential, Gateway, Route
from simulator.schema.shapes import Shape
from toys.pigeon.account import RETRY_DOCUMENTED, SETTINGS, PigeonAccount
from toys.pigeon.codes import CALL_REFUSALS, FAILURE_SHAPE, REFUSAL_SHAPE, catalogue
from toys.pigeon.wire import BadFlock, parse_flock, pigeon, render_outcomes

__all__ = ["PROVIDER", "RETRY_DOCUMENTED", "Pigeon", "PigeonAccount", "pigeon"]

_TYPE: Final = "text/x-coo"
_RING: Final = re.compile(r"[A-Za-z0-9-]{4,100}")


def _release(call: Call) -> Answer:
    credential = call.credential.text if call.credential is not None else ""
    try:
        flock = parse_flock(call.body, call.gateway.now_ms, credential)
    except BadFlock as bad:
        return Answer(400, f"HUH|{bad}\n".encode(), _TYPE)
    return Answer(207, render_outcomes(call.submit(flock)), _TYPE)


def _count(call: Call) -> Answer:
    birds = [key for key in call.gateway.simulation.messages if key.provider == "pigeon"]
    return Answer(200, f"BIRDS|{len(birds)}\n".encode(), _TYPE)


def _find(call: Call) -> Answer:
    message = call.gateway.simulation.message("pigeon", call.parameters["id"])
    if message is None:
        return Answer(404, f"LOST|{call.path}\n".encode(), _TYPE)
    return Answer(200, f"BIRD|{message.id}|{message.state.value}\n".encode(), _TYPE)


class Pigeon:
    """
    The pigeon post.
    """

    name = "pigeon"
    title = "Pigeon post"
    hosts = ("loft.example", "*.loft.example")
    routes: Sequence[Route] = (
        Route("POST", "/release", _release, "send", sends=True, body_bytes_max=65_536),
        Route("GET", "/birds", _count, "birds"),
        Route("GET", "/birds/{id}", _find, "bird"),
    )
    coverage: Sequence[Coverage] = (
        Coverage("POST", "/release", "supported"),
        Coverage("GET", "/birds", "supported"),
        Coverage("GET", "/birds/{id}", "supported"),
        Coverage("POST", "/recall", "absent"),
    )
    settings: Shape[Mapping[str, object]] = SETTINGS
    refusal_shape: Shape[str] = REFUSAL_SHAPE
    failure_shape: Shape[Fate] = FAILURE_SHAPE
    acts: Sequence[str] = ("writes",)
    numbers: str = "+90555"

    def open(self, gateway: Gateway) -> PigeonAccount:
        """Return a fresh account of a space."""
        return PigeonAccount(gateway.simulation.clock)

    def normal_path(self, path: str) -> str:
        """Return *path* as `routes` spells it."""
        return path

    def mint_credential(self, token: str) -> str:
        """Return a ring."""
        return f"ring-{token}"

    def example(self, base_url: str, credential: str) -> str:
        """Return a curl command that releases a first bird."""
        return f"curl {base_url}/release -H 'Ring: {credential}' --data-binary 'COO|+905550000001|hello'"

    def credential_of(self, call: Call) -> Credential | None:
        """Return the ring of a call; None when it is missing or malformed."""
        ring = call.headers.get("Ring", "")
        return Credential("ring", ring) if _RING.fullmatch(ring) else None

    def unauthorized(self, call: Call) -> Answer:
        """Answer 403."""
        return Answer(403, b"SHOO|show your ring\n", _TYPE)

    def not_found(self, call: Call, allowed: Sequence[str]) -> Answer:
        """Answer 404, or 405 for a wrong method."""
        if allowed:
            return Answer(405, f"NO|{call.method}|{','.join(allowed)}\n".encode(), _TYPE)
        return Answer(404, f"LOST|{call.path}\n".encode(), _TYPE)

    def too_large(self, call: Call, bytes_max: int) -> Answer:
        """Answer 413."""
        return Answer(413, f"HEAVY|{bytes_max}\n".encode(), _TYPE)

    def failed(self, call: Call) -> Answer:
        """Answer 500."""
        return Answer(500, b"OUCH\n", _TYPE)

    def refused(self, call: Call, refusal: CallRefusal) -> Answer:
        """Answer a flock that a rule refuses, saying when to come back."""
        seconds = -(-refusal.retry_after_ms // 1_000)
        headers = (("Retry-After", str(seconds)),) if seconds else ()
        return Answer(CALL_REFUSALS[refusal.code], f"SHOO|{refusal.code}\n".encode(), _TYPE, headers)

    def codes(self) -> Sequence[Code]:
        """Return every failure and refusal with its magic recipient."""
        return catalogue()


PROVIDER: Final = Pigeon()

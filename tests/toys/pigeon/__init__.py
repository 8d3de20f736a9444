"""
Pigeon post: a provider that does not exist, with an awkward wire format.

It keeps kernel, server and plugin honest: whatever they do must work for a
provider that nobody had in mind.  It is the model for new ones as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from simulator.provider import Answer, Call, Coverage, Credential, Provider, Refuse, Route
from toys.pigeon.account import RETRY_DOCUMENTED, SETTINGS, PigeonAccount
from toys.pigeon.codes import ASTRAY, CALL_REFUSALS, FAILURE_SHAPE, OWN_REFUSALS, REFUSAL_SHAPE, catalogue
from toys.pigeon.wire import parse_flock, pigeon, render_outcomes

__all__ = ["PROVIDER", "RETRY_DOCUMENTED", "PigeonAccount", "pigeon"]

_TYPE: Final = "text/x-coo"
_RING: Final = re.compile(r"[A-Za-z0-9-]{4,100}")


def _release(call: Call) -> Answer:
    flock = parse_flock(call.body, call.gateway.now_ms, call.credential_text)
    # Pigeon answers 207 even when every bird is refused; clients must read the body.
    return Answer(207, render_outcomes(call.submit(flock)), _TYPE)


def _count(call: Call) -> Answer:
    birds = sum(1 for _ in call.gateway.messages())
    return Answer(200, f"BIRDS|{birds}\n".encode(), _TYPE)


def _find(call: Call) -> Answer:
    message = call.gateway.message(call.path_values["id"])
    if message is None:
        raise Refuse(ASTRAY, f"there is no bird {call.path_values['id'][:40]}")
    return Answer(200, f"BIRD|{message.id}|{message.state.value}\n".encode(), _TYPE)


def _ring_of(call: Call) -> Credential | None:
    ring = call.headers.get("Ring", "")
    return Credential("ring", ring) if _RING.fullmatch(ring) else None


def _unauthorized(call: Call) -> Answer:
    return Answer(403, b"SHOO|show your ring\n", _TYPE)


def _lost(call: Call, allowed: Sequence[str]) -> Answer:
    if allowed:
        return Answer(405, f"NO|{call.method}|{','.join(allowed)}\n".encode(), _TYPE)
    return Answer(404, f"LOST|{call.path}\n".encode(), _TYPE)


def _heavy(call: Call, bytes_max: int) -> Answer:
    return Answer(413, f"HEAVY|{bytes_max}\n".encode(), _TYPE)


def _failed(call: Call) -> Answer:
    return Answer(500, b"OUCH\n", _TYPE)


def _refused(call: Call, refuse: Refuse) -> Answer:
    if refuse.code in OWN_REFUSALS:
        return Answer(OWN_REFUSALS[refuse.code], f"{refuse.code}|{refuse.why}\n".encode(), _TYPE)
    return Answer(CALL_REFUSALS[refuse.code], f"SHOO|{refuse.code}\n".encode(), _TYPE, refuse.retry_headers)


PROVIDER: Final = Provider(
    name="pigeon",
    title="Pigeon post",
    hosts=("loft.example", "*.loft.example"),
    routes=(
        Route("POST", "/release", _release, "send", sends=True, body_bytes_max=65_536),
        Route("GET", "/birds", _count, "birds"),
        Route("GET", "/birds/{id}", _find, "bird"),
    ),
    coverage=(
        Coverage("POST", "/release", "supported"),
        Coverage("GET", "/birds", "supported"),
        Coverage("GET", "/birds/{id}", "supported"),
        Coverage("POST", "/recall", "absent"),
    ),
    settings=SETTINGS,
    open=PigeonAccount,
    codes=catalogue,
    refusal_shape=REFUSAL_SHAPE,
    failure_shape=FAILURE_SHAPE,
    acts=("writes",),
    numbers="+90555",
    mint_credential=lambda token: f"ring-{token}",
    example=lambda base_url, credential: (
        f"curl {base_url}/release -H 'Ring: {credential}' --data-binary 'COO|+905550000001|hello'"
    ),
    credential_of=_ring_of,
    unauthorized=_unauthorized,
    not_found=_lost,
    too_large=_heavy,
    failed=_failed,
    refused=_refused,
)

"""
The truth audit: what the integrator believes about each message, against what happened.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple
from urllib.parse import quote

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from simulator.evidence.result import Check
from simulator.kernel.expect import REFUSED, Ask
from simulator.kernel.journal import narrative
from simulator.kernel.message import Message
from simulator.kernel.simulation import Simulation
from simulator.kernel.submission import MessageKey
from simulator.run.checks import refused_for_good, stories

__all__ = ["audit"]

_ASKED_AT_ONCE = 32
_TIMEOUT_REAL_S = 10.0
_NAMED_MAX = 20


class _Asked(NamedTuple):
    """What the integrator is asked about, and the truth of it."""

    key: MessageKey
    id: str
    truth: str
    message: Message | None
    """None: it was refused."""
    line: str = ""
    """What the journal says of a refused one."""


async def audit(ask: Ask, simulation: Simulation, client: ClientSession) -> Check:
    """Return the check of all messages whose state the scenario gives a meaning."""
    asked = list(islice(_asked(ask, simulation), ask.limit))
    waiting = iter(asked)
    wrong: list[tuple[_Asked, str]] = []

    async def worker() -> None:
        for one in waiting:
            complaint = await _complaint(ask, one, client)
            if complaint:
                wrong.append((one, complaint))

    await asyncio.gather(*(worker() for _ in range(_ASKED_AT_ONCE)))
    wrong.sort(key=lambda found: found[0].key)
    named = [f"{one.key}: {complaint}" for one, complaint in wrong[:_NAMED_MAX]]
    if len(wrong) > _NAMED_MAX:
        named.append(f"… and {len(wrong) - _NAMED_MAX} more")
    told = stories(simulation, [one.message for one, _ in wrong if one.message is not None])
    refusals = [one.line for one, _ in wrong[:_NAMED_MAX] if one.line]
    return Check(
        name=f"integrator: {ask.field}",
        passed=not wrong,
        detail=f"the integrator is right about {len(asked) - len(wrong)} of {len(asked)} messages",
        lines=(*named, *(["", *refusals, *told] if wrong else [])),
    )


def _asked(ask: Ask, simulation: Simulation) -> Iterator[_Asked]:
    for message in simulation.messages.values():
        if message.state.value in ask.means:
            yield _Asked(message.key, message.id, message.state.value, message)
    if REFUSED in ask.means:
        for entry in refused_for_good(simulation):
            if entry.key is not None:
                yield _Asked(entry.key, entry.ref, REFUSED, None, narrative(entry))


async def _complaint(ask: Ask, asked: _Asked, client: ClientSession) -> str:
    """Return what is wrong with the integrator's belief, or an empty text."""
    url = ask.url
    filled = {"{id}": asked.id, "{recipient}": asked.key.recipient, "{provider}": asked.key.provider}
    for name, value in filled.items():
        url = url.replace(name, quote(value, safe=""))
    try:
        timeout = ClientTimeout(total=_TIMEOUT_REAL_S)
        async with client.request(ask.method, URL(url, encoded=True), timeout=timeout) as answer:
            body = await answer.read()
            if answer.status >= 400:
                return f"it is {asked.truth}, but {ask.method} {url} answers {answer.status}"
    except (ClientError, OSError, TimeoutError) as trouble:
        return f"it is {asked.truth}, but {ask.method} {url} fails: {trouble!r}"
    belief = _belief(body, ask.field)
    if belief in ask.means[asked.truth]:
        return ""
    wanted = " or ".join(ask.means[asked.truth])
    return f"it is {asked.truth}, so {ask.field} should be {wanted}, but is {belief}"


def _belief(body: bytes, field: str) -> str:
    try:
        value = json.loads(body)
    except ValueError:
        return "no JSON"
    for name in field.split("."):
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return "missing"
    return value if isinstance(value, str) else json.dumps(value)

"""
The truth audit: what the integrator believes about each message, against what happened.
"""

from __future__ import annotations

import asyncio
import json
from urllib.parse import quote

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from simulator.evidence.result import Check
from simulator.kernel.expect import Ask
from simulator.kernel.message import Message
from simulator.kernel.simulation import Simulation
from simulator.run.checks import stories

__all__ = ["audit"]

_ASKED_AT_ONCE = 32
_TIMEOUT_REAL_S = 10.0
_NAMED_MAX = 20


async def audit(ask: Ask, simulation: Simulation, client: ClientSession) -> Check:
    """Return the check of all messages whose state the scenario gives a meaning."""
    messages = [m for m in simulation.messages.values() if m.state.value in ask.means][: ask.limit]
    waiting = iter(messages)
    wrong: list[tuple[Message, str]] = []

    async def worker() -> None:
        for message in waiting:
            complaint = await _complaint(ask, message, client)
            if complaint:
                wrong.append((message, complaint))

    await asyncio.gather(*(worker() for _ in range(_ASKED_AT_ONCE)))
    wrong.sort(key=lambda found: found[0].key)
    named = [f"{message.key}: {complaint}" for message, complaint in wrong[:_NAMED_MAX]]
    if len(wrong) > _NAMED_MAX:
        named.append(f"… and {len(wrong) - _NAMED_MAX} more")
    return Check(
        name=f"integrator: {ask.field}",
        passed=not wrong,
        detail=f"the integrator is right about {len(messages) - len(wrong)} of {len(messages)} messages",
        lines=(*named, *(["", *stories(simulation, [message for message, _ in wrong])] if wrong else [])),
    )


async def _complaint(ask: Ask, message: Message, client: ClientSession) -> str:
    """Return what is wrong with the integrator's belief, or an empty text."""
    url = ask.url
    filled = {"{id}": message.id, "{recipient}": message.key.recipient, "{provider}": message.key.provider}
    for name, value in filled.items():
        url = url.replace(name, quote(value, safe=""))
    try:
        timeout = ClientTimeout(total=_TIMEOUT_REAL_S)
        async with client.request(ask.method, URL(url, encoded=True), timeout=timeout) as answer:
            body = await answer.read()
            if answer.status >= 400:
                return f"it is {message.state.value}, but {ask.method} {url} answers {answer.status}"
    except (ClientError, OSError, TimeoutError) as trouble:
        return f"it is {message.state.value}, but {ask.method} {url} fails: {trouble!r}"
    belief = _belief(body, ask.field)
    if belief in ask.means[message.state.value]:
        return ""
    wanted = " or ".join(ask.means[message.state.value])
    return f"it is {message.state.value}, so {ask.field} should be {wanted}, but is {belief}"


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

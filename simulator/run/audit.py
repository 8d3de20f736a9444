"""
The truth audit: what the integrator believes about each message, against what happened.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote

from simulator.evidence.result import Check
from simulator.explain.narrative import narrative
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.run.checks import kept_from_integrator, refused_for_good, stories
from simulator.runtime.transport.redirects import followed
from simulator.runtime.transport.seam import Terms, Transport
from simulator.scenario.goals import REFUSED, Ask

__all__ = ["audit"]

_ASKED_AT_ONCE = 32
_ANSWER_BYTES_MAX = 1_048_576
_TERMS = Terms(timeout_real_ms=10_000, keep_bytes_max=_ANSWER_BYTES_MAX, read_bytes_max=_ANSWER_BYTES_MAX)
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


async def audit(ask: Ask, simulation: Simulation, client: Transport) -> Check:
    """
    Return the check of all messages whose state the scenario gives a meaning.

    Nobody is blamed for not knowing what the scenario kept from them: a report
    that was dropped or is held back, an id in an answer that was cut off.
    """
    everything = list(_everything(simulation))
    meant = [each for each in everything if each.truth in ask.means]
    asked = meant[: ask.limit]
    waiting = iter(asked)
    wrong: list[tuple[_Asked, str]] = []
    excused = 0
    kept = kept_from_integrator(simulation)

    async def worker() -> None:
        nonlocal excused
        for each in waiting:
            complaint = await _complaint(ask, each, client)
            if complaint and each.key in kept:
                excused += 1
            elif complaint:
                wrong.append((each, complaint))

    await asyncio.gather(*(worker() for _ in range(_ASKED_AT_ONCE)))
    wrong.sort(key=lambda pair: pair[0].key)
    named = [f"{each.key}: {complaint}" for each, complaint in wrong[:_NAMED_MAX]]
    if len(wrong) > _NAMED_MAX:
        named.append(f"… and {len(wrong) - _NAMED_MAX} more")
    stories_of_wrong = stories(simulation, [each.message for each, _ in wrong if each.message is not None])
    refusals = [each.line for each, _ in wrong[:_NAMED_MAX] if each.line]
    return Check(
        name=f"integrator: {ask.field}",
        # An audit that asks about nothing, though there is something, finds nothing out.
        passed=not wrong and (bool(asked) or not everything),
        detail=_detail(everything, meant, asked, len(wrong), excused),
        lines=(*named, *(["", *refusals, *stories_of_wrong] if wrong else [])),
        blamed=tuple(each.key for each, _ in wrong),
    )


def _detail(
    everything: Sequence[_Asked], meant: Sequence[_Asked], asked: Sequence[_Asked], wrong: int, excused: int
) -> str:
    """Return what the audit found, and all that it did not look at."""
    judged = len(asked) - excused
    sentences = [f"the integrator is right about {judged - wrong} of {judged} messages"]
    if excused:
        sentences.append(f"excused, for the scenario kept the truth from it: {excused}")
    if len(asked) < len(meant):
        sentences.append(f"beyond the limit: {len(meant) - len(asked)}")
    meanings = {each.truth for each in meant}
    left = Counter(each.truth for each in everything if each.truth not in meanings)
    if left:
        counts = ", ".join(f"{count} {truth}" for truth, count in sorted(left.items()))
        sentences.append(f"not asked about, for means: has no word for them: {counts}")
    return "; ".join(sentences)


def _everything(simulation: Simulation) -> Iterator[_Asked]:
    """Yield every message, and every send that was refused for good."""
    for message in simulation.messages.values():
        yield _Asked(message.key, message.id, message.state.value, message)
    for entry in refused_for_good(simulation):
        if entry.key is not None:
            yield _Asked(entry.key, entry.ref, REFUSED, None, narrative(entry))


async def _complaint(ask: Ask, asked: _Asked, client: Transport) -> str:
    """Return what is wrong with the integrator's belief, or an empty text."""
    url = ask.url
    filled = {"{id}": asked.id, "{recipient}": asked.key.recipient, "{provider}": asked.key.provider}
    for name, value in filled.items():
        url = url.replace(name, quote(value, safe=""))
    reply = await followed(client, WebhookRequest(url=url, body=b"", method=ask.method), _TERMS)
    if not reply.status:
        return f"it is {asked.truth}, but {ask.method} {url} fails: {reply.error}"
    if reply.status >= 400:
        return f"it is {asked.truth}, but {ask.method} {url} answers {reply.status}"
    belief = _belief(reply.body, ask.field)
    if belief in ask.means[asked.truth]:
        return ""
    expected = " or ".join(ask.means[asked.truth])
    return f"it is {asked.truth}, so {ask.field} should be {expected}, but is {belief}"


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

"""
How to do a message again: the call as curl, its fate as a rule, the whole as a pytest test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from shlex import quote as shell_quote
from typing import Final, NamedTuple
from urllib.parse import urlencode

from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.message import Message
from simulator.kernel.model.units import format_duration
from simulator.runtime.space import Exchange
from simulator.scenario.loader import ScenarioError, load
from simulator.server.inspector.frame import Visit

__all__ = ["Again", "again", "find_exchange"]

_CREDENTIAL: Final = re.compile(r"-u '[^']*'|-H 'Authorization: [^']*'")
_KINDS: Final = {"{": "application/json", "[": "application/json", "<": "application/xml"}
_ENDINGS: Final = {State.DELIVERED: "deliver", State.READ: "read", State.EXPIRED: "expire"}


class Again(NamedTuple):
    """
    Three ways to have the same thing happen again.
    """

    curl: str
    rule: str
    test: str


def find_exchange(visit: Visit, message: Message) -> Exchange | None:
    """Return the call that sent *message*, as far as it is still known."""
    name = message.id.encode()
    digits = message.key.recipient.removeprefix("+").encode()
    at_that_time = [
        exchange
        for exchange in visit.space.exchanges
        if exchange.at_ms == message.accepted_ms
        and exchange.provider == message.key.provider
        and exchange.method != "GET"
    ]
    for exchange in at_that_time:
        if name and (name in exchange.answer or name in exchange.request):
            return exchange
    return next(
        (
            exchange
            for exchange in at_that_time
            if digits in exchange.request or digits in exchange.path.encode()
        ),
        None,
    )


def again(visit: Visit, message: Message, exchange: Exchange | None) -> Again:
    """Return how to do *message* again."""
    rule = _rule(visit, message)
    return Again(_curl(visit, message, exchange), rule, _test(visit, message, rule))


def _curl(visit: Visit, message: Message, exchange: Exchange | None) -> str:
    provider = visit.controller.providers[message.key.provider]
    credentials = visit.controller.registry.credentials(visit.space.name)
    base = visit.controller.urls(visit.space, visit.base_url)[provider.name]
    example = provider.example(base, credentials[provider.name])
    if exchange is None:
        return (
            f"# The call itself is not kept any more; this is a first message at {provider.title}.\n{example}"
        )
    proof = _CREDENTIAL.search(example)
    query = f"?{urlencode(exchange.query)}" if exchange.query else ""
    body = exchange.request.decode("utf-8", "replace")
    kind = _KINDS.get(body.lstrip()[:1], "application/x-www-form-urlencoded")
    lines = [f"curl -X {exchange.method} {shell_quote(f'{base}{exchange.path}{query}')}"]
    if proof is not None:
        lines.append(f"  {proof.group()}")
    if body:
        lines += [f"  -H 'Content-Type: {kind}'", f"  --data-binary {shell_quote(body)}"]
    return " \\\n".join(lines)


def _rule(visit: Visit, message: Message) -> str:
    """Return a scenario with a rule that leads to the same end; every candidate is tried with the loader."""
    providers = visit.controller.providers
    for fate in _fates(message):
        text = (
            "rules:\n"
            f"  - name: as message {message.key.ordinal} to {message.key.recipient}\n"
            f"    when: {{provider: {message.key.provider}, recipient: {_quoted(message.key.recipient)}}}\n"
            f"    then: {{fate: {fate}}}\n"
        )
        try:
            read = load(text, "rule", providers).rules[0].then.fate
        except ScenarioError:
            continue
        if read is not None and (not message.code or read.code in ("", message.code)):
            return text
    return "# Nothing that a rule can say leads to this end.\n"


def _fates(message: Message) -> Iterator[str]:
    after = format_duration(max(0, message.changed_ms - message.accepted_ms))
    if message.state is State.FAILED:
        code, reason = _quoted(message.code), message.reason.value
        candidates = [
            *(f"{name}: {code}" for name in ("code", "error", "status", "result") if message.code),
            *([f"reason: {reason}"] if reason else ()),
        ]
        for candidate in candidates:
            yield f"{{fail: {{{candidate}, after: {after}}}}}"
        yield "fail"
    elif message.state is State.EXPIRED:
        yield "expire"
    elif message.state is State.DELIVERED:
        yield f"{{deliver: {{after: {after}}}}}"
    elif message.state is State.READ:
        yield "{deliver: {}, read: {after: 1s}}"
        yield "{read: {after: 1s}}"
    else:
        yield "silence"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _test(visit: Visit, message: Message, rule: str) -> str:
    state = message.state.value
    scenario = rule.rstrip("\n").replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return (
        "import pytest\n\n\n"
        f"@pytest.mark.simulator(seed={visit.space.seed})\n"
        f"def test_{message.key.provider}_message_is_{state}(simulator, app):\n"
        f'    simulator.load("""\n{scenario}\n""")\n\n'
        f"    app.send({message.key.recipient!r}, {message.submission.text[:200]!r})\n"
        "    simulator.settle()\n\n"
        f"    assert simulator.messages.one().state == {state!r}\n"
    )

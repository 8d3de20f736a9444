"""
What `serve` says when it is ready: all that a first message and a first webhook need.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator import __version__
from simulator.commands.tls import Tls
from simulator.explain.narrative import clock_words
from simulator.kernel.model.scenario import ClockMode
from simulator.runtime.space import Space
from simulator.server.app import Server
from simulator.server.spaces import DEFAULT_SPACE

__all__ = ["hello"]

_RECEIVER = "http://127.0.0.1:9000"


def hello(server: Server, https: Tls | None, *, drawn: bool) -> list[str]:
    """Return the lines; *drawn*: nobody gave the seed."""
    space = server.registry.get(DEFAULT_SPACE)
    scenario = space.simulation.scenario
    repeat = f" (drawn; --seed {space.seed} gives the same ids again)" if drawn else ""
    source = scenario.source or "none: every message is delivered after a moment"
    return [
        f"simulator {__version__} is ready at {server.url}",
        "",
        f"  {'scenario':14} {source}",
        f"  {'clock, seed':14} {_clock(space)}, {space.seed}{repeat}",
        *_webhooks(server, space),
        f"  {'inspector':14} {server.url}",
        f"  {'control API':14} {server.url}/_sim/openapi.json",
        *(https.lines(server.tls_url) if https is not None else ()),
        "",
        "Any well-formed credential is accepted; one that begins with `invalid` is refused.",
        "A first message to each provider:",
        *_examples(server),
        "",
        "`simulator listen` prints webhooks that arrive; Ctrl-C ends the simulator.",
    ]


def _clock(space: Space) -> str:
    words = clock_words(space.driver.mode, space.driver.rate)
    if space.driver.mode is ClockMode.LIVE:
        return words
    return f"{words} at {space.simulation.clock.datetime():%Y-%m-%dT%H:%M:%SZ}"


def _webhooks(server: Server, space: Space) -> Iterator[str]:
    """Yield where webhooks go, or how they are told to go somewhere."""
    targets = {name: _target(space, name) for name in space.gateways}
    if any(targets.values()):
        for number, (name, target) in enumerate(targets.items()):
            yield f"  {'' if number else 'webhooks':14} {name}: {target or 'nowhere'}"
        return
    yield f"  {'webhooks':14} nowhere yet: start with --webhook {_RECEIVER}, or for one provider"
    first = next(iter(space.gateways), "infobip")
    body = f'{{"webhook":{{"url":"{_RECEIVER}/{first}"}}}}'
    yield f"  {'':14} curl -X PUT {server.url}/_sim/v1/spaces/default/providers/{first} -d '{body}'"


def _target(space: Space, provider: str) -> str:
    webhook = space.gateways[provider].account.describe().get("webhook")
    url = webhook.get("url", "") if isinstance(webhook, dict) else ""
    return str(url or "")


def _examples(server: Server) -> Iterator[str]:
    credentials = server.registry.credentials(DEFAULT_SPACE)
    for name, provider in server.registry.providers.items():
        yield ""
        yield f"  {provider.title}: {server.url}/{name}"
        if name in server.alone_urls:
            yield f"  alone at {server.alone_urls[name]}"
        example = provider.example(f"{server.url}/{name}", credentials[name])
        yield from (f"    {line}" for line in example.splitlines())

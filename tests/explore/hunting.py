"""
A search in one process: the server, and the integrator of the mutants, right or wrong, on one loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from run.mutants.integrator import Integrator
from run.mutants.policy import Policy
from run.mutants.stage import BRIEF
from simulator.explore.invariants import Invariant
from simulator.explore.job import Bounds
from simulator.explore.reach import Reach
from simulator.explore.search import Search
from simulator.explore.trial import Trials
from simulator.provider import discover
from simulator.schema.node import Json
from simulator.server.app import Server, ServerConfig

__all__ = ["hunting", "reach_of"]

_SETTINGS: Final[Mapping[str, Callable[[str], Json]]] = {
    "infobip": lambda url: {
        "webhook": {"url": f"{url}/infobip/reports"},
        "inbound": {"url": f"{url}/infobip/inbound"},
    },
    "rbm": lambda url: {"webhook": {"url": f"{url}/rbm"}},
    "bip": lambda url: {"webhook": {"url": f"{url}/bip"}, "session": {"required": False}},
    "bitel": lambda url: {"webhook": {"url": f"{url}/bitel"}},
}


def reach_of(url: str, *providers: str, **changes: Any) -> Reach:
    """
    Return how the integrator at *url* is reached; it is asked for state, payments and SMS in one.
    """
    means: dict[str, Json] = {state: list(words) for state, words in BRIEF.items()}
    if "bitel" in providers:
        # It has one word for both.
        means["expired"] = [*BRIEF["expired"], *BRIEF["failed"]]
    question: Json = {
        "ask": f"GET {url}/messages/{{id}}",
        "field": "brief",
        "means": means,
        "within": "30ms",
    }
    drive: dict[str, Json] = {
        "call": f"POST {url}/send",
        "body": {"to": "{recipient}", "text": "{text}", "channel": "{provider}"},
    }
    values: dict[str, Any] = {
        "providers": providers,
        "drive": drive,
        "asks": (question,),
        "settings": {name: _SETTINGS[name](url) for name in providers},
    }
    return Reach(**{**values, **changes})


@contextmanager
def hunting(
    *providers: str,
    policy: Policy | None = None,
    setup: Mapping[str, Any] | None = None,
    own: Mapping[str, Invariant] | None = None,
    seed: int = 0,
    changes: Mapping[str, Any] | None = None,
    **bounds: Any,
) -> Iterator[Search]:
    """
    Yield a search of an integrator with *policy*, the right one if none is given.
    """
    loop = asyncio.new_event_loop()
    server = Server(ServerConfig(port=0, providers=discover()))
    integrator = Integrator(policy=policy or Policy(), **(setup or {}))
    loop.run_until_complete(server.start())
    loop.run_until_complete(integrator.__aenter__())
    integrator.simulator = server.url
    try:
        yield Search(
            Trials(server, own=own or {}),
            reach_of(integrator.url, *providers, **(changes or {})),
            loop,
            Bounds(**{"sweep": 2, "findings_max": 1, "examples": 400, **bounds}),
            seed=seed,
        )
    finally:
        loop.run_until_complete(integrator.__aexit__(None, None, None))
        loop.run_until_complete(server.stop())
        loop.close()

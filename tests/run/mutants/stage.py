"""
A run with the integrator of this folder, right or wrong: what the tests of mutants stand on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, Final

from run.mutants.integrator import Integrator
from run.mutants.policy import Policy
from simulator.evidence.result import RunResult
from simulator.kernel.model.scenario import ClockMode, ClockSpec, TimelineItem
from simulator.provider import discover
from simulator.run.runner import RunOptions, run
from simulator.scenario.goals import Ask, Drive, Growth, RunFile
from simulator.server.app import Server, ServerConfig
from simulator.server.spaces import DEFAULT_SPACE

__all__ = [
    "BRIEF",
    "DEEP",
    "LIVE",
    "STATES",
    "Play",
    "blames",
    "calls",
    "carry_out",
    "idle",
    "over_seeds",
    "perform",
    "sends",
    "webhooks_at",
]

DEEP: Final = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
"""Whether all seeds, all pairs and both clocks are tried: `make deep`."""
LIVE: Final = ClockSpec(mode=ClockMode.LIVE, rate=200)
"""A clock that moves by itself, so quick that hours pass in a test."""
_AT_ONCE: Final = 4
_AT_MOST_REAL_S: Final = 60.0
"""A run that waits for what never comes is judged as it stands, and has failed."""

STATES: Mapping[str, tuple[str, ...]] = {
    "delivered": ("DELIVERED",),
    "read": ("READ",),
    "failed": ("UNDELIVERABLE", "BLACKLIST"),
    "expired": ("EXPIRED",),
    "revoked": ("REVOKED",),
    "refused": ("REJECTED",),
}
BRIEF: Mapping[str, tuple[str, ...]] = {
    "delivered": ("DELIVERED billed=1 sms=0",),
    "read": ("READ billed=1 sms=0",),
    "failed": ("UNDELIVERABLE billed=0 sms=0", "BLACKLIST billed=0 sms=0"),
    "expired": ("EXPIRED billed=0 sms=0",),
    "refused": ("REJECTED billed=0 sms=0",),
}
"""State, how often it was paid for, and how many SMS went out in its place: none may be off by one."""


@dataclass(frozen=True, kw_only=True)
class Play:
    """
    What an integrator is made to do in a run, and what it is asked.
    """

    drive: tuple[Drive, ...]
    """With a path for a URL."""
    integrator: Mapping[str, Any] = field(default_factory=dict)
    """How it is set up, which is no question of right or wrong."""
    ask: str = "/messages/{id}"
    belief: str = "state"
    """The field of the answer that is looked at."""
    means: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: STATES)
    clock: ClockSpec | None = None
    steady: Mapping[str, float] = field(default_factory=dict)
    """Figures of GET /stats, and by how much they may grow."""
    audits: tuple[Ask, ...] = ()
    """Audits in place of the one that `ask`, `belief` and `means` make; each with a path for a URL."""
    restart_at_ms: int | None = None
    """When the timeline restarts it."""


async def carry_out(
    plan: RunFile, play: Play, policy: Policy | None = None, seed: int | None = None
) -> RunResult:
    """Carry out *plan* against an integrator with *policy*, the right one if none is given."""
    return await perform(plan, play, Integrator(policy=policy or Policy(), **play.integrator), seed)


async def over_seeds(plan: RunFile, play: Play, seeds: Iterable[int | None]) -> list[RunResult]:
    """Carry out *plan* against the right integrator once for each seed, a few at a time: most only wait."""
    results: list[RunResult] = []
    waiting = iter(seeds)
    while group := list(islice(waiting, _AT_ONCE)):
        results += await asyncio.gather(*(carry_out(plan, play, seed=seed) for seed in group))
    return results


async def perform(plan: RunFile, play: Play, integrator: Integrator, seed: int | None = None) -> RunResult:
    """Carry out *plan* against *integrator*; of *play* its drive and its questions count."""
    scenario = plan.scenario if seed is None else replace(plan.scenario, seed=seed)
    config = ServerConfig(
        port=0,
        seed=scenario.seed or 0,
        clock=play.clock or scenario.clock or ClockSpec(),
        scenario=scenario,
        providers=discover(),
    )
    server = Server(config)
    async with integrator:
        # Where webhooks go is said as soon as a live clock begins.
        await server.start()
        try:
            integrator.simulator = server.url
            space = server.registry.get(DEFAULT_SPACE)
            for provider, settings in webhooks_at(integrator.url).items():
                space.configure(provider, settings)
            drive = tuple(replace(one, url=integrator.url + one.url) for one in play.drive)
            ask = Ask(
                method="GET",
                url=integrator.url + play.ask,
                field=play.belief,
                means=play.means,
                within_real_ms=300,
            )
            steady = tuple(
                Growth(method="GET", url=f"{integrator.url}/stats", field=name, growth=growth)
                for name, growth in play.steady.items()
            )
            audits = tuple(replace(one, url=integrator.url + one.url) for one in play.audits)
            asks = audits or ((ask,) if play.means else ())
            expect = replace(plan.expect, integrator=asks, stays_below=steady)
            if play.restart_at_ms is not None:
                item = TimelineItem(at_ms=play.restart_at_ms, software=f"POST {integrator.url}/restart")
                scenario = replace(scenario, timeline=(*scenario.timeline, item))
            whole = replace(plan, drive=drive, scenario=scenario, expect=expect)
            return await run(server, whole, RunOptions(at_most_real_s=_AT_MOST_REAL_S))
        finally:
            await server.stop()


def webhooks_at(url: str) -> dict[str, dict[str, Any]]:
    """Return the settings of each provider that send its webhooks to an integrator at *url*."""
    return {
        "infobip": {
            "webhook": {"url": f"{url}/infobip/reports"},
            "inbound": {"url": f"{url}/infobip/inbound"},
        },
        "rbm": {"webhook": {"url": f"{url}/rbm"}},
        "bip": {"webhook": {"url": f"{url}/bip"}},
        "bitel": {"webhook": {"url": f"{url}/bitel"}},
    }


def blames(result: RunResult) -> list[str]:
    """Return the name of every expectation that was not met."""
    return [check.name for check in result.checks if not check.passed]


def idle(result: RunResult, plan: RunFile) -> set[str]:
    """Return the rules of *plan* that never applied, and the recipients that nobody wrote to."""
    simulation = result.space.simulation
    applied = {getattr(entry.fact, "rule", "") for entry in simulation.journal}
    rules = {rule.name for rule in plan.scenario.rules} - applied
    met = {entry.key.recipient for entry in simulation.journal if entry.key is not None}
    patterns = set(plan.scenario.recipients)
    return rules | {one for one in patterns if not any(fnmatchcase(number, one) for number in met)}


def sends(
    count: int = 4, *, to: Any = "{recipient}", recipient: str = "+4179", at_ms: int = 0, **body: Any
) -> Drive:
    """Return *count* calls that make the integrator send, all at one instant."""
    return Drive(
        method="POST",
        url="/send",
        at_ms=at_ms,
        count=count,
        recipients=(f"{recipient}{{n:07}}",),
        body={"to": to, **body},
    )


def calls(path: str, at_ms: int, count: int = 1, **body: Any) -> Drive:
    """Return calls of another kind at an instant."""
    return Drive(method="POST", url=path, at_ms=at_ms, count=count, body=body)

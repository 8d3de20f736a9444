"""
A run with a small integrator: what the tests of runs and of the shipped files stand on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from integrator import Integrator
from simulator.commands.files import find_scenario, load_run_file
from simulator.evidence.result import RunResult
from simulator.kernel.model.scenario import ClockSpec
from simulator.kernel.model.units import Rate
from simulator.provider import discover
from simulator.run.runner import RunOptions, run
from simulator.scenario.goals import Ask, Drive, RunFile
from simulator.server.app import Server, ServerConfig
from simulator.server.spaces import DEFAULT_SPACE

__all__ = ["MEANS", "carry_out", "failed", "shipped"]

MEANS: Mapping[str, tuple[str, ...]] = {
    "delivered": ("DELIVERED",),
    "read": ("DELIVERED",),
    "failed": ("UNDELIVERABLE", "REJECTED"),
    "expired": ("EXPIRED",),
    "refused": ("REJECTED",),
}


async def carry_out(
    plan: RunFile,
    integrator: Integrator,
    *,
    count: int = 12,
    at_ms: tuple[int, ...] = (0,),
    rate: Rate | None = Rate(10, 1_000),
    recipient: str = "+4179",
    clock: ClockSpec | None = None,
    field: str = "state",
    means: Mapping[str, tuple[str, ...]] = MEANS,
) -> RunResult:
    """Carry out *plan* with an integrator that is told to send *count* messages at each of *at_ms*."""
    scenario = plan.scenario
    server = Server(
        ServerConfig(
            port=0,
            seed=scenario.seed or 0,
            clock=clock or scenario.clock or ClockSpec(),
            scenario=scenario,
            providers=discover(),
        )
    )
    await server.start()
    try:
        async with integrator:
            integrator.simulator = server.url
            space = server.registry.get(DEFAULT_SPACE)
            for provider, settings in _webhooks(integrator.url).items():
                space.configure(provider, settings)
            drive = tuple(
                Drive(
                    method="POST",
                    url=f"{integrator.url}/send",
                    at_ms=start_ms,
                    count=count,
                    rate=rate,
                    recipient=recipient,
                    body={"to": "{recipient}"},
                )
                for start_ms in at_ms
                if count
            )
            ask = Ask(method="GET", url=f"{integrator.url}/messages/{{id}}", field=field, means=means)
            expect = replace(plan.expect, integrator=ask if means else None)
            driven = replace(plan, drive=drive, expect=expect)
            return await run(server, driven, RunOptions())
    finally:
        await server.stop()


def _webhooks(url: str) -> dict[str, dict[str, object]]:
    return {
        "infobip": {"webhook": {"url": f"{url}/reports"}, "inbound": {"url": f"{url}/inbound"}},
        "rbm": {"webhook": {"url": f"{url}/rbm"}},
        "bip": {"webhook": {"url": f"{url}/bip"}},
    }


def shipped(name: str) -> RunFile:
    """Return what a shipped file says."""
    return load_run_file(find_scenario(name), discover())


def failed(result: RunResult) -> list[str]:
    """Return every expectation that was not met, with what came instead."""
    return [f"{check.name}: {check.detail}" for check in result.checks if not check.passed]

"""
A run with a small integrator: what the tests of runs and of the shipped files stand on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from run.mutants.integrator import Integrator
from run.mutants.stage import Play, perform, sends
from simulator.commands.files import find_scenario, load_run_file
from simulator.evidence.result import RunResult
from simulator.kernel.model.arrivals import Arrivals, Constant
from simulator.kernel.model.scenario import ClockSpec
from simulator.kernel.model.units import Rate
from simulator.provider import discover
from simulator.scenario.goals import RunFile

__all__ = ["MEANS", "carry_out", "failed", "shipped"]

MEANS: Mapping[str, tuple[str, ...]] = {
    "delivered": ("DELIVERED",),
    "read": ("DELIVERED", "READ"),
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
    arrivals: Arrivals | None = Constant(Rate(10, 1_000)),
    recipient: str = "+4179",
    clock: ClockSpec | None = None,
    field: str = "state",
    means: Mapping[str, tuple[str, ...]] = MEANS,
) -> RunResult:
    """Carry out *plan* with an integrator that is told to send *count* messages at each of *at_ms*."""
    drive = tuple(
        replace(sends(count, recipient=recipient, at_ms=start_ms), arrivals=arrivals)
        for start_ms in at_ms
        if count
    )
    return await perform(plan, Play(drive=drive, clock=clock, belief=field, means=means), integrator)


def shipped(name: str) -> RunFile:
    """Return what a shipped file says."""
    return load_run_file(find_scenario(name), discover())


def failed(result: RunResult) -> list[str]:
    """Return every expectation that was not met, with what came instead."""
    return [f"{check.name}: {check.detail}" for check in result.checks if not check.passed]

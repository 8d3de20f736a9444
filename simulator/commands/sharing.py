"""
Runs over several workers, as `simulator run --workers` and `simulator check --workers` want them.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from contextlib import suppress

from simulator.commands.exits import COULD_NOT_START, EXPECTATIONS_FAILED, INTERRUPTED, INVALID
from simulator.commands.terminal import say
from simulator.evidence.result import RunResult
from simulator.load.extra import MissingExtra
from simulator.load.obstacles import obstacles
from simulator.load.run import Shared, run_shared
from simulator.provider import Provider
from simulator.scenario.goals import RunFile

__all__ = ["share", "tell_obstacles"]


def tell_obstacles(name: str, plan: RunFile, providers: Mapping[str, Provider], workers: int) -> bool:
    """Say what stands against sharing *plan* among *workers*; return whether anything does."""
    standing = obstacles(plan, providers, workers)
    for obstacle in standing:
        say(f"{name}: cannot be shared among {workers} workers: {obstacle}", err=True)
    return bool(standing)


def share(
    plan: RunFile, text: str, providers: Mapping[str, Provider], shared: Shared
) -> tuple[int, RunResult | None]:
    """Carry *plan* out over workers; return the exit code and the result, if there is one."""
    if tell_obstacles(plan.scenario.source or plan.scenario.name, plan, providers, shared.workers):
        return INVALID, None
    interrupted = False

    async def run() -> RunResult:
        nonlocal interrupted
        task = asyncio.current_task()
        assert task is not None

        def interrupt() -> None:
            nonlocal interrupted
            if not interrupted:
                say("interrupted: the workers bring what they have; once more ends them at once", err=True)
                interrupted = True
            assert task is not None
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            # Windows has no such signals to wait for.
            with suppress(NotImplementedError):
                asyncio.get_running_loop().add_signal_handler(number, interrupt)
        return await run_shared(plan, text, providers, shared)

    try:
        result = asyncio.run(run())
    except MissingExtra as trouble:
        say(f"simulator: {trouble}", err=True)
        return COULD_NOT_START, None
    if interrupted:
        return INTERRUPTED, result
    return (0 if result.passed else EXPECTATIONS_FAILED), result

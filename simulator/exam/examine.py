"""
Puts software through one hardship after the other, each in a space of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from simulator import __version__
from simulator.exam.grading import grade
from simulator.exam.hardships import Hardship
from simulator.exam.paper import Paper, paper
from simulator.exam.results import ExamResult, Grade, Outcome
from simulator.exam.software import Software
from simulator.kernel.model.scenario import ClockSpec
from simulator.provider import Provider
from simulator.run.runner import IntegratorUnreachable, RunOptions, run
from simulator.scenario.loader import load_run
from simulator.server.app import Server
from simulator.server.spaces import DEFAULT_SPACE

__all__ = ["examine"]

_TRIES_MAX: Final = 20
"""More tries at one webhook tell nothing new, and a receiver that takes none keeps everybody waiting."""
_HARDSHIP_REAL_S: Final = 60.0
"""A hardship that has not ended after so long has failed."""


async def examine(
    server: Server,
    provider: Provider,
    hardships: Sequence[Hardship],
    software: Software,
    *,
    seed: int = 0,
    options: RunOptions | None = None,
    graded: Callable[[Grade], Grade] = lambda grade: grade,
) -> ExamResult:
    """
    Put *software* through *hardships* on a started server, each in a fresh default space.

    Each grade goes through *graded* as soon as there is one.  Raises
    IntegratorUnreachable when there is nobody to examine.
    """
    options = options or RunOptions()
    options = replace(options, at_most_real_s=options.at_most_real_s or _HARDSHIP_REAL_S)
    began_s = asyncio.get_running_loop().time()
    retry = _ladder(server, provider)
    grades = []
    for number, hardship in enumerate(hardships):
        sheet = paper(hardship, provider, software, seed=seed, place=number, retry=retry)
        grades.append(graded(await _sit(server, hardship, sheet, options)))
    return ExamResult(
        provider=provider.name,
        title=provider.title,
        seed=seed,
        version=__version__,
        grades=tuple(grades),
        elapsed_real_s=asyncio.get_running_loop().time() - began_s,
    )


def _ladder(server: Server, provider: Provider) -> Sequence[int]:
    """Return the first waits of a schedule that goes on for a week; none of one that ends by itself."""
    accounts = server.registry.get(DEFAULT_SPACE).simulation.accounts
    waits_ms = accounts[provider.name].policy.retry.delays_ms
    return waits_ms[:_TRIES_MAX] if len(waits_ms) > _TRIES_MAX else ()


async def _sit(server: Server, hardship: Hardship, sheet: Paper, options: RunOptions) -> Grade:
    if sheet.why_not:
        return Grade(
            name=hardship.name,
            title=hardship.title,
            promise=hardship.promise,
            outcome=Outcome.NOT_JUDGED,
            reason=sheet.why_not,
        )
    plan = load_run(sheet.text, f"{hardship.name}.yaml", server.registry.providers)
    registry, scenario = server.registry, plan.scenario
    await registry.delete(DEFAULT_SPACE)
    registry.create(DEFAULT_SPACE, seed=scenario.seed, clock=scenario.clock or ClockSpec(), scenario=scenario)
    result = await run(server, plan, options)
    drive = result.drive
    if drive is not None and drive.made and not drive.statuses and not result.space.exchange_count:
        raise IntegratorUnreachable(f"nobody answers: {drive.first_failure}")
    return grade(hardship, plan, result, sheet.text)

"""
Workers: one search each, in a process of its own where there are several.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from simulator.explore.finding import Explored, Finding
from simulator.explore.found import read_found, write_finding
from simulator.explore.invariants import Invariant
from simulator.explore.job import Job, Progress
from simulator.explore.search import Search
from simulator.explore.trial import Trials
from simulator.provider import discover
from simulator.server.app import Server, ServerConfig

__all__ = ["explore", "invariant_named", "replay"]


def invariant_named(name: str) -> Invariant:
    """Return the function called `module:function`; raises ValueError when there is none."""
    module, _, function = name.partition(":")
    if not module or not function:
        raise ValueError(f"expected module:function, got {name!r}")
    try:
        invariant = getattr(import_module(module), function)
    except (ImportError, AttributeError) as trouble:
        raise ValueError(f"{name}: {trouble}") from None
    if not callable(invariant):
        raise ValueError(f"{name} is no function")
    checked: Invariant = invariant
    return checked


def explore(job: Job, progress: Progress, keep: Callable[[Finding], None]) -> Explored:
    """
    Search with all workers, and return what they found together.

    Raises OSError when a port cannot be had, and IntegratorUnreachable when nobody answers.
    """
    if job.workers == 1:
        return _work(job, progress, keep)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(job.workers, mp_context=context, initializer=_leave_interrupts) as pool:
        jobs = [replace(job, worker=worker) for worker in range(job.workers)]
        try:
            outcomes = list(pool.map(_work, jobs))
        except KeyboardInterrupt:
            # They would search on to their ends; what they found is written down already.
            for process in multiprocessing.active_children():
                process.terminate()
            raise
    together = reduce(Explored.together, outcomes)
    for finding in together.findings:
        keep(finding)
    return together


def _leave_interrupts() -> None:
    """Leave it to who began this process what a Ctrl-C or a closed terminal ends: both reach all of them."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _nothing(_phase: str, _runs: int, _findings: int) -> None:
    return None


def _work(
    job: Job, progress: Progress = _nothing, keep: Callable[[Finding], None] = lambda _: None
) -> Explored:
    def told(finding: Finding) -> None:
        if job.found is not None:
            write_finding(job.found, finding)
        keep(finding)

    with _Stage(job) as stage:
        search = Search(
            stage.trials,
            job.reach.at(stage.trials.server.url, job.worker),
            stage.loop,
            bounds=replace(job.bounds, runs=-(-job.bounds.runs // job.workers)),
            seed=job.seed,
            share=(job.worker, job.workers),
            progress=progress,
            keep=told,
        )
        if job.found is not None and job.found.is_dir() and job.worker == 0:
            search.retry(read_found(job.found))
        search.search()
        return search.outcome()


class Replayed(NamedTuple):
    """
    What became of one finding.
    """

    path: Path
    finding: Finding | None
    """What still fails."""
    sent: bool
    """False: the software sent nothing to this simulator, so that nothing can be said."""


def replay(job: Job, files: Sequence[tuple[Path, str]]) -> list[Replayed]:
    """Run what was found before again."""
    results: list[Replayed] = []
    with _Stage(job) as stage:
        for path, text in files:
            search = Search(stage.trials, job.reach, stage.loop)
            search.retry([(path, text)])
            finding = search.findings[0] if search.findings else None
            results.append(Replayed(path, finding, bool(search.sent)))
    return results


class _Stage:
    """A started server on a loop of its own."""

    def __init__(self, job: Job) -> None:
        own = {name: invariant_named(name) for name in job.invariants}
        port = job.port + job.worker if job.port else 0
        config = ServerConfig(host=job.host, port=port, allow_targets=job.allow_targets, providers=discover())
        self.trials = Trials(Server(config), allow_targets=job.allow_targets, own=own)
        self.loop = asyncio.new_event_loop()

    def __enter__(self) -> _Stage:
        try:
            self.loop.run_until_complete(self.trials.server.start())
        except BaseException:
            self.loop.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.run_until_complete(self.trials.server.stop())
        self.loop.close()

"""
The kernel's bench as a fixture, with the story of a failed test in its report.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

from toys.bench import Bench

_BENCH = pytest.StashKey[Bench]()


@pytest.fixture
def sim(request: pytest.FixtureRequest) -> Bench:
    """A fresh simulation with pigeons."""
    bench = Bench()
    request.node.stash[_BENCH] = bench
    return bench


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Print the seed and the narrative of a failed test."""
    report = yield
    bench = item.stash.get(_BENCH, None)
    if bench is not None and report.when == "call" and report.failed:
        seed = bench.simulation.chance.seed
        report.sections.append((f"narrative, seed {seed}", "\n".join(bench.narrative()[-200:])))
    return report

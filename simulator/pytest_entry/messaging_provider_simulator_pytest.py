"""
The pytest plugin: a simulator per test, on a server per session.

pytest imports it at the start of every run of everybody who has it installed.  So it is a module at
the top, under a name that nobody else has, and imports `simulator` only when a test wants one: a
project whose own module is called `simulator` must neither fail to start nor find ours in its place.
"""

from __future__ import annotations

import contextlib
import importlib.util
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["simulator", "simulator_config", "simulator_server"]

_NARRATIVE_LINES_MAX = 200
_SIMULATOR = pytest.StashKey[Any]()


# The contract says with plain assertions what it expected; this shows what it got.
pytest.register_assert_rewrite("simulator.testing")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "simulator(scenario=…, seed=…, clock=…, providers=…): how the `simulator` fixture's space is made",
    )


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say in a line when this plugin cannot do anything here."""
    other = _other_simulator()
    return [f"messaging-provider-simulator: stands aside, for `simulator` is {other}"] if other else []


def _other_simulator() -> str:
    """Return where `simulator` would be imported from when that is not ours; empty: it is."""
    try:
        spec = importlib.util.find_spec("simulator")
    except ValueError:
        spec = None
    if spec is None:
        return "missing"
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    if any((folder / "thread.py").exists() and (folder / "kernel").is_dir() for folder in folders):
        return ""
    return spec.origin or str(next(iter(folders), "elsewhere"))


@pytest.fixture(scope="session")
def simulator_config() -> dict[str, Any]:
    """Return the settings of the session's server; override it to change host, port, allow_targets."""
    return {"port": 0}


@pytest.fixture(scope="session")
def simulator_server(simulator_config: dict[str, Any]) -> Iterator[Any]:
    """Run a server in a thread of its own for the whole session; yields it with `url` and `control`."""
    if other := _other_simulator():
        pytest.fail(
            f"`simulator` is {other} here, not the messaging-provider simulator: rename that module, "
            "or run `simulator serve` and use its control API",
            pytrace=False,
        )
    from simulator.thread import ServerThread

    with ServerThread(**simulator_config) as server:
        yield server


@pytest.fixture
def simulator(request: pytest.FixtureRequest, simulator_server: Any) -> Iterator[Any]:
    """Yield a fresh space with a frozen clock; on failure its narrative and seed are reported."""
    from simulator.client import Simulator
    from simulator.control import ControlError

    marker = request.node.get_closest_marker("simulator")
    settings = dict(marker.kwargs) if marker is not None else {}
    # The same test always gets the same seed, and two tests different ones.
    settings.setdefault("default_seed", zlib.crc32(request.node.nodeid.encode()))
    space = Simulator.create(simulator_server.control, **settings)
    request.node.stash[_SIMULATOR] = space
    yield space
    # A test may have deleted its space itself.
    with contextlib.suppress(ControlError):
        space.delete()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Add the story to the report of a failed test."""
    report = yield
    space = item.stash.get(_SIMULATOR, None)
    if space is not None and report.when == "call" and report.failed:
        try:
            lines, seed = space.narrative(), str(space.seed)
        except Exception as trouble:
            # A test that stopped its server is still reported as what it is.
            lines, seed = [f"the story cannot be told: {trouble!r}"], "unknown"
        shown = lines[-_NARRATIVE_LINES_MAX:]
        left_out = [f"({len(lines) - len(shown)} earlier lines left out)"] if len(shown) < len(lines) else []
        report.sections.append((f"simulator space {space.space!r}, seed {seed}", "\n".join(left_out + shown)))
    return report

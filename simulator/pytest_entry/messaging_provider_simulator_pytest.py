"""
The pytest plugin: a simulator per test, on a server per session.

pytest imports it at the start of every run of everybody who has it installed.  So it is a module at
the top, under a name that nobody else has, and imports `simulator` only when a test wants one: a
project whose own module is called `simulator` must neither fail to start nor find ours in its place.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

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
        "simulator(scenario=…, seed=…, clock=…, start=…, providers=…): how the `simulator` fixture's space "
        "is made; the scenario may be a shipped one by its name",
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
    settings = _wanted(marker, request.path.parent) if marker is not None else {}
    # The same test always gets the same seed, and two tests different ones.
    settings.setdefault("default_seed", zlib.crc32(_lasting_name(request).encode()))
    space = Simulator.create(simulator_server.control, **settings)
    request.node.stash[_SIMULATOR] = space
    yield space
    # A test may have deleted its space itself.
    with contextlib.suppress(ControlError):
        space.delete()


_MARKED: Final = ("scenario", "seed", "clock", "start", "providers")


def _wanted(marker: pytest.Mark, folder: Path) -> dict[str, Any]:
    """Return what a marker says; a scenario file is looked for where the test is, too."""
    settings = dict(marker.kwargs)
    if marker.args:
        if len(marker.args) > 1 or "scenario" in settings:
            raise pytest.UsageError(
                f"@pytest.mark.simulator: expected one scenario, and all else by name, got {marker.args!r}"
            )
        settings["scenario"] = marker.args[0]
    if unknown := [name for name in settings if name not in _MARKED]:
        raise pytest.UsageError(
            f"@pytest.mark.simulator: unknown argument {unknown[0]!r}; known: {', '.join(_MARKED)}"
        )
    scenario = settings.get("scenario")
    if isinstance(scenario, str | Path) and str(scenario).endswith((".yaml", ".yml")):
        beside = folder / scenario
        if beside.exists() and not Path(scenario).exists():
            settings["scenario"] = beside
    return settings


def _lasting_name(request: pytest.FixtureRequest) -> str:
    """
    Return what names a test wherever pytest is started from: packages, file, and its name there.

    So the same test always gets the same seed, and two tests different ones.
    """
    folder, parts = request.path.parent, [request.path.stem]
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return f"{'.'.join(parts)}::{request.node.nodeid.partition('::')[2]}"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer a folder for the evidence of failed tests."""
    parser.getgroup("simulator").addoption(
        "--simulator-evidence",
        type=Path,
        metavar="DIR",
        help="write the timeline (HTML) and the journal (JSONL) of every failed test with a simulator there",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Add the story to the report of a failed test, to its JUnit case, and to the folder of evidence."""
    report = yield
    space = item.stash.get(_SIMULATOR, None)
    if space is not None and report.failed:
        try:
            lines, seed = space.narrative(), str(space.seed)
        except Exception as trouble:
            # A test that stopped its server is still reported as what it is.
            lines, seed = [f"the story cannot be told: {trouble!r}"], "unknown"
        shown = lines[-_NARRATIVE_LINES_MAX:]
        left_out = [f"({len(lines) - len(shown)} earlier lines left out)"] if len(shown) < len(lines) else []
        title, story = f"simulator space {space.space!r}, seed {seed}", "\n".join(left_out + shown)
        report.sections.append((title, story))
        # JUnit takes them from the last phase, which is made of what the test has by then.
        properties = [("simulator", title), ("simulator-story", story)]
        item.user_properties += properties
        if report.when == "teardown":
            report.user_properties += properties
        folder = item.config.getoption("--simulator-evidence")
        if folder is not None:
            _keep_evidence(space, folder, f"{item.nodeid}-{report.when}")
    return report


class _Reporting(Protocol):
    def report(self, form: str) -> str: ...


def _keep_evidence(space: _Reporting, folder: Path, name: str) -> None:
    # Names of tests hold what no file may be called.
    stem = re.sub(r"[^A-Za-z0-9.-]+", "_", name)[-150:]
    with contextlib.suppress(Exception):
        folder.mkdir(parents=True, exist_ok=True)
        for form in ("html", "jsonl"):
            (folder / f"{stem}.{form}").write_text(space.report(form), encoding="utf-8")

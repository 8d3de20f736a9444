"""
The pytest plugin: a simulator per test, on a server per session.

pytest imports it at the start of every run of everybody who has it installed.  So it is a module at
the top, under a name that nobody else has, and imports `simulator` only when a test wants one: a
project whose own module is called `simulator` must neither fail to start nor find ours in its place.
"""

from __future__ import annotations

import difflib
import importlib.util
import inspect
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import pytest

__all__ = [
    "simulator",
    "simulator_class",
    "simulator_config",
    "simulator_module",
    "simulator_server",
    "simulator_session",
]

# Tests fail where they are wrong, not in here.
__tracebackhide__ = True

_Scope: TypeAlias = Literal["function", "class", "module", "session"]
_FIXTURES: dict[_Scope, str] = {
    "function": "simulator",
    "class": "simulator_class",
    "module": "simulator_module",
    "session": "simulator_session",
}
_STRICT_INI = "simulator_strict"
_DOCUMENTS = ("html", "jsonl")


class _Space(NamedTuple):
    """A space that a fixture made, for the reports of the tests that use it."""

    fixture: str
    space: Any
    last_told: list[Any]
    """Its story and documents from when it was ended, when there is no asking any more."""


_SPACES = pytest.StashKey[dict[Any, list[_Space]]]()
"""By the node whose fixtures they are."""
_DRAWN = pytest.StashKey[int]()


# The contract says with plain assertions what it expected; this shows what it got.
pytest.register_assert_rewrite("simulator.testing")


# -- set-up -----------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer a seed, a server that runs already, a folder for evidence, and strictness."""
    group = parser.getgroup("simulator")
    group.addoption(
        "--simulator-seed",
        metavar="SEED",
        help="draw every space from this seed, such as the one that a failed test printed; "
        "`random`: other seeds in each run",
    )
    group.addoption(
        "--simulator-url",
        metavar="URL",
        help="use the server that runs there, instead of one in this process",
    )
    group.addoption(
        "--simulator-artifacts",
        type=Path,
        metavar="DIR",
        help="write story, timeline (HTML) and journal (JSONL) of every failed test with a simulator there",
    )
    parser.addini(
        _STRICT_INI,
        "fail tests for webhooks that were not acknowledged, calls that hit no route, refused credentials "
        "and rules that never applied: true, or some of `webhooks routes credentials rules`",
        type="args",
        default=[],
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and read the options."""
    config.addinivalue_line(
        "markers",
        "simulator(scenario, *, seed, clock, start, providers, strict): how the `simulator` fixture's space "
        "is made; the scenario may be a shipped one by its name",
    )
    config.stash[_SPACES] = {}
    seed = config.getoption("--simulator-seed")
    if seed == "random":
        import random

        worker = getattr(config, "workerinput", {})
        config.stash[_DRAWN] = worker.get("simulator_drawn") or random.SystemRandom().randrange(2**32)
    elif seed is not None and not (seed.isascii() and seed.isdigit() and int(seed) <= 2**53):
        raise pytest.UsageError(f"--simulator-seed: expected a whole number or `random`, got {seed!r}")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Let the workers of pytest-xdist draw from the same number as this process."""
    if _DRAWN in node.config.stash:
        node.workerinput["simulator_drawn"] = node.config.stash[_DRAWN]


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say in a line when this plugin cannot do anything here, and what the seeds are drawn from."""
    other = _other_simulator()
    if other:
        return [f"messaging-provider-simulator: stands aside, for `simulator` is {other}"]
    if _DRAWN in config.stash:
        return [f"messaging-provider-simulator: seeds are drawn from {config.stash[_DRAWN]}"]
    return []


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


# -- fixtures ---------------------------------------------------------------------------------------


class _Running:
    """A server that somebody else started."""

    def __init__(self, control: Any) -> None:
        self.control = control
        self.url = str(control.url)


@pytest.fixture(scope="session")
def simulator_config() -> dict[str, Any]:
    """Return the settings of the session's server; override it to change host, port, allow_targets."""
    return {"port": 0}


@pytest.fixture(scope="session")
def simulator_server(simulator_config: dict[str, Any], pytestconfig: pytest.Config) -> Iterator[Any]:
    """Run a server in a thread of its own for the whole session; yields it with `url` and `control`."""
    if other := _other_simulator():
        pytest.fail(
            f"`simulator` is {other} here, not the messaging-provider simulator: rename that module, "
            "or run `simulator serve` and use its control API",
            pytrace=False,
        )
    url = pytestconfig.getoption("--simulator-url")
    if url is not None:
        yield _Running(_control_at(url))
        return
    from simulator.thread import ServerThread

    with ServerThread(**simulator_config) as server:
        yield server


def _control_at(url: str) -> Any:
    from simulator.control import HttpControl, Unreachable

    try:
        control = HttpControl(url)
        control.ready()
    except (ValueError, Unreachable) as trouble:
        pytest.fail(f"--simulator-url: {trouble}", pytrace=False)
    return control


@pytest.fixture
def simulator(request: pytest.FixtureRequest, simulator_server: Any) -> Iterator[Any]:
    """Yield a fresh space with a frozen clock; on failure its narrative and seed are reported."""
    yield from _space_of(request, simulator_server)


@pytest.fixture(scope="class")
def simulator_class(request: pytest.FixtureRequest, simulator_server: Any) -> Iterator[Any]:
    """Yield a space that the tests of a class share."""
    yield from _space_of(request, simulator_server)


@pytest.fixture(scope="module")
def simulator_module(request: pytest.FixtureRequest, simulator_server: Any) -> Iterator[Any]:
    """Yield a space that the tests of a module share; `reset(seed)` begins again in it."""
    yield from _space_of(request, simulator_server)


@pytest.fixture(scope="session")
def simulator_session(request: pytest.FixtureRequest, simulator_server: Any) -> Iterator[Any]:
    """Yield a space that all tests share; `reset(seed)` begins again in it."""
    yield from _space_of(request, simulator_server)


def _space_of(request: pytest.FixtureRequest, server: Any) -> Iterator[Any]:
    from simulator.client import Simulator
    from simulator.control import ControlError

    config, node = request.config, request.node
    marker = node.get_closest_marker("simulator")
    folder = request.path.parent if request.scope != "session" else config.rootpath
    settings = _settings_of(marker, folder) if marker is not None else {}
    strict = _strict_of(settings.pop("strict", None), config)
    settings |= _seeds(request)
    try:
        space = Simulator.create(server.control, **settings)
    except (ControlError, ValueError, OSError) as refusal:
        # It is the marker that is wrong, and what is wrong with it stands in the text.
        pytest.fail(f"@pytest.mark.simulator: {refusal}", pytrace=False)
    space.folder = folder
    entry = _Space(request.fixturename or "", space, [])
    spaces = config.stash[_SPACES].setdefault(node, [])
    spaces.append(entry)
    yield space
    try:
        complaints = _complaints(space, strict)
        # Whatever is torn down later may fail, and is to be told with this story.
        entry.last_told[:] = [space.story(), _documents(space, config)]
        space.delete()
    except (ControlError, ConnectionError):
        # A test may have deleted its space, or stopped the server, itself.
        return
    if complaints:
        pytest.fail(complaints, pytrace=False)


def _settings_of(marker: pytest.Mark, folder: Path) -> dict[str, Any]:
    """Return what a marker says; a scenario file is looked for where the test is, too."""
    from simulator.client import Simulator
    from simulator.client.writing import beside

    settings = dict(marker.kwargs)
    if marker.args:
        if len(marker.args) > 1 or "scenario" in settings:
            _misused(f"expected one scenario, and all else by name, got {marker.args!r}")
        settings["scenario"] = marker.args[0]
    words = [name for name in inspect.signature(Simulator.create).parameters if name not in _NOT_OF_MARKER]
    for name in settings:
        if name not in (*words, "strict"):
            _misused(f"unknown argument {name!r}{_meant(name, [*words, 'strict'])}")
    if "scenario" in settings:
        settings["scenario"] = beside(settings["scenario"], folder)
    return settings


_NOT_OF_MARKER = ("control", "default_seed")


def _misused(why: str) -> None:
    pytest.fail(f"@pytest.mark.simulator: {why}", pytrace=False)


def _meant(word: str, words: list[str]) -> str:
    nearest = difflib.get_close_matches(word, words, n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else f"; expected one of {', '.join(words)}"


# -- seeds ------------------------------------------------------------------------------------------


def _seeds(request: pytest.FixtureRequest) -> dict[str, int]:
    """Return the seed that is asked for, or the one that counts when nobody says any."""
    config = request.config
    name = zlib.crc32(_lasting_name(request).encode())
    if _DRAWN in config.stash:
        return {"seed": zlib.crc32(f"{config.stash[_DRAWN]} {name}".encode())}
    seed = config.getoption("--simulator-seed")
    # The same test always gets the same seed, and two tests different ones.
    return {"default_seed": name} if seed is None else {"seed": int(seed)}


def _lasting_name(request: pytest.FixtureRequest) -> str:
    """
    Return what names a test, class or module wherever pytest is started from: packages, file, name there.
    """
    if request.scope == "session":
        return "session"
    folder, parts = request.path.parent, [request.path.stem]
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return f"{'.'.join(parts)}::{request.node.nodeid.partition('::')[2]}"


# -- strictness -------------------------------------------------------------------------------------


def _strict_of(asked: Any, config: pytest.Config) -> tuple[str, ...]:
    """Return what is complained of: what a marker says, or else what the ini file says."""
    from simulator.client.complaints import COMPLAINTS

    where = "@pytest.mark.simulator: strict" if asked is not None else _STRICT_INI
    words = asked if asked is not None else config.getini(_STRICT_INI)
    if isinstance(words, bool):
        return tuple(COMPLAINTS) if words else ()
    words = [words] if isinstance(words, str) else list(words)
    if words in (["true"], ["false"]):
        return tuple(COMPLAINTS) if words == ["true"] else ()
    for word in words:
        if word not in COMPLAINTS:
            expected = f"expected true, or some of {', '.join(COMPLAINTS)}"
            pytest.fail(f"{where}: {expected}, got {word!r}", pytrace=False)
    return tuple(words)


def _complaints(space: Any, strict: tuple[str, ...]) -> str:
    from simulator.client.complaints import COMPLAINTS

    by_kind: Mapping[str, list[str]] = space.complaints(*strict) if strict else {}
    lines = [f"{COMPLAINTS[kind]}: {line}" for kind, lines in by_kind.items() for line in lines]  # type: ignore[index]
    head = f"strict, and in the space {space.space!r}:"
    return "\n  ".join([head, *lines]) if lines else ""


# -- reports ----------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Add the story to the report of a failed test, to its JUnit case, and to the folder of artifacts."""
    report = yield
    spaces = item.config.stash[_SPACES]
    if spaces and report.failed:
        used = set(getattr(item, "fixturenames", ()))
        for node in item.listchain():
            for entry in spaces.get(node, ()):
                if entry.fixture in used or node is item:
                    _tell(item, report, entry)
    if report.when == "teardown":
        spaces.pop(item, None)
    return report


def _tell(item: pytest.Item, report: Any, entry: _Space) -> None:
    try:
        story = entry.space.story()
        documents = _documents(entry.space, item.config)
    except Exception as trouble:
        # A test that stopped its server is still reported as what it is.
        if not entry.last_told:
            title = f"simulator space {entry.space.space!r}"
            report.sections.append((title, f"the story cannot be told: {trouble!r}"))
            return
        story, documents = entry.last_told
    again = f"again: pytest '{item.nodeid}' --simulator-seed {story.seed}"
    report.sections.append((story.title, f"{story.text}\n{again}"))
    # JUnit takes them from the last phase, which is made of what the test has by then.
    properties = [("simulator", story.title), ("simulator-story", story.text)]
    item.user_properties += properties
    if report.when == "teardown":
        report.user_properties += properties
    folder = item.config.getoption("--simulator-artifacts")
    if folder is not None:
        _write(folder, f"{item.nodeid}-{report.when}", {"txt": f"{story}\n{again}\n", **documents})


def _documents(space: Any, config: pytest.Config) -> dict[str, str]:
    """Return the evidence of a space, where somebody wants it."""
    if config.getoption("--simulator-artifacts") is None:
        return {}
    return {form: space.report(form) for form in _DOCUMENTS}


def _write(folder: Path, name: str, documents: Mapping[str, str]) -> None:
    # Names of tests hold what no file may be called.
    stem = re.sub(r"[^A-Za-z0-9.-]+", "_", name)[-150:]
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, text in documents.items():
        (folder / f"{stem}.{suffix}").write_text(text, encoding="utf-8")

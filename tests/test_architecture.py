"""
Who may import whom, what the kernel may not touch, and how large a file may grow.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "simulator"
MODULES = sorted(PACKAGE.rglob("*.py"))
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
PIGEON = sorted((ROOT / "tests" / "toys" / "pigeon").glob("*.py"))
PROVIDERS = sorted(path.name for path in (PACKAGE / "providers").iterdir() if (path / "__init__.py").exists())

# Area → which other areas of ours it may import.  Its own is understood; providers/X is an area each, and so
# is each room of the kernel.  "kernel" stands for all of its rooms.
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "kernel": set(),
    "kernel/model": set(),
    "kernel/store": {"kernel/model"},
    "kernel/webhooks": {"kernel/model", "kernel/store"},
    "kernel/engine": {"kernel/model", "kernel/store", "kernel/webhooks"},
    "schema": {"kernel"},
    "telecom": set(),
    "files": set(),
    "explain": {"kernel"},
    "secrecy": {"schema"},
    "scenario": {"kernel", "schema"},
    # `discover` looks into the folder of providers; it names none of them.
    "provider": {"kernel", "schema", "telecom", "providers"},
    "providers": set(),
    "providers/*": {"provider"},
    "runtime": {"kernel", "provider", "secrecy"},
    "evidence": {"kernel", "explain", "provider", "runtime", "secrecy"},
    "server": {"kernel", "schema", "explain", "provider", "scenario", "runtime", "evidence", "secrecy"},
    "run": {
        "kernel", "explain", "files", "schema", "provider", "scenario", "runtime", "evidence", "secrecy",
        "server",
    },
    "strategies": {"kernel", "provider", "schema", "telecom"},
    "explore": {
        "kernel", "explain", "schema", "provider", "scenario", "evidence", "secrecy", "server", "run",
        "runtime", "strategies", "files",
    },
    "exam": {
        "kernel", "explain", "files", "schema", "provider", "scenario", "run", "evidence", "secrecy",
        "server",
    },
    "load": {
        "kernel", "explain", "provider", "scenario", "runtime", "evidence", "run", "server", "secrecy",
    },
    "locust": {"kernel", "files", "provider", "scenario", "evidence", "load"},
    "control": {"kernel", "server"},
    "client": {"kernel", "control", "files", "scenario"},
    "thread": {"control", "server"},
    "testing": {"kernel", "schema", "explain", "provider", "scenario", "runtime", "server"},
    "pytest_entry": {"client", "control", "thread"},
    "commands": {
        "kernel", "explain", "provider", "scenario", "runtime", "run", "evidence", "server", "control",
        "client", "thread", "secrecy", "load", "exam", "explore", "schema", "files",
    },
    "cli": {"commands", "provider"},
    "__main__": {"cli"},
}  # fmt: skip

# The engine's own order: each of its modules imports only what stands to the left of it.
ENGINE_ORDER = (
    "account", "steps", "throttle", "rule_index", "state", "decide", "call_result", "owing", "contradiction",
    "moves", "intake", "acts", "arrivals", "script", "simulation", "still",
)  # fmt: skip

# Package → where it may be imported: folders, or single files.
THIRD_PARTY: dict[str, tuple[str, ...]] = {
    "msgspec": (
        "kernel/", "schema/", "scenario/", "explain/", "providers/", "server/", "run/", "evidence/",
        "provider/", "load/",
    ),
    "aiohttp": (
        "server/", "runtime/", "commands/serve.py", "commands/listen.py", "run/", "load/", "testing/",
    ),
    "httptools": ("runtime/transport/",),
    "multidict": ("run/", "server/"),
    "yarl": ("server/", "runtime/", "run/", "testing/"),
    "yaml": ("scenario/yaml.py",),
    "click": ("cli.py", "commands/", "providers/rbm/key_command.py"),
    "prometheus_client": ("server/metrics.py",),
    "jinja2": ("evidence/pages.py",),
    "markupsafe": ("evidence/pages.py",),
    "faker": ("runtime/",),
    "trustme": ("server/tls.py",),
    "pytest": ("pytest_entry/",),
    "hypothesis": ("strategies/", "explore/search.py"),
    "phonenumbers": ("providers/",),
    "uvloop": ("commands/serve.py",),
    "winloop": ("commands/serve.py",),
    "locust": ("locust.py",),
    "gevent": ("locust.py",),
    "hdrh": ("load/histogram.py",),
    "re2": ("scenario/patterns.py",),
}  # fmt: skip

HEAVY = {
    "trustme", "faker", "jinja2", "sqlite3", "phonenumbers", "prometheus_client", "hypothesis", "re2",
}  # fmt: skip

BANNED_IN_KERNEL = {
    "time": "the space's clock (`clock.now_ms`)",
    "random": "a draw by name (`chance.of(*key)`)",
    "uuid": "a draw by name (`draws.hex(label)`)",
    "secrets": "a draw by name (`draws.hex(label)`)",
    "os": "a value that the caller hands in",
    "asyncio": "steps on the agenda; the driver waits",
    "threading": "nothing: one thread enters the kernel",
    "socket": "webhooks in the outbox; the dispatcher sends them",
    "logging": "journal entries",
}
BANNED_CALLS_IN_KERNEL = {"now", "today", "utcnow"}

EMPTY_WORDS = frozenset({"said", "told", "found", "one", "known", "wanted"})
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
# Larger already; these numbers go down, never up.
FILE_LINES_RATCHET: dict[str, int] = {}


class Import(NamedTuple):
    """
    One import statement, as a dotted name, and how it is made.
    """

    module: str
    name: str
    """The whole name; it is a module when one is imported from its package."""
    at_start: bool
    """Done when the file is imported, and not only in a function or for the type checker."""
    for_types: bool


def short(path: Path) -> str:
    """
    Return a path below the package, such as `kernel/clock.py`.
    """
    return path.relative_to(PACKAGE).as_posix()


def area_of(dotted: str) -> str:
    """
    Return the area of one of our modules: its folder, provider, or the file itself.
    """
    parts = dotted.split(".")[1:]
    if not parts or parts[0] == "__version__":
        return "__init__"
    if parts[0] == "providers" and len(parts) > 1 and parts[1] in PROVIDERS:
        return f"providers/{parts[1]}"
    if parts[0] == "kernel" and len(parts) > 1:
        return f"kernel/{parts[1]}"
    return parts[0]


def module_of(path: Path) -> str:
    """
    Return the dotted name of a file.
    """
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def parsed(path: Path) -> ast.Module:
    """
    Return the syntax tree of a file.
    """
    return ast.parse(path.read_text("utf-8"))


def imports(path: Path) -> Iterator[Import]:
    """
    Yield every import of a file, wherever it stands.
    """
    yield from _imports(parsed(path).body, at_start=True, for_types=False)


def _imports(body: list[ast.stmt], at_start: bool, for_types: bool) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(name.name, name.name, at_start, for_types)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole path"
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                module = whole if node.module == "simulator" else str(node.module)
                yield Import(module, whole, at_start, for_types)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _imports(node.body, False, for_types)
        else:
            typed = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
            for part in ("body", "orelse", "finalbody"):
                yield from _imports(
                    getattr(node, part, []), at_start and not typed, for_types or (typed and part == "body")
                )
            for handler in getattr(node, "handlers", []):
                yield from _imports(handler.body, at_start, for_types)


def circles(found: dict[Path, list[Import]]) -> list[list[str]]:
    """
    Return the modules that import each other, wherever the imports stand, a list per circle.
    """
    names = {module_of(path) for path in found}
    reaches: dict[str, set[str]] = {}
    for path, statements in found.items():
        wanted = {one.name for one in statements}
        # `from x import y` may mean the module x.y; what it does not mean is a name in x.
        modules = {name if name in names else name.rpartition(".")[0] for name in wanted}
        reaches[module_of(path)] = (modules & names) - {module_of(path)}
    # Once nothing new is reached, whoever reaches itself stands in a circle.
    grown = True
    while grown:
        grown = False
        for reached in reaches.values():
            more = set().union(*(reaches[name] for name in reached)) - reached
            grown = grown or bool(more)
            reached |= more
    rings = {
        tuple(sorted(other for other in reached if name in reaches[other]))
        for name, reached in reaches.items()
        if name in reached
    }
    return sorted(map(list, rings))


def test_every_area_has_a_place_in_the_table() -> None:
    """
    A new folder or module at the top belongs somewhere: say what it may import.
    """
    areas = {area_of(module_of(path)) for path in MODULES}

    assert sorted(area for area in areas if not area.startswith("providers/")) == sorted(
        area for area in MAY_IMPORT if area != "providers/*" and area in areas
    )


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_module_imports_only_what_its_area_may(path: Path) -> None:
    """
    The kernel knows nobody, a provider knows no other, nobody looks up the house.
    """
    area = area_of(module_of(path))
    allowed = MAY_IMPORT["providers/*" if area.startswith("providers/") else area] | {area, "__init__"}
    if "kernel" in allowed:
        allowed |= {name for name in MAY_IMPORT if name.startswith("kernel/")}

    ours = {found.module for found in imports(path) if found.module.partition(".")[0] == "simulator"}

    assert sorted(module for module in ours if area_of(module) not in allowed) == []


def test_engine_imports_only_to_the_left() -> None:
    """
    The engine is a line from plain state to the face that others use; no module looks ahead.
    """
    folder = PACKAGE / "kernel" / "engine"
    ahead = []
    for place, name in enumerate(ENGINE_ORDER):
        for found in imports(folder / f"{name}.py"):
            _, room, imported = found.module.rpartition("kernel.engine.")
            if room and imported not in ENGINE_ORDER[:place]:
                ahead.append(f"{name} imports {imported}")

    assert sorted(ENGINE_ORDER) == sorted(p.stem for p in folder.glob("*.py") if p.stem != "__init__")
    assert ahead == []


def test_nothing_imports_itself_by_a_way_round() -> None:
    """
    There is no circle of imports, and none that only the type checker sees.
    """
    assert circles({path: list(imports(path)) for path in MODULES}) == []


def test_no_import_of_ours_is_hidden_from_the_interpreter() -> None:
    """
    An import for the type checker alone is a sign of a circle, or of a type in the wrong room.
    """
    hidden = {
        module_of(path)
        for path in MODULES
        for found in imports(path)
        if found.for_types and found.module.partition(".")[0] == "simulator"
    }

    assert sorted(hidden) == []


@pytest.mark.parametrize(
    "path",
    [*(p for p in MODULES if area_of(module_of(p)).startswith("providers/")), *PIGEON],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_provider_imports_the_seam_alone(path: Path) -> None:
    """
    Beside its own folder a provider imports one module of ours, and by that name.
    """
    own = "toys.pigeon" if path in PIGEON else ".".join(module_of(path).split(".")[:3])

    ours = {found.module for found in imports(path) if found.module.partition(".")[0] == "simulator"}

    assert sorted(m for m in ours if m != "simulator.provider" and not f"{m}.".startswith(f"{own}.")) == []


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_third_party_packages_stay_in_their_places(path: Path) -> None:
    """
    Each dependency is imported from the places its line in the table names, and no other is imported.
    """
    known = set(sys.stdlib_module_names) | {"simulator", "__future__"}
    foreign = {
        found.module.partition(".")[0]
        for found in imports(path)
        if not found.for_types and found.module.partition(".")[0] not in known
    }

    misplaced = {
        name
        for name in foreign
        if not any(short(path).startswith(place) for place in THIRD_PARTY.get(name, ()))
    }

    assert sorted(misplaced) == []


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_nothing_heavy_is_imported_at_the_start(path: Path) -> None:
    """
    What takes long to import is imported on first use.
    """
    searches = short(path).startswith("strategies/") or short(path) == "explore/search.py"
    heavy = HEAVY - {"hypothesis"} if searches else HEAVY

    at_start = {found.module.partition(".")[0] for found in imports(path) if found.at_start}

    assert sorted(at_start & heavy) == []


@pytest.mark.parametrize(
    "path", [path for path in MODULES if area_of(module_of(path)).startswith("kernel")], ids=short
)
def test_kernel_reads_no_watch_and_rolls_no_die(path: Path) -> None:
    """
    The kernel is pure: the message says what to use instead.
    """
    complaints = [
        f"{found.module} is banned in the kernel; use {BANNED_IN_KERNEL[name]}"
        for found in imports(path)
        if (name := found.module.partition(".")[0]) in BANNED_IN_KERNEL
    ]
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Attribute) and node.attr in BANNED_CALLS_IN_KERNEL:
            complaints.append(f"line {node.lineno}: .{node.attr} reads a watch; use the space's clock")
        if isinstance(node, ast.AsyncFunctionDef | ast.Await):
            complaints.append(f"line {node.lineno}: the kernel never waits; put a step on the agenda")

    assert complaints == []


@pytest.mark.parametrize(
    "path",
    [p for p in MODULES if area_of(module_of(p)).startswith("providers/") and p.name.startswith("wire")],
    ids=short,
)
def test_wire_functions_are_plain(path: Path) -> None:
    """
    Tools that bring their own event loop call wire functions too.
    """
    names = {found.module.partition(".")[0] for found in imports(path)}

    assert sorted(names & {"aiohttp", "asyncio"}) == []


@pytest.mark.parametrize(
    "path", [p for p in MODULES if not area_of(module_of(p)).startswith("providers")], ids=short
)
def test_nobody_asks_which_provider_it_is(path: Path) -> None:
    """
    Outside its folder no provider is compared with by name; widen the seam for everyone instead.
    """
    asked = []
    for node in ast.walk(parsed(path)):
        parts: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        for part in parts:
            constants = [c.value for c in ast.walk(part) if isinstance(c, ast.Constant)]
            asked += [f"line {part.lineno}: {name}" for name in PROVIDERS if name in constants]

    assert asked == []


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if not short(path).startswith("providers/")],
    ids=short,
)
def test_variables_are_named_after_what_they_hold(path: Path) -> None:
    """
    A value has a better name than that somebody found it, said it, or wanted it.
    """
    functions = [n for n in ast.walk(parsed(path)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]

    names = {
        (node.lineno, node.id if isinstance(node, ast.Name) else node.arg)
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.arg) or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    }

    # What is known of a recipient is a circumstance, and the client speaks of it.
    words = EMPTY_WORDS - {"known"} if short(path) == "client/recipient.py" else EMPTY_WORDS
    assert sorted((line, name) for line, name in names if name in words) == []


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_file_is_not_too_long(path: Path) -> None:
    """
    A file that grows past the limit usually holds two ideas: look for the seam.
    """
    lines = len(path.read_text("utf-8").splitlines())

    assert lines <= FILE_LINES_RATCHET.get(short(path), FILE_LINES_MAX)


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_functions_are_not_too_long(path: Path) -> None:
    """
    A function that does not fit on a screen usually does two things.
    """
    long = [
        f"{node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX
    ]

    assert long == []


def table_under(heading: str) -> list[list[str]]:
    """
    Return the cells of the first table under a heading of the page, its head apart.
    """
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return rows[1:]


def test_page_says_who_may_import_whom() -> None:
    """
    The table of rooms on the page of the architecture is the one that is enforced here.
    """
    rooms = {
        room.strip("`"): {name.strip("`") for name in names.split(", ")} - {"—"}
        for room, _, names in table_under("Who may import whom")
    }

    assert rooms == MAY_IMPORT
    assert " ".join(f"`{name}`" for name in ENGINE_ORDER) in PAGE


def test_page_draws_every_room() -> None:
    """
    No room is left out of the picture, and none is in it that is not there.
    """
    picture = PAGE.partition("```text\n")[2].partition("```")[0]
    rooms = {room.rpartition("/")[2] for room in MAY_IMPORT} - {"*", "__init__", "__main__"}

    assert sorted(room for room in rooms if not re.search(rf"\b{room}\b", picture)) == []


def test_page_names_files_that_are_there() -> None:
    """
    Whoever follows a send through the house finds every door.
    """
    named = re.findall(r"`(\w[\w/]*/\w+\.py)`", PAGE)

    assert named
    assert [name for name in named if not ((PACKAGE / name).exists() or (ROOT / name).exists())] == []


def test_words_of_the_page_are_words_of_the_code() -> None:
    """
    The glossary holds no word that the code does not use.
    """
    used = set()
    for path in MODULES:
        for node in ast.walk(parsed(path)):
            for name in (getattr(node, part, None) for part in ("id", "attr", "arg", "name", "module")):
                if isinstance(name, str):
                    used |= {word.lower() for word in re.findall(r"[A-Z]?[a-z]+", name)}
    prose = " ".join(path.read_text("utf-8").lower() for path in MODULES)

    words = [word for row in table_under("Words") for word in row[0].split(", ")]

    assert len(words) == len(set(words))
    # A word for what stands outside, such as the integrator, is used in sentences alone.
    assert [word for word in words if word not in used and len(re.findall(rf"\b{word}", prose)) < 5] == []


def test_ratchet_names_only_what_is_too_long() -> None:
    """
    A file that has become short enough leaves the list.
    """
    sizes = {name: len((PACKAGE / name).read_text("utf-8").splitlines()) for name in FILE_LINES_RATCHET}

    assert {name: size for name, size in sizes.items() if size <= FILE_LINES_MAX} == {}


def test_types_are_published() -> None:
    """
    Type checkers of users read our annotations.
    """
    assert (PACKAGE / "py.typed").exists()


RUN_AND_LIST = """
import sys
from simulator.cli import main
try:
    main(sys.argv[1:], prog_name="simulator")
except SystemExit as end:
    assert not end.code, end.code
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["check", "scenarios/healthy.yaml"]],
    ids=["help", "version", "check"],
)
def test_quick_commands_import_no_server(arguments: list[str]) -> None:
    """
    What only prints something does not wait for aiohttp.
    """
    ended = subprocess.run(
        [sys.executable, "-c", RUN_AND_LIST, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert ended.stdout
    assert sorted(set(ended.stderr.split()) & {"aiohttp", "asyncio", *HEAVY}) == []


START_AND_LIST = """
import asyncio, sys
from simulator.commands.serve import discover
from simulator.server.app import Server, ServerConfig

async def run(method, path, body):
    server = Server(ServerConfig(port=0, providers=discover()))
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.ports[""])
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Authorization: App key", "Connection: close"]
    head += ["Content-Type: application/json", f"Content-Length: {len(body)}", "", body]
    writer.write("\\r\\n".join(head).encode())
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 20"), answer
    writer.close()
    await server.stop()

asyncio.run(run(*sys.argv[1:]))
print(*sys.modules)
"""
SEND = '{"messages":[{"destinations":[{"to":"41793026727"}],"text":"x"}]}'
LATER = {"simulator.evidence", "simulator.scenario", "simulator.server.http", "simulator.server.operations"}


@pytest.mark.parametrize(
    ("call", "loaded_then"),
    [
        (["GET", "/_sim/ready", ""], set()),
        (["POST", "/infobip/sms/2/text/advanced", SEND], set()),
        (["POST", "/_sim/v1/spaces", "{}"], LATER),
    ],
    ids=["ready", "send", "control"],
)
def test_a_server_answers_without_what_nobody_asked_for(call: list[str], loaded_then: set[str]) -> None:
    """
    Reading scenarios, the control API, evidence, runs and aiohttp are loaded when they are first needed.
    """
    ended = subprocess.run(
        [sys.executable, "-c", START_AND_LIST, *call],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    loaded = set(ended.stdout.split())
    never = {"aiohttp", "yarl", "yaml", "simulator.run", *HEAVY}
    assert "simulator.server.app" in loaded
    assert sorted(loaded & (LATER | never)) == sorted(loaded_then)


def test_commands_print_in_one_way() -> None:
    """
    What commands print goes through `say`, which lets nothing pass that could steer a terminal.
    """
    direct = [
        f"{short(path)}:{number}"
        for path in MODULES
        if area_of(module_of(path)) in ("commands", "cli") and short(path) != "commands/terminal.py"
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if re.search(r"click\.s?echo|print\(|logging\.Formatter\(", line)
    ]

    assert direct == []

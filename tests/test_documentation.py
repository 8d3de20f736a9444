"""
The documentation is carried out: what it shows works.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from aiohttp import ClientSession
from click.testing import CliRunner
from yarl import URL

from curl import curls_in
from simulator.cli import main
from simulator.provider import built_in, discover
from simulator.scenario.loader import load
from simulator.scenario.reference import reference
from simulator.server.app import Server, ServerConfig

_ROOT = Path(__file__).resolve().parent.parent
_PAGES = sorted([_ROOT / "README.md", *(_ROOT / "docs").glob("*.md")])
_FOLLOWED_ELSEWHERE = "providers.md"
"""Its commands and code need a provider that the page makes; `test_guide` does and follows them."""
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """
    A fenced block of a page.
    """

    page: str
    number: int
    language: str
    text: str


def _blocks(*languages: str) -> list[Block]:
    return [
        Block(page.name, number, match[1], match[2])
        for page in _PAGES
        for number, match in enumerate(_FENCE.finditer(page.read_text(encoding="utf-8")), start=1)
        if match[1] in languages
    ]


def _named(block: Block) -> str:
    return f"{block.page}-{block.number}"


def test_every_block_has_a_language_that_is_checked() -> None:
    """
    No example escapes its test by being written in a language that has none.

    What is only text is compared where it is printed: by `test_guide` and `test_architecture`.
    """
    languages = {match[1] for page in _PAGES for match in _FENCE.finditer(page.read_text(encoding="utf-8"))}

    # `yaml` is a scenario; what other tools read is `yml`.  The last ones need what is not here.
    assert languages <= {"sh", "yaml", "yml", "json", "python", "text", "toml"} | {
        "py",
        "java",
        "js",
        "go",
        "php",
    }


@pytest.mark.parametrize("block", _blocks("yaml"), ids=_named)
def test_yaml_is_a_good_scenario(block: Block) -> None:
    """
    Each scenario in the documentation is accepted as it stands.
    """
    scenario = load(block.text, block.page, discover())

    assert scenario.rules or scenario.recipients or scenario.timeline or scenario.providers


@pytest.mark.parametrize("block", _blocks("json"), ids=_named)
def test_json_is_json(block: Block) -> None:
    """
    Each JSON example can be parsed.
    """
    json.loads(block.text)


@pytest.mark.parametrize(
    "page", [page for page in _PAGES if page.name != _FOLLOWED_ELSEWHERE], ids=lambda page: page.name
)
async def test_curl_commands_succeed(page: Path) -> None:
    """
    The curl commands of a page, carried out one after the other, all succeed.
    """
    server = Server(ServerConfig(port=0))
    await server.start()
    try:
        async with ClientSession() as client:
            for block in (b for b in _blocks("sh") if b.page == page.name):
                for asked in curls_in(block.text):
                    url = URL(asked.url, encoded=True)
                    # Those that keep the provider's own host are led here by it.
                    headers = (
                        {"Host": str(url.host), **asked.headers} if url.scheme == "https" else asked.headers
                    )
                    here = URL(server.url + url.raw_path_qs, encoded=True)
                    async with client.request(asked.method, here, headers=headers, data=asked.body) as answer:
                        assert answer.status < 300, f"{asked.url}: {await answer.text()}"
    finally:
        await server.stop()


def _pieces_of_python() -> list[Block]:
    return [block for block in _blocks("python") if block.page != _FOLLOWED_ELSEWHERE]


_LIGHTER = ("-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:faker")
"""Plugins that no example uses take half the time of a start."""


def _tests_by_run() -> dict[str, list[Block]]:
    """Return the tests that stand in the documentation, by page and by what they are run with."""
    runs: dict[str, list[Block]] = {}
    for block in _pieces_of_python():
        if "def test_" in block.text:
            runs.setdefault(f"{block.page} {_arguments(block)}".strip(), []).append(block)
    return runs


def _arguments(block: Block) -> str:
    first = block.text.splitlines()[0]
    return first.removeprefix("# pytest ") if first.startswith("# pytest ") else ""


def _helpers(page: str, folder: Path) -> None:
    """Write the module that later examples of a page import from the first one."""
    for block in _blocks("python"):
        if block.page == page and "\ndef send(" in block.text:
            folder.joinpath("sending.py").write_text(block.text, encoding="utf-8")


@pytest.mark.parametrize("run", _tests_by_run())
def test_python_tests_pass(run: str, pytester: pytest.Pytester) -> None:
    """
    Each test in the documentation passes as it stands, run as its first line says.
    """
    blocks = _tests_by_run()[run]
    _helpers(blocks[0].page, pytester.path)
    for block in blocks:
        pytester.makepyfile(**{f"test_{block.number}": block.text})
    shuffled = [] if "randomly" in run else ["-p", "no:randomly"]

    result = pytester.runpytest_subprocess("-v", *_LIGHTER, *shuffled, *shlex.split(_arguments(blocks[0])))

    outcomes = result.parseoutcomes()
    count = sum(block.text.count("def test_") for block in blocks)
    assert set(outcomes) <= {"passed", "warning", "warnings"}
    assert outcomes["passed"] >= count


def test_failing_test_is_told_as_the_page_shows(pytester: pytest.Pytester) -> None:
    """
    The test that fails on purpose prints the lines that the page prints below it.
    """
    page = (_ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")
    shown = next(
        match[2] for match in _FENCE.finditer(page) if match[1] == "text" and "again: pytest" in match[2]
    )
    failing = next(block for block in _blocks("py") if block.page == "pytest.md")
    _helpers("pytest.md", pytester.path)
    pytester.makepyfile(test_fails=failing.text)

    result = pytester.runpytest_subprocess(*_LIGHTER, *shlex.split(_arguments(failing)))

    result.assert_outcomes(failed=1)
    lines = result.stdout.str().splitlines()
    assert [line for line in shown.splitlines() if line not in lines] == []
    assert len(list(pytester.path.joinpath("evidence").iterdir())) == 3


@pytest.mark.parametrize("block", [b for b in _pieces_of_python() if "def test_" not in b.text], ids=_named)
def test_python_runs(block: Block) -> None:
    """
    Each other piece of Python in the documentation can be executed.
    """
    names: dict[str, object] = {}

    exec(compile(block.text, _named(block), "exec"), names)

    assert len(names) > 1


def test_settling_from_python_tells_the_story() -> None:
    """
    The function that the control API's page shows works against a server in another thread.
    """
    from simulator.thread import ServerThread

    block = next(b for b in _blocks("python") if "def settle" in b.text)
    names: dict[str, object] = {}
    exec(compile(block.text, _named(block), "exec"), names)

    with ServerThread() as server:
        settle = names["settle"]
        assert callable(settle)
        story = settle(server.url)

    assert story == [
        "+00:00:00.000 +41793026727 reachable is now false (control)",
        "+02:00:00.000 +41793026727 reachable is now true (control)",
    ]


def _command_lines() -> list[str]:
    lines = [
        line.strip().rstrip("&").strip()
        for block in _blocks("sh")
        for line in block.text.splitlines()
        if re.match(r"\s*(\.venv/bin/)?simulator ", line)
    ]
    inline = [
        match[1]
        for page in _PAGES
        for match in re.finditer(r"`(?:\.venv/bin/)?(simulator [^`]+)`", page.read_text(encoding="utf-8"))
    ]
    return sorted({line.replace(".venv/bin/", "") for line in [*lines, *inline]})


@pytest.mark.parametrize("line", _command_lines())
def test_commands_and_flags_exist(line: str) -> None:
    """
    Each command line shown uses a command and flags that exist.
    """
    words = shlex.split(re.sub(r"\$\(.*?\)|…", "x", line))[1:]
    flags = {word.partition("=")[0] for word in words if word.startswith("--")}

    result = CliRunner().invoke(main, [words[0], "--help"])

    assert result.exit_code == 0, line
    assert not {flag for flag in flags if flag not in result.output}, line


@pytest.mark.golden
def test_scenario_reference_is_what_the_loader_reads() -> None:
    """
    The reference page is the one that `simulator schema --format markdown` writes.
    """
    from golden import check_golden

    check_golden(_ROOT / "docs" / "scenarios.md", reference(built_in()))


def test_scenario_reference_keeps_its_word() -> None:
    """
    Each part but lists and empty ones has an example, the names that stand below do, and no row stands alone.
    """
    sections = reference(built_in()).split("\n## ")[1:]
    titles = [section.partition("\n")[0] for section in sections]
    bare = [title for title, section in zip(titles, sections, strict=True) if "```yaml" not in section]
    listless = [
        title
        for title, section in zip(titles, sections, strict=True)
        if section.count("names, listed below") != section.count(" is one of: ")
    ]
    lines = "".join(sections).split("\n")
    alone = [line for before, line in pairwise(lines) if line.startswith("| `") and before[:1] != "|"]

    assert (bare, listless, alone) == (["operations", "does, for bitel"], [], [])


def test_links_lead_somewhere() -> None:
    """
    Each relative link of a page leads to a file that is there.
    """
    broken = [
        f"{page.name}: {target}"
        for page in _PAGES
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []


@pytest.mark.parametrize(
    ("language", "file", "program"),
    [("js", "send.mjs", "node"), ("java", "Send.java", "javac"), ("php", "send.php", "php")],
)
def test_clients_in_other_languages_send(tmp_path: Path, language: str, file: str, program: str) -> None:
    """
    What the page about clients shows for a language sends a message that is accepted.
    """
    from simulator.thread import ServerThread

    if not shutil.which(program):
        pytest.skip(f"there is no {program} here")
    block = next(block for block in _blocks(language) if block.page == "clients.md")
    (tmp_path / file).write_text(block.text, encoding="utf-8")
    with ServerThread() as server:
        done = subprocess.run(
            [program.removesuffix("c"), file],
            cwd=tmp_path, capture_output=True, text=True, timeout=60,
            env={**os.environ, "INFOBIP_BASE_URL": f"{server.url}/infobip"},
        )  # fmt: skip

    assert "PENDING_ENROUTE" in done.stdout, done.stderr


def test_every_extra_is_named_where_people_install() -> None:
    """
    Whoever reads how to install the package learns of each extra.
    """
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    readme = (_ROOT / "README.md").read_text(encoding="utf-8")

    assert [extra for extra in project["optional-dependencies"] if f"`{extra}`" not in readme] == []


def test_workflows_are_yaml() -> None:
    """
    Files for other tools parse, and the versions and hooks that they name exist here.
    """
    hooks = {hook["id"] for hook in yaml.safe_load((_ROOT / ".pre-commit-hooks.yaml").read_text())}

    parsed = {_named(block): yaml.safe_load(block.text) for block in _blocks("yml")}

    parsed |= {path.name: yaml.safe_load(path.read_text()) for path in (_ROOT / ".github").rglob("*.yml")}
    assert all(isinstance(content, dict) for content in parsed.values())
    named = {
        hook["id"]
        for content in parsed.values()
        for repo in content.get("repos", [])
        for hook in repo["hooks"]
    }
    assert named <= hooks


def test_every_page_is_on_the_site_and_in_its_index_for_machines() -> None:
    """
    A page that is written is found: in the site's navigation, and in llms.txt.
    """
    pages = {page.name for page in (_ROOT / "docs").glob("*.md")}
    navigation = set(re.findall(r"[\w-]+\.md", (_ROOT / ".mkdocs.yml").read_text(encoding="utf-8")))
    for_machines = set(re.findall(r"\(([\w-]+\.md)\)", (_ROOT / "docs" / "llms.txt").read_text("utf-8")))

    assert navigation == pages
    assert for_machines == pages - {"index.md"}

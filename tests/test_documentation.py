"""
The documentation is carried out: what it shows works.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest
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

    assert languages <= {"sh", "yaml", "json", "python", "text", "toml"}


@pytest.mark.parametrize("block", _blocks("yaml"), ids=_named)
def test_yaml_is_a_good_scenario(block: Block) -> None:
    """
    Each scenario in the documentation is accepted as it stands.
    """
    scenario = load(block.text, block.page, discover())

    assert scenario.rules or scenario.recipients or scenario.timeline


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
                    url = asked.url.replace("http://127.0.0.1:4010", server.url)
                    async with client.request(
                        asked.method, URL(url, encoded=True), headers=asked.headers, data=asked.body
                    ) as answer:
                        assert answer.status < 300, f"{asked.url}: {await answer.text()}"
    finally:
        await server.stop()


def _pieces_of_python() -> list[Block]:
    return [block for block in _blocks("python") if block.page != _FOLLOWED_ELSEWHERE]


@pytest.mark.parametrize("block", [b for b in _pieces_of_python() if "def test_" in b.text], ids=_named)
def test_python_tests_pass(block: Block, pytester: pytest.Pytester) -> None:
    """
    Each test in the documentation passes as it stands.
    """
    pytester.makepyfile(block.text)

    result = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider")

    result.assert_outcomes(passed=block.text.count("def test_"))


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

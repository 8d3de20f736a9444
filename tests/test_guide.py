"""
The guide to a provider of one's own is followed, command by command, as a stranger would.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from curl import Curl, curls_in

_ROOT: Final = Path(__file__).resolve().parent.parent
_PAGE: Final = (_ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
_TOYS: Final = _ROOT / "tests" / "toys"
_FENCE: Final = re.compile(r"([^\n]*)\n\n?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE: Final = re.compile(r"`([\w./]+)`:")
_TIME: Final = re.compile(r"(?<=^#\d)  \d\d:\d\d:\d\d\.\d{3}$")
_SERVER: Final = "http://127.0.0.1:4010"
_LISTENER: Final = "http://127.0.0.1:9000"
_PATIENCE_REAL_S: Final = 60


class Block(NamedTuple):
    """
    A fenced block with the line before it.
    """

    before: str
    language: str
    text: str


_BLOCKS: Final = [Block(*match.groups()) for match in _FENCE.finditer(_PAGE)]


def files() -> dict[str, str]:
    """Return the files that the guide makes, the parts of each put together."""
    texts: dict[str, str] = {}
    for block in _BLOCKS:
        if name := _FILE.fullmatch(block.before):
            texts[name[1]] = texts.get(name[1], "") + ("\n\n" if name[1] in texts else "") + block.text
    return texts


def lines_of(text: str) -> list[str]:
    """Return the lines of *text* that are not blank, without the time of day."""
    return [_TIME.sub("", line) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize(
    "path",
    [*sorted((_TOYS / "pigeon").glob("*.py")), _TOYS / "pigeon_row.py"],
    ids=lambda path: path.relative_to(_TOYS).as_posix(),
)
def test_guide_makes_the_pigeon_that_our_tests_use(path: Path) -> None:
    """
    What a stranger types is what our own tests rely on, line by line.
    """
    ours = path.read_text(encoding="utf-8").replace("toys.", "")

    assert lines_of(files()[path.relative_to(_TOYS).as_posix()]) == lines_of(ours)


def test_every_python_block_belongs_to_a_file() -> None:
    """
    No piece of code in the guide escapes its test.
    """
    assert [
        block.before for block in _BLOCKS if block.language == "python" and not _FILE.match(block.before)
    ] == []


class Follower:
    """
    Somebody at two terminals in a folder with the guide's files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SIMULATOR_")},
            "PYTHONPATH": os.pathsep.join([str(folder), str(_ROOT)]),
        }
        self._server = ""
        self._listener = ""
        self._read = 0

    def write(self) -> None:
        """Write every file, and what `pip install --editable .` leaves for Python to find the provider."""
        for name, text in files().items():
            path = self._folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        project = tomllib.loads(files()["pyproject.toml"])["project"]
        info = self._folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        sections = [
            f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in points.items())
            for group, points in project["entry-points"].items()
        ]
        (info / "entry_points.txt").write_text("\n".join(sections), encoding="utf-8")

    @contextmanager
    def terminals(self, serve: str, listen: str) -> Iterator[None]:
        """Run a server and a listener, as the guide starts them, on free ports."""
        with ExitStack() as stack:
            port = self._folder / "port"
            self._start(stack, f"{serve} --port 0 --port-file {shlex.quote(str(port))}", "server.txt")
            self._start(stack, re.sub(r"--port \d+", "--port 0", listen), "listener.txt")
            ready = ["ready", "--wait", str(_PATIENCE_REAL_S), "--port-file", str(port)]
            self.run([sys.executable, "-m", "simulator", *ready])
            self._server = f"http://127.0.0.1:{port.read_text().strip()}"
            yield

    def _start(self, stack: ExitStack, command: str, output: str) -> None:
        words = [sys.executable, "-m", *shlex.split(command)]
        # It ends with the test: the file is closed after the process that writes to it.
        shown = stack.enter_context((self._folder / output).open("w", encoding="utf-8"))
        process = subprocess.Popen(
            words, cwd=self._folder, env=self._environment, stdout=shown, stderr=subprocess.STDOUT
        )
        stack.callback(process.wait)
        stack.callback(process.terminate)

    def run(self, words: list[str]) -> str:
        """Run a command to its end; return what it prints."""
        ended = subprocess.run(
            words,
            cwd=self._folder,
            env={**self._environment, "SIMULATOR_URL": self._server or _SERVER},
            capture_output=True,
            text=True,
            timeout=_PATIENCE_REAL_S,
        )
        assert ended.returncode == 0, f"{shlex.join(words)}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    def carry_out(self, command: str) -> str:
        """Carry out one command of the page; return what it prints."""
        match shlex.split(command.replace("\\\n", " "))[:1]:
            case ["curl"]:
                return self._curl(curls_in(command)[0])
            case ["simulator" | "python"]:
                words = shlex.split(command)
                return self.run(
                    [
                        sys.executable,
                        *(["-m"] if words[0] == "simulator" else []),
                        *words[words[0] == "python" :],
                    ]
                )
            case ["pip"]:
                return ""
            case other:
                raise AssertionError(f"the guide uses {other}, which its test does not know")

    def _curl(self, asked: Curl) -> str:
        body = asked.body.replace(_LISTENER.encode(), self._listening().encode()) if asked.body else None
        request = urllib.request.Request(
            asked.url.replace(_SERVER, self._server), body, asked.headers, method=asked.method
        )
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_REAL_S) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.read().decode()

    def _listening(self) -> str:
        if not self._listener:
            self._listener = re.findall(r"http://\S+\d", (self._folder / "listener.txt").read_text())[0]
        return self._listener

    def listened(self) -> str:
        """Return what the listener has printed since it was last asked."""
        text = (self._folder / "listener.txt").read_text(encoding="utf-8").partition("\n")[2]
        new, self._read = text[self._read :], len(text)
        return new


def test_guide_can_be_followed_from_the_first_line_to_the_last(tmp_path: Path) -> None:
    """
    Its files make a provider that is found, sends, reports, repeats, refuses, obeys rules and passes.
    """
    follower = Follower(tmp_path)
    follower.write()
    commands = [block.text.strip() for block in _BLOCKS if block.language == "sh"]
    (serve,) = [command for command in commands if command.startswith("simulator serve")]
    (listen,) = [command for command in commands if command.startswith("simulator listen")]

    with follower.terminals(serve, listen):
        printed = ""
        for block in _BLOCKS:
            if block.language == "sh" and block.text.strip() not in (serve, listen):
                for command in re.split(r"(?<!\\)\n(?=\w)", block.text.strip()):
                    printed = follower.carry_out(command)
            elif block.language == "text" and block.before == "The listener has it:":
                assert lines_of(follower.listened()) == lines_of(block.text)
            elif block.language == "text" and block.before == "":
                expected = re.escape(block.text.strip()).replace("…", "[^\n]+")
                assert re.fullmatch(expected, printed.strip()), f"{block.text}\n\nis not\n\n{printed}"

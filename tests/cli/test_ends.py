"""
How commands that take their time end when somebody ends them: in order, with a word and a code.
"""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")

RUN = """
name: long
seed: 1
clock: {mode: live}
timeline:
  - {at: 1s, provider: infobip, storm: {messages: 1000, rate: 4/s}}
"""
RECORDED = """
name: recorded
seed: 1
providers: {infobip: {webhook: {url: "http://127.0.0.1:9/"}}}
timeline:
  - {at: 1s, provider: infobip, storm: {messages: 4, rate: 1/10s}}
"""
SENDS = "POST http://127.0.0.1:9/send?by={worker}"
ASK = "{ask: 'GET http://127.0.0.1:9/{id}', field: a, means: {delivered: [x]}}"
COMMANDS = {
    "serve": (["serve", "--port", "0"], "is ready at", 0, "stopped: 0 messages"),
    "listen": (["listen", "--port", "0"], "listening at", 130, "stopped: 0 webhooks"),
    "run": (["run", "run.yaml", "--port", "0"], "serving at", 130, "interrupted at"),
    "run --inspect": (["run", "short.yaml", "--port", "0", "--inspect"], "Ctrl-C ends it", 0, ""),
    "run --record": (
        ["run", "run.yaml", "--port", "0", "--record", "kept"],
        "serving at",
        130,
        "kept holds the run until then",
    ),
    "run --workers": (
        ["run", "run.yaml", "--port", "0", "--workers", "2"],
        "metrics at port",
        130,
        "interrupted: what was measured is told",
    ),
    "open": (["open", "record", "--port", "0"], "is shown at", 130, ""),
    "replay --to": (
        ["replay", "record", "--to", "http://127.0.0.1:9/", "--progress", "json"],
        '{"',
        130,
        "interrupted: what was measured is told",
    ),
    "exam": (
        ["exam", "infobip", "--drive", SENDS, "--webhook", "http://127.0.0.1:9/", "--port", "0"],
        "served at",
        130,
        "interrupted; no evidence is written",
    ),
    "explore --workers": (
        ["explore", "--drive", SENDS, "--ask", ASK, "--workers", "2", "--port", "0"],
        "searching",
        130,
        "interrupted; what was found is kept",
    ),
}


def environment() -> dict[str, str]:
    """Return that of this process, in which the simulator is found."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A folder with a scenario that takes long, and a record of half a minute.
    """
    place = tmp_path_factory.mktemp("ends")
    (place / "run.yaml").write_text(RUN)
    (place / "recorded.yaml").write_text(RECORDED)
    (place / "short.yaml").write_text(RECORDED)
    command = "run recorded.yaml --port 0 --record record"
    subprocess.run(
        [sys.executable, "-m", "simulator.cli", *command.split()], cwd=place, env=environment(), timeout=60
    )
    return place


@contextmanager
def begun(
    arguments: list[str], folder: Path, sign: str, before: Callable[[], None] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a command until it prints *sign*; give it with what it has printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator.cli", *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=before,
    )
    assert process.stdout is not None
    try:
        said = ""
        while sign not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        yield process, said
    finally:
        process.kill()
        process.wait(20)
        process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
@pytest.mark.parametrize("command", COMMANDS)
def test_whoever_ends_a_command__reads_what_became_of_it(
    command: str, number: signal.Signals, folder: Path
) -> None:
    """
    A polite kill and a closed terminal are heard as Ctrl-C is: no trace, no silence, the documented code.
    """
    arguments, sign, code, words = COMMANDS[command]
    with begun(arguments, folder, sign) as (process, said):
        process.send_signal(number)
        said += process.communicate(timeout=30)[0]

    assert "Traceback" not in said
    assert words in said
    assert process.returncode == code, said


def test_hang_up_that_is_ignored__stays_so(folder: Path) -> None:
    """
    What `nohup` began goes on when the terminal is closed.
    """
    ignore = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)  # noqa: E731
    with begun(["listen", "--port", "0"], folder, "listening at", ignore) as (process, _):  # type: ignore[arg-type]
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)

    assert said == "stopped: 0 webhooks\n"


def test_record__is_closed_though_the_terminal_is_gone(folder: Path) -> None:
    """
    Words that cannot be printed any more do not keep a record from being written down.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator.cli", "run", "run.yaml", "--port", "0", "--record", "cut"],
        cwd=folder,
        env=environment(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        said = b""
        while b"serving at" not in said:
            said += os.read(ours, 1_000)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        process.wait(30)
    finally:
        process.kill()
        process.wait(20)

    (rows,) = [path.read_text() for path in (folder / "cut").glob("trace.ndjson")]
    assert rows.splitlines()[-1].startswith('{"row":"end"') or '"end"' in rows.splitlines()[-1]


def test_reader_that_has_enough__ends_a_listener() -> None:
    """
    `simulator listen | head -1` ends with the next webhook, without a trace, and answers that one.
    """
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator.cli", "listen", "--port", "0"],
        env=environment(),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    try:
        with os.fdopen(read) as lines:
            url = lines.readline().split()[2].rstrip(",")
        with urllib.request.urlopen(urllib.request.Request(url, b"{}"), timeout=10) as answer:
            status = answer.status
        _, complaints = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait(20)

    assert (status, process.returncode, complaints) == (200, 0, "")


def test_exam_goes_on__though_nobody_reads_it(tmp_path: Path) -> None:
    """
    `simulator exam … | head -1` writes its evidence all the same, and says nothing of a pipe.
    """
    read, write = os.pipe()
    arguments = [*COMMANDS["exam"][0], "--only", "cut-off-before", "--json", str(tmp_path / "card.json")]
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator.cli", *arguments, "--to", str(tmp_path)],
        env=environment(),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    os.close(read)
    try:
        _, complaints = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait(20)

    assert "Broken pipe" not in complaints
    assert "Traceback" not in complaints
    assert process.returncode == 1
    assert (tmp_path / "card.json").exists()

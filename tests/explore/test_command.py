"""
`simulator explore` on the command line, with an integrator in a process of its own.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from simulator.cli import main

_RECEIVER: Final = Path(__file__).with_name("plain_receiver.py")
_MEANS: Final = "{delivered: DELIVERED, failed: UNDELIVERABLE, expired: EXPIRED}"


@contextmanager
def _receiver(*flags: str) -> Iterator[str]:
    process = subprocess.Popen([sys.executable, str(_RECEIVER), *flags], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="module")
def right() -> Iterator[str]:
    """Return the address of a receiver that does right."""
    with _receiver() as url:
        yield url


@pytest.fixture(scope="module")
def wrong() -> Iterator[str]:
    """Return the address of one that believes whatever comes last."""
    with _receiver("wrong") as url:
        yield url


def _free_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])


def _options(url: str, port: str = "0") -> list[str]:
    return [
        "--drive",
        f"{{call: POST {url}/send, body: {{to: '{{recipient}}', text: '{{text}}',"
        " simulator: '{simulator}'}}",
        "--ask",
        f"{{ask: 'GET {url}/messages/{{id}}', field: state, means: {_MEANS}, within: 30ms}}",
        "--webhook",
        f"{url}/reports",
        "--port",
        port,
        "--seed",
        "3",
        "--seeds",
        "4",
    ]


def _explore(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explore", *arguments], catch_exceptions=False)


def test_bug_is_found_kept_and_replayed(wrong: str, right: str, tmp_path: Path) -> None:
    """
    A finding ends with 1 and is written; replayed, it fails until the software is mended.
    """
    found, card, port = tmp_path / "found", tmp_path / "card.json", _free_port()

    result = _explore(*_options(wrong, port), "--runs", "150", "--found", str(found), "--json", str(card))

    assert result.exit_code == 1, result.output
    assert "FOUND end-kept-infobip-webhooks-contradict\n" in result.output
    told = json.loads(card.read_text("utf-8"))
    assert [finding["invariant"] for finding in told["findings"]] == ["end-kept"]
    assert "contradicted" in told["reached"]
    assert _explore("--replay", str(found), "--port", port).exit_code == 1
    # Where it sends elsewhere, nothing is said.
    assert _explore("--replay", str(found), "--port", "0").exit_code == 5

    (file,) = found.glob("*.yaml")
    mended = file.read_text("utf-8").replace(wrong, right)
    file.write_text(mended, "utf-8")
    replayed = _explore("--replay", str(file), "--port", port)

    assert (replayed.exit_code, "passes now" in replayed.output) == (0, True)


def test_nothing_found_is_green_only_when_enough_was_reached(right: str, tmp_path: Path) -> None:
    """
    A search that came to too few situations ends with its own code, and says so.
    """
    options = [*_options(right), "--runs", "40", "--found", str(tmp_path)]

    assert _explore(*options, "--reach", "3").exit_code == 0
    result = _explore(*options, "--reach", "18")

    assert result.exit_code == 5
    assert "NOT JUDGED: expected 18 situations at least (--reach)" in result.output
    assert list(tmp_path.iterdir()) == []


def test_workers_search_together(wrong: str, tmp_path: Path) -> None:
    """
    Two processes search with one seed, and each kind of finding is told once.
    """
    result = _explore(*_options(wrong), "--runs", "160", "--workers", "2", "--found", str(tmp_path))

    assert result.exit_code == 1, result.output
    assert result.output.count("FOUND end-kept-infobip-webhooks-contradict\n") == 1


def test_workers_need_to_be_told_apart(right: str) -> None:
    """
    Software that sends to one simulator alone has one worker, and the complaint says what would help.
    """
    options = [option.replace("{simulator}", "http://127.0.0.1:4010") for option in _options(right)]

    result = _explore(*options, "--workers", "2")

    assert result.exit_code == 2
    assert "say {simulator} or {worker} in --drive" in result.output


def test_nobody_there_is_said() -> None:
    """
    Software that does not answer ends the search with 4.
    """
    result = _explore(*_options("http://127.0.0.1:9"))

    assert result.exit_code == 4
    assert "nobody listens at 127.0.0.1:9" in result.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "expected --drive, or a SCENARIO with drive:"),
        (["--drive", "POST http://127.0.0.1:9/send", "--ask", "{ask: 1}"], "integrator"),
        (["--drive", "[1]"], "--drive: expected a call"),
        (["--drive", "POST http://127.0.0.1:9/send", "--provider", "bib"], "unknown provider 'bib'"),
        (["--drive", "POST http://127.0.0.1:9/send", "--invariant", "nowhere:at_all"], "nowhere:at_all"),
        (["no-such-scenario"], "no-such-scenario"),
    ],
)
def test_what_cannot_be_searched_is_refused(arguments: list[str], complaint: str) -> None:
    """
    Options that make no search end with 2, and say what was expected.
    """
    result = _explore(*arguments, "--port", "0")

    assert (result.exit_code, complaint in result.output) == (2, True), result.output


def test_without_hypothesis_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Who lacks the extra reads its name.
    """
    monkeypatch.setattr("simulator.commands.explore.find_spec", lambda name: None)

    result = _explore("--drive", "POST http://127.0.0.1:9/send")

    assert (result.exit_code, "[hypothesis]" in result.output) == (3, True)

"""
Every command on a terminal, with names that would like to steer it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="has no pseudo-terminals")

HOSTILE = "\x1b[31m\x1b]0;PWNED\x07\x9b2J\u202etxt.exe\r\x7f"
# click's own colours of a verdict begin and end a line.
COLOURS = ("\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[0m")

SCENARIO = json.dumps(
    {
        "name": f"n{HOSTILE}",
        "providers": {"infobip": {"webhook": {"url": "http://127.0.0.1:1/r"}}},
        "rules": [{"name": f"r{HOSTILE}", "then": {"fate": "deliver"}}],
        "timeline": [
            {
                "at": "1s",
                "provider": "infobip",
                "storm": {"messages": 2, "rate": "2/s", "text": f"t{HOSTILE}"},
            }
        ],
        "expect": {"messages": {"delivered": "0%"}, "webhooks": {"acknowledged": "100%"}},
    }
)


class Terminal:
    """
    A program on a terminal of its own, and all that it has sent there.
    """

    def __init__(self, *arguments: str, **variables: str) -> None:
        leader, follower = pty.openpty()
        self._leader = leader
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulator.cli", *arguments],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "PYTHONIOENCODING": "utf-8",
                **variables,
            },
            close_fds=True,
        )
        os.close(follower)
        self._raw = b""
        self._line = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                part = os.read(self._leader, 65_536)
            except OSError:
                part = b""
            with self._line:
                self._raw += part
                self._line.notify_all()
            if not part:
                return

    def wait_for(self, text: str) -> str:
        """Return what was sent when *text* has been."""
        with self._line:
            assert self._line.wait_for(lambda: text.encode() in self._raw, 20), self._raw
        return self._raw.decode("utf-8", "replace")

    def ended(self) -> str:
        """Return everything when the program has ended."""
        self.process.wait(60)
        self._reader.join(20)
        return self._raw.decode("utf-8", "replace")

    def close(self) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
        self._reader.join(20)
        os.close(self._leader)


@contextmanager
def terminal(*arguments: str, **variables: str) -> Iterator[Terminal]:
    """Run a command on a terminal."""
    program = Terminal(*arguments, **variables)
    try:
        yield program
    finally:
        program.close()


def steering(sent: str) -> list[str]:
    """Return what in *sent* could steer a terminal, but for lines, progress and colours."""
    sent = re.sub(r"\r[^\r\n]*   \r", "", sent)
    for own in ("\r\n", *COLOURS):
        sent = sent.replace(own, "\n")
    return sorted({c for c in sent if not c.isprintable() and c != "\n"})


def hostile_file(folder: Path, text: str = SCENARIO) -> Path:
    """Return a scenario whose name steers, too."""
    path = folder / f"s{HOSTILE.replace('/', '')}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def hostile_journal(folder: Path) -> Path:
    """Return a journal of a message with steering names, and half a line."""
    fact = {"fact": "accepted", "state": "accepted", "rung": "rule", "rule": HOSTILE}
    row = {"space": f"s{HOSTILE}", "seq": 1, "provider": "infobip", "recipient": HOSTILE, "ordinal": 1}
    path = folder / "journal"
    path.write_text(json.dumps({**row, "ref": "m", "data": fact}) + "\n" + HOSTILE, encoding="utf-8")
    return path


def asked(url: str, body: object, **headers: str) -> None:
    """Send something to a server; what it answers does not matter."""
    data = json.dumps(body).encode() if not isinstance(body, bytes) else body
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except urllib.error.HTTPError as answer:
        answer.close()


REACHED = [
    "--drive",
    f"POST http://127.0.0.1:1/{{text}}{HOSTILE}",
    "--webhook",
    "http://127.0.0.1:1/",
    "--port",
    "0",
]


def hostile_software(folder: Path) -> list[str]:
    """Return how software is reached that nobody runs, by names that steer."""
    path = folder / f"software{HOSTILE}.yaml"
    call = {"call": f"POST http://127.0.0.1:1/{HOSTILE}", "body": {"to": "{recipient}", "text": "{text}"}}
    path.write_text(json.dumps({"drive": call, "webhook": "http://127.0.0.1:1/"}), encoding="utf-8")
    return ["--software", str(path), "--port", "0", "--to", str(folder / HOSTILE)]


COMMANDS: dict[str, Callable[[Path], list[str]]] = {
    "check, a good file": lambda folder: ["check", str(hostile_file(folder))],
    "check, a bad file": lambda folder: [
        "check",
        str(hostile_file(folder, json.dumps({f"k{HOSTILE}": 1, "seed": HOSTILE, "rules": {HOSTILE: 1}}))),
    ],
    "check, no file": lambda _: ["check", f"no{HOSTILE}"],
    "codes": lambda _: ["codes", f"p{HOSTILE}"],
    "schema": lambda _: ["schema", "--format", HOSTILE],
    "init": lambda folder: ["init", str(folder / f"i{HOSTILE}.yaml")],
    "init, twice": lambda folder: ["init", str(hostile_file(folder))],
    "ready": lambda _: ["ready", "--url", f"http://{HOSTILE}"],
    "ready, a port file": lambda folder: ["ready", "--port-file", str(hostile_file(folder))],
    "explain, a bundle": lambda folder: ["explain", f"m{HOSTILE}", "--bundle", str(folder)],
    "explain, a journal": lambda folder: ["explain", "m", "--journal", str(hostile_journal(folder))],
    "explain, no journal": lambda folder: ["explain", f"m{HOSTILE}", "--journal", str(hostile_file(folder))],
    "evidence, no such space": lambda folder: [
        "evidence", str(hostile_journal(folder)), "--space", HOSTILE, "--html", str(folder / "x")
    ],
    "evidence, nowhere": lambda folder: [
        "evidence", str(hostile_journal(folder)), "--html", f"{folder}/{HOSTILE}/x"
    ],
    "explain, nobody": lambda _: ["explain", f"m{HOSTILE}", "--url", f"http://127.0.0.1:1/{HOSTILE}"],
    "replay": lambda folder: ["replay", str(folder / HOSTILE)],
    "rbm-key": lambda _: ["rbm-key", "--url", HOSTILE],
    "rbm-key, a space": lambda _: ["rbm-key", "--space", HOSTILE],
    "serve": lambda _: ["serve", "--port", "0", "--allow-target", HOSTILE],
    "serve, a scenario": lambda _: ["serve", "--scenario", HOSTILE],
    "serve, --listen": lambda _: ["serve", "--listen", f"{HOSTILE}=1"],
    "run": lambda folder: ["run", str(hostile_file(folder)), "--port", "0"],
    "run, evidence": lambda folder: [
        "run", str(hostile_file(folder)), "--port", "0", "--html", f"{folder}/{HOSTILE}/x"
    ],
    "a bad option": lambda _: ["serve", f"--{HOSTILE}"],
    "a bad value": lambda _: ["serve", "--clock", HOSTILE],
    "a bad argument": lambda _: ["init", "a.yaml", HOSTILE],
    "a bad command": lambda _: [HOSTILE],
    "listen": lambda _: ["listen", "--port", HOSTILE],
    "run, over workers": lambda folder: [
        "run", str(hostile_file(folder)), "--port", "0", "--workers", "1"
    ],
    "run, over workers, for programs": lambda folder: [
        "run", str(hostile_file(folder)), "--port", "0", "--workers", "1", "--progress", "json"
    ],
    "check, for workers": lambda folder: ["check", "--workers", "2", str(hostile_file(folder))],
    "exam": lambda folder: ["exam", "bitel", *hostile_software(folder), "--only", "cut-off-before"],
    "exam, evidence": lambda folder: [
        "exam", "bitel", *hostile_software(folder), "--html", f"{folder}/{HOSTILE}/x"
    ],
    "exam, none of it": lambda folder: ["exam", "bitel", *hostile_software(folder), "--only", HOSTILE],
    "exam, nobody's": lambda folder: ["exam", HOSTILE],
    "explore": lambda folder: [
        "explore", str(hostile_file(folder)), *REACHED, "--runs", "4", "--found", str(folder / f"f{HOSTILE}")
    ],
    "explore, a finding": lambda folder: ["explore", "--replay", str(hostile_file(folder)), "--port", "0"],
    "explore, no invariant": lambda folder: ["explore", *REACHED, "--invariant", f"{HOSTILE}:x"],
    "open": lambda folder: ["open", str(folder / HOSTILE)],
    "replay, to nobody": lambda _: ["replay", "x", "--to", HOSTILE],
    "messages": lambda _: ["messages", "--url", "http://127.0.0.1:1/", "--space", HOSTILE],
    "advance": lambda _: ["advance", HOSTILE, "--url", "http://127.0.0.1:1/"],
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_what_was_typed_or_read_cannot_steer_the_terminal(tmp_path: Path, name: str) -> None:
    """
    Names of files, rules and options are shown with what is strange in them spelt out.
    """
    with terminal(*COMMANDS[name](tmp_path)) as program:
        sent = program.ended()

    assert steering(sent) == []
    assert sent.strip()


def test_verdict_is_coloured_line_by_line(tmp_path: Path) -> None:
    """
    On a terminal what was missed stands out from what was met.
    """
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SCENARIO.replace(json.dumps(HOSTILE)[1:-1], ""), encoding="utf-8")
    with terminal("run", str(scenario), "--port", "0") as program:
        lines = re.split(r"\r\n?", program.ended())

    shown = [line[:8] for line in lines if "\x1b" in line]
    assert shown == ["\x1b[31mFAI", "\x1b[32m  ✓", "\x1b[31m  ✗"]


LISTS = [
    ["messages"],
    ["messages", "--json"],
    ["messages", "--name", f"none{HOSTILE}"],
    ["webhooks"],
    ["webhooks", "--json"],
    ["advance", f"1h{HOSTILE}"],
    ["spaces", "--json", "--port-file", f"none{HOSTILE}"],
]


def test_what_a_server_is_sent_cannot_steer_its_terminal_nor_that_of_explain(tmp_path: Path) -> None:
    """
    Rule names, ids that clients choose, texts and addresses are told by `serve --verbose` and `explain`.
    """
    port_file = tmp_path / "port"
    arguments = ["--port", "0", "--port-file", str(port_file), "--scenario", str(hostile_file(tmp_path))]
    with terminal("serve", "--verbose", "--clock", "frozen", *arguments) as server:
        server.wait_for("Ctrl-C ends")
        url = f"http://127.0.0.1:{port_file.read_text().strip()}"
        message = {
            "from": HOSTILE,
            "destinations": [{"to": "41793026727", "messageId": f"id{HOSTILE}"}],
            "text": HOSTILE,
            "notifyUrl": f"http://127.0.0.1:1/{HOSTILE}",
        }
        asked(f"{url}/infobip/sms/2/text/advanced", {"messages": [message]}, Authorization="App abc")
        asked(f"{url}/_sim/v1/spaces/default/clock/advance", {"by": "10s"})
        with terminal("explain", "infobip/+41793026727/1", "--url", url) as explained:
            story = explained.ended()
        with terminal("explain", f"none{HOSTILE}", "--url", url) as refused:
            refusal = refused.ended()
        lists = []
        for command in LISTS:
            with terminal(*command, "--url", url) as listed:
                lists.append(listed.ended())
        log = server.wait_for("deliver")

    assert [steering(sent) for sent in (story, refusal, log)] == [[], [], []]
    assert [steering(sent) for sent in lists] == [[]] * len(LISTS)
    assert "PWNED" in story
    assert "PWNED" in lists[0]


def test_what_arrives_cannot_steer_the_terminal_of_listen() -> None:
    """
    Paths, headers and bodies of webhooks are shown, whoever sent them.
    """
    with terminal("listen", "--port", "0", "--count", "2") as listener:
        url = listener.wait_for("answering").split()[2].rstrip(",")
        # Headers travel as Latin-1, whose second set of control characters begins with 0x80.
        asked(f"{url}/%1b%5b31m", HOSTILE.encode(), **{"X-Strange": "\x9b2J\x85\xadtext"})
        asked(f"{url}/", {"text": HOSTILE, HOSTILE: [HOSTILE]})
        sent = listener.ended()

    assert steering(sent) == []
    assert "PWNED" in sent

"""
`simulator serve`, as a process of its own.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from served import failing, serving, serving_reports, until
from simulator.control import HttpControl


def test_banner__has_what_a_newcomer_needs(tmp_path: Path) -> None:
    """
    The banner names base URLs, scenario, clock and seed, and its curl line works as it stands.
    """
    with serving(tmp_path, "--seed", "7", "--clock", "frozen") as process:
        said = process.said
        command = re.sub(r"\\\n", " ", said.partition("A first message to each provider:")[2])

        assert f"is ready at {process.url}" in said
        assert f"{process.url}/infobip" in said
        assert re.search(r"clock, seed +frozen at 2026-01-05T09:00:00Z, 7\n", said)
        assert re.search(r"scenario +none", said)
        assert process.url in command
        assert "curl" in command
        assert process.get("/_sim/v1/spaces/default")["seed"] == 7


def test_banner__tells_where_webhooks_go(tmp_path: Path) -> None:
    """
    The command that the banner shows sets a webhook; `--webhook` sets those of all providers at once.
    """
    plain, pointed = tmp_path / "plain", tmp_path / "pointed"
    plain.mkdir()
    pointed.mkdir()
    with serving(plain) as process:
        shown = next(line for line in process.said.splitlines() if "curl -X PUT" in line)
        _, _, _, url, _, body = shlex.split(shown)
        request = urllib.request.Request(url, body.encode(), method="PUT")

        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["webhook"]["url"].startswith("http://127.0.0.1:9000/")
        assert "nowhere yet" in process.said
    with serving(pointed, "--webhook", "http://127.0.0.1:9000/{provider}") as process:
        accounts = process.get("/_sim/v1/spaces/default")["providers"]

        targets = {name: account["settings"]["webhook"]["url"] for name, account in accounts.items()}
        assert targets == {name: f"http://127.0.0.1:9000/{name}" for name in accounts}
        assert "bip: http://127.0.0.1:9000/bip" in process.said


def test_seed__is_never_the_same_by_accident(tmp_path: Path) -> None:
    """
    A start without a seed draws one and says how to have it again.
    """
    seeds = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        with serving(folder) as process:
            seeds.append(process.get("/_sim/v1/spaces/default")["seed"])

            assert f"{seeds[-1]} (drawn; --seed {seeds[-1]} gives the same ids again)" in process.said

    assert seeds[0] != seeds[1]


def test_clock_start__is_where_time_begins(tmp_path: Path) -> None:
    """
    A server's clock begins at the instant that was asked for.
    """
    with serving(tmp_path, "--clock", "frozen", "--clock-start", "2030-01-01T00:00:00Z") as process:
        assert process.get("/_sim/v1/spaces/default/clock")["now"] == "2030-01-01T00:00:00.000Z"
        assert "frozen at 2030-01-01T00:00:00Z" in process.said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signal__ends_it_cleanly(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """
    A polite end is 0, an interrupt 130; neither leaves a trace, not even with a follower connected.
    """
    with serving(tmp_path) as process:
        follower = urllib.request.urlopen(
            f"{process.url}/_sim/v1/spaces/default/journal?follow=1", timeout=10
        )

        ended = process.end(number)
        follower.close()

        assert ended == code
        assert "Traceback" not in process.said


def test_environment__twins_of_flags_and_flags_win(tmp_path: Path) -> None:
    """
    Each flag has a variable, which a flag overrules and which overrules the file.
    """
    scenario = tmp_path / "mine.yaml"
    scenario.write_text("name: mine\nseed: 3\nclock: {mode: autojump}\n")
    twins = {
        "SIMULATOR_SCENARIO": str(scenario),
        "SIMULATOR_SEED": "5",
        "SIMULATOR_CLOCK": "live×60",
        "SIMULATOR_LISTEN": "infobip=0",
    }
    with serving(tmp_path, "--seed", "6", **twins) as process:
        space = process.get("/_sim/v1/spaces/default")

        assert space["seed"] == 6
        assert (space["clock"]["mode"], space["clock"]["rate"]) == ("live", 60)
        assert space["scenario"]["name"] == "mine"
        assert " alone" in process.said


def test_port_in_use__is_one_plain_line(tmp_path: Path) -> None:
    """
    A port that is taken gives exit code 3 and one line that names it.
    """
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        code, said = failing("serve", "--port", str(port))

    assert code == 3
    assert len(said.splitlines()) == 1
    assert str(port) in said
    assert "in use" in said


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--scenario", "nothing.yaml"], 2, "nothing.yaml: cannot be read"),
        (["--clock", "backwards"], 2, "expected frozen, live, live×60 or autojump"),
        (["--port", "70000"], 2, "70000"),
        (["--listen", "nobody=1"], 2, "there is no provider 'nobody'"),
        (["--listen", "infobip"], 2, "infobip=8081"),
        (["--allow-target", "everywhere"], 2, "everywhere"),
        (["--watch"], 2, "--watch needs a --scenario"),
        (["--port", "0", "--port-file", "/nowhere/port"], 3, "cannot write --port-file /nowhere/port"),
    ],
)
def test_bad_flag__is_told_without_a_trace(arguments: list[str], code: int, expected: str) -> None:
    """
    What cannot be used is told in words, with the exit code for it.
    """
    ended, said = failing("serve", *arguments)

    assert ended == code
    assert expected in said
    assert "Traceback" not in said


def test_uvloop__carries_a_message_and_its_report(tmp_path: Path) -> None:
    """
    On the faster event loop the server does what it does on the ordinary one.
    """
    pytest.importorskip("uvloop")
    with serving(tmp_path, "--loop", "uvloop", "--clock", "frozen") as process, serving_reports() as receiver:
        control = HttpControl(process.url)
        control.call("PUT", "/spaces/default/providers/infobip", {"webhook": {"url": receiver}})
        body = json.dumps({"messages": [{"destinations": [{"to": "41793026727"}], "text": "hello"}]})
        headers = {"Authorization": "App key", "Content-Type": "application/json"}
        urllib.request.urlopen(
            urllib.request.Request(f"{process.url}/sms/2/text/advanced", body.encode(), headers), timeout=10
        ).close()

        control.call("POST", "/spaces/default/clock/advance", {"until": "settled"})
        webhooks = control.call("GET", "/spaces/default/webhooks")

        assert [webhook["state"] for webhook in webhooks["items"]] == ["acknowledged"]
        assert process.end() == 0


def test_uvloop__without_the_extra_says_how_to_get_it(tmp_path: Path) -> None:
    """
    Where the faster loop is not installed, the complaint has the command that installs it.
    """
    name = "winloop" if sys.platform == "win32" else "uvloop"
    (tmp_path / f"{name}.py").write_text("raise ImportError('there is none')")
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])

    ended, said = failing("serve", "--port", "0", "--loop", "uvloop", PYTHONPATH=path)

    assert ended == 2
    assert said == (
        f'simulator: --loop uvloop needs {name}: pip install "messaging-provider-simulator[speed]"\n'
    )


def test_bad_scenario__gets_every_complaint(tmp_path: Path) -> None:
    """
    A scenario with several mistakes is refused with all of them, each with its place.
    """
    scenario = tmp_path / "bad.yaml"
    scenario.write_text("sed: 1\nrules: 5\nclock: {mode: slow}\n")

    code, said = failing("serve", "--port", "0", "--scenario", str(scenario))

    assert code == 2
    assert [line.partition(": ")[0] for line in said.splitlines()] == [
        f"{scenario}:1:1",
        f"{scenario}:2:8",
        f"{scenario}:3:15",
    ]


def test_watch__loads_again_and_keeps_the_last_good_file(tmp_path: Path) -> None:
    """
    A changed scenario comes into force by itself; a broken one is told, and the one before stays.
    """
    scenario = tmp_path / "watched.yaml"
    scenario.write_text("name: first\n")
    with serving(tmp_path, "--scenario", str(scenario), "--watch") as process:

        def named() -> str:
            return str(process.get("/_sim/v1/spaces/default")["scenario"]["name"])

        first = named()
        scenario.write_text("name: the second one\n")
        until(lambda: named() == "the second one", process)
        scenario.write_text("nmae: broken, and of another length\n")
        until(lambda: "the scenario loaded before stays in force" in process.said, process)
        kept = named()
        scenario.unlink()
        scenario.write_text("name: the third of them\n")
        until(lambda: named() == "the third of them", process)

        assert (first, kept) == ("first", "the second one")
        assert f"{scenario}:1:1" in process.said
        assert process.end() == 0


def test_json_log__is_one_object_per_line(tmp_path: Path) -> None:
    """
    With --log-format json every line is an object with level and message.
    """
    with serving(tmp_path, "--log-format", "json") as process:
        until(lambda: "\n" in process.said, process)
        rows = [json.loads(line) for line in process.said.splitlines()]

        assert {"level", "at", "message"} <= set(rows[0])
        assert rows[0]["level"] == "info"


def test_ready__and_explain_ask_a_running_server(tmp_path: Path) -> None:
    """
    `ready --wait` ends when the server is there; `explain` tells a story, or what is missing.
    """
    with serving(tmp_path, "--clock", "frozen") as process:
        body = {"messages": [{"destinations": [{"to": "41793026727"}], "text": "x"}]}
        request = urllib.request.Request(
            f"{process.url}/infobip/sms/2/text/advanced",
            json.dumps(body).encode(),
            {"Authorization": "App key", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            sent = json.load(answer)["messages"][0]["messageId"]
        environment = {"SIMULATOR_URL": process.url}

        ready, _ = failing("ready", "--wait", "10", **environment)
        explained = subprocess.run(
            [sys.executable, "-m", "simulator.cli", "explain", sent, "--url", process.url],
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        missing, said = failing("explain", "nothing", **environment)

        assert ready == 0
        assert explained.returncode == 0
        assert "infobip +41793026727 #1" in explained.stdout
        assert (missing, said) == (
            2,
            "simulator: there is no 'nothing' among 1 messages and the last 0 refusals in 'default'; "
            "expected the id of a message, a webhook or a call, or provider/recipient/ordinal\n",
        )
        assert HttpControl(process.url).call("GET", "/spaces/default")["name"] == "default"


@pytest.mark.parametrize("command", [["serve"], ["listen"]])
def test_taken_port__is_told_with_the_way_out(command: list[str]) -> None:
    """
    When another one listens there already, exit code 3 comes with the flag that helps.
    """
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        code, complaint = failing(*command, "--port", str(other.getsockname()[1]))

    assert code == 3
    assert complaint.startswith("simulator: cannot listen on 127.0.0.1: ")
    assert complaint.endswith("; choose another port (--port)\n")


def test_port_file_that_cannot_be_written__is_told_before_the_server_says_it_is_ready(tmp_path: Path) -> None:
    """
    Who cannot be told the port must not read that all is well.
    """
    code, said = failing("serve", "--port", "0", "--port-file", str(tmp_path / "none" / "port"))

    assert code == 3
    assert "is ready" not in said


@pytest.mark.parametrize("form", ["text", "json"])
def test_verbose__tells_what_happens_line_by_line(tmp_path: Path, form: str) -> None:
    """
    With --verbose every fact of every space is logged, and texts from outside steer no terminal.
    """
    with serving(tmp_path, "--verbose", "--log-format", form, "--clock", "frozen") as process:
        control = HttpControl(process.url)
        control.call("POST", "/spaces", {"name": "other"})
        act = {"provider": "infobip", "writes": "\x1b]0;owned\x07"}
        control.call("POST", "/spaces/other/recipients/+41793020001/inbound", act)
        control.call("POST", "/spaces/default/recipients/+41793020001/inbound", {**act, "writes": "STOP"})
        until(lambda: "STOP" in process.said, process)
        said = process.said

    assert "\x1b" not in said
    told = [line for line in said.splitlines() if "writes" in line]
    if form == "json":
        facts = [json.loads(line) for line in told]
        assert [(one["space"], one["kind"], one["recipient"]) for one in facts] == [
            ("other", "act", "+41793020001"),
            ("default", "act", "+41793020001"),
        ]
    else:
        assert told[0].startswith("[other] +00:00:00.000 infobip +41793020001 writes ")
        assert told[1] == "+00:00:00.000 infobip +41793020001 writes 'STOP'"


def test_ready__waits_for_the_port_file_of_a_server_that_is_only_starting(tmp_path: Path) -> None:
    """
    The two lines of the README work though the file is not there yet, or is that of an earlier server.
    """
    port_file = tmp_path / "port.txt"
    port_file.write_text("1\n")
    command = [sys.executable, "-m", "simulator.cli"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    server = subprocess.Popen(
        [*command, "serve", "--port", "0", "--port-file", str(port_file)],
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    try:
        done = subprocess.run(
            [*command, "ready", "--wait", "20", "--port-file", str(port_file)],
            capture_output=True,
            text=True,
            timeout=30,
            env=environment,
        )
        port = port_file.read_text().strip()
    finally:
        server.terminate()
        server.wait(20)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"http://127.0.0.1:{port} is ready\n", "")


@pytest.mark.parametrize(
    ("written", "complaint"),
    [(None, "No such file or directory"), ("", "expected a port, got ''"), ("x", "expected a port, got 'x'")],
)
def test_ready__says_what_is_wrong_with_a_port_file(
    tmp_path: Path, written: str | None, complaint: str
) -> None:
    """
    Without a server there is no file, or none with a port in it.
    """
    port_file = tmp_path / "port.txt"
    if written is not None:
        port_file.write_text(written)

    code, said = failing("ready", "--port-file", str(port_file))

    assert (code, said) == (3, f"simulator: {port_file}: {complaint}\n")


LOAD_REST = """
import asyncio, sys
from simulator.commands import serve
from simulator.server.app import Server, ServerConfig

async def run():
    serve._QUIET_REAL_S = 0.001
    looks = 0

    class Counted(Server):
        @property
        def fronts(self):
            nonlocal looks
            looks += 1
            return self._fronts
        @fronts.setter
        def fronts(self, fronts):
            self._fronts = fronts

    server = Counted(ServerConfig(port=0))
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.ports[""])
    while not server.fronts[0].count:
        await asyncio.sleep(0)
    loading = asyncio.create_task(serve._load_rest(server))
    before = looks
    while looks < before + 5:
        await asyncio.sleep(0.001)
    print("aiohttp" in sys.modules, loading.done())
    writer.close()
    await loading
    print(all(name in sys.modules for name in serve._REST))
    await server.stop()

asyncio.run(run())
"""


def test_rest_of_the_server__is_loaded_while_nobody_is_connected() -> None:
    """
    What a start leaves out is loaded in the first quiet moment, and not while somebody is served.
    """
    ended = subprocess.run(
        [sys.executable, "-c", LOAD_REST], capture_output=True, text=True, check=True, timeout=60
    )

    assert ended.stdout.split() == ["False", "False", "True"]

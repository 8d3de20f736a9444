"""
Commands that look at a running server: the same options for all of them, and words for what went wrong.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from served import Process, failing, serving, serving_reports


def run(*arguments: str, **environment: str) -> str:
    """Run `simulator` to its good end; return what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "simulator.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
    )
    return done.stdout


def send(process: Process) -> str:
    """Send a message; return its id."""
    body = {"messages": [{"destinations": [{"to": "41793026727"}], "text": "hello"}]}
    request = urllib.request.Request(
        f"{process.url}/infobip/sms/2/text/advanced",
        json.dumps(body).encode(),
        {"Authorization": "App key", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["messages"][0]["messageId"])


def test_whole_story__without_a_line_of_curl(tmp_path: Path) -> None:
    """
    Messages, webhooks, spaces and the clock of a server, by the options and variables of `serve`.
    """
    with (
        serving_reports() as receiver,
        serving(tmp_path, "--clock", "frozen", "--seed", "1", "--webhook", receiver) as process,
    ):
        sent = send(process)
        port_file = str(tmp_path / "port")
        port = process.url.rpartition(":")[2]

        waiting = run("messages", "--url", process.url)
        moved = run("advance", "2h", "--port-file", port_file)
        delivered = run("messages", SIMULATOR_PORT=port)
        told = run("webhooks", SIMULATOR_PORT_FILE=port_file)
        spaces = run("spaces", SIMULATOR_URL=process.url)
        raw = json.loads(run("messages", "--json", "--url", process.url))
        named = [
            json.loads(run("messages", "--json", "--name", name, "--url", process.url))["total"]
            for name in (sent, "another")
        ]
        story = run("explain", told.split()[0], "--url", process.url)

        assert waiting.split() == [
            "infobip",
            "+41793026727",
            "#1",
            "accepted",
            "2026-01-05T09:00:00.000Z",
            sent,
            "hello",
        ]
        assert named == [1, 0]
        assert moved.startswith("it is 2026-01-05T11:00:00.000Z; ")
        assert delivered.split()[3] == "delivered"
        assert told.split()[1:] == [
            "infobip",
            "+41793026727",
            "DELIVERED_TO_HANDSET",
            "acknowledged",
            "200",
            receiver,
        ]
        assert spaces.split() == ["default", "frozen", "2026-01-05T11:00:00.000Z"]
        assert raw["items"][0]["id"] == sent
        assert story.startswith("infobip +41793026727 #1 is delivered")


def test_many_attempts__are_counted_and_the_last_shown(tmp_path: Path) -> None:
    """
    A webhook that was tried 21 times says so, and not that it was tried five times.
    """
    nobody = "http://127.0.0.1:9/reports"
    with serving(tmp_path, "--clock", "frozen", "--webhook", nobody) as process:
        send(process)
        run("advance", "10s", "--url", process.url)
        first = run("webhooks", "--url", process.url)
        run("advance", "2d", "--url", process.url)
        last = run("webhooks", "--url", process.url)
        still = run("advance", "1s", "--url", process.url)

    assert first.split()[3:] == ["DELIVERED_TO_HANDSET", "scheduled", "refused", nobody]
    assert last.split()[4:] == ["lost", "21", "×", "…", *["refused"] * 5, nobody]
    assert still.endswith("; 0 things happened\n")


def test_variables_of_serve__lead_commands_to_it(tmp_path: Path) -> None:
    """
    A flag goes before a variable, and a file of the port before none.
    """
    with serving(tmp_path) as process:
        port_file = str(tmp_path / "port")

        by_flag = failing("ready", "--port-file", port_file, SIMULATOR_URL="http://127.0.0.1:9")
        by_url = failing("ready", "--url", process.url, SIMULATOR_PORT_FILE="/nowhere")

        assert (by_flag[0], by_url[0]) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["explain", "m-1"], 4, "answers, but not as a simulator does"),
        (["messages"], 4, "answers, but not as a simulator does"),
        (["ready"], 3, "is it a simulator?"),
    ],
)
def test_stranger__is_named_so(arguments: list[str], code: int, complaint: str) -> None:
    """
    What answers but is no simulator is neither ready nor a trace.
    """
    with serving_reports() as stranger:
        url = stranger.removesuffix("/reports")

        ended, said = failing(*arguments, "--url", url)

    assert ended == code
    assert said.startswith(f"simulator: {url} ")
    assert complaint in said
    assert "Traceback" not in said


def test_nobody_there__says_where_to_say_it() -> None:
    """
    Who asks the default place and finds nobody is told how to name another.
    """
    default = failing("spaces", SIMULATOR_URL="")
    chosen = failing("spaces", "--url", "http://127.0.0.1:9")

    assert chosen == (4, "simulator: no simulator answers at http://127.0.0.1:9: nobody listens there\n")
    assert default[0] in (0, 4)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["serv"], 'there is no command "serv"; did you mean "serve"?'),
        (["check", "handset-of"], 'cannot be read (No such file or directory); did you mean "handset-off"?'),
        (["check", "nothing.yaml"], "nothing.yaml: cannot be read (No such file or directory)\n"),
        (["serve", "--clock-start", "soon"], 'expected "now" or an instant such as "2026-01-05T09:00:00Z"'),
        (["serve", "--webhook", "x"], "--webhook: webhook.url: expected a URL"),
    ],
)
def test_slip__is_met_with_what_was_meant(arguments: list[str], complaint: str) -> None:
    """
    Names of commands and scenarios that are nearly right are answered with the right ones.
    """
    code, said = failing(*arguments)

    assert code == 2
    assert complaint in said

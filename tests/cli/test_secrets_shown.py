"""
Credentials in addresses, also of such as nobody can call: no terminal, log, journal or evidence has them.
"""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import pytest

from served import Process, failing, printed, serving, until

SCENARIO = """
name: planted
seed: 3
clock: {mode: frozen}
providers:
  infobip: {webhook: {url: "http://user:SECRET-user@127.0.0.1:1/r?access_token=SECRET-query"}}
"""
# Whatever is wrong with an address is told, and must be told without what it holds.
ADDRESSES = [
    "http://u:SECRET-good@127.0.0.1:1/cb?token=SECRET-token&sig=SECRET-sig",
    "http://u:SECRET-control@127.0.0.1:1/\x1b?access_token=SECRET-controltoken",
    "ftp://u:SECRET-ftp@127.0.0.1/x?token=SECRET-ftptoken",
    "http://u:SECRET-forbidden@203.0.113.9/x?api_key=SECRET-forbiddenkey",
    "http://u:SECRET-port@127.0.0.1:99999/?password=SECRET-portword",
]


def post(process: Process, path: str, body: object) -> None:
    """Make a call that is to be answered well."""
    headers = {"Content-Type": "application/json", "Authorization": "App SECRET-key"}
    request = urllib.request.Request(process.url + path, json.dumps(body).encode(), headers)
    urllib.request.urlopen(request, timeout=20).close()


def planted(text: str) -> list[str]:
    """Return the secrets that stand in *text*."""
    return sorted(set(re.findall(r"SECRET-[a-z]+", text)))


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_secret_in_an_address__is_shown_nowhere(log_format: str, tmp_path: Path) -> None:
    """
    One secret in every kind of address, and every place where a command or a file could tell it.
    """
    (tmp_path / "s.yaml").write_text(SCENARIO)
    journal = tmp_path / "journal"
    arguments = ["--verbose", "--log-format", log_format, "--journal", str(journal)]
    with serving(tmp_path, *arguments, "--scenario", str(tmp_path / "s.yaml")) as process:
        for number, address in enumerate(ADDRESSES):
            to = {"to": f"4179302672{number}", "messageId": f"m{number}"}
            message = {"destinations": [to], "text": "x", "notifyUrl": address}
            post(process, "/infobip/sms/2/text/advanced", {"messages": [message]})
        post(
            process, "/infobip/sms/2/text/advanced", {"messages": [{"destinations": [{"to": "41793026729"}]}]}
        )
        post(process, "/_sim/v1/spaces/default/clock/advance", {"by": "5m"})
        shown = {}
        for form in ("html", "junit", "jsonl", "har"):
            address = f"{process.url}/_sim/v1/spaces/default/report?format={form}"
            with urllib.request.urlopen(address, timeout=20) as answer:
                shown[form] = answer.read().decode()
        for number in range(len(ADDRESSES)):
            shown[f"explain {number}"] = printed("explain", f"m{number}", "--url", process.url)
        for command in ("messages", "webhooks"):
            shown[command] = printed(command, "--url", process.url)
        process.end()
        until(lambda: "stopped:" in process.said, process)
        shown["the log"] = process.said
        shown["the journal"] = journal.read_text("utf-8")

    assert {place: planted(text) for place, text in shown.items() if planted(text)} == {}
    assert "127.0.0.1:1/cb" in shown["har"]


@pytest.mark.parametrize(
    "arguments",
    [
        [
            "run",
            "{}",
            "--port",
            "0",
            "--wait-for",
            "http://u:SECRET-wait@127.0.0.1:1/?token=SECRET-t",
            "--within",
            "0",
        ],
        ["run", "{}", "--port", "0", "--wait-for", "ftp://u:SECRET-wait@127.0.0.1:1/"],
        ["ready", "--url", "http://u:SECRET-url@127.0.0.1:1/?token=SECRET-t"],
        ["ready", "--url", "ftp://u:SECRET-url@127.0.0.1:1/"],
        ["replay", "x", "--to", "ftp://u:SECRET-to@127.0.0.1:1/?key=SECRET-k"],
        [
            "exam",
            "bitel",
            "--drive",
            "POST ftp://u:SECRET-drive@127.0.0.1:1/",
            "--webhook",
            "http://127.0.0.1:1",
        ],
    ],
)
def test_secret_that_was_typed__is_not_repeated(arguments: list[str], tmp_path: Path) -> None:
    """
    What a command complains about may end in the log of a CI job, where others read it.
    """
    file = tmp_path / "s.yaml"
    file.write_text(SCENARIO + '\nreset: "POST http://u:SECRET-reset@127.0.0.1:1/?token=SECRET-r"\n')

    code, said = failing(*(word.format(file) for word in arguments))

    assert code in (2, 3, 4)
    assert said
    assert planted(said) == []

"""
The description of the control API, held against the server by Schemathesis, and its answers by JSON Schema.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harness import Bench, receiving, serving
from simulator.thread import ServerThread

CONFIG = """
# A wait that nothing ends takes the time it is given, and what did not happen in time is a 408.
# A state is one of what is waited for, which no schema of a single parameter can say.
[[operations]]
include-path-regex = "/wait$"
parameters = { "query.within" = "10ms" }
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 404, 408, 409]

# What is refused and no schema can say: days that no month has, instants that are past (clock), addresses
# that nobody can have (recipients), scenarios, rules and settings, whose own rules reach across their values.
[[operations]]
include-path-regex = "/(spaces|clock|advance|scenario|rules|inbound|providers/[^/]+)$|/recipients/[^/]+$"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 422]
"""
_CASES: dict[str, str] = {"quick": "12", "long": "60"}


@pytest.fixture
def server() -> Iterator[ServerThread]:
    """Yield a server on which nothing happens by itself."""
    with ServerThread() as running:
        yield running


def test_control_api__keeps_its_description(server: ServerThread, tmp_path: Path) -> None:
    """
    The checks of Schemathesis pass over some 1,500 generated calls; SIMULATOR_SCHEMATHESIS=long makes more.
    """
    pytest.importorskip("schemathesis")
    cases = _CASES[os.environ.get("SIMULATOR_SCHEMATHESIS", "quick")]
    arguments = ["--max-examples", cases, "--seed", "1", "--phases", "examples,coverage,fuzzing,stateful"]

    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    run = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{server.url}/_sim/openapi.json",
            "--no-color",
            *arguments,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert run.returncode == 0, run.stdout[-6_000:]


async def test_answers__are_what_the_description_says() -> None:
    """
    What a space with messages, refusals and webhooks answers is valid by the schemas of the document.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": receiver.url}, deliver_after="1s")
        _, sent = await bench.send()
        await bench.send(headers={"Authorization": "App key"}, to="x")
        await bench.control("POST", "/spaces/default/recipients/+41793026727/inbound", {"text": "hi"})
        message_id = sent["messages"][0]["messageId"]
        async with bench.http.get(f"{bench.url}/_sim/openapi.json") as answer:
            document = await answer.json()
        calls: list[tuple[str, str, Any]] = [
            ("POST", "/spaces", {"name": "a"}),
            ("GET", "/spaces", None),
            ("GET", "/spaces/{space}", None),
            ("GET", "/spaces/{space}/clock", None),
            ("PUT", "/spaces/{space}/clock", {"mode": "frozen"}),
            ("POST", "/spaces/{space}/clock/advance", {"until": "settled"}),
            ("PUT", "/spaces/{space}/scenario", {"rules": [{"name": "a", "then": {"fate": "silent"}}]}),
            ("PUT", "/spaces/{space}/providers/{provider}", {}),
            ("GET", "/spaces/{space}/recipients", None),
            ("PATCH", "/spaces/{space}/recipients/{address}", {"reachable": True}),
            ("GET", "/spaces/{space}/recipients/{address}", None),
            ("GET", "/spaces/{space}/recipients/{address}/conversation", None),
            ("POST", "/spaces/{space}/recipients/{address}/inbound", {"writes": "hello"}),
            ("GET", "/spaces/{space}/messages", None),
            ("GET", "/spaces/{space}/refusals", None),
            ("GET", "/spaces/{space}/rules", None),
            ("GET", "/spaces/{space}/messages/{id}", None),
            ("GET", "/spaces/{space}/messages/{id}/explain", None),
            ("POST", "/spaces/{space}/messages/{id}/move", {"move": "read"}),
            ("GET", "/spaces/{space}/webhooks", None),
            ("GET", "/spaces/{space}/webhooks/{webhook}", None),
            ("POST", "/spaces/{space}/webhooks/{webhook}/resend", None),
            ("POST", "/spaces/{space}/webhooks/hold", {}),
            ("POST", "/spaces/{space}/webhooks/release", {}),
            ("POST", "/spaces/{space}/webhooks/resend", {"state": "acknowledged"}),
            ("GET", "/spaces/{space}/requests", None),
            ("GET", "/spaces/{space}/wait", None),
        ]
        complaints = []
        carried_out = 0
        for method, path, body in calls:
            status, plain = await called(bench, method, path, body, message_id)
            complaints += complaints_about(document, method, path.replace("{webhook}", "{id}"), status, plain)
            carried_out += status < 300

    assert complaints == []
    assert carried_out >= len(calls) - 2


async def called(bench: Bench, method: str, path: str, body: Any, message_id: str) -> tuple[int, Any]:
    """Make a call about what is there."""
    webhooks = bench.space.simulation.outbox.webhooks
    filled = path.format(
        space="default",
        provider="infobip",
        address="+41793026727",
        id=message_id,
        webhook=next(iter(webhooks.values())).id if webhooks else "",
    )
    return await bench.control(method, filled, body)


def complaints_about(document: Any, method: str, path: str, status: int, plain: Any) -> list[str]:
    """Return what an answer has otherwise than the document says."""
    response = document["paths"][f"/_sim/v1{path}"][method.lower()]["responses"].get(str(status))
    if response is None:
        return [f"{method} {path}: {status} {plain}"]
    (content,) = response["content"].values()
    schema = {**content["schema"], "components": document["components"]}
    return [
        f"{method} {path} {status}: {error.message}"
        for error in Draft202012Validator(schema).iter_errors(plain)
    ]

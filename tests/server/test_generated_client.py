"""
A client that a generator makes of `/_sim/openapi.json`, and nothing else, drives a server over a socket.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from harness import receiving, serving

PACKAGE = "control_api_client"
OPTIONS = {
    # Formatters of the code that is made would be looked for on the path.
    "post_hooks": [],
    # It knows no lines of JSON by that name, and reads them as what they are.
    "content_type_overrides": {"application/x-ndjson": "text/plain"},
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """
    What a server says of its control API.
    """

    async def fetched() -> dict[str, Any]:
        async with serving() as bench, bench.http.get(f"{bench.url}/_sim/openapi.json") as answer:
            described: dict[str, Any] = await answer.json()
            return described

    return asyncio.run(fetched())


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]) -> Iterator[str]:
    """
    The name of a package that openapi-python-client has made, without a word of complaint.
    """
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "options.json").write_text(json.dumps(OPTIONS))
    command = "generate --meta none --path openapi.json --config options.json --output-path"
    done = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", *command.split(), PACKAGE, "--fail-on-warning"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield PACKAGE
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


class Client:
    """
    Calls operations by the ids that the document gives them, as the generated package has them.
    """

    def __init__(self, package: str, http: Any) -> None:
        self._package = package
        self._http = http
        self._models = importlib.import_module(f"{package}.models")
        self.called: set[str] = set()

    async def call(self, operation: str, *path: str, **more: Any) -> tuple[int, Any]:
        """Return the status of an operation's answer, and what the package has made of its body."""
        self.called.add(operation)
        module = importlib.import_module(f"{self._package}.api.default.{operation}")
        answer = await module.asyncio_detailed(*path, client=self._http, **more)
        return int(answer.status_code), answer.parsed if answer.parsed is not None else answer.content

    def body(self, name: str, /, **fields: Any) -> Any:
        """Return a body of a call, made from its fields by the class that the package has for it."""
        return getattr(self._models, name).from_dict(fields)

    def word(self, name: str, value: str) -> Any:
        """Return one of the words that a parameter takes."""
        return getattr(self._models, name)(value)


@asynccontextmanager
async def calling(package: str, url: str) -> AsyncIterator[Client]:
    """Yield a client of the server at *url*."""
    async with importlib.import_module(package).Client(base_url=url) as http:
        yield Client(package, http)


async def test_each_operation__has_a_function(generated: str, document: dict[str, Any]) -> None:
    """
    What a client is called by is in the document: every operation has an id of its own, and none is lost.
    """
    ids = [call["operationId"] for calls in document["paths"].values() for call in calls.values()]

    modules = [importlib.import_module(f"{generated}.api.default.{name}") for name in ids]

    assert len(set(ids)) == len(ids)
    assert all(callable(module.asyncio_detailed) for module in modules)


async def test_a_test_of_the_integrator__needs_no_other_client(generated: str) -> None:
    """
    A space is made, told what goes wrong, sent to, advanced, asked about and deleted, all with typed answers.
    """
    async with serving() as bench, receiving() as receiver, calling(generated, bench.url) as client:
        fails = {"fate": {"fail": {"reason": "absent"}}}
        settings = {"webhook": {"url": receiver.url}}
        scenario = {"rules": [{"name": "gone", "when": {"text": {"contains": "no"}}, "then": fails}]}
        statuses = [
            (await client.call("create_space", body=client.body("CreateSpaceBody", name="made", seed=7)))[0],
            (await client.call("put_settings", "made", "infobip", body=settings))[0],
            (await client.call("put_scenario", "made", body=scenario))[0],
            (await bench.send("41793026727", "yes", base="/s/made/infobip"))[0],
            (await bench.send("41793026728", "no", base="/s/made/infobip"))[0],
        ]
        advanced, clock = await client.call("advance", "made", body=client.body("AdvanceBody", by="1h"))
        _, listed = await client.call("list_messages", "made")
        delivered = client.word("WaitState", "delivered")
        waited, matches = await client.call(
            "wait", "made", for_=client.word("WaitFor", "messages"), state=delivered, count=1
        )
        late, nearest = await client.call("wait", "made", state=delivered, count=9, within="1ms")
        _, story = await client.call("explain_message", "made", listed.items[1].id)
        _, webhooks = await client.call("list_webhooks", "made")
        deleted, _ = await client.call("delete_space", "made")
        gone, problem = await client.call("get_space", "made")

    assert statuses == [201, 200, 200, 200, 200]
    assert (advanced, clock.now_ms, clock.in_flight) == (200, 3_600_000, 0)
    assert [(message.recipient, message.state.value) for message in listed.items] == [
        ("+41793026727", "delivered"),
        ("+41793026728", "failed"),
    ]
    assert (waited, len(matches.items)) == (200, 1)
    assert (late, nearest.status, nearest.title) == (408, 408, "Did not happen in time")
    assert story.message.decided_by.to_dict()["rule"] == "gone"
    assert [webhook.state.value for webhook in webhooks.items] == ["acknowledged", "acknowledged"]
    assert sorted(to for to, _ in receiver.told()) == ["41793026727", "41793026728"]
    assert (deleted, gone, problem.title) == (204, 404, "No such space")


async def test_every_operation__can_be_called(generated: str, document: dict[str, Any]) -> None:
    """
    What an operation answers is what the package expects of it: each is called once, and read.
    """
    async with serving() as bench, calling(generated, bench.url) as client:
        await bench.send()
        _, messages = await client.call("list_messages", "default")
        (message,) = messages.items
        fork = client.body("ForkRecordingBody", name="fork")
        phone, to = message.recipient, "447860099299"
        rule = {"name": "late", "when": {}, "then": {"fate": {"deliver": {"after": "1h"}}}}
        acts = {"provider": "infobip", "writes": "hello", "to": to}
        done = [
            await client.call("create_space", body=client.body("CreateSpaceBody", name="other")),
            await client.call("list_spaces"),
            await client.call("get_space", "other"),
            await client.call("get_clock", "other"),
            await client.call("put_clock", "other", body=client.body("PutClockBody", mode="frozen")),
            await client.call("advance", "other", body=client.body("AdvanceBody", by="1s")),
            await client.call("put_scenario", "other", body={}),
            await client.call("put_settings", "other", "infobip", body={}),
            await client.call("get_message", "default", message.id),
            await client.call("explain_message", "default", message.id),
            await client.call(
                "move", "default", message.id, body=client.body("MoveBody", move="fail", reason="absent")
            ),
            await client.call("list_refusals", "default"),
            await client.call("list_rules", "default"),
            await client.call("add_rule", "default", body=rule),
            await client.call(
                "patch_recipient", "default", phone, body=client.body("PatchRecipientBody", reachable=False)
            ),
            await client.call("get_recipient", "default", phone),
            await client.call("list_recipients", "default"),
            await client.call("inbound", "default", phone, body=client.body("InboundBody", **acts)),
            await client.call("get_conversation", "default", phone),
            await client.call("list_requests", "default"),
            await client.call("hold", "default", body=client.body("HoldBody")),
            await client.call("release", "default", body=client.body("ReleaseBody")),
            await client.call("resend_many", "default", body=client.body("ResendManyBody", state="lost")),
            await client.call("list_webhooks", "default"),
            await client.call("journal", "default"),
            *[
                await client.call("report", "default", format_=client.word("ReportFormat", form))
                for form in ("html", "junit", "jsonl", "har")
            ],
            await client.call("wait", "default", for_=client.word("WaitFor", "requests")),
            await client.call("delete_space", "other"),
        ]
        refused = [
            await client.call("verdict", "default"),
            await client.call("get_webhook", "default", "w0"),
            await client.call("resend", "default", "w0"),
            await client.call("do_action", "default", "infobip", "dance", body={}),
            await client.call("get_recording", "default"),
            await client.call("seek_recording", "default", body=client.body("SeekRecordingBody", moment=1)),
            await client.call("fork_recording", "default", body=fork),
        ]

    assert client.called == {
        call["operationId"] for calls in document["paths"].values() for call in calls.values()
    }
    assert {status for status, _ in done} == {200, 201, 202, 204}
    assert [(status, problem.status) for status, problem in refused] == [(404, 404)] * 7

"""
Calls that wait: whom they wait for is named, what ends them early has an answer of its own.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from harness import Bench, receiving, serving, until
from simulator.explain.narrative import narrative
from simulator.server.operations.table import OPERATIONS

FAST = {"deliver_after": "1s"}


async def owed_space(bench: Bench, url: str) -> None:
    """Create a space that owes a report to a receiver."""
    webhook = {"url": url}
    await bench.control("POST", "/spaces", {"name": "brief", "providers": {"infobip": FAST}})
    await bench.configure("brief", webhook=webhook)
    await bench.send(base="/s/brief/infobip")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/spaces/brief/clock/advance", {"until": "settled"}),
        ("GET", "/spaces/brief/wait?for=webhooks&count=9&within=20s", None),
    ],
)
async def test_waiting_in_a_space_that_is_deleted__is_told_so(method: str, path: str, body: Any) -> None:
    """
    Nobody takes the end of a space for what was waited for: the answer is a 410 that tells what was owed.
    """
    async with receiving() as receiver, serving() as bench:
        await owed_space(bench, receiver.url)
        receiver.answer = lambda _: asyncio.sleep(60, web.Response())
        advancing = asyncio.create_task(
            bench.control("POST", "/spaces/brief/clock/advance", {"until": "settled"})
        )
        await until(lambda: len(receiver.received) == 1)
        waiting = advancing if body else asyncio.create_task(bench.control(method, path))
        for _ in range(20):
            await asyncio.sleep(0)

        await bench.control("DELETE", "/spaces/brief")
        status, problem = await asyncio.wait_for(waiting, 20)

        assert status == 410
        assert problem["now_ms"] == 1_000
        assert problem["owed"] == 1
        assert problem["detail"].startswith("the space 'brief' was deleted meanwhile")


async def test_advance_of_a_server_that_is_stopped__is_told_so() -> None:
    """
    An advance that the end of the server breaks off is answered 503, not as if it had come to its end.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": receiver.url}, **FAST)
        receiver.answer = lambda _: asyncio.sleep(60, web.Response())
        await bench.send()
        advancing = asyncio.create_task(
            bench.control("POST", "/spaces/default/clock/advance", {"until": "settled"})
        )
        await until(lambda: len(receiver.received) == 1)

        await bench.server.stop()
        status, problem = await asyncio.wait_for(advancing, 20)

        assert (status, problem["title"], problem["owed"]) == (503, "Stopping", 1)


async def test_advance__names_whom_it_waited_for() -> None:
    """
    An advance that stands still for longer than a second tells in its answer which receiver kept it.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": f"http://user:secret@127.0.0.1:{receiver.port}/in"}, **FAST)
        let_go = asyncio.Event()

        async def hesitate(_: web.Request) -> web.Response:
            await let_go.wait()
            return web.Response()

        receiver.answer = hesitate
        await bench.send()
        advancing = asyncio.create_task(
            bench.control("POST", "/spaces/default/clock/advance", {"until": "settled"})
        )
        await until(lambda: bool(bench.space.driver.waited_for))
        let_go.set()
        status, clock = await advancing

        assert status == 200
        assert clock["waited_for"] == [f"a webhook to 127.0.0.1:{receiver.port}"]


LOGS = "GET /infobip/sms/1/logs"
ASK = b"GET /infobip/sms/1/logs?limit=1000 HTTP/1.1\r\nHost: localhost\r\nAuthorization: App k\r\n"
ASKED = {
    # What the simulator's own server does not read goes on to aiohttp.
    "own": ASK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "aiohttp": ASK + b"\r\n",
}


@asynccontextmanager
async def unread(bench: Bench, ask: bytes) -> AsyncIterator[socket.socket]:
    """Ask for more than the system keeps on the way, and read nothing of it."""
    for _ in range(40):
        await bench.send(["41793026727"] * 100, "x" * 1_000)
    loop = asyncio.get_running_loop()
    with socket.socket() as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        wire.setblocking(False)
        await loop.sock_connect(wire, ("127.0.0.1", bench.server.ports[""]))
        await loop.sock_sendall(wire, ask * 40)
        yield wire


@pytest.mark.parametrize("http", ASKED)
async def test_advance__goes_on_without_a_client_that_does_not_read(
    http: str, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A client that leaves a large answer unread keeps an advance for a bounded time, and is named.
    """
    caplog.set_level(logging.INFO, "simulator")
    async with serving(http=http) as bench:
        bench.space.driver.reading_real_s = 0.0
        async with unread(bench, ASKED[http]):
            await until(lambda: bench.space.driver.calls_in_flight == 1)

            status, clock = await bench.control("POST", "/spaces/default/clock/advance", {"until": "settled"})
            left = bench.space.driver.calls_in_flight

        await until(lambda: bench.space.driver.calls_in_flight == 0)
        whom = f"{LOGS}, whose client does not read the answer and is not waited for any more"
        assert status == 200
        assert left == 0
        assert clock["waited_for"] == [whom]
        assert f"an advance waits for {whom}" in caplog.messages


@pytest.mark.parametrize("http", ASKED)
async def test_advance__waits_for_a_client_that_reads_late_and_names_it(
    http: str, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The log names it while the advance stands still, the answer afterwards; it reads all that it was told.
    """
    caplog.set_level(logging.INFO, "simulator")
    loop = asyncio.get_running_loop()
    async with serving(http=http) as bench, unread(bench, ASKED[http]) as wire:
        await until(lambda: bench.space.driver.calls_in_flight == 1)
        advancing = asyncio.create_task(
            bench.control("POST", "/spaces/default/clock/advance", {"until": "settled"})
        )
        await until(lambda: f"an advance waits for {LOGS}" in caplog.messages)
        waiting = not advancing.done()
        answers = 0
        while answers < 40:
            answers += (await loop.sock_recv(wire, 1 << 20)).count(b"HTTP/1.1 200 OK")
        status, clock = await advancing

    assert waiting
    assert (status, clock["waited_for"]) == (200, [LOGS])


async def test_advance__does_not_wait_for_answers_of_the_simulators_own_server() -> None:
    """
    What its own server has written has left: a plain client that does not read keeps nobody.
    """
    async with serving() as bench, unread(bench, ASK + b"\r\n"):
        await until(lambda: bench.space.exchange_count > 40)

        status, clock = await bench.control("POST", "/spaces/default/clock/advance", {"until": "settled"})
        sent, _ = await bench.send()

    assert (status, sent, clock["calls_in_flight"]) == (200, 200, 0)
    assert "waited_for" not in clock


async def test_deep_json__is_refused_by_every_operation() -> None:
    """
    Lists and mappings that stand in each other without end are a problem in any call, and no failure.
    """
    deep = json.dumps({"scenario": 1}).replace("1", '{"a":' * 60 + "1" + "}" * 60)
    bodies = [deep, "[" * 51 + "]" * 51, "[" * 5_000 + "]" * 5_000]
    async with serving() as bench:
        statuses = set()
        for operation in OPERATIONS:
            if operation.body is None:
                continue
            path = operation.path.replace("{space}", "default").replace("{provider}", "infobip")
            for body in bodies:
                async with bench.http.request(
                    operation.method,
                    f"{bench.url}{path.replace('{', '').replace('}', '')}",
                    data=body.encode(),
                    headers={"Content-Type": "application/json"},
                ) as answer:
                    await answer.read()
                    statuses.add(answer.status)
                    assert answer.content_type == "application/problem+json", (path, body[:20])

        assert statuses <= {400, 404, 409, 422}


async def test_target_that_nothing_is_sent_to__is_told_at_once() -> None:
    """
    Who names a target that the guard refuses reads so in a header and in the journal, not days later.
    """
    told = "not to 169.254.169.254; --allow-target permits more"
    target = "http://169.254.169.254/latest"
    notes = []
    async with serving() as bench:
        settings = {"webhook": {"url": target}}
        calls: list[tuple[str, str, Any]] = [
            ("PUT", "/_sim/v1/spaces/default/providers/infobip", settings),
            ("PUT", "/_sim/v1/spaces/default/scenario", {"providers": {"infobip": settings}}),
            ("POST", "/_sim/v1/spaces", {"name": "a", "providers": {"infobip": settings}}),
            ("POST", "/_sim/v1/spaces", {"name": "b", "scenario": {"providers": {"infobip": settings}}}),
            (
                "POST",
                "/infobip/sms/2/text/advanced",
                {"messages": [{"destinations": [{"to": "41793026727"}], "text": "x", "notifyUrl": target}]},
            ),
        ]
        for method, path, body in calls:
            url = f"{bench.url}{path}"
            async with bench.http.request(
                method, url, json=body, headers={"Authorization": "App key"}
            ) as answer:
                notes.append(answer.headers.get("X-Simulator-Note", ""))
        lines = [narrative(entry) for entry in bench.space.simulation.journal]

    assert [note.endswith(told) for note in notes] == [True] * len(calls)
    assert sum(told in line for line in lines) == 3

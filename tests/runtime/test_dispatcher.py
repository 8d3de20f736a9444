"""
Webhooks out: several at once, in order per recipient, retried in virtual time, never for ever.
"""

from __future__ import annotations

import asyncio
import socket
from typing import cast

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Bench, receiving, serving, until
from simulator.kernel.engine.account import Account
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.causes import Cause
from simulator.kernel.store.facts import Attempted
from simulator.kernel.webhooks.webhook import Report, Webhook, WebhookPolicy, WebhookRequest
from simulator.runtime.dispatcher import Dispatcher
from simulator.runtime.guard import Guard
from simulator.runtime.transport.client import open_client


async def point(bench: Bench, url: str, **webhook: object) -> None:
    """Send the default space's reports to *url*, one second after each send."""
    await bench.configure(webhook={"url": url, **webhook}, deliver_after="1s")


async def test_in_flight__is_never_exceeded_and_fully_used() -> None:
    """
    Exactly as many webhooks are under way as the settings say, when there are more than that.
    """
    async with receiving() as receiver, serving() as bench:
        await point(bench, receiver.url, in_flight=7)
        gate = asyncio.Event()

        async def hesitate(request: web.Request) -> web.Response:
            if receiver.running == 7:
                gate.set()
            await gate.wait()
            return web.Response()

        receiver.answer = hesitate
        await bench.send([f"4179000{n:04}" for n in range(60)])

        await bench.space.driver.advance(None)

        assert receiver.running_most == 7
        assert len(receiver.received) == 60


class Post:
    """
    As much of an account as the dispatcher asks for.
    """

    def __init__(self, name: str, url: str, in_flight: int) -> None:
        self.policy = WebhookPolicy(in_flight_max=in_flight)
        self._url = f"{url}/{name}"

    def render(self, webhook: Webhook) -> WebhookRequest:
        """Return an empty request."""
        return WebhookRequest(url=self._url, body=b"{}")


async def test_in_flight__is_each_providers_own() -> None:
    """
    A provider that sends one webhook at a time neither slows another one down nor is hurried by it.
    """
    async with receiving() as receiver, open_client(Guard()) as client:
        simulation = Simulation()
        dispatcher = Dispatcher(simulation, lambda: client, lambda: None)
        for name, in_flight in (("slow", 1), ("quick", 5)):
            simulation.add_account(name, cast(Account, Post(name, receiver.url, in_flight)))
        running = {"/slow": 0, "/quick": 0}
        most = dict(running)
        gate = asyncio.Event()

        async def hesitate(request: web.Request) -> web.Response:
            path = request.path
            running[path] += 1
            most[path] = max(most[path], running[path])
            if running == {"/slow": 1, "/quick": 5}:
                gate.set()
            await gate.wait()
            running[path] -= 1
            return web.Response()

        receiver.answer = hesitate
        for number in range(10):
            for name in ("slow", "quick"):
                report = Report(
                    provider=name,
                    recipient=f"+4179{number}",
                    label="x",
                    target=receiver.url,
                    at_ms=0,
                    payload=None,
                )
                simulation.owe(report)
        simulation.fire(0)

        dispatcher.pump()
        await asyncio.wait_for(dispatcher.wait_idle(), 10)

        assert most == {"/slow": 1, "/quick": 5}
        assert len(receiver.received) == 20


async def test_unrenderable_webhook__is_a_failed_attempt(caplog: pytest.LogCaptureFixture) -> None:
    """
    A provider that fails over its own webhook loses that one; the next is sent, the log has the details.
    """
    async with receiving() as receiver, open_client(Guard()) as client:
        simulation = Simulation()
        dispatcher = Dispatcher(simulation, lambda: client, lambda: None)
        post = Post("odd", receiver.url, 1)
        good, bad = post.render, []

        def render(webhook: Webhook) -> WebhookRequest:
            if webhook.recipient == "+41791":
                bad.append(webhook)
                raise RuntimeError("odd")
            return good(webhook)

        post.render = render  # type: ignore[method-assign]
        simulation.add_account("odd", cast(Account, post))
        for number in (1, 2):
            simulation.owe(
                Report(
                    provider="odd",
                    recipient=f"+4179{number}",
                    label="x",
                    target=receiver.url,
                    at_ms=0,
                    payload=None,
                )
            )
        simulation.fire(0)

        dispatcher.pump()
        await asyncio.wait_for(dispatcher.wait_idle(), 10)

        assert len(receiver.received) == 1
        assert [attempt.error for attempt in bad[0].attempts] == [
            "it could not be rendered inside the simulator; its log has the details"
        ]
        assert simulation.settled
        assert [record.getMessage() for record in caplog.records] == [f"{bad[0].id} could not be rendered"]


async def test_order__is_kept_per_recipient() -> None:
    """
    A slow answer holds back later reports about the same recipient, and no others.
    """
    async with receiving() as receiver, serving() as bench:
        await point(bench, receiver.url)
        for number in range(4):
            for to in ("41790000001", "41790000002"):
                await bench.send(to, callbackData=str(number))
        slow = asyncio.Event()

        async def hesitate(request: web.Request) -> web.Response:
            row = (await request.json())["results"][0]
            if row["to"] == "41790000001":
                await slow.wait()
            elif row["callbackData"] == "3":
                slow.set()
            return web.Response()

        receiver.answer = hesitate

        await bench.space.driver.advance(None)

        rows = [one.body["results"][0] for one in receiver.received]
        by_recipient = {
            to: [row["callbackData"] for row in rows if row["to"] == to]
            for to in ("41790000001", "41790000002")
        }
        assert by_recipient == {"41790000001": ["0", "1", "2", "3"], "41790000002": ["0", "1", "2", "3"]}


async def test_retries__run_in_virtual_time_with_a_ledger() -> None:
    """
    Each failed attempt is tried again after the next wait of the schedule; the ledger tells all.
    """
    async with receiving() as receiver, serving() as bench:
        await point(bench, receiver.url, retry=["10s", "1h"])

        async def fail(request: web.Request) -> web.Response:
            return web.Response(status=200 if len(receiver.received) == 3 else 503, text="not now")

        receiver.answer = fail
        await bench.send()

        await bench.space.driver.advance(None)

        _, found = await bench.control("GET", "/spaces/default/webhooks")
        headers = [dict(attempt["headers"]) for attempt in found["items"][0]["attempts"]]
        assert [each.get("Content-Length") for each in headers] == ["7", "7", None]
        ledger = [
            {name: value for name, value in attempt.items() if name not in ("latency_real_us", "headers")}
            for attempt in found["items"][0]["attempts"]
        ]
        assert ledger == [
            {
                "number": 1,
                "at_ms": 1_000,
                "status": 503,
                "error": "",
                "cause": None,
                "note": "",
                "acknowledged": False,
                "excerpt": "not now",
                "next_at_ms": 11_000,
            },
            {
                "number": 2,
                "at_ms": 11_000,
                "status": 503,
                "error": "",
                "cause": None,
                "note": "",
                "acknowledged": False,
                "excerpt": "not now",
                "next_at_ms": 3_611_000,
            },
            {
                "number": 3,
                "at_ms": 3_611_000,
                "status": 200,
                "error": "",
                "cause": None,
                "note": "",
                "acknowledged": True,
                "excerpt": "not now",
                "next_at_ms": None,
            },
        ]
        assert found["items"][0]["state"] == "acknowledged"


async def test_retries__end_with_a_lost_webhook() -> None:
    """
    When the schedule is used up the webhook is lost, and the journal says so.
    """
    async with receiving() as receiver, serving() as bench:
        await point(bench, receiver.url, retry=["1s"])

        async def fail(request: web.Request) -> web.Response:
            return web.Response(status=500)

        receiver.answer = fail
        await bench.send()

        await bench.space.driver.advance(None)

        assert bench.lines()[-1] == "webhook is lost after 2 attempts [DELIVERED_TO_HANDSET]"
        assert bench.attempts() == [(1_000, 500, ""), (2_000, 500, "")]


async def test_receiver_down__is_retried_until_it_is_back() -> None:
    """
    Nothing is lost while the integrator restarts: a refused connection is an attempt like any other.
    """
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    async with serving() as bench:
        await point(bench, f"http://127.0.0.1:{port}/dlr", retry=["10s", "10s", "10s"])
        await bench.send(["41790000001", "41790000002"])
        await bench.space.driver.advance(15_000)
        before = bench.attempts()

        async with receiving(port) as receiver:
            await bench.space.driver.advance(None)

            assert sorted(number for number, _ in receiver.told()) == ["41790000001", "41790000002"]
        assert [(at_ms, status) for at_ms, status, _ in before] == [(1_000, 0)] * 2 + [(11_000, 0)] * 2
        assert all(error == f"nobody listens at 127.0.0.1:{port}" for _, _, error in before)


async def test_endless_answer__is_cut_after_its_first_bytes() -> None:
    """
    An answer without end costs one bounded read; its beginning is kept.
    """
    async with receiving() as receiver, serving() as bench:
        await point(bench, receiver.url, retry="none", timeout="10s")
        written = 0

        async def pour(request: web.Request) -> web.StreamResponse:
            nonlocal written
            response = web.StreamResponse()
            await response.prepare(request)
            try:
                while written < 500_000_000:
                    await response.write(b"x" * 65_536)
                    written += 65_536
            except ConnectionError:
                pass
            return response

        receiver.answer = pour
        await bench.send()

        await bench.space.driver.advance(None)

        webhook = next(iter(bench.space.simulation.outbox.webhooks.values()))
        assert [(a.status, a.excerpt) for a in webhook.attempts] == [(200, "x" * 512)]
        assert written < 100_000_000


async def test_dripping_answer__ends_with_the_time_out() -> None:
    """
    A receiver that sends a byte now and then does not keep an attempt alive: the time-out is for all of it.
    """
    async with receiving() as receiver, serving() as bench:
        await point(bench, receiver.url, retry="none", timeout="60ms")

        async def drip(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(200):
                await response.write(b".")
                await asyncio.sleep(0.01)
            return response

        receiver.answer = drip
        await bench.send()

        await bench.space.driver.advance(None)

        assert [(status, error) for _, status, error in bench.attempts()] == [(0, "timed out after 0.06 s")]


async def test_connections__are_kept_alive() -> None:
    """
    Webhooks sent one after the other share a connection.
    """
    async with receiving() as receiver, serving() as bench:
        await point(bench, receiver.url)
        for _ in range(5):
            await bench.send()
            await bench.space.driver.advance(None)

        assert len(receiver.received) == 5
        assert len({one.connection for one in receiver.received}) == 1


async def test_garbage__is_a_failed_attempt() -> None:
    """
    A receiver that does not speak HTTP gives a failed attempt, and the next webhook is sent all the same.
    """

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x00\xff not http at all\r\n\r\n")
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with receiving() as receiver, serving() as bench:
        await point(bench, f"http://127.0.0.1:{port}/", retry="none")
        await bench.send("41790000001")
        await bench.space.driver.advance(None)
        await bench.configure(webhook={"url": receiver.url})
        await bench.send("41790000002")
        await bench.space.driver.advance(None)

        attempts = bench.attempts()
        assert [status for _, status, _ in attempts] == [0, 200]
        assert attempts[0][2] != ""
        assert [number for number, _ in receiver.told()] == ["41790000002"]
    listener.close()
    await listener.wait_closed()


@settings(max_examples=25)
@given(
    st.one_of(
        st.text(max_size=40),
        st.sampled_from(
            [
                "",
                "http://",
                "http://127.0.0.1:99999/",
                "http://[::1/",
                "ftp://127.0.0.1/",
                "file:///etc/passwd",
                "127.0.0.1:9",
                "http://127.0.0.1:0/",
                "http:///x",
                "http://\r\nX: y/",
                "//127.0.0.1/",
                "http://user:pass word@127.0.0.1:1/",
                "http://127.0.0.1:1/\ud800",
                "http://127.0.0.1:1/ \u0000",
                "javascript:alert(1)",
            ]
        ),
    )
)
def test_absurd_target__is_a_failed_attempt(target: str) -> None:
    """
    Whatever a client names as its webhook target: the attempt fails and says why, nothing else breaks.
    """
    asyncio.run(_absurd(target))


async def _absurd(target: str) -> None:
    troubles: list[dict[str, object]] = []
    # Names are not to be resolved here: nothing but loopback may be asked for anything.
    if target and not any(word in target for word in ("127.0.0.1", "::1", "file:", "ftp:", "http", "java")):
        target = f"/{target}"
    async with serving() as bench:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
        await point(bench, "", retry="none")
        item = {"destinations": [{"to": "41790000001"}], "text": "x", "notifyUrl": target}
        await bench.post("/infobip/sms/2/text/advanced", {"messages": [item]})

        await bench.space.driver.advance(None)

        assert troubles == []
        assert bench.space.simulation.settled
        assert all(status == 0 and error for _, status, error in bench.attempts())


async def test_deleted_space__breaks_off_and_sends_nothing_more() -> None:
    """
    Deleting a space cancels what is under way and forgets what was still to come.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.control("POST", "/spaces", {"name": "gone", "clock": "autojump"})
        await bench.configure(
            "gone", webhook={"url": receiver.url, "in_flight": 2, "timeout": "30s"}, deliver_after="1s"
        )
        stuck = asyncio.Event()

        async def hesitate(request: web.Request) -> web.Response:
            await stuck.wait()
            return web.Response()

        receiver.answer = hesitate
        await bench.send([f"4179000000{n}" for n in range(9)], base="/s/gone/infobip")
        await until(lambda: receiver.running == 2)

        await bench.control("DELETE", "/spaces/gone")
        stuck.set()
        await until(lambda: receiver.running == 0)

        assert len(receiver.received) == 2


@pytest.mark.parametrize(
    ("target", "cause"),
    [
        ("http://127.0.0.1:{closed}/dlr", Cause.REFUSED),
        ("{receiver}/abort", Cause.RESET),
        ("{receiver}/slow", Cause.TIMED_OUT),
        ("{receiver}/fine", None),
    ],
)
async def test_attempt_without_an_answer__has_a_cause(target: str, cause: Cause | None) -> None:
    """
    Why there was no answer is one of a few causes, whatever the words beside it are.
    """
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        closed = reserved.getsockname()[1]
    asked = asyncio.Event()
    async with receiving() as receiver, serving() as bench:

        async def behave(request: web.Request) -> web.StreamResponse:
            if request.path == "/abort" and request.transport is not None:
                request.transport.abort()
            if request.path == "/slow":
                await asked.wait()
            return web.Response()

        receiver.answer = behave
        url = target.format(closed=closed, receiver=receiver.url)
        await point(bench, url, retry="none", timeout="60ms" if cause is Cause.TIMED_OUT else "10s")
        await bench.send()
        await bench.space.driver.advance(None)
        asked.set()

        (webhook,) = bench.space.simulation.outbox.webhooks.values()
        facts = [entry.fact for entry in bench.space.simulation.journal]
        assert [attempt.cause for attempt in webhook.attempts] == [cause]
        assert [fact.cause for fact in facts if isinstance(fact, Attempted)] == [cause]

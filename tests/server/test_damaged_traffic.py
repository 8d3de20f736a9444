"""
Bytes that go wrong on purpose, as the two ends of the wire see them.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from typing import Any

import pytest
from aiohttp import ClientPayloadError, web

from harness import KEY, Bench, receiving, serving

BODY = {"messages": [{"destinations": [{"to": "41793026727", "messageId": "m-1"}], "text": "x"}]}
PATH = "/infobip/sms/2/text/advanced"


async def rule(bench: Bench, then: dict[str, Any], **when: Any) -> None:
    """Put one rule in force."""
    await bench.load({"rules": [{"name": "fault", "when": when, "then": then}]})


async def raw_send(bench: Bench, to: str = "41793026727") -> bytes:
    """Send on a connection of its own and return everything that came back, to the last byte."""
    body = json.dumps({"messages": [{"destinations": [{"to": to, "messageId": f"m-{to}"}], "text": "x"}]})
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: App k\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.server.ports[""])
    writer.write(head.encode() + body.encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


def parted(answer: bytes) -> tuple[int, bytes]:
    """Return the announced length and the body of a raw answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    (length,) = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(length.partition(b":")[2]), body


def states(bench: Bench) -> list[str]:
    """Return the states of all messages."""
    return [message.state.value for message in bench.space.simulation.messages.values()]


async def test_truncated_answer__client_sees_it_break_off(caplog: pytest.LogCaptureFixture) -> None:
    """
    The status is a good one, the body ends before its announced length, and the work was done.
    """
    async with serving() as bench:
        await rule(bench, {"answer": {"truncate": True}})

        async with bench.http.post(f"{bench.url}{PATH}", json=BODY, headers=KEY) as answer:
            with pytest.raises(ClientPayloadError):
                await answer.read()

        assert answer.status == 200
        assert states(bench) == ["accepted"]
        assert f"POST {PATH[8:]} answered 200, broken off in the middle on purpose" in bench.lines()
        assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_truncated_answer__is_the_first_half_of_the_true_one() -> None:
    """
    On the wire half of the body comes under the length of the whole.
    """
    async with serving() as bench:
        whole = parted(await raw_send(bench))
        await rule(bench, {"answer": {"truncate": True}})
        half = parted(await raw_send(bench, "41793026728"))

        assert whole[0] == len(whole[1])
        assert half[0] == len(whole[1])
        assert len(half[1]) == half[0] // 2
        assert half[1] == bench.space.exchanges[-1].answer[: len(half[1])]


async def test_garbled_answer__has_the_right_length_and_wrong_bytes() -> None:
    """
    Eight bytes at most are wrong; nothing else about the answer gives it away.
    """
    async with serving() as bench:
        await rule(bench, {"answer": {"garble": True}})

        length, body = parted(await raw_send(bench))

        truth = bench.space.exchanges[-1].answer
        assert length == len(body) == len(truth)
        assert 1 <= sum(a != b for a, b in zip(body, truth, strict=True)) <= 8
        assert "POST /sms/2/text/advanced answered 200, garbled on purpose" in bench.lines()


async def test_garbled_answer__is_the_same_for_a_seed_in_any_order() -> None:
    """
    Which bytes are wrong goes by the message, not by how many calls came before.
    """
    told = []
    for others in ((), ("41790000001", "41790000002")):
        async with serving(seed=5) as bench:
            await rule(bench, {"answer": {"garble": True}}, recipient="+41793026727")
            for other in others:
                await bench.send(other)
            told.append(parted(await raw_send(bench)))

    assert told[0] == told[1]


async def test_dripped_answer__arrives_whole_and_late() -> None:
    """
    It takes its time in real time, in many pieces, and is the true answer in the end.
    """
    async with serving() as bench:
        await rule(bench, {"answer": {"drip": "200ms"}})
        loop = asyncio.get_running_loop()
        began = loop.time()

        pieces = 0
        async with bench.http.post(f"{bench.url}{PATH}", json=BODY, headers=KEY) as answer:
            body = b""
            async for chunk, _ in answer.content.iter_chunks():
                pieces += 1
                body += chunk

        assert loop.time() - began >= 0.2
        assert pieces > 1
        assert body == bench.space.exchanges[-1].answer
        assert "POST /sms/2/text/advanced answered 200, bit by bit on purpose" in bench.lines()


async def test_truncated_and_garbled_at_once() -> None:
    """
    Faults of one answer add up, and the journal names each.
    """
    async with serving() as bench:
        await rule(bench, {"answer": {"garble": True, "truncate": True}})

        length, body = parted(await raw_send(bench))

        assert len(body) == length // 2
        assert (
            "POST /sms/2/text/advanced answered 200, garbled and broken off in the middle on purpose"
            in bench.lines()
        )


# -- webhooks ---------------------------------------------------------------------------------------


class Ear:
    """Keeps what of each webhook arrives; answers 400 to the first so many."""

    def __init__(self, refuse: int = 0) -> None:
        self.refuse = refuse
        self.heard: list[tuple[str, str, bytes]] = []

    async def listen(self) -> web.AppRunner:
        """Start to listen."""
        app = web.Application()
        app.router.add_post("/{path:.*}", self._hear)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    async def _hear(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.heard.append((request.headers.get("X-Signature", ""), request.content_type, body))
        return web.Response(status=400 if len(self.heard) <= self.refuse else 200)


async def heard(faults: dict[str, Any], refuse: int = 1) -> tuple[list[tuple[str, str, bytes]], list[bytes]]:
    """Return the attempts at the only webhook as they arrived, and their bodies as they are shown."""
    ear = Ear(refuse)
    runner = await ear.listen()
    try:
        async with serving() as bench:
            await bench.configure(
                webhook={
                    "url": f"http://127.0.0.1:{runner.addresses[0][1]}/reports",
                    "hmac": {"secret": "s3cret"},
                    "retry": ["1m"],
                }
            )
            await rule(bench, {"webhooks": faults})
            await bench.send()
            await bench.space.driver.advance(None)
            (webhook,) = bench.space.simulation.outbox.webhooks.values()
            shown = [
                bench.space.simulation.request_for(webhook, attempt.number).body
                for attempt in webhook.attempts
            ]
            return ear.heard, shown
    finally:
        await runner.cleanup()


def signature(body: bytes) -> str:
    """Return the signature that a body should have."""
    return hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("fault", ["truncate", "corrupt", "content_type", "mis_sign"])
async def test_damaged_webhook__is_broken_once_and_shown_as_it_was_sent(fault: str) -> None:
    """
    The first attempt arrives damaged, the second whole and rightly signed; both are shown as they were.
    """
    (first, second), shown = await heard({fault: True})

    assert [first[2], second[2]] == shown
    assert second[1:] == ("application/json", second[2])
    assert second[0] == signature(second[2])
    match fault:
        case "truncate":
            assert second[2].startswith(first[2])
            assert len(first[2]) < len(second[2])
        case "corrupt":
            assert first[2] != second[2]
            assert len(first[2]) == len(second[2])
            assert first[0] == second[0]
        case "content_type":
            assert (first[1], first[2]) == ("text/plain", second[2])
        case "mis_sign":
            assert first[2] == second[2]
            assert len(first[0]) == len(second[0])
            assert first[0] != second[0]


async def test_unsigned_webhook__has_no_signature_at_all() -> None:
    """
    The first attempt comes whole and without the header, the second one signed.
    """
    (first, second), _ = await heard({"mis_sign": "missing"})

    assert first == ("", "application/json", second[2])
    assert second[0] == signature(second[2])


async def test_slow_webhook__arrives_whole_and_is_acknowledged() -> None:
    """
    A body that takes its time is the true body, and one attempt suffices.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()

    ((_, _, body),), shown = await heard({"slow": {"over": "200ms"}}, refuse=0)

    assert loop.time() - began >= 0.2
    assert [body] == shown


async def test_slow_webhook__to_one_recipient_keeps_nobody_else_waiting() -> None:
    """
    Reports to others arrive while a slow one is still being sent.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": receiver.url}, deliver_after="1s")
        await rule(bench, {"webhooks": {"slow": {"over": "300ms"}}}, recipient="+41790000001")

        await bench.send(["41790000001", "41790000002", "41790000003"])
        await bench.space.driver.advance(None)

        order = [number for number, _ in receiver.told()]
        assert sorted(order[:2]) == ["41790000002", "41790000003"]
        assert order[2] == "41790000001"


async def test_contradiction__reaches_the_integrator_in_the_providers_words() -> None:
    """
    After the report of delivery comes one of failure, with statuses of the provider; the message stays.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": receiver.url}, deliver_after="1s")
        await rule(bench, {"webhooks": {"contradict": {"after": "5s"}}})

        await bench.send()
        await bench.space.driver.advance(None)

        groups = [row["status"]["groupName"] for one in receiver.received for row in one.body["results"]]
        assert groups == ["DELIVERED", "UNDELIVERABLE"]
        assert states(bench) == ["delivered"]

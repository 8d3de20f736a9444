"""
What a rule does to the answer of a call, as the client sees it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, web

from harness import KEY, Bench, receiving, serving, until
from simulator.explain.story import explain
from simulator.kernel.model.scenario import ClockMode, ClockSpec


async def rule(bench: Bench, then: dict[str, Any], **when: Any) -> None:
    """Put one rule in force."""
    await bench.load({"rules": [{"name": "fault", "when": when, "then": then}]})


def states(bench: Bench) -> list[str]:
    """Return the states of all messages."""
    return [message.state.value for message in bench.space.simulation.messages.values()]


async def test_refuse__whole_call_in_the_providers_words() -> None:
    """
    A refused call answers the provider's error, names the rule in a header, and does no work.
    """
    async with serving() as bench:
        await rule(bench, {"answer": {"refuse": "FORBIDDEN"}}, provider="infobip")
        body = {"messages": [{"destinations": [{"to": "41793026727"}], "text": "x"}]}

        async with bench.http.post(
            f"{bench.url}/infobip/sms/2/text/advanced", json=body, headers=KEY
        ) as answer:
            said = answer.status, answer.headers["X-Simulator-Rule"], await answer.json()

        assert said[:2] == (403, "fault")
        assert said[2]["requestError"]["serviceException"]["messageId"] == "FORBIDDEN"
        assert states(bench) == []


async def test_gateway__is_told_as_what_it_is() -> None:
    """
    The page is that of no provider; header, journal and story name the rule, and no work was done.
    """
    async with serving() as bench:
        await rule(bench, {"answer": {"gateway": 502}}, provider="infobip")
        body = {"messages": [{"destinations": [{"to": "41793026727"}], "text": "x"}]}

        async with bench.http.post(
            f"{bench.url}/infobip/sms/2/text/advanced", json=body, headers=KEY
        ) as answer:
            page, headers = await answer.text(), answer.headers

        assert (answer.status, headers["Content-Type"]) == (502, "text/html")
        assert page == (
            "<html>\n<head><title>502 Bad Gateway</title></head>\n"
            "<body>\n<h1>502 Bad Gateway</h1>\n</body>\n</html>\n"
        )
        assert headers["X-Simulator-Rule"] == "fault"
        assert headers["X-Simulator-Reason"].startswith('gateway 502: rule "fault"')
        assert states(bench) == []


async def test_gateway__stands_before_calls_that_send_nothing() -> None:
    """
    A balance is asked through the same proxy.
    """
    async with serving() as bench:
        await rule(bench, {"answer": {"gateway": 504}}, provider="infobip", operation="balance")

        async with bench.http.get(f"{bench.url}/infobip/account/1/balance", headers=KEY) as answer:
            assert (answer.status, answer.content_type) == (504, "text/html")


async def test_refuse__by_a_rule_with_an_odd_name() -> None:
    """
    Whatever a rule is called, its name fits into a header.
    """
    async with serving() as bench:
        odd = {"name": "a\r\nX-B: \x00ş\x7f", "when": {"provider": "infobip"}}
        await bench.load({"rules": [{**odd, "then": {"answer": {"refuse": "FORBIDDEN"}}}]})
        body = {"messages": [{"destinations": [{"to": "41793026727"}], "text": "x"}]}

        async with bench.http.post(
            f"{bench.url}/infobip/sms/2/text/advanced", json=body, headers=KEY
        ) as answer:
            said = answer.status, answer.headers.get("X-Simulator-Rule"), answer.headers.get("X-B")

        assert said == (403, r"a\r\nX-B: \x00\u015f\x7f", None)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"truncate": True}, "answered 200, broken off in the middle on purpose"),
        ({"garble": True, "drip": "10ms"}, "answered 200, garbled and bit by bit on purpose"),
        ({"stall": "10ms"}, "answered 200, 10ms late on purpose"),
        ({"drop": "after"}, "was cut off on purpose"),
        ({"drop": "after", "stall": "10ms"}, "was cut off on purpose, 10ms late"),
        (
            {"refuse": "GENERAL_ERROR", "after_work": True},
            "answered 500, after doing the work on purpose",
        ),
    ],
)
async def test_what_is_done_to_an_answer_is_in_the_story_of_the_message(
    answer: dict[str, Any], told: str
) -> None:
    """
    The journal says that it was on purpose, by which rule, and about which message.
    """
    async with serving() as bench:
        await rule(bench, {"answer": answer}, provider="infobip")
        try:
            await bench.send("41793020001")
        except (ClientError, ValueError):
            pass
        (message,) = bench.space.simulation.messages.values()
        lines = explain(bench.space.simulation, message).lines()

    assert f'+00:00:00.000 infobip +41793020001 #1 POST /sms/2/text/advanced {told} (rule "fault")' in lines


async def garbled_answers(order: list[str]) -> dict[str, bytes]:
    """Send to each of *order*, in that order, under a rule that garbles; return the answer of each."""
    body = [{"destinations": [{"to": to, "messageId": f"id-{to}"}], "text": "x"} for to in order]
    async with serving() as bench:
        await rule(bench, {"answer": {"garble": True}})
        answers = {}
        for to, message in zip(order, body, strict=True):
            async with bench.http.post(
                f"{bench.url}/infobip/sms/2/text/advanced", json={"messages": [message]}, headers=KEY
            ) as answer:
                answers[to] = await answer.read()
        return answers


async def test_garble__is_the_same_whatever_the_order_of_arrival() -> None:
    """
    How an answer is garbled depends on the message it is about, not on the calls before.
    """
    numbers = ["41790000001", "41790000002", "41790000003"]

    there = await garbled_answers(numbers)
    back = await garbled_answers(numbers[::-1])

    assert there == back


async def test_throttle__says_when_to_come_back_and_keeps_its_word() -> None:
    """
    Too many calls get 429 with Retry-After; after that time on the space's clock calls pass again.
    """
    async with serving() as bench:
        await rule(bench, {"answer": {"throttle": {"rate": "2/m", "burst": 2}}})
        url = f"{bench.url}/infobip/sms/2/text/advanced"
        body = {"messages": [{"destinations": [{"to": "41793026727"}], "text": "x"}]}

        first = [(await bench.send())[0] for _ in range(2)]
        async with bench.http.post(url, json=body, headers=KEY) as answer:
            refused = answer.status, answer.headers["Retry-After"]
        await bench.space.driver.advance(29_000)
        too_soon, _ = await bench.send()
        await bench.space.driver.advance(30_000)
        in_time, _ = await bench.send()

        assert first == [200, 200]
        assert refused == (429, "30")
        assert (too_soon, in_time) == (429, 200)


async def test_stall__holds_the_answer_in_real_time() -> None:
    """
    A stalled call is not answered before its time, and other calls are not kept waiting.
    """
    async with serving() as bench:
        await rule(bench, {"answer": {"stall": "150ms"}}, recipient="+41790000001")
        loop = asyncio.get_running_loop()
        began = loop.time()
        stalled = asyncio.create_task(bench.send("41790000001"))
        await until(lambda: bench.space.driver.calls_in_flight == 1)

        other, _ = await bench.send("41790000002")
        still_waiting = not stalled.done()
        status, _ = await stalled

        assert (status, other, still_waiting) == (200, 200, True)
        assert loop.time() - began >= 0.15


async def test_stall__client_that_gives_up_leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    """
    When the client hangs up during a stall, the call ends, its webhooks go out, and no trace is logged.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": receiver.url}, deliver_after="1s")
        await rule(bench, {"answer": {"stall": "200ms"}})
        body = {"messages": [{"destinations": [{"to": "41793026727"}], "text": "x"}]}

        async with ClientSession() as hasty:
            call = asyncio.create_task(
                hasty.post(f"{bench.url}/infobip/sms/2/text/advanced", json=body, headers=KEY)
            )
            await until(lambda: bench.space.driver.calls_in_flight == 1)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        await until(lambda: bench.space.driver.calls_in_flight == 0)
        await bench.space.driver.advance(None)

        assert states(bench) == ["delivered"]
        assert [number for number, _ in receiver.told()] == ["41793026727"]
        assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(("moment", "expected"), [("before", []), ("after", ["delivered"])])
async def test_drop__client_sees_a_cut_connection(
    moment: str, expected: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """
    A dropped call gives the client an error instead of an answer; the work is done only if dropped after it.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": receiver.url}, deliver_after="1s")
        await rule(bench, {"answer": {"drop": moment}})

        with pytest.raises(ClientError):
            await bench.send()
        await bench.load({})
        await bench.space.driver.advance(None)

        assert states(bench) == expected
        assert len(receiver.received) == len(expected)
        assert "POST /sms/2/text/advanced was cut off on purpose" in bench.lines()
        assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_drop__not_a_byte_is_sent(moment: str) -> None:
    """
    On the wire a dropped call ends with no answer at all, not even a status line.
    """
    async with serving() as bench:
        await rule(bench, {"answer": {"drop": moment}})
        body = b'{"messages":[{"destinations":[{"to":"41793026727"}],"text":"x"}]}'
        head = (
            f"POST /infobip/sms/2/text/advanced HTTP/1.1\r\nHost: localhost\r\nAuthorization: App k\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )

        reader, writer = await asyncio.open_connection("127.0.0.1", bench.server.ports[""])
        writer.write(head.encode() + body)
        try:
            answer = await asyncio.wait_for(reader.read(), 5)
        except ConnectionResetError:
            answer = b""
        writer.close()

        assert answer == b""


async def test_drop__of_a_call_that_sends_nothing() -> None:
    """
    Rules drop calls of any operation, such as pulling reports.
    """
    async with serving() as bench:
        await rule(bench, {"answer": {"drop": "before"}}, operation="reports")

        with pytest.raises(ClientError):
            await bench.http.get(f"{bench.url}/infobip/sms/1/reports", headers=KEY)
        status, _ = await bench.send()

        assert status == 200


async def test_early_report__arrives_before_the_answer() -> None:
    """
    With `early` the integrator is told before its own call returns.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": receiver.url}, deliver_after="10s")
        await rule(bench, {"webhooks": {"early": True}})
        order: list[str] = []

        async def note(request: web.Request) -> web.Response:
            order.append("report")
            return web.Response()

        receiver.answer = note
        await bench.send()
        order.append("answer")

        assert order == ["report", "answer"]
        assert states(bench) == ["delivered"]


async def test_early_report__to_a_silent_receiver_does_not_hold_the_answer_for_ever() -> None:
    """
    The answer waits for an early report, but not longer than the webhook's own time-out.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": receiver.url, "timeout": "50ms", "retry": "none"})
        await rule(bench, {"webhooks": {"early": True}})

        async def never(request: web.Request) -> web.Response:
            await asyncio.Event().wait()
            raise AssertionError

        receiver.answer = never

        status, _ = await bench.send()

        assert status == 200


async def test_report__never_overtakes_the_answer_unless_told_to() -> None:
    """
    Even when delivery takes no time at all, the report starts only after the answer is out.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": receiver.url}, deliver_after="0s")
        await rule(bench, {"answer": {"stall": "60ms"}})
        bench.space.driver.set_mode(ClockSpec(mode=ClockMode.LIVE, rate=100))
        order: list[str] = []

        async def note(request: web.Request) -> web.Response:
            order.append("report")
            return web.Response()

        receiver.answer = note
        await bench.send()
        order.append("answer")
        await until(lambda: len(order) == 2)

        assert order == ["answer", "report"]


async def test_refusal_of_one_recipient__leaves_the_others() -> None:
    """
    A code that rejects recipients rejects the one the rule means, inside a 200.
    """
    async with serving() as bench:
        await rule(
            bench, {"answer": {"refuse": "REJECTED_NETWORK"}}, provider="infobip", recipient="+41790000001"
        )

        status, body = await bench.send(["41790000001", "41790000002"])

        names = [entry["status"]["name"] for entry in body.get("messages", [])]
        assert status == 200, body
        assert names[0].startswith("REJECTED")
        assert names[1].startswith("PENDING")

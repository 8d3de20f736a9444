"""
Bitel's calls over HTTP: their life, retries, seconds, and the one webhook.
"""

from __future__ import annotations

from typing import Any

import pytest

from providers.bitel.bench import EPOCH_S, Bench
from simulator.kernel.model.lifecycle import Move
from simulator.providers.bitel import PROVIDER
from simulator.scenario.loader import load

_TTS = {"phoneNumber": "09120000001", "text": "hello"}
_DELAYS = {"answer_after": "5s", "hang_up_after": "35s"}


def _with_number(number: str, **more: Any) -> dict[str, Any]:
    return {**_TTS, "phoneNumber": number, **more}


async def test_call_waits_then_ends_normally() -> None:
    """
    A call is WAITING until it is over; then seconds, execution and price are told, and one event comes.
    """
    async with Bench(**_DELAYS) as bitel:
        sent = await bitel.post("/voice/single/tts", _TTS)
        request_id = sent.body["result"]["id"]
        await bitel.advance(20_000)
        under_way = await bitel.get(f"/voice/status/{request_id}")
        early = bitel.webhooks
        await bitel.settle()
        at_the_end = await bitel.get(f"/voice/status/{request_id}")
        told = bitel.webhooks

    waiting = {
        "id": request_id,
        "phoneNumber": "09120000001",
        "status": "WAITING",
        "statusCode": 0,
        "billSec": 0,
        "requestDate": EPOCH_S,
        "executionDate": 0,
        "price": 0.0,
    }
    assert sent == (200, {"result": waiting, "error": None})
    assert under_way == sent
    assert early == []
    over = {
        **waiting,
        "status": "NORMAL",
        "statusCode": 1,
        "billSec": 30,
        "executionDate": EPOCH_S + 5,
        "price": -34.2,
    }
    assert at_the_end == (200, {"result": over, "error": None})
    assert told == [
        {
            "requestId": request_id,
            "campaignId": None,
            "balanceSubtracted": 34.2,
            "cause": "NORMAL",
            "billSec": 30,
            "number": "09120000001",
            "requestDate": EPOCH_S,
        }
    ]


@pytest.mark.parametrize(
    ("code", "name", "ends_after_s"),
    [
        (2, "NO_ANSWER", 180),
        (3, "USER_BUSY", 180),
        (10, "EXPIRED", 180),
        (11, "ERROR", 35),
        (20, "UNKNOWN", 35),
    ],
)
async def test_call_that_fails_costs_nothing(code: int, name: str, ends_after_s: int) -> None:
    """
    A magic recipient ends a call with its status, after the tries are used up or on the usual way.
    """
    async with Bench(**_DELAYS) as bitel:
        sent = await bitel.post("/voice/single/tts", _with_number(f"09601{code:06d}"))
        request_id = sent.body["result"]["id"]
        await bitel.advance(ends_after_s * 1_000 - 1)
        before = (await bitel.get(f"/voice/status/{request_id}")).body["result"]["status"]
        await bitel.advance(1)
        got = (await bitel.get(f"/voice/status/{request_id}")).body["result"]
        await bitel.settle()
        told = [(one["cause"], one["billSec"], one["balanceSubtracted"]) for one in bitel.webhooks]

    assert before == "WAITING"
    assert (got["status"], got["statusCode"], got["billSec"], got["price"]) == (name, code, 0, 0.0)
    assert got["executionDate"] == EPOCH_S + 5
    assert told == [(name, 0, 0.0)]


@pytest.mark.parametrize(("retries", "ends_after_s"), [(0, 90), (1, 180), ("3", 360)])
async def test_unanswered_call_is_tried_again(retries: int | str, ends_after_s: int) -> None:
    """
    Each retry of an unanswered call adds the length of a try before it is given up.
    """
    async with Bench(attempt="90s") as bitel:
        sent = await bitel.post("/voice/single/tts", _with_number("09601000002", retryCount=retries))
        await bitel.settle()

        request_id = sent.body["result"]["id"]
        assert (await bitel.get(f"/voice/status/{request_id}")).body["result"]["status"] == "NO_ANSWER"
        assert bitel.gateway.now_ms == ends_after_s * 1_000


@pytest.mark.parametrize(
    ("number", "retries", "off", "status", "ends_after_s"),
    [
        ("09601000003", 0, False, "USER_BUSY", 2),
        ("09601000003", 2, False, "USER_BUSY", 6),
        ("09601000010", 0, False, "EXPIRED", 2),
        ("09601000011", 0, False, "ERROR", 35),
        ("09120000001", 0, False, "NORMAL", 35),
        ("09120000001", 0, True, "NO_ANSWER", 2),
    ],
)
async def test_short_tries_end_only_calls_that_nobody_answers(
    number: str, retries: int, off: bool, status: str, ends_after_s: int
) -> None:
    """
    The length of a try ends busy calls and those to a phone that is off; an answered one goes on.
    """
    async with Bench(attempt="2s", **_DELAYS) as bitel:
        bitel.space.simulation.change_recipient("+989120000001", {"reachable": not off})
        sent = await bitel.post("/voice/single/tts", _with_number(number, retryCount=retries))
        await bitel.settle()

        request_id = sent.body["result"]["id"]
        assert (await bitel.get(f"/voice/status/{request_id}")).body["result"]["status"] == status
        assert bitel.gateway.now_ms == ends_after_s * 1_000


async def test_short_tries_end_a_call_that_a_rule_makes_busy() -> None:
    """
    A rule's busy call ends as the busy magic number's does.
    """
    rule = "rules: [{when: {provider: bitel}, then: {fate: {fail: {call: USER_BUSY}}}}]"
    async with Bench(attempt="2s") as bitel:
        bitel.space.load(load(rule, "rule", {"bitel": PROVIDER}))
        await bitel.post("/voice/single/tts", _with_number("09120000001", retryCount=0))
        await bitel.settle()

        assert [one["cause"] for one in bitel.webhooks] == ["USER_BUSY"]
        assert bitel.gateway.now_ms == 2_000


async def test_answer_comes_no_later_than_the_end() -> None:
    """
    A call whose settings would answer it after its end is over at its end.
    """
    async with Bench(answer_after="1m", hang_up_after="10s") as bitel:
        sent = await bitel.post("/voice/single/tts", _TTS)
        await bitel.settle()
        got = (await bitel.get(f"/voice/status/{sent.body['result']['id']}")).body["result"]

        assert (got["status"], got["executionDate"] - EPOCH_S, got["billSec"]) == ("NORMAL", 10, 1)
        assert bitel.gateway.now_ms == 10_000


async def test_phone_that_is_off_does_not_answer() -> None:
    """
    A call to a phone that stays off ends as NO_ANSWER; nobody keeps calls for days.
    """
    async with Bench() as bitel:
        bitel.space.simulation.change_recipient("+989120000001", {"reachable": False})
        sent = await bitel.post("/voice/single/tts", _TTS)
        await bitel.settle()

        got = (await bitel.get(f"/voice/status/{sent.body['result']['id']}")).body["result"]
        assert (got["status"], got["billSec"]) == ("NO_ANSWER", 0)
        assert bitel.gateway.now_ms == 180_000


@pytest.mark.parametrize(
    ("off_s", "back_s", "executed_s", "bill_s"),
    [(0, 3, 5, 30), (0, 20, 20, 15), (0, 100, 100, 1), (10, 100, 100, 1), (0, 179, 179, 1)],
)
async def test_call_begins_no_sooner_than_the_phone_is_back(
    off_s: int, back_s: int, executed_s: int, bill_s: int
) -> None:
    """
    A later try gets through; the call begins at the return, ends when it is told, and is told once.
    """
    async with Bench(**_DELAYS) as bitel:
        simulation = bitel.space.simulation
        if not off_s:
            simulation.change_recipient("+989120000001", {"reachable": False})
        sent = await bitel.post("/voice/single/tts", _TTS)
        if off_s:
            await bitel.advance(off_s * 1_000)
            simulation.change_recipient("+989120000001", {"reachable": False})
        await bitel.advance((back_s - off_s) * 1_000)
        simulation.change_recipient("+989120000001", {"reachable": True})
        await bitel.settle()
        simulation.change_recipient("+989120000001", {"reachable": False})
        got = (await bitel.get(f"/voice/status/{sent.body['result']['id']}")).body["result"]

        assert (got["status"], got["executionDate"] - EPOCH_S, got["billSec"]) == (
            "NORMAL",
            executed_s,
            bill_s,
        )
        assert [(one["cause"], one["billSec"]) for one in bitel.webhooks] == [("NORMAL", bill_s)]


async def test_call_begins_no_sooner_than_a_window_ends() -> None:
    """
    A phone that a scenario takes away for a while is called when it says that it is back.
    """
    text = """
recipients:
  "+989120000001": {reachable: [{from: 0s, until: 10s, is: false}, {from: 15s, until: 25s, is: false}]}
"""
    async with Bench(**_DELAYS) as bitel:
        bitel.space.load(load(text, "window", {"bitel": PROVIDER}))
        sent = await bitel.post("/voice/single/tts", _TTS)
        await bitel.settle()
        got = (await bitel.get(f"/voice/status/{sent.body['result']['id']}")).body["result"]

    assert (got["status"], got["executionDate"] - EPOCH_S, got["billSec"]) == ("NORMAL", 25, 10)


async def test_call_that_is_moved_to_its_end_has_no_past() -> None:
    """
    A call that control ends before it was answered begins at that instant, not before it.
    """
    async with Bench(**_DELAYS) as bitel:
        sent = await bitel.post("/voice/single/tts", _TTS)
        request_id = sent.body["result"]["id"]
        await bitel.advance(2_000)
        message = bitel.space.simulation.message("bitel", request_id)
        assert message is not None
        bitel.space.simulation.move(message, Move.DELIVER)
        got = (await bitel.get(f"/voice/status/{request_id}")).body["result"]

    assert (got["status"], got["executionDate"] - EPOCH_S, got["billSec"]) == ("NORMAL", 2, 1)


async def test_black_list_is_about_sms_alone() -> None:
    """
    The pages name the black list for SMS gateways; a call gets through.
    """
    async with Bench() as bitel:
        bitel.space.simulation.change_recipient("+989120000001", {"blacklisted": True})
        sent = await bitel.post("/voice/single/tts", _TTS)
        await bitel.settle()
        got = await bitel.get(f"/voice/status/{sent.body['result']['id']}")

    assert got.body["result"]["status"] == "NORMAL"


async def test_batch_of_calls_shares_a_campaign() -> None:
    """
    One call object per number comes back in order, and the events carry one campaign id.
    """
    async with Bench() as bitel:
        numbers = ["09120000001", "+989120000002", "09120000001"]
        sent = await bitel.post("/voice/batch", {"phoneNumbers": numbers, "voiceId": 1})
        await bitel.settle()

        assert [row["phoneNumber"] for row in sent.body["result"]] == numbers
        assert len({row["id"] for row in sent.body["result"]}) == 3
        campaigns = {one["campaignId"] for one in bitel.webhooks}
        assert len(bitel.webhooks) == 3
        assert len(campaigns) == 1
        assert None not in campaigns


async def test_long_call_is_paid_by_started_minute() -> None:
    """
    61 seconds cost two minutes.
    """
    async with Bench(answer_after="5s", hang_up_after="66s", price_per_minute=10.5) as bitel:
        sent = await bitel.post("/voice/single/tts", _TTS)
        await bitel.settle()
        got = (await bitel.get(f"/voice/status/{sent.body['result']['id']}")).body["result"]

    assert (got["billSec"], got["price"]) == (61, -21.0)

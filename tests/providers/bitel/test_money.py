"""
Money at Bitel: prices, what is charged, and a balance that runs out.
"""

from __future__ import annotations

from typing import Any

import pytest

from providers.bitel.bench import Bench, Got, read_settings

_SMS = {"message": "hi", "phoneNumber": "09120000001"}
_TTS = {"phoneNumber": "09120000001", "text": "hello"}
_NO_MONEY = Got(402, {"result": None, "error": "NoMoney"})


async def _sent(bitel: Bench, **more: Any) -> str:
    got = await bitel.post("/sms/single", {**_SMS, **more})
    return str(got.body["result"]["id"])


async def test_oc5__balance_runs_out_in_the_words_of_the_user() -> None:
    """
    With a balance, what is spent and what is under way is subtracted; a refused batch costs nothing.
    """
    balance = {"amount": 42, "code": "NoMoney", "http": 402}
    async with Bench(balance=balance) as bitel:
        await _sent(bitel)
        batch = {"message": "hi", "phoneNumbers": ["09120000001", "09120000002", "09120000003"]}
        too_much = await bitel.post("/sms/batch", batch)
        await _sent(bitel, phoneNumber="09600000005")
        await _sent(bitel)
        nothing_left = await bitel.post("/sms/single", _SMS)
        await bitel.settle()
        uncharged_came_back = await bitel.post("/sms/single", _SMS)
        looked = bitel.account.actions["balance"]({})

    assert [too_much, nothing_left] == [_NO_MONEY] * 2
    assert uncharged_came_back.status == 200
    assert looked == {"balance": 14.0, "subtracted": 28.0, "pending": 14.0}


async def test_oc5__balance_covers_a_minute_of_each_call() -> None:
    """
    A call is refused unless a minute of it can be paid beside all that is under way; more may be spent.
    """
    balance = {"amount": 25, "code": "NoMoney", "http": 402}
    delays = {"answer_after": "5s", "hang_up_after": "66s"}
    async with Bench(balance=balance, price_per_minute=10, **delays) as bitel:
        numbers = ["09120000001", "09120000002", "09120000003"]
        too_many = await bitel.post("/voice/batch/tts", {"phoneNumbers": numbers, "text": "hello"})
        paid = [await bitel.post("/voice/single/tts", _TTS) for _ in range(2)]
        too_much = [await bitel.post("/voice/single/tts", _TTS), await bitel.post("/sms/single", _SMS)]
        looked = [bitel.account.actions["balance"]({})]
        await bitel.settle()
        looked.append(bitel.account.actions["balance"]({}))

    assert [got.status for got in paid] == [200, 200]
    assert [too_many, *too_much] == [_NO_MONEY] * 3
    assert looked == [
        {"balance": 25.0, "subtracted": 0.0, "pending": 20.0},
        {"balance": -15.0, "subtracted": 40.0, "pending": 0.0},
    ]


async def test_oc5__balance_that_is_set_again_counts_from_now() -> None:
    """
    What is under way when a balance is set is not charged to it.
    """
    balance = {"amount": 14, "code": "NoMoney", "http": 402}
    async with Bench(balance=balance) as bitel:
        await _sent(bitel)
        bitel.account.configure(read_settings({"balance": balance}))
        looked = [bitel.account.actions["balance"]({})]
        again = await bitel.post("/sms/single", _SMS)
        await bitel.settle()
        looked.append(bitel.account.actions["balance"]({}))
        told = [one["balanceSubtracted"] for one in bitel.webhooks]

    assert (again.status, told) == (200, [14.0, 14.0])
    assert looked == [
        {"balance": 14.0, "subtracted": 0.0, "pending": 0.0},
        {"balance": 0.0, "subtracted": 14.0, "pending": 0.0},
    ]


async def test_oc14__prices_and_what_is_charged_can_be_set() -> None:
    """
    The price is parts times the unit price, for the statuses that are charged.
    """
    async with Bench(price_per_part=0.1, charged=["BLACKLIST"]) as bitel:
        delivered = await _sent(bitel)
        listed = await _sent(bitel, phoneNumber="09600000005", message="x" * 161)
        await bitel.settle()
        prices = [
            (await bitel.get(f"/sms/status/{one}")).body["result"]["price"] for one in (delivered, listed)
        ]

    assert prices == [0.0, -0.2]


@pytest.mark.parametrize(
    "changed",
    [{"price_per_minute": 1.0, "price_per_part": 1.0}, {"charged": []}, {"charged": ["ERROR"]}],
)
async def test_oc14__what_was_charged_stays_charged(changed: Any) -> None:
    """
    New prices count from now: a request that is concluded still shows what its webhook said.
    """
    async with Bench(answer_after="5s", hang_up_after="35s") as bitel:
        sms = await _sent(bitel)
        call = (await bitel.post("/voice/single/tts", _TTS)).body["result"]["id"]
        await bitel.settle()
        bitel.account.configure(read_settings(changed))
        paid = [
            (await bitel.get(path)).body["result"]["price"]
            for path in (f"/sms/status/{sms}", f"/voice/status/{call}")
        ]
        told = {one["requestId"]: -one["balanceSubtracted"] for one in bitel.webhooks}

    assert paid == [told[sms], told[call]] == [-14.0, -34.2]

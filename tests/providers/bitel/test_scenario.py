"""
The shipped Bitel scenario: a P2P batch with a black-listed number.
"""

from __future__ import annotations

from typing import Any

from providers.bitel.bench import EPOCH_S, Bench
from simulator.commands.files import find_scenario, load_file
from simulator.provider import discover

_NUMBERS = ["09120000001", "09120000002", "09120000003"]


async def _p2p(bitel: Bench, **more: str) -> list[str]:
    """Send one text to each number and return the request ids."""
    body = {"messages": ["one", "two", "three"], "phoneNumbers": _NUMBERS, **more}
    sent = await bitel.post("/sms/batch/p2p", body)
    return [row["id"] for row in sent.body["result"]]


async def _ends(bitel: Bench, ids: list[str]) -> list[tuple[int, str, float]]:
    """Return code, name and price of each request."""
    rows = [(await bitel.get(f"/sms/status/{one}")).body["result"] for one in ids]
    return [(row["statusCode"], row["status"], row["price"]) for row in rows]


async def _loaded(bitel: Bench) -> None:
    bitel.space.load(load_file(find_scenario("bitel-p2p-black-list"), discover()))


async def test_black_listed_number_is_not_reached_through_the_default_gateway() -> None:
    """
    One of three messages ends as BLACKLIST, uncharged; the others arrive; each is told once.
    """
    async with Bench(deliver_after="3s") as bitel:
        await _loaded(bitel)
        ids = await _p2p(bitel)
        await bitel.settle()
        ends = await _ends(bitel, ids)
        batch_ids = {one["batchId"] for one in bitel.webhooks}
        told = sorted(bitel.webhooks, key=lambda one: ids.index(one["requestId"]))

    assert ends == [(1, "DELIVERED", -14.0), (5, "BLACKLIST", 0.0), (1, "DELIVERED", -14.0)]
    assert len(batch_ids) == 1
    (batch_id,) = batch_ids
    assert told == [
        _event(ids[0], batch_id, "DELIVERED", 14.0),
        _event(ids[1], batch_id, "BLACKLIST", 0.0),
        _event(ids[2], batch_id, "DELIVERED", 14.0),
    ]


def _event(request_id: str, batch_id: str, status: str, amount: float) -> dict[str, Any]:
    return {
        "requestId": request_id,
        "batchId": batch_id,
        "balanceSubtracted": amount,
        "cause": status,
        "smsCount": 1,
        "requestDate": EPOCH_S,
        "deliveryStatus": status,
    }


async def test_black_listed_number_is_reached_through_a_dedicated_gateway() -> None:
    """
    The same batch through a dedicated number arrives everywhere.
    """
    async with Bench() as bitel:
        await _loaded(bitel)
        ids = await _p2p(bitel, gatewayNumber="10007200")
        await bitel.settle()
        ends = await _ends(bitel, ids)

    assert ends == [(1, "DELIVERED", -14.0)] * 3


async def test_black_listed_number_is_reached_by_an_otp() -> None:
    """
    An OTP passes the black list although it goes through the default number.
    """
    async with Bench() as bitel:
        await _loaded(bitel)
        body = {"phoneNumber": _NUMBERS[1], "appName": "Shop", "code": "1234"}
        sent = await bitel.post("/sms/otp", body)
        await bitel.settle()
        ends = await _ends(bitel, [sent.body["result"]["id"]])

    assert ends == [(1, "DELIVERED", -14.0)]


async def test_number_that_left_the_black_list_is_reached() -> None:
    """
    After an hour the number is off the list, and the default gateway reaches it.
    """
    async with Bench() as bitel:
        await _loaded(bitel)
        await bitel.advance(3_600_000)
        ids = await _p2p(bitel)
        await bitel.settle()
        ends = await _ends(bitel, ids)

    assert ends == [(1, "DELIVERED", -14.0)] * 3

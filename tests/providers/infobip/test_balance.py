"""
Balance: sends consume it, and without it they are rejected.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.infobip.bench import bench, one
from simulator.providers.infobip.money import micros, plain_amount


async def test_balance():
    """
    The balance is what the account has, less what was accepted, part by part.
    """
    async with bench(balance=10, price_per_message=0.25, currency="USD") as run:
        before = await run.get("/account/1/balance")
        await run.send(one())
        await run.send(one("41793026834", text="x" * 161))
        after = await run.get("/account/1/balance")

    assert before == {"balance": 10, "currency": "USD"}
    assert after == {"balance": 9.25, "currency": "USD"}


async def test_charge_per_message__is_a_setting():
    """
    A long text may cost one price instead of one per part.
    """
    async with bench(balance=10, price_per_message=1, charge="message") as run:
        await run.send(one(text="x" * 161))
        after = await run.get("/account/1/balance")

    assert after == {"balance": 9, "currency": "EUR"}


async def test_no_credit_left():
    """
    What the balance does not cover is rejected with status 12, recipient by recipient; topping up helps.
    """
    body = {"messages": [{"destinations": [{"to": f"4179302{n:04d}"} for n in range(4)], "text": "x"}]}

    async with bench(balance=2.5, price_per_message=1) as run:
        first = await run.send(body)
        second = await run.send(one())
        left = await run.get("/account/1/balance")
        run.configure(balance=1)
        third = await run.send(one())

    assert [entry["status"]["id"] for entry in first["messages"]] == [7, 7, 12, 12]
    assert sorted(first["messages"][2]) == ["messageId", "smsCount", "status", "to"]
    assert second["messages"][0]["status"]["id"] == 12
    assert left == {"balance": 0.5, "currency": "EUR"}
    assert third["messages"][0]["status"]["id"] == 7


async def test_what_was_refused_costs_nothing():
    """
    Rejected recipients and refused calls are free.
    """
    async with bench(balance=10, price_per_message=1) as run:
        await run.send(one("not a number"))
        await run.send(one("9991000014"))
        await run.call("POST", "/sms/1/text/advanced", one("9991200500"))
        after = await run.get("/account/1/balance")

    assert after["balance"] == 10


async def test_price_in_reports():
    """
    Reports show the unit price, whatever the length of the text.
    """
    async with bench(price_per_message=0.07, currency="CHF") as run:
        await run.send(one(text="x" * 161))
        await run.settle()
        (report,) = (await run.get("/sms/1/reports"))["results"]

    assert report["price"] == {"pricePerMessage": 0.07, "currency": "CHF"}


@given(amount=st.integers(0, 10**12))
def test_amounts_survive_the_round_trip(amount):
    """
    Hundredths never drift.
    """
    assert micros(plain_amount(amount * 10_000)) == amount * 10_000


@pytest.mark.parametrize(("written", "kept"), [(0.1, 100_000), (0.01, 10_000), (5, 5_000_000), (0.000001, 1)])
def test_amounts_are_exact(written, kept):
    """
    An amount means what it looks like.
    """
    assert micros(written) == kept

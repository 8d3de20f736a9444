"""
What a message costs, and what it does not.
"""

from __future__ import annotations

import pytest

from providers.infobip.bench import bench, one
from simulator.providers.infobip.codes import STATUSES


async def balance(run) -> float:
    """Return what the account has."""
    return (await run.get("/account/1/balance"))["balance"]


@pytest.mark.parametrize("status_id", [8, 16, 18])
async def test_rejected_message_costs_nothing(status_id):
    """
    A message that is rejected later has the price 0.0 in its report and in the log, and is not charged.
    """
    async with bench(balance=1, price_per_message=0.25) as run:
        await run.send(one(f"99910{status_id:05d}"), "/sms/2/text/advanced")
        before = await balance(run)
        await run.settle()
        (report,) = (await run.get("/sms/1/reports"))["results"]
        (row,) = (await run.get("/sms/3/logs"))["results"]
        after = await balance(run)

    assert (report["status"]["id"], report["price"]) == (
        status_id,
        {"pricePerMessage": 0.0, "currency": "EUR"},
    )
    assert row["price"] == report["price"]
    assert (before, after) == (0.75, 1)


@pytest.mark.parametrize("status_id", [4, 5, 9, 15])
async def test_message_that_was_sent_costs_its_price(status_id):
    """
    What reached the network is charged, whatever became of it there.
    """
    async with bench(balance=1, price_per_message=0.25) as run:
        await run.send(one(f"99910{status_id:05d}"))
        await run.settle()
        (report,) = (await run.get("/sms/1/reports"))["results"]
        after = await balance(run)

    assert (report["price"]["pricePerMessage"], after) == (0.25, 0.75)


async def test_canceled_bulk_costs_nothing():
    """
    Messages of a canceled bulk were never sent: status 31 is reported without a price, every part given back.
    """
    body = {**one(text="x" * 200, sendAt="2026-01-05T10:00:00.000+0000"), "bulkId": "B"}
    async with bench(balance=1, price_per_message=0.25, canceled_report="always") as run:
        await run.send(body)
        before = await balance(run)
        query = [("bulkId", "B")]
        await run.call("PUT", "/sms/1/bulks/status", {"status": "CANCELED"}, query=query)
        (report,) = (await run.get("/sms/1/reports"))["results"]
        after = await balance(run)

    assert (report["status"]["id"], report["price"]["pricePerMessage"]) == (31, 0.0)
    assert (before, after) == (0.5, 1)


async def test_what_is_given_back_is_what_was_charged():
    """
    A price that changes meanwhile changes nothing of what a message was charged.
    """
    async with bench(balance=1, price_per_message=0.25) as run:
        await run.send(one("9991000008"))
        run.configure(price_per_message=0.5)
        await run.settle()

        assert await balance(run) == 1


async def test_free__is_a_setting():
    """
    Which statuses and groups cost nothing can be said.
    """
    async with bench(
        balance=1, price_per_message=0.25, free=["EXPIRED", "UNDELIVERABLE_NOT_DELIVERED"]
    ) as run:
        for to in ("9991000008", "9991000009", "9991000015"):
            await run.send(one(to))
        await run.settle()
        reports = (await run.get("/sms/1/reports"))["results"]
        after = await balance(run)

    prices = {report["status"]["id"]: report["price"]["pricePerMessage"] for report in reports}
    assert prices == {8: 0.25, 9: 0.0, 15: 0.0}
    assert after == 0.75


@pytest.mark.parametrize(("free", "group"), [([], (4, "EXPIRED")), (["SIGNALS_BLOCKED"], (5, "REJECTED"))])
async def test_blocked_signals__are_expired_when_charged_and_rejected_when_not(free, group):
    """
    Status 87 is in the group of its price, in reports, in the log and in its filter.
    """
    async with bench(free=free) as run:
        await run.send(one("9991000087"))
        await run.settle()
        (report,) = (await run.get("/sms/1/reports"))["results"]
        (row,) = (await run.get("/sms/1/logs", ("generalStatus", group[1])))["results"]

    status = {
        "groupId": group[0],
        "groupName": group[1],
        "id": 87,
        "name": "SIGNALS_BLOCKED",
        "description": STATUSES[87].description,
    }
    assert (report["status"], row["status"]) == (status, status)


async def test_recipient_rejected_in_the_answer__costs_nothing_whatever_is_free():
    """
    Nothing was taken for a recipient that the answer rejected: no price in the log, and 87 is REJECTED.
    """
    rule = {"when": {"provider": "infobip"}, "then": {"answer": {"refuse": {"status": 87}}}}
    async with bench(balance=1, price_per_message=0.25, free=[]) as run:
        await run.send(one("9991000012"))
        run.load({"rules": [rule]})
        answer = await run.send(one())
        rows = (await run.get("/sms/1/logs"))["results"]
        after = await balance(run)

    assert answer["messages"][0]["status"]["groupName"] == "REJECTED"
    assert [row["status"]["id"] for row in rows] == [87, 12]
    assert [row["status"]["groupName"] for row in rows] == ["REJECTED", "REJECTED"]
    assert [row["price"]["pricePerMessage"] for row in rows] == [0.0, 0.0]
    assert after == 1


async def test_price_decimals__as_real_reports_have_them():
    """
    Prices can have ten decimals, in JSON and in XML.
    """
    async with bench(price_decimals=10, currency="RUB") as run:
        await run.send(one())
        await run.settle()
        logged = await run.call("GET", "/sms/1/logs")
        document = await run.call("GET", "/sms/1/logs.xml")

    assert b'"price":{"pricePerMessage":0.0100000000,"currency":"RUB"}' in logged.body
    assert b"<pricePerMessage>0.0100000000</pricePerMessage>" in document.body

"""
The request of the requirement page, "Fully featured textual message", field by field.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from providers.infobip.bench import Bench, bench

REQUEST = Path(__file__).with_name("golden") / "full_request.json"
AUGUST_2021 = 1_629_882_000_000
"""2021-08-25T09:00:00Z: seven hours before the sendAt of the page's request."""

ENROUTE = {
    "groupId": 1,
    "groupName": "PENDING",
    "id": 7,
    "name": "PENDING_ENROUTE",
    "description": "Message sent to next instance",
}
ACCEPTED = {**ENROUTE, "id": 26, "name": "PENDING_ACCEPTED"}
DELIVERED = {
    "groupId": 3,
    "groupName": "DELIVERED",
    "id": 5,
    "name": "DELIVERED_TO_HANDSET",
    "description": "Message delivered to handset",
}
NO_ERROR = {
    "groupId": 0,
    "groupName": "OK",
    "id": 0,
    "name": "NO_ERROR",
    "description": "No Error",
    "permanent": False,
}


def page(run: Bench) -> dict[str, Any]:
    """Return the page's request, its notifyUrl pointing to our integrator."""
    request: dict[str, Any] = json.loads(REQUEST.read_bytes())
    request["messages"][0]["notifyUrl"] = f"{run.integrator.url}/sms/advanced"
    return request


async def test_full_request__before_its_send_time():
    """
    While sendAt lies ahead, two recipients are on their way with a count, the third is scheduled without.
    """
    async with bench(start_unix_ms=AUGUST_2021) as run:
        answer = await run.send(page(run))

    assert answer == {
        "bulkId": "BULK-ID-123-xyz",
        "trackingProcessKey": "CC12D642A08E6E79DE44BECFBE6050E3",
        "messages": [
            {"to": "41793026727", "status": ENROUTE, "smsCount": 1, "messageId": "MESSAGE-ID-123-xyz"},
            {"to": "41793026834", "status": ENROUTE, "smsCount": 1, "messageId": "2409619914051160772"},
            {"to": "41793026700", "status": ACCEPTED, "messageId": "4150310839746343197"},
        ],
    }


async def test_full_request__after_its_send_time():
    """
    Once sendAt is past, the third recipient's message is sent at once, if the time window is open.
    """
    async with bench() as run:
        answer = await run.send(page(run))

    assert [entry["status"]["id"] for entry in answer["messages"]] == [7, 7, 7]
    assert [entry["smsCount"] for entry in answer["messages"]] == [1, 1, 2]


async def test_full_request__every_field_is_kept():
    """
    What the request says about its messages is what the messages are sent with.
    """
    async with bench(start_unix_ms=AUGUST_2021) as run:
        await run.send(page(run))
        first, _, third = run.space.simulation.messages.values()

    assert first.id == "MESSAGE-ID-123-xyz"
    assert first.submission.sender == "SMSC"
    assert first.submission.validity_ms == 720 * 60_000
    assert first.submission.details.bulk_id == "BULK-ID-123-xyz"
    item = first.submission.details.item
    assert (item.callback_data, item.flash, item.intermediate) == ("DLR callback data", False, True)
    assert (item.language, item.transliteration, item.content_type) == ("TR", "TURKISH", "application/json")
    assert third.submission.sender == "41793026700"
    assert third.submission.hold_until_ms == 7 * 3_600_000 + 14 * 3_600_000
    assert third.submission.validity_ms == 48 * 3_600_000
    assert third.submission.parts == 2


async def test_full_request__reports():
    """
    Intermediate and final reports of the first message reach its notifyUrl; the second names none.
    """
    async with bench(start_unix_ms=AUGUST_2021) as run:
        await run.send(page(run))
        await run.settle()
        pulled = await run.get("/sms/1/reports", ("limit", "1000"))

    pushed = run.integrator.results
    assert {push.path for push in run.integrator.pushes} == {"/sms/advanced"}
    mine = [report for report in pushed if report["to"] == "41793026727"]
    assert [report["status"]["id"] for report in mine] == [3, 2, 5]
    assert mine[-1] == {
        "bulkId": "BULK-ID-123-xyz",
        "messageId": "MESSAGE-ID-123-xyz",
        "to": "41793026727",
        "from": "SMSC",
        "sentAt": "2021-08-25T09:00:00.000+0000",
        "doneAt": "2021-08-25T09:00:02.346+0000",
        "smsCount": 1,
        "mccMnc": "22801",
        "callbackData": "DLR callback data",
        "price": {"pricePerMessage": 0.01, "currency": "EUR"},
        "status": DELIVERED,
        "error": NO_ERROR,
    }
    assert [report["to"] for report in pulled["results"]].count("41793026700") == 1
    third = next(report for report in pulled["results"] if report["to"] == "41793026700")
    assert third["sentAt"] == "2021-08-26T06:00:00.000+0000"
    assert "callbackData" not in third

"""
Logs: every filter, the horizon, the cursor and the throttle.
"""

from __future__ import annotations

from typing import Any

import pytest

from providers.infobip.bench import Bench, bench, one
from providers.infobip.test_requirement_page import DELIVERED, NO_ERROR


async def traffic(run: Bench) -> None:
    """Send four messages, a minute apart: delivered, failed, refused and scheduled."""
    named: dict[str, Any] = {"entityId": "ent", "applicationId": "app", "campaignReferenceId": "camp"}
    await run.send(
        {
            "bulkId": "B-1",
            "messages": [
                {
                    "destinations": [{"to": "41793026727", "messageId": "m-1"}],
                    "from": "One",
                    "text": "a",
                    **named,
                }
            ],
        }
    )
    await run.advance("1m")
    await run.send(
        {
            "bulkId": "B-2",
            "messages": [
                {"destinations": [{"to": "9991000009", "messageId": "m-2"}], "from": "Two", "text": "b"}
            ],
        }
    )
    await run.advance("1m")
    await run.send(
        {
            "bulkId": "B-3",
            "messages": [
                {"destinations": [{"to": "9991000014", "messageId": "m-3"}], "from": "Two", "text": "c"}
            ],
        }
    )
    await run.advance("1m")
    await run.send(
        {
            "bulkId": "B-4",
            "messages": [
                {
                    "destinations": [{"to": "905321234567", "messageId": "m-4"}],
                    "from": "Two",
                    "text": "d",
                    "sendAt": "2026-01-05T10:00:00.000+0000",
                }
            ],
        }
    )


async def test_v1_row():
    """
    A v1 row has the keys of a report and the text, without callbackData.
    """
    async with bench(deliver_after="1s") as run:
        await run.send({**one(callbackData="data"), "bulkId": "B"})
        await run.settle()
        rows = await run.get("/sms/1/logs")

    assert rows == {
        "results": [
            {
                "bulkId": "B",
                "messageId": "9593247281168285258",
                "to": "41793026727",
                "from": "InfoSMS",
                "sentAt": "2026-01-05T09:00:00.000+0000",
                "doneAt": "2026-01-05T09:00:01.000+0000",
                "smsCount": 1,
                "mccMnc": "22801",
                "price": {"pricePerMessage": 0.01, "currency": "EUR"},
                "status": DELIVERED,
                "error": NO_ERROR,
                "text": "hello",
            }
        ]
    }


async def test_v3_row():
    """
    A v3 row has sender and destination, platform and content; both generations show all messages.
    """
    async with bench(deliver_after="1s") as run:
        await run.send({**one(entityId="e", applicationId="a", campaignReferenceId="c"), "bulkId": "B"})
        await run.settle()
        rows = await run.get("/sms/3/logs")

    assert rows == {
        "results": [
            {
                "bulkId": "B",
                "messageId": "9593247281168285258",
                "sender": "InfoSMS",
                "destination": "41793026727",
                "sentAt": "2026-01-05T09:00:00.000+0000",
                "doneAt": "2026-01-05T09:00:01.000+0000",
                "messageCount": 1,
                "mccMnc": "22801",
                "price": {"pricePerMessage": 0.01, "currency": "EUR"},
                "status": DELIVERED,
                "error": NO_ERROR,
                "platform": {"entityId": "e", "applicationId": "a"},
                "content": {"text": "hello"},
                "campaignReferenceId": "c",
            }
        ]
    }


async def test_rows_exist_from_acceptance_on_and_can_be_read_again():
    """
    A message is in the log at once, pending, and is the same row with its final status later.
    """
    async with bench() as run:
        await run.send(one())
        before = await run.get("/sms/1/logs")
        await run.settle()
        after = await run.get("/sms/1/logs")
        again = await run.get("/sms/1/logs")

    assert [row["status"]["name"] for row in before["results"]] == ["PENDING_ENROUTE"]
    assert [row["status"]["name"] for row in after["results"]] == ["DELIVERED_TO_HANDSET"]
    assert again == after


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ([], ["m-4", "m-3", "m-2", "m-1"]),
        ([("from", "Two")], ["m-4", "m-3", "m-2"]),
        ([("to", "+41793026727")], ["m-1"]),
        ([("to", "41793026727")], ["m-1"]),
        ([("bulkId", "B-1,B-2")], ["m-2", "m-1"]),
        ([("bulkId", "B-1"), ("bulkId", "B-4")], ["m-4", "m-1"]),
        ([("bulkId[]", "B-1")], ["m-1"]),
        ([("messageId", "m-2"), ("messageId", "m-3,m-9")], ["m-3", "m-2"]),
        ([("campaignReferenceId", "camp")], ["m-1"]),
        ([("applicationId", "app")], ["m-1"]),
        ([("entityId", "other")], []),
        ([("generalStatus", "DELIVERED")], ["m-1"]),
        ([("generalStatus", "UNDELIVERABLE")], ["m-2"]),
        ([("generalStatus", "REJECTED")], ["m-3"]),
        ([("generalStatus", "PENDING")], ["m-4"]),
        ([("generalStatus", "ACCEPTED")], []),
        ([("sentSince", "2026-01-05T09:01:00.000+0000")], ["m-4", "m-3", "m-2"]),
        ([("sentUntil", "2026-01-05T09:01:00Z")], ["m-2", "m-1"]),
        (
            [("sentSince", "2026-01-05T09:00:30.000000 0000"), ("sentUntil", "2026-01-05T10:01:30+01:00")],
            ["m-2"],
        ),
        ([("mcc", "228")], ["m-1"]),
        ([("mcc", "286"), ("mnc", "01")], ["m-4"]),
        ([("mcc", "286"), ("mnc", "02")], []),
        ([("limit", "2")], ["m-4", "m-3"]),
        ([("from", "Two"), ("generalStatus", "REJECTED")], ["m-3"]),
    ],
)
async def test_filters(query, found):
    """
    Each filter lets pass what fits, the latest first; several filters all have to fit.
    """
    async with bench() as run:
        await traffic(run)
        rows = await run.get("/sms/1/logs", *query)

    assert [row["messageId"] for row in rows["results"]] == found


@pytest.mark.parametrize(
    ("query", "found"),
    [([("sender", "Two")], ["m-4", "m-3", "m-2"]), ([("destination", "41793026727")], ["m-1"])],
)
async def test_filters__of_v3(query, found):
    """
    v3 filters by sender and destination.
    """
    async with bench() as run:
        await traffic(run)
        rows = await run.get("/sms/3/logs", *query)

    assert [row["messageId"] for row in rows["results"]] == found


@pytest.mark.parametrize(
    ("query", "path", "text"),
    [
        ([("limit", "0")], "limit", "must be a whole number between 1 and 1000"),
        ([("limit", "1001")], "limit", "must be a whole number between 1 and 1000"),
        (
            [("generalStatus", "LOST")],
            "generalStatus",
            "must be one of ACCEPTED, PENDING, UNDELIVERABLE, DELIVERED, EXPIRED, REJECTED",
        ),
        ([("mnc", "01")], "mnc", "must not be given without mcc"),
        ([("sentSince", "x")], "sentSince", "must be a date such as 2030-01-01T00:00:00.000+0000"),
        ([("messageId", "m" * 2_049)], "messageId", "size must be between 0 and 2048"),
    ],
)
async def test_400__filters_that_cannot_be_meant(query, path, text):
    """
    A filter that makes no sense is refused by name.
    """
    async with bench() as run:
        answer = await run.call("GET", "/sms/1/logs", query=query)

    assert answer.status == 400
    assert answer.plain["requestError"]["serviceException"]["validationErrors"] == {path: [text]}


async def test_horizon_of_48_hours():
    """
    A message sent more than 48 hours ago is in the log no more, whenever it was accepted.
    """
    async with bench() as run:
        await run.send(one())
        await run.send(one("41793026834", sendAt="2026-01-06T09:00:00.000+0000"))
        await run.advance("48h")
        both = await run.get("/sms/1/logs")
        await run.advance("1ms")
        late = await run.get("/sms/1/logs")
        await run.advance("1d")
        none = await run.get("/sms/1/logs")

    assert [len(rows["results"]) for rows in (both, late, none)] == [2, 1, 0]


async def test_cursor():
    """
    With a cursor, pages follow each other to the end, whatever is sent meanwhile.
    """
    async with bench() as run:
        for number in range(7):
            await run.send(one(f"4179302{number:04d}"))
        pages = [await run.get("/sms/3/logs", ("useCursor", "true"), ("limit", "3"))]
        await run.send(one("41793029999"))
        while "nextCursor" in pages[-1]["cursor"]:
            cursor = pages[-1]["cursor"]["nextCursor"]
            pages.append(
                await run.get("/sms/3/logs", ("useCursor", "true"), ("limit", "3"), ("cursor", cursor))
            )

    assert [[int(row["destination"][-4:]) for row in page["results"]] for page in pages] == [
        [6, 5, 4],
        [3, 2, 1],
        [0],
    ]
    assert pages[-1]["cursor"] == {"limit": 3}


@pytest.mark.parametrize("cursor", ["x", "AAAA", "cm93IHg", "ÿ"])
async def test_cursor__of_our_own_making_only(cursor):
    """
    A cursor that no answer gave is refused.
    """
    async with bench() as run:
        answer = await run.call("GET", "/sms/3/logs", query=[("useCursor", "true"), ("cursor", cursor)])

    assert answer.status == 400
    assert answer.plain["violations"] == [
        {"property": "cursor", "violation": "Must be the nextCursor of an earlier answer."}
    ]


@pytest.mark.parametrize("path", ["/sms/1/logs", "/sms/3/logs"])
async def test_120_calls_a_minute(path):
    """
    The 121st call within a minute is answered 429 with Retry-After; a minute later all is well.
    """
    async with bench() as run:
        for _ in range(119):
            await run.get(path)
        await run.advance("20s")
        await run.get(path)
        refused = await run.call("GET", path)
        await run.advance("39s")
        still = await run.call("GET", path)
        await run.advance("1s")
        after = await run.call("GET", path)

    assert (refused.status, still.status, after.status) == (429, 429, 200)
    assert (refused.headers["Retry-After"], still.headers["Retry-After"]) == ("40", "1")


async def test_throttle_is_a_setting():
    """
    The number of calls a minute can be set, and set to none.
    """
    async with bench(logs_per_minute=1) as run:
        statuses = [(await run.call("GET", "/sms/1/logs")).status for _ in range(2)]
        run.configure(logs_per_minute=0)
        statuses += [(await run.call("GET", "/sms/1/logs")).status for _ in range(2)]

    assert statuses == [200, 429, 200, 200]

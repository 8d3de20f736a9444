"""
How one account's answers, reports and logs are written, where accounts and times differ.
"""

from __future__ import annotations

from typing import Any

import pytest

from providers.infobip.bench import Bench, bench, one
from providers.infobip.test_requirement_page import AUGUST_2021, page
from simulator.provider import Act
from simulator.providers.infobip.dates import format_date

V3 = "/sms/3/messages"


def third(to: str = "41793026727", **options: Any) -> dict[str, Any]:
    """Return the body of a v3 send to one destination."""
    return {"messages": [{"destinations": [{"to": to}], "content": {"text": "hi"}, **options}]}


def write(run: Bench, text: str) -> None:
    """Let the recipient write."""
    run.space.simulation.act("infobip", "+41793026727", Act(kind="writes", text=text))


@pytest.mark.parametrize(
    ("zone", "sent", "receives"),
    [
        ("+0000", "2026-01-05T09:00:00.000+0000", "2026-01-05T09:00:02."),
        ("+0800", "2026-01-05T17:00:00.000+0800", "2026-01-05T17:00:02."),
        ("-0330", "2026-01-05T05:30:00.000-0330", "2026-01-05T05:30:02."),
        ("-1200", "2026-01-04T21:00:00.000-1200", "2026-01-04T21:00:02."),
    ],
)
async def test_time_zone__of_every_date(zone, sent, receives):
    """
    Reports by push and pull, logs, inbound messages and bulks tell dates with the account's own offset.
    """
    async with bench(time_zone=zone, deliver_after="2s") as run:
        run.configure(webhook={"url": run.integrator.url})
        await run.send({**one(sendAt="2026-01-05T09:00:00.000+0000"), "bulkId": "B"})
        await run.advance("2s")
        write(run, "STOP")
        await run.settle()
        (report,) = (await run.get("/sms/3/reports"))["results"]
        (row,) = (await run.get("/sms/1/logs"))["results"]
        (inbound,) = (await run.get("/sms/1/inbox/reports"))["results"]
        await run.send({**one(sendAt="2026-01-06T00:00:00+01:00"), "bulkId": "C"})
        bulk = await run.get("/sms/1/bulks", ("bulkId", "C"))

    (pushed,) = run.integrator.results
    assert (pushed["sentAt"], report["sentAt"], row["sentAt"]) == (sent, sent, sent)
    for date in (pushed["doneAt"], report["doneAt"], row["doneAt"], inbound["receivedAt"]):
        assert date.startswith(receives)
        assert date.endswith(zone)
    assert bulk["sendAt"] == format_date(1_767_654_000_000, zone)


@pytest.mark.parametrize("zone", ["UTC", "+00:00", "0000", "+1500", "+0060", "Z"])
async def test_time_zone__must_be_an_offset_as_dates_have_it(zone):
    """
    Anything but a sign, hours and minutes is refused when the setting is read.
    """
    async with bench() as run:
        with pytest.raises(ValueError, match="an offset such as"):
            run.configure(time_zone=zone)


@pytest.mark.parametrize(
    ("setting", "known", "unknown"),
    [("known", "22801", None), ("or_null", "22801", "null"), ("only_null", "null", "null")],
)
async def test_mcc_mnc__may_be_the_text_null(setting, known, unknown):
    """
    Where the network is not known the key is left out, or holds the text null; or it always does.
    """
    async with bench(mcc_mnc=setting) as run:
        await run.send(one("41793026727"))
        await run.send(one("15550000001"))
        await run.settle()
        reports = (await run.get("/sms/1/reports"))["results"]
        rows = (await run.get("/sms/3/logs"))["results"]

    networks = {report["to"]: report.get("mccMnc") for report in reports}
    assert networks == {"41793026727": known, "15550000001": unknown}
    assert {row["destination"]: row.get("mccMnc") for row in rows} == networks


@pytest.mark.parametrize("network_id", [0, 2110])
async def test_network_id__comes_back_in_reports_and_inbound_messages(network_id):
    """
    The networkId of a v3 destination stands in its report and in what the recipient writes; logs have none.
    """
    body = third()
    body["messages"][0]["destinations"][0]["networkId"] = network_id

    async with bench() as run:
        run.configure(webhook={"url": run.integrator.url})
        await run.send(body, V3)
        await run.settle()
        write(run, "yes")
        await run.settle()
        (report,) = (await run.get("/sms/3/reports"))["results"]
        (inbound,) = (await run.get("/sms/1/inbox/reports"))["results"]
        (logged,) = (await run.get("/sms/3/logs"))["results"]

    (pushed,) = run.integrator.results
    assert [row["networkId"] for row in (pushed, report, inbound)] == [network_id] * 3
    assert "networkId" not in logged


async def test_network_id__only_where_a_send_had_one():
    """
    Without a networkId, and in generations that have none, nothing of the kind is told.
    """
    body: Any = one()
    body["messages"][0]["destinations"][0]["networkId"] = 7

    async with bench() as run:
        await run.send(third(), V3)
        await run.send(body)
        await run.settle()
        reports = (await run.get("/sms/1/reports"))["results"]

    assert [report.get("networkId") for report in reports] == [None, None]


async def test_validity_period__requires_an_amount_on_v3():
    """
    A validityPeriod without an amount is refused; without any validityPeriod it is 48 hours.
    """
    async with bench() as run:
        refused = await run.call("POST", V3, third(options={"validityPeriod": {"timeUnit": "HOURS"}}))
        empty = await run.call("POST", V3, third(options={"validityPeriod": {}}))
        await run.send(third(options={"validityPeriod": None}), V3)
        (message,) = run.space.simulation.messages.values()

    violation = {
        "property": "messages[0].options.validityPeriod.amount",
        "violation": "Must not be null.",
    }
    assert (refused.status, refused.plain["violations"]) == (400, [violation])
    assert (empty.status, empty.plain["violations"]) == (400, [violation])
    assert message.submission.validity_ms == 48 * 3_600_000


async def test_accepted_form__page():
    """
    As the page has it, a scheduled message's status 26 is described as "Pending Accepted".
    """
    async with bench(start_unix_ms=AUGUST_2021, accepted_form="page") as run:
        answer = await run.send(page(run))

    assert [entry["status"]["description"] for entry in answer["messages"]] == [
        "Message sent to next instance",
        "Message sent to next instance",
        "Pending Accepted",
    ]
    assert answer["messages"][2]["status"]["name"] == "PENDING_ACCEPTED"
    assert len(answer["trackingProcessKey"]) == 32


async def test_accepted_form__older():
    """
    As the page's first sample has it, every message is 26 MESSAGE_ACCEPTED, without counts and tracking key.
    """
    async with bench(start_unix_ms=AUGUST_2021, accepted_form="older") as run:
        request = page(run)
        request["messages"].append({"destinations": [{"to": "9991000012"}], "text": "x"})
        answer = await run.send(request)
        newer = await run.send(one(), "/sms/2/text/advanced")

    accepted = {
        "groupId": 1,
        "groupName": "PENDING",
        "id": 26,
        "name": "MESSAGE_ACCEPTED",
        "description": "Message sent to next instance",
    }
    assert set(answer) == {"bulkId", "messages"}
    assert [entry["status"] for entry in answer["messages"][:3]] == [accepted] * 3
    assert [sorted(entry) for entry in answer["messages"]] == [["messageId", "status", "to"]] * 4
    assert newer["messages"][0]["status"]["name"] == "PENDING_ACCEPTED"


@pytest.mark.parametrize(
    ("sender", "good"),
    [
        ("Abc", True),
        ("ABC45678901", True),
        ("41793026727123", True),
        ("123", True),
        ("Ab", False),
        ("ABC456789012", False),
        ("417930267271234", False),
        ("12", False),
        ("Ünï", False),
        ("My Shop", False),
    ],
)
async def test_sender_form__documented(sender, good):
    """
    Senders of another form are rejected with 11, for a reason that names the forms; by default all pass.
    """
    body = {"messages": [{"destinations": [{"to": "41793026727"}], "from": sender, "text": "hi"}]}

    async with bench(sender_form="documented") as run:
        answer = await run.call("POST", "/sms/1/text/advanced", body)
        run.configure(sender_form="any")
        lax = await run.send(body)

    assert answer.plain["messages"][0]["status"]["id"] == (7 if good else 11)
    assert lax["messages"][0]["status"]["id"] == 7
    reason = "expected 3 to 11 letters and digits, or 3 to 14 digits"
    assert (reason in answer.headers.get("X-Simulator-Reason", "")) == (not good)


async def test_log_texts__may_be_withheld():
    """
    With texts withheld, v3 rows of text and binary alike have an empty content, and v1 rows no text.
    """
    hex_content = third()
    hex_content["messages"][0]["content"] = {"hex": "0f c2"}

    async with bench(log_texts=False) as run:
        await run.send(third(), V3)
        await run.send(hex_content, V3)
        modern = (await run.get("/sms/3/logs"))["results"]
        legacy = (await run.get("/sms/1/logs"))["results"]

    assert [row["content"] for row in modern] == [{}, {}]
    assert ["text" in row for row in legacy] == [False, False]

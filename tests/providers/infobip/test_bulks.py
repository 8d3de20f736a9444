"""
Scheduled bulks: looked at, moved, paused, canceled.
"""

from __future__ import annotations

from typing import Any

import pytest

from providers.infobip.bench import Bench, bench, one
from simulator.explain.story import explain
from simulator.kernel.model.message import Rung

TEN = "2026-01-05T10:00:00.000+0000"
NOON = "2026-01-05T12:00:00.000+0000"
HOUR = 3_600_000
B = [("bulkId", "B")]


async def schedule(run: Bench, *to: str, **more: object) -> Any:
    """Send a bulk B to be sent at ten, an hour from now."""
    destinations = [{"to": number} for number in to or ("41793026727", "41793026834")]
    message = {"destinations": destinations, "text": "x", "sendAt": TEN, **more}
    return await run.send({"bulkId": "B", "messages": [message]})


async def status(run: Bench) -> str:
    """Return the bulk's status."""
    return (await run.get("/sms/1/bulks/status", *B))["status"]


async def put(run: Bench, path: str, body: object) -> Any:
    """Change the bulk and return the answer."""
    return await run.call("PUT", path, body, query=B)


async def test_get():
    """
    A scheduled bulk tells its time and that it is pending, by the id its send was answered with.
    """
    async with bench() as run:
        answer = await run.send(one(sendAt=TEN))
        bulk = await run.get("/sms/1/bulks", ("bulkId", answer["bulkId"]))
        state = await run.get("/sms/1/bulks/status/", ("bulkId", answer["bulkId"]))

    assert bulk == {"bulkId": answer["bulkId"], "sendAt": TEN}
    assert state == {"bulkId": answer["bulkId"], "status": "PENDING"}


async def test_bulk_of_v3_is_served_as_well():
    """
    v3 has no calls of its own for bulks; these serve its bulks, with the old error envelope.
    """
    body = {
        "messages": [{"destinations": [{"to": "41793026727"}], "content": {"text": "x"}}],
        "options": {"schedule": {"bulkId": "B", "sendAt": TEN}},
    }

    async with bench() as run:
        await run.send(body, "/sms/3/messages")
        bulk = await run.get("/sms/1/bulks", *B)

    assert bulk == {"bulkId": "B", "sendAt": TEN}


async def test_finished_after_its_time():
    """
    Once everything has been sent, the bulk is finished and can be changed no more.
    """
    async with bench() as run:
        await schedule(run)
        await run.advance("1h")
        after = await status(run)
        refused = await put(run, "/sms/1/bulks", {"sendAt": NOON})

    assert after == "FINISHED"
    assert refused.status == 400
    assert refused.plain["requestError"]["serviceException"]["validationErrors"] == {
        "sendAt": ["a bulk that is FINISHED cannot be rescheduled"]
    }


async def test_reschedule():
    """
    A bulk moved to noon is sent at noon, once.
    """
    async with bench(deliver_after="1s") as run:
        await schedule(run, notifyUrl=run.integrator.url)
        answer = await put(run, "/sms/1/bulks", {"sendAt": NOON})
        await run.advance("2h")
        early = len(run.integrator.pushes)
        await run.settle()

    assert answer.plain == {"bulkId": "B", "sendAt": NOON}
    assert early == 0
    assert [report["sentAt"] for report in run.integrator.results] == [NOON, NOON]
    assert {push.at_ms for push in run.integrator.pushes} == {3 * HOUR + 1_000}


async def test_reschedule__to_an_earlier_time():
    """
    A bulk may move forward as well; a time in the past sends it at once.
    """
    async with bench(deliver_after="1s") as run:
        await schedule(run)
        await put(run, "/sms/1/bulks", {"sendAt": "2026-01-05T08:00:00.000+0000"})
        await run.advance("1s")
        reports = await run.get("/sms/1/reports")

    assert len(reports["results"]) == 2


async def test_pause_and_resume():
    """
    A paused bulk is not sent at its time; resumed late, it is sent at once.
    """
    async with bench(deliver_after="1s") as run:
        await schedule(run)
        paused = await put(run, "/sms/1/bulks/status", {"status": "PAUSED"})
        await run.settle()
        await run.advance("5h")
        nothing = await run.get("/sms/1/reports")
        resumed = await put(run, "/sms/1/bulks/status", {"status": "PENDING"})
        await run.settle()
        reports = await run.get("/sms/1/reports")
        after = await status(run)

    assert paused.plain == {"bulkId": "B", "status": "PAUSED"}
    assert nothing == {"results": []}
    assert resumed.plain == {"bulkId": "B", "status": "PENDING"}
    assert [report["sentAt"] for report in reports["results"]] == ["2026-01-05T14:00:00.000+0000"] * 2
    assert after == "FINISHED"


async def test_resumed_in_time__is_sent_at_its_time():
    """
    A pause that ends before the time of a bulk changes nothing.
    """
    async with bench(deliver_after="1s") as run:
        await schedule(run)
        await put(run, "/sms/1/bulks/status", {"status": "PAUSED"})
        await put(run, "/sms/1/bulks/status", {"status": "PENDING"})
        await run.settle()
        reports = await run.get("/sms/1/reports")

    assert [report["sentAt"] for report in reports["results"]] == [TEN, TEN]


async def test_rescheduled_while_paused__stays_paused():
    """
    A new time does not end a pause.
    """
    async with bench(deliver_after="1s") as run:
        await schedule(run)
        await put(run, "/sms/1/bulks/status", {"status": "PAUSED"})
        await put(run, "/sms/1/bulks", {"sendAt": NOON})
        await run.advance("4h")
        nothing = await run.get("/sms/1/reports")
        state = await status(run)

    assert (nothing, state) == ({"results": []}, "PAUSED")


@pytest.mark.parametrize(
    ("setting", "with_url", "reported"),
    [
        ("notify_url", True, True),
        ("notify_url", False, False),
        ("always", False, True),
        ("never", True, False),
    ],
)
async def test_cancel(setting, with_url, reported):
    """
    A canceled bulk is never sent; its messages are reported as not sent where a notifyUrl was given.
    """
    async with bench(canceled_report=setting) as run:
        await schedule(run, **({"notifyUrl": run.integrator.url} if with_url else {}))
        canceled = await put(run, "/sms/1/bulks/status", {"status": "CANCELED"})
        await run.settle()
        reports = await run.get("/sms/1/reports")
        state = await status(run)
        resumed = await put(run, "/sms/1/bulks/status", {"status": "PENDING"})

    assert canceled.plain == {"bulkId": "B", "status": "CANCELED"}
    told = [(report["status"]["id"], report["error"]["id"]) for report in reports["results"]]
    assert told == ([(31, 4100)] * 2 if reported else [])
    assert len(run.integrator.pushes) == (2 if reported and with_url else 0)
    assert (state, resumed.status) == ("CANCELED", 400)


async def test_cancel_is_told_as_the_clients_own():
    """
    The story of a canceled message names the client's call, not the test, as what decided.
    """
    async with bench() as run:
        await schedule(run)
        await put(run, "/sms/1/bulks/status", {"status": "CANCELED"})
        messages = list(run.space.simulation.messages.values())
        lines = explain(run.space.simulation, messages[0]).lines()

    assert {message.rung for message in messages} == {Rung.CLIENT}
    assert "fate: the client's own call" in lines
    assert [line for line in lines if "(control)" in line] == []


@pytest.mark.parametrize("wanted", ["PENDING", "PROCESSING", "FINISHED", "FAILED"])
async def test_transition_that_is_not_allowed(wanted):
    """
    A pending bulk can be paused or canceled; any other status is refused.
    """
    async with bench() as run:
        await schedule(run)
        answer = await put(run, "/sms/1/bulks/status", {"status": wanted})

    assert answer.status == 400
    assert answer.plain["requestError"]["serviceException"]["validationErrors"] == {
        "status": [f"cannot change from PENDING to {wanted}"]
    }


async def test_transition_to_the_same_status__is_a_setting():
    """
    Lenient settings take a status that a bulk already has as no change.
    """
    async with bench(bulk_transitions="lenient") as run:
        await schedule(run)
        answer = await put(run, "/sms/1/bulks/status", {"status": "PENDING"})

    assert (answer.status, answer.plain) == (200, {"bulkId": "B", "status": "PENDING"})


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PUT", {"sendAt": NOON})])
@pytest.mark.parametrize("bulk_id", ["unknown", "now"])
async def test_unknown_bulk(method, body, bulk_id):
    """
    A bulk that does not exist, or was not scheduled, is not found.
    """
    async with bench() as run:
        await run.send({**one(), "bulkId": "now"})
        answer = await run.call(method, "/sms/1/bulks", body, query=[("bulkId", bulk_id)])

    assert answer.status == 404
    assert answer.plain == {
        "requestError": {"serviceException": {"messageId": "NOT_FOUND", "text": "Bulk not found"}}
    }


@pytest.mark.parametrize(
    ("path", "body", "errors"),
    [
        ("/sms/1/bulks", {}, {"sendAt": ["must not be null"]}),
        (
            "/sms/1/bulks",
            {"sendAt": "noon"},
            {"sendAt": ["must be a date such as 2030-01-01T00:00:00.000+0000, got 'noon'"]},
        ),
        ("/sms/1/bulks", {"sendAt": "2027-01-05T10:00:00Z"}, {"sendAt": ["must be at most 180 days ahead"]}),
        (
            "/sms/1/bulks/status",
            {"status": "CANCELLED"},
            {"status": ["must be one of PENDING, PAUSED, PROCESSING, CANCELED, FINISHED, FAILED"]},
        ),
        (
            "/sms/1/bulks/status",
            {},
            {"status": ["must be one of PENDING, PAUSED, PROCESSING, CANCELED, FINISHED, FAILED"]},
        ),
    ],
)
async def test_400__what_cannot_be_meant(path, body, errors):
    """
    A change that makes no sense is refused with what was expected, and nothing changes.
    """
    async with bench() as run:
        await schedule(run)
        answer = await put(run, path, body)
        state = await status(run)

    assert answer.status == 400
    assert answer.plain["requestError"]["serviceException"]["validationErrors"] == errors
    assert state == "PENDING"


async def test_400__without_a_bulk_id():
    """
    The bulkId is needed.
    """
    async with bench() as run:
        answer = await run.call("GET", "/sms/1/bulks")

    assert answer.plain["requestError"]["serviceException"]["validationErrors"] == {
        "bulkId": ["must not be null"]
    }


async def test_bulk_of_several_messages_is_fixed():
    """
    Only a request with one message object, with a bulkId of its own, can be changed.
    """
    message = {"destinations": [{"to": "41793026727"}], "text": "x", "sendAt": TEN}

    async with bench() as run:
        await run.send({"bulkId": "B", "messages": [message, message]})
        several = await put(run, "/sms/1/bulks", {"sendAt": NOON})
    async with bench() as run:
        await schedule(run)
        await schedule(run)
        repeated = await put(run, "/sms/1/bulks/status", {"status": "PAUSED"})

    assert (several.status, repeated.status) == (400, 400)


async def test_processing_while_a_speed_limit_spreads_it():
    """
    A bulk of which a part has been sent is being processed.
    """
    limited = {
        "bulkId": "B",
        "messages": [
            {"destinations": [{"to": f"4179302{n:04d}"} for n in range(3)], "text": "x", "sendAt": TEN}
        ],
        "sendingSpeedLimit": {"amount": 1, "timeUnit": "HOUR"},
    }

    async with bench() as run:
        await run.send(limited, "/sms/2/text/advanced")
        states = [await status(run)]
        for _ in range(3):
            await run.advance("1h")
            states.append(await status(run))

    assert states == ["PENDING", "PROCESSING", "PROCESSING", "FINISHED"]


async def test_bulk_that_is_only_held_by_a_window__is_not_scheduled():
    """
    Without a sendAt there is nothing to reschedule: the bulk is not found.
    """
    window = {"days": ["SUNDAY"]}

    async with bench() as run:
        await run.send({"bulkId": "B", **one(deliveryTimeWindow=window)})
        held = await run.call("GET", "/sms/1/bulks", query=B)
        await run.send({"bulkId": "C", **one(deliveryTimeWindow=window, sendAt="2026-01-05T08:00:00Z")})
        past = await run.call("GET", "/sms/1/bulks", query=[("bulkId", "C")])

    assert (held.status, past.status) == (404, 404)

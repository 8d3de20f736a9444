"""
Bitel's older API, v1, beside v2.
"""

from __future__ import annotations

from typing import Any

from providers.bitel.bench import EPOCH_S, Bench


async def _post(bitel: Bench, path: str, body: Any) -> Any:
    got = await bitel.call("POST", f"/api/v1{path}", body)
    assert (got.status, got.body["error"]) == (200, None)
    return got.body["result"]


async def _get(bitel: Bench, path: str) -> Any:
    got = await bitel.call("GET", f"/api/v1{path}")
    assert (got.status, got.body["error"]) == (200, None)
    return got.body["result"]


def _detail(request_id: str, number: str, text: str, status: str, code: int, cost: float) -> dict[str, Any]:
    return {
        "id": request_id,
        "message": text,
        "phoneNumber": number,
        "requestDate": EPOCH_S,
        "result": "ok",
        "smsCount": 1,
        "balanceSubtracted": cost,
        "deliveryStatus": status,
        "deliveryStatusCode": code,
    }


async def test_single_answers_an_object_with_the_id() -> None:
    """
    v1's single send answers requestId; its detail has positive amounts and no code 2.
    """
    async with Bench(deliver_after="3s") as bitel:
        sent = await _post(bitel, "/sms/single", {"message": "hi", "phoneNumber": "09120000001"})
        request_id = sent["requestId"]
        await bitel.advance(1_000)
        under_way = await _get(bitel, f"/sms/detail/single/{request_id}")
        await bitel.settle()
        at_the_end = await _get(bitel, f"/sms/detail/single/{request_id}")

    assert sent == {"requestId": request_id}
    assert under_way == _detail(request_id, "09120000001", "hi", "WAITING", 0, 0.0)
    assert at_the_end == _detail(request_id, "09120000001", "hi", "DELIVERED", 1, 14.0)


async def test_otp_answers_the_bare_id() -> None:
    """
    v1's OTP answers the id itself.
    """
    async with Bench() as bitel:
        body = {"phoneNumber": "09120000001", "appName": "Shop", "code": "1234"}
        request_id = await _post(bitel, "/sms/otp", body)
        await bitel.settle()
        detail = await _get(bitel, f"/sms/detail/single/{request_id}")

    assert (detail["id"], detail["deliveryStatus"]) == (request_id, "DELIVERED")


async def test_batches_answer_the_id_under_which_details_and_events_come() -> None:
    """
    v1 tells the batch id at once; the details are listed under it, and the webhooks carry it.
    """
    async with Bench() as bitel:
        numbers = ["09120000001", "09600000005"]
        batch_id = await _post(bitel, "/sms/p2p", {"messages": ["a", "b"], "phoneNumbers": numbers})
        other_id = await _post(bitel, "/sms/batch", {"message": "c", "phoneNumbers": numbers})
        await bitel.settle()
        details = await _get(bitel, f"/sms/detail/batch/{batch_id}")
        told = {one["requestId"] for one in bitel.webhooks if one["batchId"] == batch_id}

    assert batch_id != other_id
    assert details == [
        _detail(details[0]["id"], "09120000001", "a", "DELIVERED", 1, 14.0),
        _detail(details[1]["id"], "09600000005", "b", "BLACKLIST", 5, 0.0),
    ]
    assert told == {row["id"] for row in details}


async def test_calls_answer_the_bare_id_and_have_records() -> None:
    """
    v1's calls answer ids; a record names number, seconds and a positive amount.
    """
    async with Bench(answer_after="5s", hang_up_after="35s") as bitel:
        number = {"phoneNumber": "09120000001"}
        ids = [
            await _post(bitel, "/voice/otp", {**number, "text": "123", "voiceId": "1", "repeatCount": "2"}),
            await _post(bitel, "/voice/tts", {**number, "text": "hello"}),
            await _post(bitel, "/voice/single", {**number, "voiceId": "1"}),
        ]
        await bitel.settle()
        records = [await _get(bitel, f"/voice/cdr/{one}") for one in ids]

    assert records == [
        {
            "requestId": request_id,
            "targetNumber": "09120000001",
            "status": "NORMAL",
            "billSec": 30,
            "requestDate": EPOCH_S,
            "executionDate": EPOCH_S + 5,
            "transactionId": record["transactionId"],
            "balanceSubtracted": 34.2,
        }
        for request_id, record in zip(ids, records, strict=True)
    ]


async def test_campaign_answers_the_id_of_its_records() -> None:
    """
    The campaign call known from client code answers one id; its records are listed under it.
    """
    async with Bench() as bitel:
        body = {
            "phoneNumbers": ["09120000001", "09601000003"],
            "voiceId": "1",
            "timeToLive": 60,
            "retryInterval": 30,
            "retryCount": 0,
            "serverId": "1",
        }
        campaign_id = await _post(bitel, "/voice/campaign", body)
        await bitel.settle()
        records = await _get(bitel, f"/voice/campaign/cdr/{campaign_id}")
        told = {one["campaignId"] for one in bitel.webhooks}

    assert [row["status"] for row in records] == ["NORMAL", "USER_BUSY"]
    assert told == {campaign_id}


async def test_messages_of_a_batch_are_found_by_its_id() -> None:
    """
    v1 answers a batch with one id and nothing else; numbers are understood as its clients write them.
    """
    async with Bench() as bitel:
        body = {"message": "hi", "phoneNumbers": ["09120000001", "09120000002"]}
        batch_id = await _post(bitel, "/sms/batch", body)
        listed = await bitel.control(f"/messages?name={batch_id}")
        story = await bitel.control("/messages/bitel:09120000001:1/explain")

    assert [row["recipient"] for row in listed["items"]] == ["+989120000001", "+989120000002"]
    assert story["message"]["names"] == {"batchId": batch_id}


async def test_calls_of_a_campaign_are_found_by_its_id() -> None:
    """
    A campaign's one answer is its id, too.
    """
    async with Bench(voices="any") as bitel:
        body = {"phoneNumbers": ["09120000001"], "voiceId": "1"}
        campaign_id = await _post(bitel, "/voice/campaign", body)
        story = await bitel.control(f"/messages/{campaign_id}/explain")

    assert story["message"]["names"] == {"campaignId": campaign_id}

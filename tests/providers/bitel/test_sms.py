"""
Bitel's short messages over HTTP: replies, statuses, and the one webhook.
"""

from __future__ import annotations

from providers.bitel.bench import EPOCH_S, Bench


async def test_single_message_is_accepted_then_handed_over_then_delivered() -> None:
    """
    A send is answered with status 0; status calls show 2 and then 1, with the price charged at the end.
    """
    async with Bench(deliver_after="3s") as bitel:
        sent = await bitel.post("/sms/single", {"message": "hi", "phoneNumber": "09120000001"})
        request_id = sent.body["result"]["id"]
        await bitel.advance(1_000)
        under_way = await bitel.get(f"/sms/status/{request_id}")
        await bitel.settle()
        at_the_end = await bitel.get(f"/sms/status/{request_id}")

    assert sent == (
        200,
        {
            "result": {
                "id": request_id,
                "gatewayNumber": "10009909",
                "phoneNumber": "09120000001",
                "message": "hi",
                "requestDate": EPOCH_S,
                "status": 0,
                "statusText": "Waiting",
                "partCount": 1,
                "price": 0.0,
            },
            "error": None,
        },
    )
    status = {
        "id": request_id,
        "gatewayNumber": "10009909",
        "phoneNumber": "09120000001",
        "message": "hi",
        "requestDate": EPOCH_S,
        "statusCode": 2,
        "status": "CHECK_OK",
        "smsCount": 1,
        "price": 0.0,
    }
    assert under_way == (200, {"result": status, "error": None})
    final = {**status, "statusCode": 1, "status": "DELIVERED", "price": -14.0}
    assert at_the_end == (200, {"result": final, "error": None})


async def test_concluded_message_is_told_once() -> None:
    """
    One webhook comes at the conclusion, none before it.
    """
    async with Bench(deliver_after="3s") as bitel:
        sent = await bitel.post("/sms/single", {"message": "hi", "phoneNumber": "09120000001"})
        await bitel.advance(2_999)
        early = bitel.webhooks
        await bitel.settle()

        assert early == []
        assert bitel.webhooks == [
            {
                "requestId": sent.body["result"]["id"],
                "batchId": None,
                "balanceSubtracted": 14.0,
                "cause": "DELIVERED",
                "smsCount": 1,
                "requestDate": EPOCH_S,
                "deliveryStatus": "DELIVERED",
            }
        ]
        assert bitel.receiver.received[0].headers["Content-Type"] == "application/json"

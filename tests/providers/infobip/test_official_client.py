"""
The official Python client, infobip-api-python-client 6.x, against the simulator.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from infobip_api_client import exceptions, models
from infobip_api_client.api.sms_api import SmsApi
from infobip_api_client.api_client import ApiClient
from infobip_api_client.configuration import Configuration

from providers.infobip.bench import KEY, Bench, bench


def client_of(run: Bench, key: str = KEY.removeprefix("App ")) -> ApiClient:
    """Return the official client, pointed at our server."""
    configuration = Configuration(host=run.url, api_key=key, retries=0)
    return ApiClient(configuration)


async def asked(run: Bench, ask: Callable[[SmsApi], Any], key: str = KEY.removeprefix("App ")) -> Any:
    """Return what *ask* gets from the blocking client in a thread of its own."""

    def work() -> Any:
        client = client_of(run, key)
        try:
            return ask(SmsApi(client))
        finally:
            client.rest_client.pool_manager.clear()

    return await asyncio.to_thread(work)


def request(*to: str, text: str = "hello", url: str = "", **options: Any) -> models.SmsRequest:
    """Return a send as the client models it."""
    webhooks = None
    if url:
        webhooks = models.SmsWebhooks(
            delivery=models.SmsMessageDeliveryReporting(url=url, intermediate_report=True),
            callback_data="data",
        )
    message = models.SmsMessage(
        sender="InfoSMS",
        destinations=[models.SmsDestination(to=number) for number in to],
        content=models.SmsMessageContent(models.SmsTextContent(text=text)),
        webhooks=webhooks,
    )
    return models.SmsRequest(messages=[message], options=models.SmsMessageRequestOptions(**options))


async def test_sends():
    """
    The client sends to two recipients and understands the answer.
    """
    async with bench() as run:
        answer = await asked(
            run,
            lambda api: api.send_sms_messages(
                request("41793026727", "41793026834", include_sms_count_in_response=True)
            ),
        )

    assert isinstance(answer, models.SmsResponse)
    assert answer.bulk_id is not None
    assert [entry.destination for entry in answer.messages] == ["41793026727", "41793026834"]
    assert [entry.status.name for entry in answer.messages] == ["PENDING_ACCEPTED"] * 2
    assert [entry.details.message_count for entry in answer.messages] == [1, 1]


async def test_pulls_reports():
    """
    The client pulls what was delivered, once, with dates and groups in its own types.
    """
    async with bench() as run:
        sent = await asked(run, lambda api: api.send_sms_messages(request("41793026727")))
        await run.settle()
        pulled = await asked(run, lambda api: api.get_outbound_sms_message_delivery_reports(limit=10))
        again = await asked(run, lambda api: api.get_outbound_sms_message_delivery_reports())

    (report,) = pulled.results
    assert report.message_id == sent.messages[0].message_id
    assert report.sent_at.isoformat() == "2026-01-05T09:00:00+00:00"
    assert report.status.group_name == models.MessageGeneralStatus.DELIVERED
    assert report.error.group_name == models.MessageErrorGroup.OK
    assert report.price.currency == "EUR"
    assert again.results == []


async def test_parses_pushed_reports():
    """
    The client's model reads what we push, intermediate reports included.
    """
    async with bench() as run:
        await asked(run, lambda api: api.send_sms_messages(request("41793026727", url=run.integrator.url)))
        await run.settle()

    read = [models.SmsDeliveryResult.from_json(push.body.decode()) for push in run.integrator.pushes]
    reports = [report for push in read for report in push.results]
    assert [report.status.name for report in reports] == [
        "PENDING_WAITING_DELIVERY",
        "DELIVERED_TO_OPERATOR",
        "DELIVERED_TO_HANDSET",
    ]
    assert {report.callback_data for report in reports} == {"data"}


async def test_parses_every_error_of_the_catalogue():
    """
    Every error that we can report passes the client's models, groups included.
    """
    from simulator.providers.infobip.codes import ERRORS

    numbers = [f"99911{error_id:05d}" for error_id in ERRORS]

    async with bench() as run:
        await asked(run, lambda api: api.send_sms_messages(request(*numbers)))
        await run.settle()
        pulled = await asked(run, lambda api: api.get_outbound_sms_message_delivery_reports(limit=1000))

    assert {report.error.id for report in pulled.results} == set(ERRORS)


@pytest.mark.parametrize(
    ("number", "raised", "code"),
    [
        ("9991200400", exceptions.BadRequestException, "E400"),
        ("9991200401", exceptions.UnauthorizedException, "E401"),
        ("9991200403", exceptions.ForbiddenException, "E403"),
        ("9991200404", exceptions.NotFoundException, "E404"),
        ("9991200429", exceptions.ApiException, "E429"),
        ("9991200500", exceptions.ServiceException, "E500"),
    ],
)
async def test_raises_its_own_errors(number, raised, code):
    """
    Each refusal becomes the client's exception, with our ApiError read into its model.
    """
    async with bench() as run:
        with pytest.raises(raised) as caught:
            await asked(run, lambda api: api.send_sms_messages(request(number)))

    assert models.ApiError.from_json(caught.value.body).error_code == code


async def test_wrong_key():
    """
    A refused key becomes UnauthorizedException.
    """
    async with bench() as run:
        with pytest.raises(exceptions.UnauthorizedException):
            await asked(run, lambda api: api.send_sms_messages(request("41793026727")), key="invalid")

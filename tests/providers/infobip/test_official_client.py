"""
The official Python client, infobip-api-python-client 6.x, against the simulator.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from infobip_api_client import exceptions, models
from infobip_api_client.api.sms_api import SmsApi
from infobip_api_client.api_client import ApiClient
from infobip_api_client.configuration import Configuration

from providers.infobip.bench import KEY, Bench, bench
from simulator.kernel.model.rules import Act


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


async def test_sends_bytes_and_reads_their_log():
    """
    Binary content goes out, and comes back in the log as the client's own type of content.
    """
    message = models.SmsMessage(
        sender="InfoSMS",
        destinations=[models.SmsDestination(to="41793026727")],
        content=models.SmsMessageContent(models.SmsBinaryContent(hex="54 65 73 74", data_coding=0)),
    )

    async with bench() as run:
        await asked(run, lambda api: api.send_sms_messages(models.SmsRequest(messages=[message])))
        read = await asked(run, lambda api: api.get_outbound_sms_message_logs())

    (row,) = read.results
    assert isinstance(row.content.actual_instance, models.SmsBinaryContent)
    assert row.content.actual_instance.hex == "54 65 73 74"


async def test_reads_logs_page_by_page():
    """
    The client follows our cursor, filtering by its own dates and groups.
    """
    async with bench() as run:
        await asked(run, lambda api: api.send_sms_messages(request(*(f"4179302{n:04d}" for n in range(5)))))
        await run.settle()
        first = await asked(
            run,
            lambda api: api.get_outbound_sms_message_logs(
                use_cursor=True,
                limit=3,
                general_status=models.MessageGeneralStatus.DELIVERED,
                sent_since=datetime(2026, 1, 5, tzinfo=UTC),
            ),
        )
        second = await asked(
            run,
            lambda api: api.get_outbound_sms_message_logs(
                use_cursor=True, limit=3, cursor=first.cursor.next_cursor
            ),
        )

    assert [row.destination for row in [*first.results, *second.results]] == [
        f"4179302{n:04d}" for n in range(4, -1, -1)
    ]
    assert (first.cursor.limit, second.cursor.next_cursor) == (3, None)


async def test_schedules_moves_and_cancels():
    """
    The client schedules, looks at, moves, pauses and cancels a bulk.
    """
    ten, noon = datetime(2026, 1, 5, 10, tzinfo=UTC), datetime(2026, 1, 5, 12, tzinfo=UTC)
    schedule = models.SmsRequestSchedulingSettings(bulk_id="B", send_at=ten)

    async with bench() as run:
        await asked(run, lambda api: api.send_sms_messages(request("41793026727", schedule=schedule)))
        seen = await asked(run, lambda api: api.get_scheduled_sms_messages(bulk_id="B"))
        moved = await asked(
            run,
            lambda api: api.reschedule_sms_messages(
                bulk_id="B", sms_bulk_request=models.SmsBulkRequest(send_at=noon)
            ),
        )
        states = [await asked(run, lambda api: api.get_scheduled_sms_messages_status(bulk_id="B"))]
        for status in (models.SmsBulkStatus.PAUSED, models.SmsBulkStatus.CANCELED):
            update = models.SmsUpdateStatusRequest(status=status)
            states.append(
                await asked(
                    run,
                    lambda api, update=update: api.update_scheduled_sms_messages_status(
                        bulk_id="B", sms_update_status_request=update
                    ),
                )
            )
        with pytest.raises(exceptions.NotFoundException) as caught:
            await asked(run, lambda api: api.get_scheduled_sms_messages(bulk_id="unknown"))

    assert (seen.send_at, moved.send_at) == (ten, noon)
    assert [state.status.value for state in states] == ["PENDING", "PAUSED", "CANCELED"]
    assert caught.value.status == 404


async def test_previews():
    """
    The client reads both previews and the configuration of the second.
    """
    asking = models.SmsPreviewRequest(text="Değerli müşterimiz", language_code="TR")

    async with bench() as run:
        answer = await asked(run, lambda api: api.preview_sms_message(asking))

    assert [(p.message_count, p.characters_remaining) for p in answer.previews] == [(1, 52), (1, 137)]
    assert answer.previews[1].configuration.language.language_code == "TR"


async def test_pulls_inbound_messages():
    """
    The client pulls what recipients wrote.
    """
    async with bench() as run:
        run.space.simulation.act("infobip", "+41793026727", Act("writes", text="STOP"))
        answer = await asked(run, lambda api: api.get_inbound_sms_messages(limit=5))

    (row,) = answer.results
    assert (row.var_from, row.text, row.received_at.year) == ("41793026727", "STOP", 2026)
    assert (answer.message_count, answer.pending_message_count) == (1, 0)


async def test_parses_pushed_inbound_messages():
    """
    The client's model reads an inbound push.
    """
    async with bench() as run:
        run.configure(inbound={"url": run.integrator.url, "keywords": ["STOP"]})
        run.space.simulation.act("infobip", "+41793026727", Act("writes", text="stop it"))
        await run.settle()

    read = models.SmsInboundMessageResult.from_json(run.integrator.pushes[0].body.decode())
    assert (read.results[0].keyword, read.results[0].clean_text) == ("STOP", "it")

"""
Bodies of /sms/3: text and binary alike in one call.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from simulator.providers.infobip.checks import (
    BULK_ID_LENGTH_MAX,
    CALLBACK_DATA_LENGTH_MAX,
    MINUTE_MS,
    MUST_NOT_BE_EMPTY,
    MUST_NOT_BE_NULL,
    BinaryBody,
    Checks,
    DestinationBody,
    LanguageBody,
    SpeedLimitBody,
    UrlOptionsBody,
    WindowBody,
)
from simulator.providers.infobip.decoding import Format, decode
from simulator.providers.infobip.wire import Binary, Envelope, Item, Regional, SendRequest, plain_item

__all__ = ["parse_messages"]


class _Content(Struct, rename="camel"):
    text: str | None = None
    transliteration: str | None = None
    language: LanguageBody | None = None
    hex: str | None = None
    data_coding: int | None = None
    esm_class: int | None = None


class _Period(Struct, rename="camel"):
    amount: int | None = None
    time_unit: str | None = None


class _Platform(Struct, rename="camel"):
    entity_id: str | None = None
    application_id: str | None = None


class _MessageOptions(Struct, rename="camel"):
    platform: _Platform | None = None
    validity_period: _Period | None = None
    delivery_time_window: WindowBody | None = None
    campaign_reference_id: str | None = None
    regional: Regional | None = None
    flash: bool | None = None


class _DeliveryHook(Struct, rename="camel"):
    url: str | None = None
    intermediate_report: bool | None = None
    notify: bool | None = None


class _Hooks(Struct, rename="camel"):
    delivery: _DeliveryHook | None = None
    content_type: str | None = None
    callback_data: str | None = None


class _Message(Struct, rename="camel"):
    sender: str | None = None
    destinations: list[DestinationBody] | None = None
    content: _Content | None = None
    options: _MessageOptions | None = None
    webhooks: _Hooks | None = None


class _Schedule(Struct, rename="camel"):
    bulk_id: str | None = None
    send_at: str | None = None
    sending_speed_limit: SpeedLimitBody | None = None


class _ConversionTracking(Struct, rename="camel"):
    use_conversion_tracking: bool | None = None
    conversion_tracking_name: str | None = None


class _RequestOptions(Struct, rename="camel"):
    schedule: _Schedule | None = None
    tracking: UrlOptionsBody | None = None
    include_sms_count_in_response: bool | None = None
    conversion_tracking: _ConversionTracking | None = None


class _Messages(Struct, rename="camel"):
    messages: list[_Message] | None = None
    options: _RequestOptions | None = None


_MESSAGES: Final = msgspec.json.Decoder(_Messages)


def parse_messages(body: bytes, written: Format = Format.JSON) -> SendRequest:
    """Read the body of `POST /sms/3/messages`; raises Refuse."""
    request: _Messages = decode(_MESSAGES, body, written)
    checks = Checks(3)
    if not request.messages:
        checks.add("messages", MUST_NOT_BE_EMPTY)
    options = request.options or _RequestOptions()
    schedule = options.schedule or _Schedule()
    send_at = checks.date("options.schedule.sendAt", schedule.send_at)
    envelopes = [
        _message(checks, f"messages[{number}]", message, send_at)
        for number, message in enumerate(request.messages or ())
    ]
    read = SendRequest(
        generation=3,
        envelopes=envelopes,
        bulk_id=checks.clipped("options.schedule.bulkId", schedule.bulk_id, BULK_ID_LENGTH_MAX),
        include_count=options.include_sms_count_in_response,
        speed_limit=checks.speed_limit("options.schedule.sendingSpeedLimit", schedule.sending_speed_limit),
        tracking=checks.clicks(options.tracking),
    )
    checks.done()
    return read


_PERIOD_UNITS_MS = {"SECONDS": 1_000, "MINUTES": MINUTE_MS, "HOURS": 60 * MINUTE_MS}


def _is_plain(content: _Content, hooks: _Hooks | None) -> bool:
    """Return True when content is a text alone, and of the webhooks only their address is given."""
    if content != _Content(text=content.text):
        return False
    if hooks is None or hooks.delivery is None:
        return hooks in (None, _Hooks())
    return hooks == _Hooks(_DeliveryHook(hooks.delivery.url))


def _message(checks: Checks, path: str, message: _Message, send_at_unix_ms: int | None) -> Envelope:
    content = message.content or _Content()
    binary = _binary(checks, f"{path}.content", content)
    if content.text is None and content.hex is None:
        # A missing content is worded like a missing text (OC-1).
        checks.add(f"{path}.content.text", MUST_NOT_BE_NULL)
    if message.options is None and send_at_unix_ms is None and _is_plain(content, message.webhooks):
        # As most are: nothing can be wrong with it but its destinations.
        url = message.webhooks.delivery.url if message.webhooks and message.webhooks.delivery else None
        destinations = checks.destinations(path, message.destinations)
        return Envelope(message.sender or "", content.text or "", plain_item(url or ""), destinations)
    options = message.options or _MessageOptions()
    platform = options.platform or _Platform()
    hooks = message.webhooks or _Hooks()
    delivery = hooks.delivery or _DeliveryHook()
    language = content.language
    period = options.validity_period or _Period()
    unit = checks.one_of(f"{path}.options.validityPeriod.timeUnit", period.time_unit, list(_PERIOD_UNITS_MS))
    if options.validity_period is not None and period.amount is None:
        checks.add(f"{path}.options.validityPeriod.amount", MUST_NOT_BE_NULL)
    item = Item(
        binary=binary,
        flash=bool(options.flash),
        language=checks.language(f"{path}.content", language, "NONE"),
        single_shift=language.single_shift if language else None,
        locking_shift=language.locking_shift if language else None,
        transliteration=checks.transliteration(f"{path}.content.transliteration", content.transliteration),
        notify=delivery.notify is not False,
        notify_url=delivery.url or "",
        content_type=checks.content_type(f"{path}.webhooks.contentType", hooks.content_type),
        intermediate=bool(delivery.intermediate_report),
        callback_data=checks.length(
            f"{path}.webhooks.callbackData", hooks.callback_data, CALLBACK_DATA_LENGTH_MAX
        ),
        validity_ms=checks.period(
            f"{path}.options.validityPeriod.amount", period.amount, _PERIOD_UNITS_MS.get(unit, MINUTE_MS)
        ),
        send_at_unix_ms=send_at_unix_ms,
        window=checks.window(f"{path}.options.deliveryTimeWindow", options.delivery_time_window),
        entity_id=checks.length(f"{path}.options.platform.entityId", platform.entity_id, 255),
        application_id=checks.length(f"{path}.options.platform.applicationId", platform.application_id, 255),
        campaign_id=checks.length(f"{path}.options.campaignReferenceId", options.campaign_reference_id, 255),
        regional=checks.regional(f"{path}.options.regional", options.regional),
    )
    text = "" if binary else content.text or ""
    return Envelope(message.sender or "", text, item, checks.destinations(path, message.destinations))


def _binary(checks: Checks, path: str, content: _Content) -> Binary | None:
    if content.hex is None:
        return None
    return checks.binary(path, BinaryBody(content.hex, content.data_coding, content.esm_class))

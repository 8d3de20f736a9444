"""
Bodies of /sms/1 and /sms/2: text and binary; single, multi and advanced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from simulator.providers.infobip.checks import (
    BULK_ID_LENGTH_MAX,
    CALLBACK_DATA_LENGTH_MAX,
    MINUTE_MS,
    MUST_NOT_BE_EMPTY,
    TO_LENGTH_MAX,
    BinaryBody,
    Checks,
    DestinationBody,
    LanguageBody,
    SpeedLimitBody,
    UrlOptionsBody,
    WindowBody,
)
from simulator.providers.infobip.decoding import Format, decode
from simulator.providers.infobip.wire import (
    Destination,
    Envelope,
    Item,
    Regional,
    SendRequest,
    Tracking,
    plain_item,
)

__all__ = ["parse_advanced", "parse_multi", "parse_single"]


class _Tracking(Struct, rename="camel"):
    base_url: str | None = None
    process_key: str | None = None
    track: str | None = None
    type: str | None = None


class _Message(Struct, rename="camel"):
    destinations: list[DestinationBody] | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    text: str | None = None
    binary: BinaryBody | None = None
    flash: bool | None = None
    language: LanguageBody | None = None
    transliteration: str | None = None
    notify_url: str | None = None
    notify_content_type: str | None = None
    intermediate_report: bool | None = None
    notify: bool | None = None
    callback_data: str | None = None
    validity_period: int | None = None
    send_at: str | None = None
    delivery_time_window: WindowBody | None = None
    regional: Regional | None = None
    entity_id: str | None = None
    application_id: str | None = None
    campaign_reference_id: str | None = None


class _Advanced(Struct, rename="camel"):
    messages: list[_Message] | None = None
    bulk_id: str | None = None
    tracking: _Tracking | None = None
    sending_speed_limit: SpeedLimitBody | None = None
    url_options: UrlOptionsBody | None = None
    include_sms_count_in_response: bool | None = None


class _Single(Struct):
    to: str | list[str] | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    text: str | None = None
    binary: BinaryBody | None = None


class _Multi(Struct):
    messages: list[_Single] | None = None


_NOTHING_ELSE: Final = (None,) * 14
_ADVANCED: Final = msgspec.json.Decoder(_Advanced)
_SINGLE: Final = msgspec.json.Decoder(_Single)
_MULTI: Final = msgspec.json.Decoder(_Multi)


def parse_advanced(generation: int, *, binary: bool = False) -> Callable[[bytes, Format], SendRequest]:
    """Return what reads the body of `POST /sms/{1,2}/{text,binary}/advanced`; it raises Refuse."""

    def parse(body: bytes, written: Format = Format.JSON) -> SendRequest:
        request: _Advanced = decode(_ADVANCED, body, written)
        checks = Checks(generation)
        if not request.messages:
            checks.add("messages", MUST_NOT_BE_EMPTY)
        envelopes = [
            _message(checks, f"messages[{number}]", message, binary)
            for number, message in enumerate(request.messages or ())
        ]
        read = SendRequest(
            generation=generation,
            envelopes=envelopes,
            bulk_id=checks.clipped("bulkId", request.bulk_id, BULK_ID_LENGTH_MAX),
            tracking=_tracking(checks, request),
            include_count=request.include_sms_count_in_response,
            speed_limit=checks.speed_limit("sendingSpeedLimit", request.sending_speed_limit),
        )
        checks.done()
        return read

    return parse


def _tracking(checks: Checks, request: _Advanced) -> Tracking | None:
    tracking = request.tracking
    clicks = checks.clicks(request.url_options)
    if tracking is None:
        return clicks
    track = checks.one_of("tracking.track", tracking.track, ("SMS", "URL"))
    return Tracking(
        track=track,
        process_key=tracking.process_key or "",
        # Tracking URLs is the older way to ask for clicks.
        clicks=clicks is not None or track == "URL",
        url=clicks.url if clicks is not None else "",
    )


def _is_plain(message: _Message) -> bool:
    """Return True when a message says who, what and where reports go, and nothing else."""
    others = (
        message.flash,
        message.language,
        message.transliteration,
        message.notify_content_type,
        message.intermediate_report,
        message.notify,
        message.callback_data,
        message.validity_period,
        message.send_at,
        message.delivery_time_window,
        message.regional,
        message.entity_id,
        message.application_id,
        message.campaign_reference_id,
    )
    return others == _NOTHING_ELSE


def _message(checks: Checks, path: str, message: _Message, binary: bool) -> Envelope:
    if not binary and _is_plain(message):
        # As most are: nothing can be wrong with it but its destinations.
        item = plain_item(message.notify_url or "")
        destinations = checks.destinations(path, message.destinations)
        return Envelope(message.from_ or "", message.text or "", item, destinations)
    language = message.language
    platform_length_max = 66 if binary else 50
    item = Item(
        binary=checks.binary(f"{path}.binary", message.binary) if binary else None,
        flash=bool(message.flash),
        language=checks.language(path, language),
        single_shift=language.single_shift if language else None,
        locking_shift=language.locking_shift if language else None,
        transliteration=checks.transliteration(f"{path}.transliteration", message.transliteration),
        notify=message.notify is not False,
        notify_url=message.notify_url or "",
        content_type=checks.content_type(f"{path}.notifyContentType", message.notify_content_type),
        intermediate=bool(message.intermediate_report),
        callback_data=checks.length(f"{path}.callbackData", message.callback_data, CALLBACK_DATA_LENGTH_MAX),
        validity_ms=checks.period(f"{path}.validityPeriod", message.validity_period, MINUTE_MS),
        send_at_unix_ms=checks.date(f"{path}.sendAt", message.send_at),
        window=checks.window(f"{path}.deliveryTimeWindow", message.delivery_time_window),
        entity_id=checks.length(f"{path}.entityId", message.entity_id, platform_length_max),
        application_id=checks.length(f"{path}.applicationId", message.application_id, platform_length_max),
        campaign_id=checks.length(f"{path}.campaignReferenceId", message.campaign_reference_id, 255),
        regional=checks.regional(f"{path}.regional", message.regional),
    )
    text = "" if binary else message.text or ""
    return Envelope(message.from_ or "", text, item, checks.destinations(path, message.destinations))


def parse_single(generation: int, *, binary: bool = False) -> Callable[[bytes, Format], SendRequest]:
    """Return what reads the body of `POST /sms/{1,2}/{text,binary}/single`; it raises Refuse."""

    def parse(body: bytes, written: Format = Format.JSON) -> SendRequest:
        request: _Single = decode(_SINGLE, body, written)
        checks = Checks(generation)
        envelopes = [_single(checks, "", request, binary)]
        checks.done()
        return SendRequest(generation=generation, envelopes=envelopes)

    return parse


def parse_multi(generation: int, *, binary: bool = False) -> Callable[[bytes, Format], SendRequest]:
    """Return what reads the body of `POST /sms/1/{text,binary}/multi`; it raises Refuse."""

    def parse(body: bytes, written: Format = Format.JSON) -> SendRequest:
        request: _Multi = decode(_MULTI, body, written)
        checks = Checks(generation)
        if not request.messages:
            checks.add("messages", MUST_NOT_BE_EMPTY)
        envelopes = [
            _single(checks, f"messages[{number}].", message, binary)
            for number, message in enumerate(request.messages or ())
        ]
        checks.done()
        return SendRequest(generation=generation, envelopes=envelopes)

    return parse


def _single(checks: Checks, path: str, message: _Single, binary: bool) -> Envelope:
    numbers = message.to if isinstance(message.to, list) else [message.to or ""]
    if not numbers:
        checks.add(f"{path}to", MUST_NOT_BE_EMPTY)
    for place, to in enumerate(numbers):
        if len(to) > TO_LENGTH_MAX:
            key = f"{path}to[{place}]" if isinstance(message.to, list) else f"{path}to"
            checks.add(key, f"size must be between 0 and {TO_LENGTH_MAX}")
    item = Item(binary=checks.binary(f"{path}binary", message.binary)) if binary else plain_item("")
    text = "" if binary else message.text or ""
    return Envelope(message.from_ or "", text, item, [Destination(to) for to in numbers])

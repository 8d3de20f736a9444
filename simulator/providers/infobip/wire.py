"""
Infobip's wire format: what clients send, read into one shape for all generations.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from simulator.kernel.sms import Language
from simulator.providers.infobip.dates import parse_date
from simulator.providers.infobip.text import Transliteration
from simulator.violations import VIOLATIONS_MAX, Violation, violations

__all__ = [
    "VALIDITY_MS_MAX",
    "BadRequest",
    "Destination",
    "Item",
    "SendRequest",
    "SpeedLimit",
    "Window",
    "parse_advanced",
    "parse_messages",
    "parse_multi",
    "parse_single",
]

VALIDITY_MS_MAX = 48 * 3_600_000
"""Longer validities silently become this one; it is the default, too."""

_MINUTE_MS = 60_000
_BULK_ID_LENGTH_MAX = 100
_MESSAGE_ID_LENGTH_MAX = 200
_TO_LENGTH_MAX = 64
_CALLBACK_DATA_LENGTH_MAX = 4_000
_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_CONTENT_TYPES = ("application/json", "application/xml")


class BadRequest(Exception):
    """
    A body that Infobip answers with 400.
    """

    def __init__(self, found: list[Violation] | None = None) -> None:
        super().__init__("Bad Request")
        self.violations = found or []


# -- bodies as clients send them; explicit null means absent ------------------------------------


class _Time(Struct):
    hour: int | None = None
    minute: int | None = None


class _Window(Struct):
    days: list[str] | None = None
    from_: _Time | None = msgspec.field(default=None, name="from")
    to: _Time | None = None


class _Language(Struct, rename="camel"):
    language_code: str | None = None
    single_shift: bool | None = None
    locking_shift: bool | None = None


class _Destination(Struct, rename="camel"):
    to: str | None = None
    message_id: str | None = None


class _SpeedLimit(Struct, rename="camel"):
    amount: int | None = None
    time_unit: str | None = None


class _Tracking(Struct, rename="camel"):
    base_url: str | None = None
    process_key: str | None = None
    track: str | None = None
    type: str | None = None


class _UrlOptions(Struct, rename="camel"):
    shorten_url: bool | None = None
    track_clicks: bool | None = None
    tracking_url: str | None = None
    remove_protocol: bool | None = None
    custom_domain: str | None = None


class _IndiaDlt(Struct, rename="camel"):
    content_template_id: str | None = None
    principal_entity_id: str | None = None
    telemarketer_id: str | None = None


class _TurkeyIys(Struct, rename="camel"):
    brand_code: int | None = None
    recipient_type: str | None = None


class _SouthKorea(Struct, rename="camel"):
    reseller_code: int | None = None
    title: str | None = None


class _Regional(Struct, rename="camel"):
    india_dlt: _IndiaDlt | None = None
    turkey_iys: _TurkeyIys | None = None
    south_korea: _SouthKorea | None = None


class _Textual(Struct, rename="camel"):
    destinations: list[_Destination] | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    text: str | None = None
    flash: bool | None = None
    language: _Language | None = None
    transliteration: str | None = None
    notify_url: str | None = None
    notify_content_type: str | None = None
    intermediate_report: bool | None = None
    notify: bool | None = None
    callback_data: str | None = None
    validity_period: int | None = None
    send_at: str | None = None
    delivery_time_window: _Window | None = None
    regional: _Regional | None = None
    entity_id: str | None = None
    application_id: str | None = None
    campaign_reference_id: str | None = None


class _Advanced(Struct, rename="camel"):
    messages: list[_Textual] | None = None
    bulk_id: str | None = None
    tracking: _Tracking | None = None
    sending_speed_limit: _SpeedLimit | None = None
    url_options: _UrlOptions | None = None
    include_sms_count_in_response: bool | None = None


class _Single(Struct):
    to: str | list[str] | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    text: str | None = None


class _Multi(Struct):
    messages: list[_Single] | None = None


class _Content(Struct, rename="camel"):
    text: str | None = None
    transliteration: str | None = None
    language: _Language | None = None


class _Period(Struct, rename="camel"):
    amount: int | None = None
    time_unit: str | None = None


class _Platform(Struct, rename="camel"):
    entity_id: str | None = None
    application_id: str | None = None


class _MessageOptions(Struct, rename="camel"):
    platform: _Platform | None = None
    validity_period: _Period | None = None
    delivery_time_window: _Window | None = None
    campaign_reference_id: str | None = None
    regional: _Regional | None = None
    flash: bool | None = None


class _DeliveryHook(Struct, rename="camel"):
    url: str | None = None
    intermediate_report: bool | None = None
    notify: bool | None = None


class _Hooks(Struct, rename="camel"):
    delivery: _DeliveryHook | None = None
    content_type: str | None = None
    callback_data: str | None = None


class _Message3(Struct, rename="camel"):
    sender: str | None = None
    destinations: list[_Destination] | None = None
    content: _Content | None = None
    options: _MessageOptions | None = None
    webhooks: _Hooks | None = None


class _Schedule(Struct, rename="camel"):
    bulk_id: str | None = None
    send_at: str | None = None
    sending_speed_limit: _SpeedLimit | None = None


class _ConversionTracking(Struct, rename="camel"):
    use_conversion_tracking: bool | None = None
    conversion_tracking_name: str | None = None


class _RequestOptions(Struct, rename="camel"):
    schedule: _Schedule | None = None
    tracking: _UrlOptions | None = None
    include_sms_count_in_response: bool | None = None
    conversion_tracking: _ConversionTracking | None = None


class _Messages(Struct, rename="camel"):
    messages: list[_Message3] | None = None
    options: _RequestOptions | None = None


# -- the one shape they are read into ------------------------------------------------------------


class Window(Struct, frozen=True, gc=False):
    """
    When a message may be sent: on these days (0 is Monday), from minute to minute of the UTC day.
    """

    days: tuple[int, ...]
    from_minute: int = 0
    to_minute: int = 1_440


class SpeedLimit(Struct, frozen=True, gc=False):
    """
    How many messages of a bulk may leave per so many milliseconds.
    """

    amount: int
    per_ms: int


class Destination(Struct, frozen=True, gc=False):
    """
    One recipient as written, and the client's id for the message.
    """

    to: str
    id: str = ""


class Item(Struct, frozen=True, kw_only=True, gc=False):
    """
    One message of a request, for all of its destinations.
    """

    sender: str = ""
    text: str = ""
    flash: bool = False
    language: str = ""
    single_shift: bool | None = None
    locking_shift: bool | None = None
    transliteration: Transliteration = Transliteration.NONE
    notify: bool = True
    notify_url: str = ""
    content_type: str = "application/json"
    intermediate: bool = False
    callback_data: str = ""
    validity_ms: int = VALIDITY_MS_MAX
    send_at_unix_ms: int | None = None
    window: Window | None = None
    entity_id: str = ""
    application_id: str = ""
    campaign_id: str = ""
    regional: _Regional | None = None


class SendRequest(Struct, frozen=True, kw_only=True):
    """
    A request to send, whichever generation of the API it came through.
    """

    generation: int
    items: list[tuple[Item, list[Destination]]]
    bulk_id: str = ""
    track: str = ""
    include_count: bool | None = None
    speed_limit: SpeedLimit | None = None
    url_options: _UrlOptions | None = None

    @property
    def destination_count(self) -> int:
        """How many messages this would be."""
        return sum(len(destinations) for _, destinations in self.items)


_ADVANCED = msgspec.json.Decoder(_Advanced)
_SINGLE = msgspec.json.Decoder(_Single)
_MULTI = msgspec.json.Decoder(_Multi)
_MESSAGES = msgspec.json.Decoder(_Messages)


def _decode(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        raise BadRequest(_complaints(body, decoder.type)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadRequest from None


def _complaints(body: bytes, expected: Any) -> list[Violation]:
    """Return what is wrong with a body; nothing when what follows the first mistake cannot be read."""
    try:
        return violations(msgspec.json.decode(body), expected)
    except (msgspec.MsgspecError, RecursionError):
        return []


class _Checks:
    """Collects what is wrong with a request, worded as its generation words it."""

    __slots__ = ("found", "generation")

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.found: list[Violation] = []

    @property
    def must_not_be_null(self) -> str:
        return "Must not be null." if self.generation == 3 else "must not be null"

    @property
    def must_not_be_empty(self) -> str:
        return "Must not be empty." if self.generation == 3 else "must not be empty"

    def add(self, path: str, text: str) -> None:
        if len(self.found) < VIOLATIONS_MAX:
            self.found.append(Violation(path, text))

    def length(self, path: str, value: str | None, most: int) -> str:
        if value is not None and len(value) > most:
            self.add(path, f"size must be between 0 and {most}")
        return value or ""

    def clipped(self, path: str, value: str | None, most: int) -> str:
        # v1 and v2 clip long ids silently, v3 validates them.  Source: OpenAPI, bulkId and messageId.
        return self.length(path, value, most) if self.generation == 3 else (value or "")[:most]

    def one_of(self, path: str, value: str | None, known: tuple[str, ...] | list[str]) -> str:
        if value is not None and value not in known:
            self.add(path, f"must be one of {', '.join(known)}, got {value[:40]!r}")
        return value or ""

    def date(self, path: str, value: str | None) -> int | None:
        if value is None:
            return None
        moment = parse_date(value)
        if moment is None:
            self.add(path, f"must be a date such as 2030-01-01T00:00:00.000+0000, got {value[:40]!r}")
        return moment

    def window(self, path: str, window: _Window | None) -> Window | None:
        if window is None:
            return None
        days = window.days or []
        if not days:
            self.add(f"{path}.days", self.must_not_be_empty)
        for number, day in enumerate(days):
            self.one_of(f"{path}.days[{number}]", day, _DAYS)
        from_minute = self._minute(f"{path}.from", window.from_)
        to_minute = self._minute(f"{path}.to", window.to)
        if (window.from_ is None) != (window.to is None):
            self.add(path, "from and to must be given together")
        elif window.from_ is not None and (to_minute - from_minute) % 1_440 < 60:
            self.add(path, "from and to must be at least 1 hour apart")
        places = tuple(sorted({_DAYS.index(day) for day in days if day in _DAYS}))
        return Window(places, from_minute, to_minute if window.to is not None else 1_440)

    def _minute(self, path: str, time: _Time | None) -> int:
        if time is None:
            return 0
        hour, minute = time.hour or 0, time.minute or 0
        if not 0 <= hour <= 23:
            self.add(f"{path}.hour", "must be between 0 and 23")
        if not 0 <= minute <= 59:
            self.add(f"{path}.minute", "must be between 0 and 59")
        return hour * 60 + minute

    def period(self, path: str, amount: int | None, unit_ms: int) -> int:
        if amount is None:
            return VALIDITY_MS_MAX
        if amount < 1:
            self.add(path, "must be greater than 0")
            return VALIDITY_MS_MAX
        return min(amount * unit_ms, VALIDITY_MS_MAX)

    def destinations(self, path: str, given: list[_Destination] | None) -> list[Destination]:
        if not given:
            self.add(f"{path}.destinations", self.must_not_be_empty)
            return []
        read: list[Destination] = []
        for number, one in enumerate(given):
            to = one.to
            if to is None and self.generation == 3:
                self.add(f"{path}.destinations[{number}].to", self.must_not_be_null)
            if to is not None and len(to) > _TO_LENGTH_MAX:
                self.add(f"{path}.destinations[{number}].to", f"size must be between 0 and {_TO_LENGTH_MAX}")
            message_id = one.message_id
            if message_id is not None and len(message_id) > _MESSAGE_ID_LENGTH_MAX:
                message_id = self.clipped(
                    f"{path}.destinations[{number}].messageId", message_id, _MESSAGE_ID_LENGTH_MAX
                )
            read.append(Destination(to or "", message_id or ""))
        return read

    def speed_limit(self, path: str, limit: _SpeedLimit | None) -> SpeedLimit | None:
        if limit is None:
            return None
        if limit.amount is None:
            self.add(f"{path}.amount", self.must_not_be_null)
            return None
        if limit.amount < 1:
            self.add(f"{path}.amount", "must be greater than 0")
        units = {"MINUTE": _MINUTE_MS, "HOUR": 60 * _MINUTE_MS, "DAY": 1_440 * _MINUTE_MS}
        unit = self.one_of(f"{path}.timeUnit", limit.time_unit, list(units)) or "MINUTE"
        return SpeedLimit(max(limit.amount, 1), units.get(unit, _MINUTE_MS))

    def regional(self, path: str, regional: _Regional | None) -> _Regional | None:
        if regional is None:
            return None
        india, turkey, korea = regional.india_dlt, regional.turkey_iys, regional.south_korea
        if india is not None and not india.principal_entity_id:
            self.add(f"{path}.indiaDlt.principalEntityId", self.must_not_be_null)
        if turkey is not None:
            if turkey.recipient_type is None:
                self.add(f"{path}.turkeyIys.recipientType", self.must_not_be_null)
            self.one_of(f"{path}.turkeyIys.recipientType", turkey.recipient_type, ("BIREYSEL", "TACIR"))
        if korea is not None:
            self.length(f"{path}.southKorea.title", korea.title, 66)
        return regional

    def done(self) -> None:
        if self.found:
            raise BadRequest(self.found)


_LANGUAGES_V1 = [*(language.value for language in Language), "AUTODETECT"]
_LANGUAGES_V3 = [*_LANGUAGES_V1, "NONE"]
_TRANSLITERATIONS = [table.value for table in Transliteration]


def parse_advanced(body: bytes, generation: int) -> SendRequest:
    """Read the body of `POST /sms/{1,2}/text/advanced`; raises BadRequest."""
    request: _Advanced = _decode(_ADVANCED, body)
    checks = _Checks(generation)
    if not request.messages:
        checks.add("messages", checks.must_not_be_empty)
    items = [
        _textual(checks, f"messages[{number}]", message)
        for number, message in enumerate(request.messages or ())
    ]
    tracking = request.tracking
    read = SendRequest(
        generation=generation,
        items=items,
        bulk_id=checks.clipped("bulkId", request.bulk_id, _BULK_ID_LENGTH_MAX),
        track=checks.one_of("tracking.track", tracking.track, ("SMS", "URL")) if tracking else "",
        include_count=request.include_sms_count_in_response,
        speed_limit=checks.speed_limit("sendingSpeedLimit", request.sending_speed_limit),
        url_options=request.url_options,
    )
    checks.done()
    return read


def _textual(checks: _Checks, path: str, message: _Textual) -> tuple[Item, list[Destination]]:
    language = message.language
    transliteration = checks.one_of(f"{path}.transliteration", message.transliteration, _TRANSLITERATIONS)
    content_type = checks.one_of(f"{path}.notifyContentType", message.notify_content_type, _CONTENT_TYPES)
    item = Item(
        sender=message.from_ or "",
        text=message.text or "",
        flash=bool(message.flash),
        language=_language(checks, path, language, _LANGUAGES_V1),
        single_shift=language.single_shift if language else None,
        locking_shift=language.locking_shift if language else None,
        transliteration=Transliteration(transliteration)
        if transliteration in _TRANSLITERATIONS
        else Transliteration.NONE,
        notify=message.notify is not False,
        notify_url=message.notify_url or "",
        content_type=content_type or "application/json",
        intermediate=bool(message.intermediate_report),
        callback_data=checks.length(f"{path}.callbackData", message.callback_data, _CALLBACK_DATA_LENGTH_MAX),
        validity_ms=checks.period(f"{path}.validityPeriod", message.validity_period, _MINUTE_MS),
        send_at_unix_ms=checks.date(f"{path}.sendAt", message.send_at),
        window=checks.window(f"{path}.deliveryTimeWindow", message.delivery_time_window),
        entity_id=checks.length(f"{path}.entityId", message.entity_id, 50),
        application_id=checks.length(f"{path}.applicationId", message.application_id, 50),
        campaign_id=checks.length(f"{path}.campaignReferenceId", message.campaign_reference_id, 255),
        regional=checks.regional(f"{path}.regional", message.regional),
    )
    return item, checks.destinations(path, message.destinations)


def _language(checks: _Checks, path: str, language: _Language | None, known: list[str]) -> str:
    if language is None:
        return ""
    return checks.one_of(f"{path}.language.languageCode", language.language_code, known)


def parse_single(body: bytes, generation: int) -> SendRequest:
    """Read the body of `POST /sms/1/text/single`; raises BadRequest."""
    request: _Single = _decode(_SINGLE, body)
    checks = _Checks(generation)
    items = [_one(checks, "", request)]
    checks.done()
    return SendRequest(generation=generation, items=items)


def parse_multi(body: bytes, generation: int) -> SendRequest:
    """Read the body of `POST /sms/1/text/multi`; raises BadRequest."""
    request: _Multi = _decode(_MULTI, body)
    checks = _Checks(generation)
    if not request.messages:
        checks.add("messages", checks.must_not_be_empty)
    items = [
        _one(checks, f"messages[{number}].", message) for number, message in enumerate(request.messages or ())
    ]
    checks.done()
    return SendRequest(generation=generation, items=items)


def _one(checks: _Checks, path: str, message: _Single) -> tuple[Item, list[Destination]]:
    given = message.to if isinstance(message.to, list) else [message.to or ""]
    if not given:
        checks.add(f"{path}to", checks.must_not_be_empty)
    for number, to in enumerate(given):
        if len(to) > _TO_LENGTH_MAX:
            place = f"{path}to[{number}]" if isinstance(message.to, list) else f"{path}to"
            checks.add(place, f"size must be between 0 and {_TO_LENGTH_MAX}")
    item = Item(sender=message.from_ or "", text=message.text or "")
    return item, [Destination(to) for to in given]


def parse_messages(body: bytes) -> SendRequest:
    """Read the body of `POST /sms/3/messages`; raises BadRequest."""
    request: _Messages = _decode(_MESSAGES, body)
    checks = _Checks(3)
    if not request.messages:
        checks.add("messages", checks.must_not_be_empty)
    options = request.options or _RequestOptions()
    schedule = options.schedule or _Schedule()
    send_at = checks.date("options.schedule.sendAt", schedule.send_at)
    items = [
        _message3(checks, f"messages[{number}]", message, send_at)
        for number, message in enumerate(request.messages or ())
    ]
    read = SendRequest(
        generation=3,
        items=items,
        bulk_id=checks.clipped("options.schedule.bulkId", schedule.bulk_id, _BULK_ID_LENGTH_MAX),
        include_count=options.include_sms_count_in_response,
        speed_limit=checks.speed_limit("options.schedule.sendingSpeedLimit", schedule.sending_speed_limit),
        url_options=options.tracking,
    )
    checks.done()
    return read


_PERIOD_UNITS_MS = {"SECONDS": 1_000, "MINUTES": _MINUTE_MS, "HOURS": 60 * _MINUTE_MS}


def _message3(
    checks: _Checks, path: str, message: _Message3, send_at_unix_ms: int | None
) -> tuple[Item, list[Destination]]:
    content = message.content
    if content is None or content.text is None:
        # A missing content is worded like a missing text (OC-1).
        checks.add(f"{path}.content.text", checks.must_not_be_null)
        content = _Content()
    options = message.options or _MessageOptions()
    platform = options.platform or _Platform()
    hooks = message.webhooks or _Hooks()
    delivery = hooks.delivery or _DeliveryHook()
    language = content.language
    period = options.validity_period or _Period()
    unit = checks.one_of(f"{path}.options.validityPeriod.timeUnit", period.time_unit, list(_PERIOD_UNITS_MS))
    transliteration = checks.one_of(
        f"{path}.content.transliteration", content.transliteration, _TRANSLITERATIONS
    )
    content_type = checks.one_of(f"{path}.webhooks.contentType", hooks.content_type, _CONTENT_TYPES)
    item = Item(
        sender=message.sender or "",
        text=content.text or "",
        flash=bool(options.flash),
        language=_language(checks, f"{path}.content", language, _LANGUAGES_V3),
        single_shift=language.single_shift if language else None,
        locking_shift=language.locking_shift if language else None,
        transliteration=Transliteration(transliteration)
        if transliteration in _TRANSLITERATIONS
        else Transliteration.NONE,
        notify=delivery.notify is not False,
        notify_url=delivery.url or "",
        content_type=content_type or "application/json",
        intermediate=bool(delivery.intermediate_report),
        callback_data=checks.length(
            f"{path}.webhooks.callbackData", hooks.callback_data, _CALLBACK_DATA_LENGTH_MAX
        ),
        validity_ms=checks.period(
            f"{path}.options.validityPeriod.amount", period.amount, _PERIOD_UNITS_MS.get(unit, _MINUTE_MS)
        ),
        send_at_unix_ms=send_at_unix_ms,
        window=checks.window(f"{path}.options.deliveryTimeWindow", options.delivery_time_window),
        entity_id=checks.length(f"{path}.options.platform.entityId", platform.entity_id, 255),
        application_id=checks.length(f"{path}.options.platform.applicationId", platform.application_id, 255),
        campaign_id=checks.length(f"{path}.options.campaignReferenceId", options.campaign_reference_id, 255),
        regional=checks.regional(f"{path}.options.regional", options.regional),
    )
    return item, checks.destinations(path, message.destinations)

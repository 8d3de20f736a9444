"""
What may be wrong with a request.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from simulator.provider import VIOLATIONS_MAX, Language, Violation
from simulator.providers.infobip.dates import parse_date
from simulator.providers.infobip.text import Transliteration
from simulator.providers.infobip.wire import (
    VALIDITY_MS_MAX,
    Binary,
    Destination,
    Regional,
    SpeedLimit,
    Tracking,
    Window,
    bad_request,
)

__all__ = [
    "BULK_ID_LENGTH_MAX",
    "CALLBACK_DATA_LENGTH_MAX",
    "LANGUAGES",
    "MINUTE_MS",
    "MUST_NOT_BE_EMPTY",
    "MUST_NOT_BE_NULL",
    "TO_LENGTH_MAX",
    "BinaryBody",
    "Checks",
    "DestinationBody",
    "LanguageBody",
    "SpeedLimitBody",
    "UrlOptionsBody",
    "WindowBody",
]

MINUTE_MS: Final = 60_000
BULK_ID_LENGTH_MAX: Final = 100
TO_LENGTH_MAX: Final = 64
CALLBACK_DATA_LENGTH_MAX: Final = 4_000
MUST_NOT_BE_NULL: Final = "must not be null"
MUST_NOT_BE_EMPTY: Final = "must not be empty"
LANGUAGES: Final = [*(language.value for language in Language), "AUTODETECT"]

_MESSAGE_ID_LENGTH_MAX: Final = 200
_DAYS: Final = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_CONTENT_TYPES: Final = ("application/json", "application/xml")
_TRANSLITERATIONS: Final = [table.value for table in Transliteration]


# -- parts of bodies that generations share; explicit null means absent --------------------------


class _Time(Struct):
    hour: int | None = None
    minute: int | None = None


class WindowBody(Struct):
    """A delivery time window as written."""

    days: list[str] | None = None
    from_: _Time | None = msgspec.field(default=None, name="from")
    to: _Time | None = None


class LanguageBody(Struct, rename="camel"):
    """A language as written."""

    language_code: str | None = None
    single_shift: bool | None = None
    locking_shift: bool | None = None


class DestinationBody(Struct, rename="camel"):
    """A destination as written."""

    to: str | None = None
    message_id: str | None = None
    network_id: int | None = None
    """v3 alone."""


class SpeedLimitBody(Struct, rename="camel"):
    """A speed limit as written."""

    amount: int | None = None
    time_unit: str | None = None


class UrlOptionsBody(Struct, rename="camel"):
    """What is to be done to URLs in the text, as written."""

    shorten_url: bool | None = None
    track_clicks: bool | None = None
    tracking_url: str | None = None
    remove_protocol: bool | None = None
    custom_domain: str | None = None


class BinaryBody(Struct, rename="camel"):
    """A binary content as written."""

    hex: str | None = None
    data_coding: int | None = None
    esm_class: int | None = None


class Checks:
    """
    Collects what is wrong with a request, and returns values that can be worked with meanwhile.
    """

    __slots__ = ("generation", "wrong")

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.wrong: list[Violation] = []

    def add(self, path: str, text: str) -> None:
        if len(self.wrong) < VIOLATIONS_MAX:
            self.wrong.append(Violation(path, text))

    def length(self, path: str, value: str | None, most: int) -> str:
        if value is not None and len(value) > most:
            self.add(path, f"size must be between 0 and {most}")
        return value or ""

    def clipped(self, path: str, value: str | None, most: int) -> str:
        # v1 and v2 clip long ids silently, v3 validates them.  Source: OpenAPI, bulkId and messageId.
        return self.length(path, value, most) if self.generation == 3 else (value or "")[:most]

    def one_of(self, path: str, value: str | None, names: tuple[str, ...] | list[str]) -> str:
        if value is not None and value not in names:
            self.add(path, f"must be one of {', '.join(names)}, got {value[:40]!r}")
        return value or ""

    def date(self, path: str, value: str | None) -> int | None:
        if value is None:
            return None
        moment = parse_date(value)
        if moment is None:
            self.add(path, f"must be a date such as 2030-01-01T00:00:00.000+0000, got {value[:40]!r}")
        return moment

    def window(self, path: str, window: WindowBody | None) -> Window | None:
        if window is None:
            return None
        days = window.days or []
        if not days:
            self.add(f"{path}.days", MUST_NOT_BE_EMPTY)
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

    def destinations(self, path: str, bodies: list[DestinationBody] | None) -> list[Destination]:
        if not bodies:
            self.add(f"{path}.destinations", MUST_NOT_BE_EMPTY)
            return []
        read: list[Destination] = []
        for number, body in enumerate(bodies):
            to = body.to
            if to is None and self.generation == 3:
                self.add(f"{path}.destinations[{number}].to", MUST_NOT_BE_NULL)
            if to is not None and len(to) > TO_LENGTH_MAX:
                self.add(f"{path}.destinations[{number}].to", f"size must be between 0 and {TO_LENGTH_MAX}")
            message_id = body.message_id
            if message_id is not None and len(message_id) > _MESSAGE_ID_LENGTH_MAX:
                message_id = self.clipped(
                    f"{path}.destinations[{number}].messageId", message_id, _MESSAGE_ID_LENGTH_MAX
                )
            place = "" if to else f"{path}.destinations[{number}]"
            network_id = body.network_id if self.generation == 3 else None
            read.append(Destination(to or "", message_id or "", network_id, place))
        return read

    def speed_limit(self, path: str, limit: SpeedLimitBody | None) -> SpeedLimit | None:
        if limit is None:
            return None
        if limit.amount is None:
            self.add(f"{path}.amount", MUST_NOT_BE_NULL)
            return None
        if limit.amount < 1:
            self.add(f"{path}.amount", "must be greater than 0")
        units = {"MINUTE": MINUTE_MS, "HOUR": 60 * MINUTE_MS, "DAY": 1_440 * MINUTE_MS}
        unit = self.one_of(f"{path}.timeUnit", limit.time_unit, list(units)) or "MINUTE"
        return SpeedLimit(max(limit.amount, 1), units.get(unit, MINUTE_MS))

    def regional(self, path: str, regional: Regional | None) -> Regional | None:
        if regional is None:
            return None
        india, turkey, korea = regional.india_dlt, regional.turkey_iys, regional.south_korea
        if india is not None and not india.principal_entity_id:
            self.add(f"{path}.indiaDlt.principalEntityId", MUST_NOT_BE_NULL)
        if turkey is not None:
            if turkey.recipient_type is None:
                self.add(f"{path}.turkeyIys.recipientType", MUST_NOT_BE_NULL)
            self.one_of(f"{path}.turkeyIys.recipientType", turkey.recipient_type, ("BIREYSEL", "TACIR"))
        if korea is not None:
            self.length(f"{path}.southKorea.title", korea.title, 66)
        return regional

    def language(self, path: str, language: LanguageBody | None, *more: str) -> str:
        if language is None:
            return ""
        return self.one_of(f"{path}.language.languageCode", language.language_code, [*LANGUAGES, *more])

    def transliteration(self, path: str, value: str | None) -> Transliteration:
        name = self.one_of(path, value, _TRANSLITERATIONS)
        return Transliteration(name) if name in _TRANSLITERATIONS else Transliteration.NONE

    def content_type(self, path: str, value: str | None) -> str:
        return self.one_of(path, value, _CONTENT_TYPES) or _CONTENT_TYPES[0]

    def binary(self, path: str, body: BinaryBody | None) -> Binary | None:
        if body is None or body.hex is None:
            self.add(f"{path}.hex", MUST_NOT_BE_NULL)
            return None
        for name, value in (("dataCoding", body.data_coding), ("esmClass", body.esm_class)):
            if value is not None and not 0 <= value <= 255:
                self.add(f"{path}.{name}", "must be between 0 and 255")
        try:
            octets = bytes.fromhex(body.hex)
        except ValueError:
            self.add(f"{path}.hex", "must be bytes in hexadecimal, such as 0f c2 4a")
            return None
        if not octets:
            self.add(f"{path}.hex", MUST_NOT_BE_EMPTY)
        return Binary(octets, body.data_coding or 0, body.esm_class or 0)

    def clicks(self, options: UrlOptionsBody | None) -> Tracking | None:
        if options is None or options.track_clicks is False or options.shorten_url is False:
            return None
        return Tracking(clicks=True, url=options.tracking_url or "")

    def done(self) -> None:
        if self.wrong:
            raise bad_request(self.wrong)

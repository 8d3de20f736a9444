"""
Sends by query string: GET /sms/{1,3}/text/query.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulator.providers.infobip.checks import (
    BULK_ID_LENGTH_MAX,
    CALLBACK_DATA_LENGTH_MAX,
    LANGUAGES,
    MINUTE_MS,
    MUST_NOT_BE_EMPTY,
    MUST_NOT_BE_NULL,
    TO_LENGTH_MAX,
    Checks,
)
from simulator.providers.infobip.wire import (
    Destination,
    Envelope,
    IndiaDlt,
    Item,
    Regional,
    SendRequest,
    SouthKorea,
    Tracking,
    TurkeyIys,
)

__all__ = ["parse_query"]

# Clients write booleans as their own language does.
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False, "": None}


class _Parameters:
    """The parameters of a query by name, the last of a name winning."""

    def __init__(self, query: Sequence[tuple[str, str]], checks: Checks) -> None:
        self._values = dict(query)
        self._checks = checks

    def text(self, name: str) -> str | None:
        return self._values.get(name)

    def filled(self, name: str) -> str | None:
        """An empty parameter is as good as none."""
        return self._values.get(name) or None

    def boolean(self, name: str) -> bool | None:
        written = self._values.get(name, "").strip().lower()
        if written not in _BOOLEANS:
            self._checks.add(name, f"must be true or false, got {written[:40]!r}")
        return _BOOLEANS.get(written)

    def whole(self, name: str) -> int | None:
        written = self._values.get(name, "").strip()
        if not written:
            return None
        if not (written.isascii() and written.isdigit() and len(written) < 16):
            self._checks.add(name, f"must be a whole number, got {written[:40]!r}")
            return None
        return int(written)


def parse_query(query: Sequence[tuple[str, str]], generation: int) -> SendRequest:
    """Read a send by query string; raises Refuse."""
    checks = Checks(generation)
    values = _Parameters(query, checks)
    text = values.text("text")
    if text is None and generation == 3:
        checks.add("text", MUST_NOT_BE_NULL)
    item = Item(
        flash=bool(values.boolean("flash")),
        language=checks.one_of("languageCode", values.filled("languageCode"), _languages(generation)),
        transliteration=checks.transliteration("transliteration", values.filled("transliteration")),
        notify_url=values.text("notifyUrl") or "",
        content_type=checks.content_type("notifyContentType", values.filled("notifyContentType")),
        intermediate=bool(values.boolean("intermediateReport")),
        callback_data=checks.length("callbackData", values.text("callbackData"), CALLBACK_DATA_LENGTH_MAX),
        validity_ms=checks.period("validityPeriod", values.whole("validityPeriod"), MINUTE_MS),
        send_at_unix_ms=checks.date("sendAt", values.filled("sendAt")),
        regional=checks.regional("regional", _regional(values)),
    )
    read = SendRequest(
        generation=generation,
        envelopes=[Envelope(values.text("from") or "", text or "", item, _destinations(query, checks))],
        bulk_id=checks.clipped("bulkId", values.text("bulkId"), BULK_ID_LENGTH_MAX),
        tracking=_tracking(values, checks, generation),
        include_count=values.boolean("includeSmsCountInResponse"),
    )
    checks.done()
    return read


def _languages(generation: int) -> list[str]:
    return [*LANGUAGES, "NONE"] if generation == 3 else LANGUAGES


def _destinations(query: Sequence[tuple[str, str]], checks: Checks) -> list[Destination]:
    # `to` is repeated by some clients and a comma list for others.
    numbers = [to.strip() for name, value in query if name == "to" for to in value.split(",")]
    if not numbers:
        checks.add("to", MUST_NOT_BE_EMPTY)
    if any(len(to) > TO_LENGTH_MAX for to in numbers):
        checks.add("to", f"size must be between 0 and {TO_LENGTH_MAX}")
    return [Destination(to) for to in numbers]


def _tracking(values: _Parameters, checks: Checks, generation: int) -> Tracking | None:
    url = values.text("trackingUrl") or ""
    if generation == 3:
        return Tracking(clicks=True, url=url) if url else None
    track = checks.one_of("track", values.filled("track"), ("SMS", "URL"))
    key = values.text("processKey") or ""
    return Tracking(track=track, process_key=key, clicks=track == "URL") if track or key else None


def _regional(values: _Parameters) -> Regional | None:
    india = turkey = korea = None
    entity, template = (
        values.filled("indiaDltPrincipalEntityId"),
        values.filled("indiaDltContentTemplateId"),
    )
    telemarketer = values.filled("indiaDltTelemarketerId")
    if entity or template or telemarketer:
        india = IndiaDlt(template, entity, telemarketer)
    brand, consent = values.whole("turkeyIysBrandCode"), values.filled("turkeyIysRecipientType")
    if brand is not None or consent:
        turkey = TurkeyIys(brand, consent)
    reseller, title = values.whole("southKoreaResellerCode"), values.filled("southKoreaTitle")
    if reseller is not None or title:
        korea = SouthKorea(reseller, title)
    return Regional(india, turkey, korea) if india or turkey or korea else None

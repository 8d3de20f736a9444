"""
Infobip's dates: many forms in, one form out.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

__all__ = ["clock_words", "format_date", "parse_date"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Clients send 0 to 6 fraction digits, `Z`, `+0000` and `+00:00`, and a blank for the T; in a query, a
# plus that was not encoded arrives as a blank.
_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?\s?(?:(Z)|([+ -])(\d\d):?(\d\d))?",
    re.ASCII,
)


def parse_date(text: str) -> int | None:
    """
    Return a date as milliseconds since 1970, or None when it is not one.

    A date without an offset is read as UTC.
    """
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction = (match[7] or "").ljust(6, "0")
    offset = timedelta()
    if match[9]:
        offset = timedelta(hours=int(match[10]), minutes=int(match[11]))
        offset = -offset if match[9] == "-" else offset
    try:
        zone = timezone(offset)
        moment = datetime(year, month, day, hour, minute, second, int(fraction), zone)
        return (moment - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=1_024)
def format_date(unix_ms: int, zone: str = "+0000") -> str:
    """
    Return a date as Infobip writes it: three fraction digits, an offset without colon.

    The offset is the account's.  Not RFC 3339, which is what strict parsers trip
    over.  Source: "Delivery reports" of the Infobip documentation, and real ones.
    """
    return f"{_second(unix_ms // 1000, zone)}.{unix_ms % 1000:03d}{zone}"


@lru_cache(maxsize=1_024)
def _second(unix_s: int, zone: str) -> str:
    """Return a date without its fraction; what many webhooks of one burst have in common."""
    minutes = int(zone[1:3]) * 60 + int(zone[3:])
    offset = timedelta(minutes=-minutes if zone[0] == "-" else minutes)
    return f"{_EPOCH + timedelta(seconds=unix_s) + offset:%Y-%m-%dT%H:%M:%S}"


def clock_words(unix_ms: int) -> str:
    """Return what the space's clock says, for refusals that compare with it."""
    return f"the space's clock stands at {_second(unix_ms // 1000, '+0000')}Z"

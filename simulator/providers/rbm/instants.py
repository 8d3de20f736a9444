"""
Instants and durations as protobuf's JSON mapping writes them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

__all__ = ["Instant", "format_instant", "parse_duration", "parse_instant"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_DURATION: Final = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,9}))?s", re.ASCII)


class Instant(NamedTuple):
    """
    An instant in milliseconds, and its canonical text, which may be finer than that.
    """

    unix_ms: int
    text: str


def parse_instant(text: str) -> Instant | None:
    """Return the instant that *text* names, in UTC, or None when it is not one."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{match[1]}+00:00")
        if match[3]:
            ahead = timedelta(hours=int(match[4]), minutes=int(match[5]))
            moment = moment - ahead if match[3] == "+" else moment + ahead
        seconds = (moment - _EPOCH) // timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None
    nanos = int((match[2] or "").ljust(9, "0"))
    return Instant(seconds * 1000 + nanos // 1_000_000, _text(seconds, nanos))


def format_instant(unix_ms: int) -> str:
    """Return an instant as Google writes it: in UTC, with no fraction or three digits of it."""
    return _text(unix_ms // 1000, unix_ms % 1000 * 1_000_000)


@lru_cache(maxsize=4_096)
def _second(unix_s: int) -> str:
    """Return a second without zone; many instants of a run share one."""
    return f"{_EPOCH + timedelta(seconds=unix_s):%Y-%m-%dT%H:%M:%S}"


def _text(unix_s: int, nanos: int) -> str:
    if not nanos:
        return f"{_second(unix_s)}Z"
    if not nanos % 1_000_000:
        return f"{_second(unix_s)}.{nanos // 1_000_000:03d}Z"
    fraction = f"{nanos:09d}"
    while fraction.endswith("000"):
        fraction = fraction[:-3]
    return f"{_second(unix_s)}.{fraction}Z"


def parse_duration(text: str) -> int | None:
    """Return the milliseconds of a text such as `600s` or `3.5s`, rounded down, or None."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    ms = int(match[2]) * 1000 + int((match[3] or "").ljust(9, "0")) // 1_000_000
    return -ms if match[1] else ms

"""
A clock that goes forward only when told.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["EPOCH_MS_DEFAULT", "Clock"]

EPOCH_MS_DEFAULT = 1_767_603_600_000
"""Where a frozen clock starts unless told otherwise: 2026-01-05T09:00:00Z, a Monday."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """
    The time of one space: milliseconds since it began, and the instant it began at.

    Everything inside a space is stamped with `now_ms`, so two runs that start at
    different instants tell the same story.  `epoch_ms` is needed only where a
    provider's wire format wants a date.
    """

    __slots__ = ("epoch_ms", "now_ms")

    def __init__(self, epoch_ms: int = EPOCH_MS_DEFAULT) -> None:
        self.epoch_ms = epoch_ms
        self.now_ms = 0

    def advance_to(self, at_ms: int) -> None:
        """
        Move the clock forward to *at_ms*; standing still is allowed, going back raises ValueError.
        """
        if at_ms < self.now_ms:
            raise ValueError(f"the clock stands at {self.now_ms} ms and cannot go back to {at_ms} ms")
        self.now_ms = at_ms

    def unix_ms(self, at_ms: int | None = None) -> int:
        """Return *at_ms* (now, unless given) as milliseconds since 1970."""
        return self.epoch_ms + (self.now_ms if at_ms is None else at_ms)

    def datetime(self, at_ms: int | None = None) -> datetime:
        """Return *at_ms* (now, unless given) as an aware UTC datetime."""
        return _EPOCH + timedelta(milliseconds=self.unix_ms(at_ms))

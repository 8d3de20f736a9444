"""
Times as a histogram: three digits of each, as much memory for a million as for one, merged exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from simulator.load.extra import MissingExtra

__all__ = ["Histogram"]

_DIGITS: Final = 3
_MOST_US: Final = 3_600_000_000
"""An hour: what takes longer counts as that."""
_KEPT_BITS: Final = 11
_EXACT_BELOW_US: Final = 1 << _KEPT_BITS
"""Below it every microsecond has a bucket of its own; above, buckets are as wide as the bits that are cut."""


class Histogram:
    """
    Times in whole microseconds, counted by their first three digits (HDR histogram).

    The counts of several are those of one that saw everything, so its ranks are, too.
    Raises MissingExtra where the extra `load` is not installed.
    """

    __slots__ = ("_counts", "_fresh")

    def __init__(self, encoded: bytes = b"") -> None:
        try:
            from hdrh.histogram import HdrHistogram
        except ImportError:
            raise MissingExtra("measuring a load") from None
        self._counts: Any = HdrHistogram(1, _MOST_US, _DIGITS)
        if encoded:
            self._counts.decode_and_add(encoded)
        self._fresh: dict[int, int] = {}
        """What has come since the last look, by its first digits: adding there costs a tenth."""

    def __len__(self) -> int:
        return int(self._entered().get_total_count())

    def __reduce__(self) -> tuple[type[Histogram], tuple[bytes]]:
        return Histogram, (self.encoded(),)

    def add(self, us: int) -> None:
        """Take one more."""
        if us < 1:
            # The least that it can tell apart from nothing is one microsecond.
            us = 1
        elif us >= _EXACT_BELOW_US:
            shift = us.bit_length() - _KEPT_BITS
            us = us >> shift << shift
        self._fresh[us] = self._fresh.get(us, 0) + 1

    def _entered(self) -> Any:
        """Return the counts with all that has come in."""
        if self._fresh:
            for us, count in self._fresh.items():
                self._counts.record_value(min(us, _MOST_US), count)
            self._fresh.clear()
        return self._counts

    def join(self, other: Histogram) -> None:
        """Take all those of *other*, too."""
        self._entered().add(other._entered())

    def rank(self, percent: float) -> int:
        """Return the value that *percent* of all do not exceed, to three digits; 0 when there are none."""
        return int(self._entered().get_value_at_percentile(percent)) if len(self) else 0

    def counts(self) -> Iterator[tuple[int, int]]:
        """Yield each time that was measured, to three digits, and how often it was."""
        for item in self._entered().get_recorded_iterator():
            yield int(item.value_iterated_to), int(item.count_at_value_iterated_to)

    def encoded(self) -> bytes:
        """Return it as the text that every HDR histogram library reads (V2, compressed)."""
        return bytes(self._entered().encode())

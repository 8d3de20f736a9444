"""
The rate that was asked for and the one that was reached, told from what was due and sent when.
"""

from __future__ import annotations

from typing import Final

__all__ = ["Pace"]

_US: Final = 1_000_000


class Pace:
    """
    The first and the last of what was due, and of what was sent, in microseconds of real time.
    """

    __slots__ = ("_due", "_sent", "count")

    def __init__(self) -> None:
        self.count = 0
        self._due: tuple[int, int] | None = None
        self._sent: tuple[int, int] | None = None

    def take(self, due_us: int, sent_us: int) -> None:
        """Count what was due at *due_us* and sent at *sent_us*, in whatever order."""
        self.count += 1
        self._due = _span(self._due, due_us)
        self._sent = _span(self._sent, sent_us)

    @property
    def asked_per_s(self) -> float | None:
        """How many a second were due; None: they were not spread over any time."""
        return self._per_s(self._due)

    @property
    def reached_per_s(self) -> float | None:
        """How many of them were sent a second."""
        return self._per_s(self._sent)

    def _per_s(self, span: tuple[int, int] | None) -> float | None:
        if span is None or span[0] == span[1]:
            return None
        return round((self.count - 1) * _US / (span[1] - span[0]), 1)


def _span(span: tuple[int, int] | None, at_us: int) -> tuple[int, int]:
    return (at_us, at_us) if span is None else (min(span[0], at_us), max(span[1], at_us))

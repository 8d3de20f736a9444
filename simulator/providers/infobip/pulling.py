"""
What can be pulled: each thing once, for 48 hours; and how often.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

__all__ = ["HORIZON_MS", "PullQueue", "Throttle"]

HORIZON_MS: Final = 48 * 3_600_000
"""Reports, logs and inbound messages can be had for 48 hours.  Source: each of the three calls' pages."""

_KEPT_MAX: Final = 100_000
_MINUTE_MS: Final = 60_000


class _Dated(Protocol):
    @property
    def done_ms(self) -> int: ...


T = TypeVar("T", bound=_Dated)


class PullQueue(Generic[T]):
    """
    Things that wait to be pulled, each handed out once, the latest first.
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: deque[T] = deque(maxlen=_KEPT_MAX)

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, item: T) -> None:
        """Keep one more; beyond a hundred thousand the oldest goes."""
        self._kept.append(item)

    def forget_before(self, at_ms: int) -> None:
        """Let go of what was done before *at_ms*."""
        kept = self._kept
        while kept and kept[0].done_ms < at_ms:
            kept.popleft()

    def take(self, limit: int, now_ms: int, fits: Callable[[T], bool]) -> list[T]:
        """Remove and return up to *limit* that fit; what is too old goes without a word."""
        taken: list[T] = []
        kept: list[T] = []
        while self._kept:
            item = self._kept.pop()
            if item.done_ms < now_ms - HORIZON_MS:
                continue
            if len(taken) < limit and fits(item):
                taken.append(item)
            else:
                kept.append(item)
        self._kept.extend(reversed(kept))
        return taken


class Throttle:
    """
    So many calls a minute, counted from the first of them.
    """

    __slots__ = ("_count", "_until_ms")

    def __init__(self) -> None:
        self._until_ms = 0
        self._count = 0

    def take(self, now_ms: int, per_minute: int) -> int:
        """Count a call and return 0, or return how long to wait; 0 a minute means: no limit."""
        if now_ms >= self._until_ms:
            self._until_ms, self._count = now_ms + _MINUTE_MS, 0
        if per_minute and self._count >= per_minute:
            return self._until_ms - now_ms
        self._count += 1
        return 0

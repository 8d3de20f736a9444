"""
When a message may leave: sendAt, delivery time windows, speed limits.
"""

from __future__ import annotations

from typing import Final

from simulator.provider import Watch
from simulator.providers.infobip.wire import Item, SpeedLimit, Window

__all__ = ["SEND_AT_AHEAD_MS_MAX", "Pacer", "hold_until_ms", "next_in_window"]

SEND_AT_AHEAD_MS_MAX: Final = 180 * 86_400_000

_DAY_MS: Final = 86_400_000
_MINUTE_MS: Final = 60_000


def hold_until_ms(item: Item, watch: Watch) -> int:
    """Return the offset at which a message may be sent: `sendAt`, then its delivery time window."""
    at_ms = watch.now_ms
    if item.send_at_unix_ms is not None:
        at_ms = max(at_ms, item.send_at_unix_ms - watch.epoch_ms)
    if item.window is not None:
        at_ms = next_in_window(item.window, watch.unix_ms(at_ms)) - watch.epoch_ms
    return at_ms


def next_in_window(window: Window, unix_ms: int) -> int:
    """Return the first instant from *unix_ms* on that lies in the window; a window may span midnight."""
    midnight_ms = unix_ms - unix_ms % _DAY_MS
    length = (window.to_minute - window.from_minute) % 1_440 or 1_440
    # Yesterday's window may still be open, and the next listed day is at most a week away.
    for day in range(-1, 9):
        start_ms = midnight_ms + day * _DAY_MS + window.from_minute * _MINUTE_MS
        weekday = ((start_ms // _DAY_MS) + 3) % 7
        if weekday in window.days and unix_ms < start_ms + length * _MINUTE_MS:
            return max(unix_ms, start_ms)
    return unix_ms


class Pacer:
    """
    Spreads the messages of one request by its speed limit, inside their windows.

    The first one leaves at once; a pause between windows is not caught up on
    afterwards.
    """

    __slots__ = ("_count", "_limit", "_start_ms", "_watch")

    def __init__(self, limit: SpeedLimit, watch: Watch) -> None:
        self._limit = limit
        self._watch = watch
        self._start_ms = watch.now_ms
        self._count = 0

    def next(self, item: Item, earliest_ms: int) -> int:
        """Return when the next message, that may leave from *earliest_ms* on, does."""
        paced_ms = self._start_ms + self._count * self._limit.per_ms // self._limit.amount
        at_ms = max(paced_ms, earliest_ms)
        if item.window is not None:
            at_ms = next_in_window(item.window, self._watch.unix_ms(at_ms)) - self._watch.epoch_ms
        if at_ms > paced_ms:
            self._start_ms, self._count = at_ms, 0
        self._count += 1
        return at_ms

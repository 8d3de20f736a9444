"""
A token bucket in whole numbers.
"""

from __future__ import annotations

from simulator.kernel.model.rules import Throttle

__all__ = ["Bucket"]


class Bucket:
    """
    How much room a throttle has left; a token is `per_ms` units.
    """

    __slots__ = ("at_ms", "level")

    def __init__(self, throttle: Throttle, at_ms: int) -> None:
        self.level = throttle.burst * throttle.rate.per_ms
        self.at_ms = at_ms

    def take(self, throttle: Throttle, at_ms: int) -> int:
        """Take a token and return 0, or return how long to wait for one."""
        count, per_ms = throttle.rate.count, throttle.rate.per_ms
        self.level = min(throttle.burst * per_ms, self.level + (at_ms - self.at_ms) * count)
        self.at_ms = at_ms
        if self.level >= per_ms:
            self.level -= per_ms
            return 0
        return -(-(per_ms - self.level) // count)

"""
Shards: which of several simulations of one scenario is whose.
"""

from __future__ import annotations

from typing import NamedTuple
from zlib import crc32

__all__ = ["Shard"]


class Shard(NamedTuple):
    """
    One of *of* simulations that share a scenario without talking: each recipient belongs to one of them.

    Everything that is drawn is named by provider, recipient and ordinal, so what happens to a
    recipient is the same whoever owns it, and however many owners there are.
    """

    number: int
    of: int

    def owns(self, provider: str, recipient: str) -> bool:
        """Return True when *recipient* at *provider* belongs to this shard; alike on every machine."""
        return crc32(f"{provider} {recipient}".encode()) % self.of == self.number

    def part(self, whole: int) -> int:
        """Return this shard's part of *whole* places; all parts together are the whole."""
        return whole // self.of + (self.number < whole % self.of)

"""
The order in which the entries of a bounded table give way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

__all__ = ["Eviction"]

K = TypeVar("K")

_TRIES_MAX: Final = 4
"""How many entries are looked at per new one: enough to catch up when most of them may go."""


class Eviction(Generic[K]):
    """
    Keys of a table, the oldest first.

    Asking a dictionary for its first key costs as much as was deleted before it,
    so a table that is full would be slow; this is not.
    """

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: deque[K] = deque()

    def add(self, key: K) -> None:
        """Note a new key."""
        self._keys.append(key)

    def oldest(self, may_go: Callable[[K], bool]) -> K | None:
        """
        Take and return a key that *may_go*, one of the oldest; None: none of those looked at may.

        A key that may not go yet gets its next turn after all others.
        """
        keys = self._keys
        for _ in range(min(_TRIES_MAX, len(keys))):
            key = keys.popleft()
            if may_go(key):
                return key
            keys.append(key)
        return None

"""
How many submissions there were to each recipient, however long ago.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Container
from typing import Final

from simulator.kernel.model.submission import MessageKey

__all__ = ["Numbering"]

_NUMBER_MAX: Final = 10**15
"""No telephone number has more digits than are below it."""
_COUNT_BITS: Final = 14
"""What a counted number leaves of 64 bits for its count."""
_SHELVES: Final = 1_021


class Numbering:
    """
    The number of the last submission to each recipient through each provider.

    Nothing is noted of somebody whose first message is the last one and is still kept:
    the message says it.  Of those whose messages gave way little more is noted than the
    number that they are.
    """

    __slots__ = ("_counts", "_kept", "_past", "remembers")

    def __init__(self, kept: Container[MessageKey]) -> None:
        self._kept = kept
        """The messages that are kept, by key."""
        self._counts: dict[str, dict[str, int]] = {}
        """By provider and recipient, while anything may still come of those submissions."""
        self._past: dict[str, _Shelves] = {}
        """Of recipients whose last message gave way."""
        self.remembers = True
        """False: to nobody whose messages gave way anything will be sent again."""

    @property
    def untouched(self) -> bool:
        """True while nothing was numbered."""
        return not self._counts

    def last(self, provider: str, recipient: str) -> int:
        """Return the number of the last submission; 0: there was none."""
        count = self._counts.get(provider, {}).get(recipient, 0)
        return count or self._unnoted(MessageKey(provider, recipient, 1))

    def next_key(self, provider: str, recipient: str) -> MessageKey:
        """Return the key that the next submission will have; takes nothing."""
        return MessageKey(provider, recipient, self.last(provider, recipient) + 1)

    def take_key(self, provider: str, recipient: str) -> MessageKey:
        """Return the key of the submission that is being made now."""
        counts = self._counts.get(provider)
        if counts is None:
            counts = self._counts[provider] = {}
        count = counts.get(recipient)
        if count is None:
            first = MessageKey(provider, recipient, 1)
            count = self._unnoted(first)
            if not count:
                counts[recipient] = 1
                return first
        counts[recipient] = count + 1
        return MessageKey(provider, recipient, count + 1)

    def _unnoted(self, first: MessageKey) -> int:
        """Return how many there were, *first* being the key of the first, where none is counted."""
        past = self._past.get(first.provider)
        count = 0 if past is None else past.count(first.recipient)
        return count or int(first in self._kept)

    def stored(self, key: MessageKey) -> None:
        """Note that the message of *key* is kept."""
        counts = self._counts.get(key.provider)
        if key.ordinal == 1 and counts is not None and counts.get(key.recipient) == 1:
            del counts[key.recipient]

    def gone(self, key: MessageKey) -> None:
        """Note that the message of *key* is kept no more."""
        counts = self._counts.get(key.provider, {})
        if counts.get(key.recipient, 1) != key.ordinal:
            return
        if not self.remembers:
            counts.pop(key.recipient, None)
            return
        past = self._past.get(key.provider)
        if past is None:
            past = self._past[key.provider] = _Shelves()
        if past.put(key.recipient, key.ordinal):
            counts.pop(key.recipient, None)
        else:
            counts[key.recipient] = key.ordinal

    def forget(self, provider: str, recipient: str) -> None:
        """Forget how many there were to somebody of whom no message is kept, and none gave way."""
        self._counts.get(provider, {}).pop(recipient, None)


class _Shelves:
    """
    A count for each of very many telephone numbers, in some 9 bytes: both in one integer.

    They stand in order on many shelves, none of which takes long to look through, or to
    put one more on.
    """

    __slots__ = ("_shelves",)

    def __init__(self) -> None:
        self._shelves = [array("Q") for _ in range(_SHELVES)]

    def count(self, recipient: str) -> int:
        """Return the count of *recipient*; 0: there is none."""
        number = _number(recipient)
        if number is None:
            return 0
        shelf, place = self._find(number)
        return shelf[place] & ((1 << _COUNT_BITS) - 1) if _is_at(shelf, place, number) else 0

    def put(self, recipient: str, count: int) -> bool:
        """Note the count of *recipient*, unless there is a larger one; False: it has no room here."""
        number = _number(recipient)
        if number is None or count >> _COUNT_BITS:
            return False
        shelf, place = self._find(number)
        noted = number << _COUNT_BITS | count
        if _is_at(shelf, place, number):
            shelf[place] = max(noted, shelf[place])
        else:
            shelf.insert(place, noted)
        return True

    def _find(self, number: int) -> tuple[array[int], int]:
        shelf = self._shelves[number % _SHELVES]
        return shelf, bisect_left(shelf, number << _COUNT_BITS)


def _is_at(shelf: array[int], place: int, number: int) -> bool:
    return place < len(shelf) and shelf[place] >> _COUNT_BITS == number


def _number(recipient: str) -> int | None:
    """Return the telephone number that *recipient* is; None where it could not be told back from it."""
    if recipient[1:].isdecimal() and len(recipient) <= 16:
        number = int(recipient)
        if number < _NUMBER_MAX and f"+{number}" == recipient:
            return number
    return None

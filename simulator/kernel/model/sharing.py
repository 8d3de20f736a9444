"""
Texts that many messages have in common: each is kept once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

__all__ = ["shared"]

_TEXTS_MAX: Final = 4_096
_LENGTH_MAX: Final = 1_000


def shared(text: str) -> str:
    """Return *text*, or what is equal to it and was seen lately: senders, credentials and texts repeat."""
    return _seen(text) if len(text) <= _LENGTH_MAX else text


@lru_cache(maxsize=_TEXTS_MAX)
def _seen(text: str) -> str:
    return text

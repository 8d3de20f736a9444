"""
Text from outside, as it may be shown.
"""

from __future__ import annotations

from typing import Final

__all__ = ["printable"]

# Emoji and Persian are made with joiners; no terminal or page minds them.
_JOINERS: Final = "\u200c\u200d\ufe0f"


def printable(text: str) -> str:
    """Return *text* without what might move a cursor, turn a line round or break a file."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _JOINERS else f"\\u{ord(c):04x}" for c in text)

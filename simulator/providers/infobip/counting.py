"""
How many parts a message takes.
"""

from __future__ import annotations

from typing import Final

from simulator.provider import Language, Segmentation, autodetect, segment
from simulator.providers.infobip.text import Transliteration, transliterate
from simulator.providers.infobip.wire import Binary, Item

__all__ = ["count_binary", "count_parts", "good_header", "segment_as"]

_UDHI: Final = 0x40
"""The bit of the ESM class that says: the content begins with a user data header."""

# Octets per message, and per part of a longer one.  With data coding 0 each byte stands for a septet.
_SEPTETS: Final = (160, 153)
_OCTETS: Final = (140, 134)


def segment_as(
    text: str,
    language: str = "",
    transliteration: Transliteration = Transliteration.NONE,
    locking: bool | None = None,
    single: bool | None = None,
) -> tuple[str, Segmentation]:
    """
    Return the text as it is sent, and how it is split: transliterated first, then by the language's table.

    With a language code only, Turkish and Portuguese use the locking table,
    Spanish has a single-shift table alone.  Source: the preview's documented values.
    """
    if transliteration is not Transliteration.NONE:
        text = transliterate(text, transliteration)
    table = autodetect(text) if language == "AUTODETECT" else None
    if table is None and language in Language.__members__:
        table = Language(language)
    if table is None:
        return text, segment(text)
    if locking is None and single is None:
        locking, single = table is not Language.ES, table is Language.ES
    return text, segment(
        text,
        # There is no Spanish locking table; asking for it gives the single-shift one.
        locking=table if locking and table is not Language.ES else None,
        single=table if single or (locking and table is Language.ES) else None,
    )


def count_parts(item: Item, text: str) -> int:
    """Return the number of parts of a message."""
    if item.binary is not None:
        return count_binary(item.binary)
    if not item.language and item.transliteration is Transliteration.NONE:
        return segment(text).parts
    _, split = segment_as(text, item.language, item.transliteration, item.locking_shift, item.single_shift)
    return split.parts


def count_binary(binary: Binary) -> int:
    """Return the number of parts of a binary content; what brings its own header counts as it is."""
    alone, part = _SEPTETS if binary.data_coding == 0 else _OCTETS
    length = len(binary.octets)
    return 1 if length <= alone else -(-length // part)


def good_header(binary: Binary) -> bool:
    """
    Return False when the content should begin with a user data header, and does not.

    A header is its own length, then elements of identifier, length and data that
    fill it exactly.  Source: 3GPP TS 23.040, 9.2.3.24.
    """
    if not binary.esm_class & _UDHI:
        return True
    octets = binary.octets
    end = octets[0] + 1
    if end > len(octets):
        return False
    place = 1
    while place + 1 < end:
        place += 2 + octets[place + 1]
    return place == end

"""
Transliteration: what Infobip does to a text before counting its parts.
"""

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from simulator.provider import characters_outside

__all__ = ["DOCUMENTED", "Transliteration", "transliterate"]


class Transliteration(StrEnum):
    """
    The tables the API accepts by name.
    """

    TURKISH = "TURKISH"
    GREEK = "GREEK"
    CYRILLIC = "CYRILLIC"
    SERBIAN_CYRILLIC = "SERBIAN_CYRILLIC"
    BULGARIAN_CYRILLIC = "BULGARIAN_CYRILLIC"
    CENTRAL_EUROPEAN = "CENTRAL_EUROPEAN"
    BALTIC = "BALTIC"
    PORTUGUESE = "PORTUGUESE"
    COLOMBIAN = "COLOMBIAN"
    NON_UNICODE = "NON_UNICODE"
    NONE = "NONE"
    ALL = "ALL"


# The tables whose result the provider's documentation shows.  All others are our choice.
DOCUMENTED: Final = frozenset({Transliteration.GREEK, Transliteration.NONE})


def transliterate(text: str, table: Transliteration) -> str:
    """
    Return *text* as Infobip would send it with *table*.

    Documented (`DOCUMENTED`): NONE leaves the text alone.  GREEK writes Greek letters in upper case
    without accents, as Latin letters where they look alike; that it spares all other characters
    is our reading, because the example is Greek throughout.

    Chosen, because the provider publishes no table:

    * TURKISH, CENTRAL_EUROPEAN, BALTIC, PORTUGUESE and COLOMBIAN all strip the diacritics of every
      Latin letter, even of those the default alphabet has.
    * CYRILLIC, SERBIAN_CYRILLIC and BULGARIAN_CYRILLIC write ASCII letters, each language by its own
      usage.  A capital becomes one capital: `Щ` gives `Shch` in an upper-case word, too.
    * NON_UNICODE and ALL do all of this, then drop what would still force UCS-2.

    Any table but NONE first composes characters, so that a letter and a separate accent count as
    one, and drops accents that have no letter to join.
    """
    if table is Transliteration.NONE:
        return text
    text = unicodedata.normalize("NFC", text).translate(_TABLES[table])
    if table in _DROPPING:
        return text.translate(dict.fromkeys(map(ord, characters_outside(text))))
    return text


def _base(character: str) -> str:
    """
    Return *character* without its diacritics, or unchanged if it has none.
    """
    return unicodedata.normalize("NFD", character)[0]


def _both_cases(lower: Mapping[str, str]) -> dict[str, str]:
    return {**lower, **{letter.upper(): latin.capitalize() for letter, latin in lower.items()}}


_ACCENTS: Final = {chr(code): "" for code in range(0x0300, 0x0370)}

# These letters have a stroke or lack a dot; Unicode does not take them apart.
_STROKES: Final = _both_cases(dict(zip("łđøħŧ", "ldoht", strict=True))) | {"ı": "i"}
# Latin-1 Supplement to Latin Extended-B, and Latin Extended Additional.
_LATIN: Final = {
    letter: _base(letter)
    for letter in map(chr, (*range(0x00C0, 0x0250), *range(0x1E00, 0x1F00)))
    if _base(letter).isascii()
} | _STROKES

_GREEK_CAPITALS: Final = dict(zip("ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", "ABΓΔEZHΘIKΛMNΞOΠPΣTYΦXΨΩ", strict=True))
# Greek and Coptic, and Greek Extended.  The spacing accents of Greek are accents as well.
_GREEK: Final = {
    letter: _GREEK_CAPITALS[_base(letter).upper()]
    for letter in map(chr, (*range(0x0370, 0x0400), *range(0x1F00, 0x2000)))
    if _base(letter).upper() in _GREEK_CAPITALS
} | {"΄": "", "΅": ""}

# Any Cyrillic letter of a living Slavic language has an answer in every table of the family.
_CYRILLIC: Final = {
    **dict(zip("абвгдезийклмнопрстуфхы", "abvgdeziyklmnoprstufhy", strict=True)),
    **{"ё": "yo", "ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ь": ""},
    **{"э": "e", "ю": "yu", "я": "ya", "і": "i", "ї": "yi", "є": "ye", "ґ": "g", "ў": "u"},
    **{"ѐ": "e", "ѝ": "i"},
    **{"ј": "j", "љ": "lj", "њ": "nj", "ћ": "c", "ђ": "d", "џ": "dz", "ѓ": "g", "ќ": "k", "ѕ": "dz"},
}
# The Serbian Latin alphabet, its diacritics stripped so that it fits 7 bits.
_SERBIAN: Final = _CYRILLIC | {"ж": "z", "ц": "c", "ч": "c", "ш": "s"}
# The Bulgarian transliteration act of 2009.
_BULGARIAN: Final = _CYRILLIC | {"щ": "sht", "ъ": "a", "ь": "y"}

_LATIN_TABLE: Final[Mapping[int, str]] = str.maketrans(_LATIN | _ACCENTS)
_EVERYTHING: Final[Mapping[int, str]] = str.maketrans(_LATIN | _GREEK | _both_cases(_CYRILLIC) | _ACCENTS)
_TABLES: Final[Mapping[Transliteration, Mapping[int, str]]] = {
    Transliteration.TURKISH: _LATIN_TABLE,
    Transliteration.GREEK: str.maketrans(_GREEK | _ACCENTS),
    Transliteration.CYRILLIC: str.maketrans(_both_cases(_CYRILLIC) | _ACCENTS),
    Transliteration.SERBIAN_CYRILLIC: str.maketrans(_both_cases(_SERBIAN) | _ACCENTS),
    Transliteration.BULGARIAN_CYRILLIC: str.maketrans(_both_cases(_BULGARIAN) | _ACCENTS),
    Transliteration.CENTRAL_EUROPEAN: _LATIN_TABLE,
    Transliteration.BALTIC: _LATIN_TABLE,
    Transliteration.PORTUGUESE: _LATIN_TABLE,
    Transliteration.COLOMBIAN: _LATIN_TABLE,
    Transliteration.NON_UNICODE: _EVERYTHING,
    Transliteration.ALL: _EVERYTHING,
}
_DROPPING: Final = frozenset({Transliteration.NON_UNICODE, Transliteration.ALL})

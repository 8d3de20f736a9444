"""
How a text becomes short messages: its encoding, its parts and the room left in the last one.

Follows 3GPP TS 23.038 (alphabets, national language tables) and 3GPP TS 23.040 (user data
headers, concatenation).  Nothing here encodes: every question is answered by counting.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["Encoding", "Language", "Segmentation", "autodetect", "characters_outside", "segment"]


class Encoding(StrEnum):
    """
    The two ways to write a text on the air.
    """

    GSM7 = "GSM7"
    UCS2 = "UCS2"


class Language(StrEnum):
    """
    The national languages whose tables we know; Spanish has no locking table.
    """

    TR = "TR"
    ES = "ES"
    PT = "PT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """
    What a text costs on the air.

    `units` are the septets or UTF-16 code units of the text itself.  `remaining` is the room in the
    last part, so a unit left empty before a pair that may not be split is used up, and
    `parts * units_per_part - remaining` can exceed `units`.  `locking` and `single` name the tables
    that are paid for: a text in UCS-2 has none, whatever was asked.
    """

    encoding: Encoding
    parts: int
    units: int
    units_per_part: int
    remaining: int
    locking: Language | None
    single: Language | None


# Table 6.2.1 in its own order.  Position 0x1B is the escape, which is not a character and therefore absent.
_DEFAULT: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Table 6.2.1.1.  A single shift table of a language holds these as well.
_DEFAULT_EXTENSION: Final = "\f^{}\\[~]|€"

# A locking table is written as what replaces what, because the standard changes few positions.
_LOCKING: Final[Mapping[Language | None, frozenset[str]]] = {
    None: frozenset(_DEFAULT),
    Language.TR: frozenset(_DEFAULT.translate(str.maketrans("èìØøÆæ¡¿", "€ıĞğŞşİç"))),
    Language.PT: frozenset(
        _DEFAULT.translate(str.maketrans("èùìòÇØøÅåΦΓΛΩΠΨΣΘΞÆæß¤¡ÄÖÑ¿äöñ", "êúíóçÔôÁáªÇÀ∞^\\€Ó|ÂâÊºÍÃÕÚ~ãõ`"))
    ),
}
_SINGLE: Final[Mapping[Language | None, frozenset[str]]] = {
    None: frozenset(_DEFAULT_EXTENSION),
    Language.TR: frozenset(_DEFAULT_EXTENSION + "ĞİŞçğış"),
    Language.ES: frozenset(_DEFAULT_EXTENSION + "çÁÍÓÚáíóú"),
    Language.PT: frozenset(_DEFAULT_EXTENSION + "êçÔôÁáΦΓΩΠΨΣΘÊÀÍÓÚÃÕÂíóúãõâ"),
}

_ESCAPE: Final = "\x1b"
_BITS: Final[Mapping[Encoding, int]] = {Encoding.GSM7: 7, Encoding.UCS2: 16}
_USER_DATA_OCTETS: Final = 140
_TABLE_OCTETS: Final = 3
_REFERENCE_OCTETS: Final[Mapping[int, int]] = {8: 5, 16: 6}


def segment(
    text: str,
    *,
    locking: Language | None = None,
    single: Language | None = None,
    reference_bits: int = 8,
) -> Segmentation:
    """
    Return how *text* is encoded and divided, with the national tables named.

    One character outside the tables in force turns the whole text to UCS-2.  A table that is named
    costs its header even if the text would have done without.  An escape pair or a surrogate pair
    is never split, which can add a part.  An empty text is one part.

    *reference_bits* is the width of the concatenation reference, 8 or 16.
    """
    if reference_bits not in _REFERENCE_OCTETS:
        raise ValueError(f"reference_bits: expected 8 or 16, got {reference_bits!r}")
    if locking is None and single is None and len(text) < len(_PLAIN) and _LOCKING[None].issuperset(text):
        return _PLAIN[len(text)]

    septets = _septets(text, locking, single)
    if septets is not None:
        # Only an extension character follows an escape, so an escape always opens a pair.
        return _divide(
            Encoding.GSM7,
            len(septets),
            lambda unit: septets[unit - 1] == _ESCAPE,
            locking,
            single,
            reference_bits,
        )

    # A lone surrogate cannot be sent, but it can be counted, and a text must not crash us.
    octets = text.encode("utf-16-be", "surrogatepass")
    return _divide(
        Encoding.UCS2,
        len(octets) // 2,
        lambda unit: octets[2 * unit - 2] & 0xFC == 0xD8 and octets[2 * unit] & 0xFC == 0xDC,
        None,
        None,
        reference_bits,
    )


def autodetect(text: str) -> Language | None:
    """
    Return the language whose table keeps *text* out of UCS-2 in the fewest parts, or None.

    None means that the default alphabet is enough or that no table is.  Turkish and Portuguese are
    tried as locking tables, Spanish as a single shift table, the only one it has.  Among equals the
    first of TR, ES, PT wins.
    """
    if not characters_outside(text):
        return None
    candidates = [
        (language, segmentation.parts)
        for language, segmentation in (
            (Language.TR, segment(text, locking=Language.TR)),
            (Language.ES, segment(text, single=Language.ES)),
            (Language.PT, segment(text, locking=Language.PT)),
        )
        if segmentation.encoding is Encoding.GSM7
    ]
    return min(candidates, key=lambda candidate: candidate[1])[0] if candidates else None


def characters_outside(text: str, *, locking: Language | None = None, single: Language | None = None) -> str:
    """
    Return the distinct characters of *text* that force UCS-2, in code point order.
    """
    return "".join(sorted(frozenset(text) - _locking_table(locking) - _SINGLE[single]))


def _locking_table(language: Language | None) -> frozenset[str]:
    if language not in _LOCKING:
        raise ValueError(f"locking: expected TR or PT, which have a locking table, got {language!s}")
    return _LOCKING[language]


def _septets(text: str, locking: Language | None, single: Language | None) -> str | None:
    """
    Return *text* with an escape before each extension character, or None if it needs UCS-2.
    """
    extension = frozenset(text) - _locking_table(locking)
    if not extension <= _SINGLE[single]:
        return None
    for character in sorted(extension):
        text = text.replace(character, _ESCAPE + character)
    return text


def _divide(
    encoding: Encoding,
    units: int,
    inside_pair: Callable[[int], bool],
    locking: Language | None,
    single: Language | None,
    reference_bits: int,
) -> Segmentation:
    """
    Return the parts that *units* fill, each as full as unsplittable pairs allow.

    *inside_pair* says whether a border before that unit would split a pair.
    """
    tables = _TABLE_OCTETS * ((locking is not None) + (single is not None))
    capacity = _capacity(encoding, tables)
    if units > capacity:
        capacity = _capacity(encoding, tables + _REFERENCE_OCTETS[reference_bits])
    parts, start = 1, 0
    while units - start > capacity:
        start += capacity
        if inside_pair(start):
            start -= 1
        parts += 1
    return Segmentation(
        encoding=encoding,
        parts=parts,
        units=units,
        units_per_part=capacity,
        remaining=capacity - (units - start),
        locking=locking,
        single=single,
    )


def _capacity(encoding: Encoding, element_octets: int) -> int:
    # A header has one octet of length before its elements, and none at all without elements.  Septets
    # start on the next septet border after it; the integer division is that padding.
    header = element_octets + 1 if element_octets else 0
    return (_USER_DATA_OCTETS - header) * 8 // _BITS[encoding]


# Nearly every message is short and plain: its answer depends on its length alone, and building one
# costs more than finding out.
_PLAIN: Final = tuple(
    _divide(Encoding.GSM7, units, lambda _unit: False, None, None, 8)
    for units in range(_capacity(Encoding.GSM7, 0) + 1)
)

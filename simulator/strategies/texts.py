"""
Texts by encoding, as long as the boundaries between parts.
"""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from simulator.telecom.sms import Encoding

__all__ = ["texts"]

_PLAIN: Final = "Your code is 1234"
_ALPHABETS: Final = {
    # The last ones take two places each: an escape, a surrogate pair.
    Encoding.GSM7: ("ab ", "é@£", "€{}"),
    Encoding.UCS2: ("ğış", "سلام ", "你好", "😀👍"),
}
_LENGTHS: Final = {Encoding.GSM7: (160, 161, 153, 306, 307, 459), Encoding.UCS2: (70, 71, 67, 134, 135, 201)}


def texts(
    encoding: Encoding | None = None, *, boundaries: bool = True, most: int = 1_600
) -> st.SearchStrategy[str]:
    """
    Return texts of *encoding*, or of either; `Your code is 1234` is the plainest.

    With *boundaries* many are as long as one part, or as several, holds, or longer
    by one; none is longer than *most*, and none is empty.
    """
    encodings = list(Encoding) if encoding is None else [encoding]
    choices: list[st.SearchStrategy[str]] = []
    if encoding in (None, Encoding.GSM7):
        choices.append(st.just(_PLAIN))
    for each in encodings:
        alphabet = st.sampled_from(_ALPHABETS[each])
        choices.append(alphabet)
        if boundaries:
            lengths = [length for length in _LENGTHS[each] if length <= most]
            if lengths:
                choices.append(st.builds(_filled, alphabet, st.sampled_from(lengths)))
    return st.one_of(choices)


def _filled(letters: str, length: int) -> str:
    return (letters * length)[:length]

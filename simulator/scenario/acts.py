"""
How what recipients do is written in a scenario: in the words that the providers have for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from simulator.schema.node import Node, describe, did_you_mean
from simulator.schema.shapes import Scalar, Shape

__all__ = ["act_shape", "check_act"]

_BETWEEN = re.compile(r"[ _-]+")


def _plain(word: str) -> str:
    return _BETWEEN.sub(" ", word)


def _forms(word: str) -> list[str]:
    return list(dict.fromkeys([word, *(_BETWEEN.sub(between, word) for between in " -_")]))


def act_shape(acts: Iterable[str]) -> Shape[str]:
    """Return how `does:` is written where any of *acts* may be meant; blanks and dashes are alike."""
    words = tuple(dict.fromkeys(acts))
    forms = dict.fromkeys([*words, *(form for word in words for form in _forms(word))])
    plain_words = {_plain(word) for word in words}

    def convert(node: Node) -> str:
        if isinstance(node.value, str) and _plain(node.value) in plain_words:
            return node.value
        raise ValueError(f"expected one of {', '.join(words)}, got {describe(node)}")

    return Scalar[str](
        expected="what a recipient does",
        convert=convert,
        json_schema={
            "type": "string",
            "enum": list(forms),
        },
        words=words,
    )


def check_act(word: str, provider: str, acts: Sequence[str]) -> None:
    """Raise ValueError when recipients of *provider* do not do what *word* says."""
    if _plain(word) not in map(_plain, acts):
        hint = did_you_mean(word, tuple(acts))
        raise ValueError(
            f"recipients of {provider} cannot do {word!r}; they can: {', '.join(acts) or 'nothing'}{hint}"
        )

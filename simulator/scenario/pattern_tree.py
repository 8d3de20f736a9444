"""
A regular expression as a tree: what it may hold, what it costs, and how RE2 writes it.

The text is read by the standard library's own parser, so a pattern means what Python's
documentation says, whichever engine carries it out.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Final, NamedTuple, TypeAlias, cast

__all__ = ["LENGTH_MAX", "TEXT_LENGTH_MAX", "Choice", "Edge", "Leaf", "Part", "Repeat", "Row", "parse"]

TEXT_LENGTH_MAX: Final = 2_000
"""So many characters of a text are searched; the rest is not looked at."""

LENGTH_MAX: Final = 1_000
"""So long may a pattern be."""

_CLASS_COST: Final = 4
_UNICODE_CLASS_COST: Final = 8
_DIGIT: Final = r"\p{Nd}"
_WORD: Final = r"\p{L}\p{N}_"
_SPACE: Final = r"\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
_ASCII: Final = {"DIGIT": "0-9", "WORD": "0-9A-Za-z_", "SPACE": r"\t-\r\x20"}
_UNICODE: Final = {"DIGIT": _DIGIT, "WORD": _WORD, "SPACE": _SPACE}

_REFUSED: Final = {
    "ASSERT": "a look-around",
    "ASSERT_NOT": "a look-around",
    "GROUPREF": "a backreference",
    "GROUPREF_EXISTS": "a condition on a group",
    "ATOMIC_GROUP": "an atomic group",
    "POSSESSIVE_REPEAT": "a possessive repeat",
}


class Leaf(NamedTuple):
    """
    One character, of one kind or another.
    """

    re2: str
    cost: int = 1


class Edge(NamedTuple):
    """
    A place between characters.
    """

    re2: str | None
    """None: RE2 has no such place."""
    at_start: bool = False
    needs_end: bool = False
    """As RE2 writes it, it takes a character with it, so nothing may follow."""


class Row(NamedTuple):
    """
    One part after the other.
    """

    parts: tuple[Part, ...]


class Choice(NamedTuple):
    """
    One of these.
    """

    parts: tuple[Part, ...]


class Repeat(NamedTuple):
    """
    A part so many times; no *most*: without an end.
    """

    part: Part
    least: int
    most: int | None


Part: TypeAlias = "Leaf | Edge | Row | Choice | Repeat"
_Item: TypeAlias = "tuple[object, object]"


def parse(pattern: str) -> Part:
    """
    Return a pattern as a tree; raises ValueError with what is wrong with it.

    Look-arounds, backreferences and the like are refused: only an engine that may
    try without end can carry them out.
    """
    if len(pattern) > LENGTH_MAX:
        raise ValueError(f"it has {len(pattern):,} characters; {LENGTH_MAX:,} are the most")
    reader = import_module("re._parser")
    try:
        with warnings.catch_warnings():
            # Other threads have these filters, too, for as long, so nothing may become an error here.
            warnings.simplefilter("ignore")
            tree = reader.parse(pattern)
        return _row(tree, tree.state.flags)
    except re.error as trouble:
        raise ValueError(str(trouble)) from None
    except (RecursionError, OverflowError):
        raise ValueError("it is nested too deeply, or repeats too often") from None


def _row(items: Iterable[_Item], flags: int) -> Part:
    parts = tuple(_part(str(item[0]), item[1], flags) for item in items)
    return parts[0] if len(parts) == 1 else Row(parts)


def _part(kind: str, value: object, flags: int) -> Part:
    if kind in _REFUSED:
        raise ValueError(f"{_REFUSED[kind]} has no bound on the time that it may take; write it without")
    match kind, value:
        case "LITERAL", int(code):
            return Leaf(_folded(_literal(code), flags), _CLASS_COST if flags & re.IGNORECASE else 1)
        case "NOT_LITERAL", int(code):
            return Leaf(_folded(f"[^{_literal(code)}]", flags), _CLASS_COST)
        case "ANY", _:
            return Leaf("(?s:.)" if flags & re.DOTALL else r"[^\n]")
        case "IN", list(members):
            return _class(members, flags)
        case "AT", place:
            return _edge(str(place), flags)
        case "BRANCH", (_, list(rows)):
            return Choice(tuple(_row(row, flags) for row in rows))
        case "SUBPATTERN", (_, int(added), int(removed), inner):
            return _row(_items(inner), (flags | added) & ~removed)
        case (("MAX_REPEAT" | "MIN_REPEAT"), (least, most, inner)):
            endless = str(most) == "MAXREPEAT"
            return Repeat(_row(_items(inner), flags), int(str(least)), None if endless else int(str(most)))
    raise ValueError(f"{kind.lower().replace('_', ' ')} cannot be used here")


def _items(tree: object) -> Iterable[_Item]:
    # The parser's own lists can be walked through, but do not say so.
    return cast("Iterable[_Item]", tree)


def _literal(code: int) -> str:
    return rf"\x{{{code:x}}}"


def _folded(text: str, flags: int) -> str:
    return f"(?i:{text})" if flags & re.IGNORECASE else text


def _class(members: Sequence[_Item], flags: int) -> Leaf:
    characters = _ASCII if flags & re.ASCII else _UNICODE
    kinds = [str(kind) for kind, _ in members]
    negated = kinds[0] == "NEGATE"
    texts: list[str] = []
    contrary: list[str] = []
    for kind, value in members[negated:]:
        match str(kind), value:
            case "LITERAL", int(code):
                texts.append(_literal(code))
            case "RANGE", (int(first), int(last)):
                texts.append(f"{_literal(first)}-{_literal(last)}")
            case "CATEGORY", category:
                name = str(category).removeprefix("CATEGORY_")
                (contrary if name.startswith("NOT_") else texts).append(characters[name.removeprefix("NOT_")])
            case _:
                raise ValueError(f"{str(kind).lower()} cannot be used in brackets")
    cost = _UNICODE_CLASS_COST if "CATEGORY" in kinds else _CLASS_COST
    if negated and contrary and (texts or len(contrary) > 1):
        raise ValueError(r"\D, \W and \S cannot stand beside others in [^…]; list what is meant")
    if negated:
        whole = f"[{''.join(contrary)}]" if contrary else f"[^{''.join(texts)}]"
    else:
        # RE2 has no contrary of a list within brackets, so each stands for itself.
        each = [f"[{''.join(texts)}]"] if texts else []
        each += [f"[^{part}]" for part in contrary]
        whole = each[0] if len(each) == 1 else f"(?:{'|'.join(each)})"
    return Leaf(_folded(whole, flags), cost)


def _edge(place: str, flags: int) -> Edge:
    match place:
        case "AT_BEGINNING" if flags & re.MULTILINE:
            return Edge("(?m:^)")
        case "AT_BEGINNING" | "AT_BEGINNING_STRING":
            return Edge(r"\A", at_start=True)
        case "AT_END" if flags & re.MULTILINE:
            return Edge("(?m:$)")
        case "AT_END":
            # As in Python: before the last line's end, too.
            return Edge(r"(?:\n?\z)", needs_end=True)
        case "AT_END_STRING":
            return Edge(r"\z")
    # RE2 knows the edges of ASCII words only, and texts here are in every language.
    return Edge(None)

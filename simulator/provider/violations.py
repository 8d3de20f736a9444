"""
Everything that is wrong with a decoded body, not only the first thing.
"""

from __future__ import annotations

import types
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec

__all__ = ["VIOLATIONS_MAX", "Violation", "violations", "violations_in"]

VIOLATIONS_MAX = 100
"""A body with ten thousand mistakes gets told of the first hundred."""

_NAMES = {str: "string", int: "integer", bool: "boolean", float: "number", list: "array", dict: "object"}


class Violation(NamedTuple):
    """
    One mistake: where, and what was expected.
    """

    path: str
    text: str


def violations(value: Any, expected: Any) -> list[Violation]:
    """
    Return what keeps *value* (plain JSON) from being *expected* (a msgspec type), in order.

    msgspec stops at the first mistake, which is right for the many good bodies;
    this walks a body that is known to be bad once more.
    """
    problems: list[Violation] = []
    _walk(value, expected, "", problems)
    return problems[:VIOLATIONS_MAX]


def violations_in(body: bytes, expected: Any) -> list[Violation]:
    """
    Return what keeps a JSON *body* from being *expected*; nothing, when it cannot be read as JSON at all.

    A body that a decoder for *expected* refused may still be too deep, or hold a
    number too large, to be decoded plainly.
    """
    try:
        return violations(msgspec.json.decode(body), expected)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []


def _walk(value: Any, expected: Any, path: str, problems: list[Violation]) -> None:
    if len(problems) >= VIOLATIONS_MAX:
        return
    try:
        msgspec.convert(value, expected)
    except msgspec.ValidationError as failure:
        if not _descend(value, expected, path, problems):
            problems.append(Violation(path, _sentence(failure, expected, value)))


def _descend(value: Any, expected: Any, path: str, problems: list[Violation]) -> bool:
    """Look for the mistake in the parts of *value*; return whether one was found there."""
    before = len(problems)
    for choice in _choices(expected):
        if isinstance(value, list) and get_origin(choice) is list:
            for number, item in enumerate(value):
                _walk(item, get_args(choice)[0], f"{path}[{number}]", problems)
        elif isinstance(value, dict) and isinstance(choice, type) and issubclass(choice, msgspec.Struct):
            hints = get_type_hints(choice)
            for field in msgspec.structs.fields(choice):
                inner = f"{path}.{field.encode_name}" if path else field.encode_name
                if field.encode_name in value:
                    _walk(value[field.encode_name], hints[field.name], inner, problems)
                elif field.required:
                    problems.append(Violation(inner, "must not be null"))
    return len(problems) > before


def _choices(expected: Any) -> tuple[Any, ...]:
    return get_args(expected) if get_origin(expected) in (Union, types.UnionType) else (expected,)


def _sentence(failure: msgspec.ValidationError, expected: Any, value: Any) -> str:
    if value is None:
        return "must not be null"
    names = [_NAMES.get(get_origin(c) or c, "object") for c in _choices(expected) if c is not type(None)]
    got = _NAMES.get(type(value), type(value).__name__)
    if got in names:
        return str(failure).partition(" - at")[0]
    return f"expected {' or '.join(dict.fromkeys(names))}, got {got}"

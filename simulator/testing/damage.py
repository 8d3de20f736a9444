"""
What may be wrong with a body: bytes that are nothing, and a good body in which any part is another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

__all__ = ["BROKEN", "damaged"]

BROKEN: Final[dict[str, bytes]] = {
    "empty": b"",
    "cut off": b'{"messages": [{"',
    "not UTF-8": b'{"text": "\xff\xfe"}',
    "UTF-16": '{"text": "x"}'.encode("utf-16"),
    "an array": b"[]",
    "null": b"null",
    "a string": b'"x"',
    "a number": b"1e999",
    "an empty object": b"{}",
    "very deep": b"[" * 100_000,
    "very deep objects": b'{"a":' * 50_000,
    "lone surrogate": b'{"text": "\\ud800"}',
    "binary": bytes(range(256)),
    "a form": b"nonsense=hello&other=1",
    "half a form": b"%zz=&&=%",
    "two documents": b"{} {}",
    "an element": b"<nonsense/>",
    "half an element": b"<a><b></a>",
    "an entity": b'<!DOCTYPE a [<!ENTITY e "eeee">]><a>&e;</a>',
}
"""Bodies that ask for nothing in any format."""

_VALUES: Final[list[Any]] = [
    None, True, 0, -1, 10**30, 1.5, "", "x", "\x00", "x" * 10_000, [], [None], {}, {"a": {}},
]  # fmt: skip
_TEXTS: Final = (
    "",
    "x",
    "-1",
    "\x00",
    "\u0130\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "x" * 10_000,
)
_PLACES_MAX: Final = 24


def damaged(body: bytes) -> Iterator[bytes]:
    """
    Yield *body* with each part of it replaced by each wrong one, in the format that it has.

    JSON has its values replaced and its keys left out, a form its fields, XML and
    anything else the texts between its marks.  Every body is cut off as well.
    """
    try:
        document = json.loads(body)
    except ValueError:
        yield from (
            _pieces_replaced(body) if b"=" not in body or b"\n" in body or b"<" in body else _form(body)
        )
    else:
        yield from (json.dumps(value).encode() for value in _values(document))
    step = max(1, len(body) // _PLACES_MAX)
    for place in range(0, len(body), step):
        yield body[:place]
        yield body[:place] + b"\xff" + body[place + 1 :]


def _values(value: Any) -> Iterator[Any]:
    yield from _VALUES
    if isinstance(value, dict):
        for key, part in value.items():
            yield {other: kept for other, kept in value.items() if other != key}
            yield from ({**value, key: wrong} for wrong in _values(part))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from ([*value[:place], wrong, *value[place + 1 :]] for wrong in _values(part))


def _form(body: bytes) -> Iterator[bytes]:
    fields = parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True)
    for place, (name, value) in enumerate(fields):
        rest = fields[:place] + fields[place + 1 :]
        yield urlencode(rest).encode()
        yield urlencode([*fields, (name, value)]).encode()
        for wrong in _TEXTS:
            yield urlencode([*rest, (name, wrong)]).encode()


def _pieces_replaced(body: bytes) -> Iterator[bytes]:
    """Replace each run of letters and digits, such as a word, a number, or a mark of the format."""
    for match in list(re.finditer(rb"[\w+.-]+", body))[: 10 * _PLACES_MAX]:
        for wrong in _TEXTS:
            yield body[: match.start()] + wrong.encode() + body[match.end() :]

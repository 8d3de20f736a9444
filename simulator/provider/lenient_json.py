"""
JSON as lenient servers take it, which is more than RFC 8259 allows.

Single-quoted texts, line breaks in texts, bare names as keys, trailing commas:
some front ends read them, and some clients rely on that.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

__all__ = ["NotJson", "decode_json"]

_DEPTH_MAX: Final = 100
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_PLAIN: Final = {"'": re.compile(r"[^'\\]*"), '"': re.compile(r'[^"\\]*')}
_ESCAPES: Final = {
    "n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/", "\\": "\\", "'": "'", '"': '"',
}  # fmt: skip
_WORDS: Final = {"true": True, "false": False, "null": None}


class NotJson(ValueError):
    """
    A body that is no JSON; the text says what was expected and where.
    """


def decode_json(body: bytes, *, strict: bool = False) -> Any:
    """Return the values in *body*, read leniently unless *strict*; raises NotJson."""
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise NotJson("values nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as trouble:
        if strict:
            raise NotJson(str(trouble)) from None
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotJson("expected UTF-8") from None
    return _Reader(text).whole()


class _Reader:
    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def fail(self, expected: str) -> NotJson:
        rest = self.text[self.at : self.at + 12]
        got = repr(rest) if rest else "the end of the body"
        return NotJson(f"expected {expected} at character {self.at}, got {got}")

    def peek(self) -> str:
        match = _SPACE.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return self.text[self.at : self.at + 1]

    def take(self, letter: str) -> bool:
        if self.peek() != letter:
            return False
        self.at += 1
        return True

    def whole(self) -> Any:
        value = self.value(0)
        if self.peek():
            raise self.fail("the end of the body")
        return value

    def value(self, depth: int) -> Any:
        if depth > _DEPTH_MAX:
            raise self.fail(f"at most {_DEPTH_MAX} levels")
        first = self.peek()
        if first == "{":
            return self.mapping(depth)
        if first == "[":
            return self.items(depth)
        if first in ("'", '"') and first:
            return self.string(first)
        if (match := _NAME.match(self.text, self.at)) and match[0] in _WORDS:
            self.at = match.end()
            return _WORDS[match[0]]
        if (match := _NUMBER.match(self.text, self.at)) and len(match[0]) < 400:
            self.at = match.end()
            return float(match[0]) if match[1] or match[2] else int(match[0])
        raise self.fail("a value")

    def mapping(self, depth: int) -> dict[str, Any]:
        self.at += 1
        values: dict[str, Any] = {}
        while not self.take("}"):
            first = self.peek()
            if first in ("'", '"') and first:
                key = self.string(first)
            elif match := _NAME.match(self.text, self.at):
                key, self.at = match[0], match.end()
            else:
                raise self.fail("a key")
            if not self.take(":"):
                raise self.fail("a colon")
            values[key] = self.value(depth + 1)
            if not self.take(",") and self.peek() != "}":
                raise self.fail("a comma or a closing brace")
        return values

    def items(self, depth: int) -> list[Any]:
        self.at += 1
        values: list[Any] = []
        while not self.take("]"):
            values.append(self.value(depth + 1))
            if not self.take(",") and self.peek() != "]":
                raise self.fail("a comma or a closing bracket")
        return values

    def string(self, quote: str) -> str:
        self.at += 1
        parts: list[str] = []
        while True:
            match = _PLAIN[quote].match(self.text, self.at)
            assert match is not None
            parts.append(match[0])
            self.at = match.end()
            end = self.text[self.at : self.at + 1]
            if end == quote:
                self.at += 1
                # Two escaped halves of one character become that character; a lone half is no text.
                joined = "".join(parts).encode("utf-16", "surrogatepass")
                try:
                    return joined.decode("utf-16")
                except UnicodeDecodeError:
                    raise self.fail("a whole surrogate pair") from None
            if not end:
                raise self.fail("a closing quote")
            parts.append(self.escape())

    def escape(self) -> str:
        letter = self.text[self.at + 1 : self.at + 2]
        if letter == "u":
            digits = self.text[self.at + 2 : self.at + 6]
            if re.fullmatch(r"[0-9a-fA-F]{4}", digits) is None:
                raise self.fail("four hexadecimal digits")
            self.at += 6
            return chr(int(digits, 16))
        if letter not in _ESCAPES or not letter:
            raise self.fail("an escape")
        self.at += 2
        return _ESCAPES[letter]

"""
XML in and out: untrusted documents into plain values, answers and reports into documents.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec

__all__ = ["CONTENT_TYPE", "XmlError", "parse_xml", "render_xml"]

CONTENT_TYPE: Final = "application/xml;charset=UTF-8"

_DEPTH_MAX: Final = 32
_ELEMENTS_MAX: Final = 100_000

Plain: TypeAlias = "str | list[Plain] | dict[str, Plain]"

# An empty element is an empty text, but for these, which are lists.
_LISTS: Final = frozenset({"messages", "destinations", "days"})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
# Prices keep the digits that they are written with.
_DECODER: Final = msgspec.json.Decoder(float_hook=str)
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class XmlError(ValueError):
    """
    A document that is not well-formed, or that asks for more than plain elements.
    """


class _Element:
    __slots__ = ("children", "name", "text")

    def __init__(self, name: str) -> None:
        self.name = name
        self.children: list[_Element] = []
        self.text: list[str] = []

    def plain(self) -> Plain:
        """Return a text, a list, or a mapping, whichever the children look like."""
        children = self.children
        if not children:
            text = "".join(self.text)
            return [] if self.name in _LISTS and not text.strip() else text
        first = children[0].name
        # A list stands in a wrapper of its own name (2015) or of its plural (later).
        if first in (self.name, self.name.removesuffix("s")) and all(c.name == first for c in children):
            return [child.plain() for child in children]
        values: dict[str, Plain] = {}
        repeated: dict[str, list[Plain]] = {}
        for child in children:
            value = child.plain()
            if child.name in values:
                # A list may also be written by repeating the element, without a wrapper.
                many = repeated.setdefault(child.name, [values[child.name]])
                many.append(value)
                values[child.name] = many
            else:
                values[child.name] = value
        return values


class _Reader:
    """Builds elements, and refuses what an answer to strangers must not follow."""

    def __init__(self) -> None:
        self.root: _Element | None = None
        self._open: list[_Element] = []
        self._count = 0

    def read(self, body: bytes) -> _Element:
        # Few integrators use XML; the others need not wait for its parser at start.
        from xml.parsers import expat

        parser = expat.ParserCreate(namespace_separator=None)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        # Without a document type there are no entities to expand and nothing to fetch.
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        try:
            parser.Parse(body, True)
        except expat.ExpatError as broken:
            raise XmlError(f"line {broken.lineno}: {expat.ErrorString(broken.code)}") from None
        except (LookupError, ValueError) as unknown:
            raise unknown if isinstance(unknown, XmlError) else XmlError(str(unknown)) from None
        if self.root is None:
            raise XmlError("expected an XML document")
        return self.root

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._count += 1
        if len(self._open) >= _DEPTH_MAX:
            raise XmlError(f"expected at most {_DEPTH_MAX} levels of elements")
        if self._count > _ELEMENTS_MAX:
            raise XmlError(f"expected at most {_ELEMENTS_MAX} elements")
        element = _Element(name.rpartition(":")[2])
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, name: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].text.append(text)

    def _refuse(self, *declaration: object) -> None:
        raise XmlError("a document type is not accepted")


def parse_xml(body: bytes) -> Plain:
    """
    Return what the root element holds: texts, lists and mappings; raises XmlError.

    The root's own name does not matter, nor do attributes and namespaces.
    """
    plain = _Reader().read(body).plain()
    if isinstance(plain, list):
        # A root whose only child bears its plural, such as <messages>, is not a list itself.
        raise XmlError("expected elements, got a list")
    return plain


def render_xml(body: bytes, root: str, *, repeat: bool = False) -> bytes:
    """
    Return the JSON in *body* as a document.

    The items of a list stand in a wrapper of the list's name, each under its
    singular, or, with *repeat*, under the same name as in 2015.
    """
    parts = ['<?xml version="1.0" encoding="UTF-8"?>']
    _element(parts, root, _DECODER.decode(body), repeat)
    return "".join(parts).encode("utf-8", "replace")


def _element(parts: list[str], name: str, value: Any, repeat: bool) -> None:
    if not _NAME.fullmatch(name):
        # validationErrors has paths for keys, which are no names.
        parts.append(f"<entry><key>{_text(name)}</key>")
        _element(parts, "value", value, repeat)
        parts.append("</entry>")
        return
    if value is None or value == "" or value == [] or value == {}:
        parts.append(f"<{name}/>")
        return
    parts.append(f"<{name}>")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _element(parts, key, inner, repeat)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        single = name if repeat or not name.endswith("s") else name[:-1]
        for inner in value:
            _element(parts, single, inner, repeat)
    else:
        parts.append(_text(value))
    parts.append(f"</{name}>")


@cache
def _unfit() -> re.Pattern[str]:
    """Return what XML 1.0 cannot hold at all, not even escaped; such a large set takes long to compile."""
    return re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _unfit().sub("\ufffd", str(value).translate(_ESCAPES))

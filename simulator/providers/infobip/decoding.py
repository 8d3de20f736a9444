"""
Bodies, whatever they are written in, into what a call expects.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Final

import msgspec

from simulator.provider import Violation, violations_in
from simulator.providers.infobip.wire import bad_request
from simulator.providers.infobip.xml import XmlError, parse_xml

__all__ = ["Format", "decode", "unknown_keys"]

_STEP: Final = re.compile(r"([A-Za-z]+)\[([0-9]+)\]")


class Format(StrEnum):
    """
    What a body is written in, and how exact its values have to be.
    """

    JSON = "json"
    COERCED_JSON = "coerced json"
    """A text that holds a number or a boolean stands for it, and a number for its text."""
    XML = "xml"


def decode(decoder: msgspec.json.Decoder[Any], body: bytes, written: Format) -> Any:
    """Return *body* as the decoder's type; raises Refuse with everything that is wrong."""
    try:
        return _decode_xml(decoder.type, body) if written is Format.XML else decoder.decode(body)
    except msgspec.ValidationError:
        if written is Format.COERCED_JSON:
            try:
                return _convert(_as_texts(msgspec.json.decode(body)), decoder.type)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                # Told below, in terms of the body as it came.
                pass
        raise bad_request(violations_in(body, decoder.type)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as trouble:
        raise bad_request(why=f"body: expected JSON, got something else: {trouble}") from None


def unknown_keys(body: bytes, place: str, expected: type[msgspec.Struct]) -> list[str]:
    """
    Return what stands at *place* of a JSON body and is none of *expected*'s fields.

    Such keys are ignored, as the service does; one of them may be what was misspelt.
    """
    try:
        node = msgspec.json.decode(body)
        for name, number in _STEP.findall(place):
            node = node[name][int(number)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, LookupError, TypeError):
        # XML, or one message where a list was expected.
        return []
    names = {field.encode_name for field in msgspec.structs.fields(expected)}
    return [str(key) for key in node if key not in names] if isinstance(node, dict) else []


def _convert(plain: object, expected: Any) -> Any:
    """Return *plain*, whose every value is a text, as *expected*: "720" is a number where one is expected."""
    return msgspec.convert(plain, expected, strict=False)


def _as_texts(value: Any) -> Any:
    match value:
        case dict():
            return {key: _as_texts(inner) for key, inner in value.items()}
        case list():
            return [_as_texts(inner) for inner in value]
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
    return value


def _decode_xml(expected: Any, body: bytes) -> Any:
    try:
        return _convert(parse_xml(body), expected)
    except XmlError as broken:
        raise bad_request([Violation("", str(broken))] if str(broken) else []) from None
    except msgspec.ValidationError as wrong:
        words, _, place = str(wrong).partition(" - at `$")
        raise bad_request([Violation(place.strip("`."), words)]) from None

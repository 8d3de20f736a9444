"""
The shapes of RBM's messages, read once, when first needed, from our own discovery document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

__all__ = [
    "FieldShape",
    "Kind",
    "MessageShape",
    "discovery",
    "fields_as_of",
    "message_shapes",
    "standard_parameters",
]


class Kind(StrEnum):
    """
    What a field holds; the words are those of Google's complaints where it names a scalar.
    """

    STRING = "TYPE_STRING"
    INT32 = "TYPE_INT32"
    INT64 = "TYPE_INT64"
    DOUBLE = "TYPE_DOUBLE"
    BOOL = "TYPE_BOOL"
    ENUM = "TYPE_ENUM"
    INSTANT = "Timestamp"
    DURATION = "Duration"
    MESSAGE = "message"
    ANY = "any"


class FieldShape(Struct, frozen=True, kw_only=True):
    """
    One field: its names, what it holds, and its documented limits.
    """

    name: str
    snake: str
    kind: Kind
    repeated: bool = False
    read_only: bool = False
    message: str = ""
    words: tuple[str, ...] = ()
    length_max: int | None = None
    items_min: int = 0
    items_max: int | None = None
    pattern: str = ""
    minimum: float | None = None
    maximum: float | None = None


class MessageShape(Struct, frozen=True, kw_only=True):
    """
    One message: its fields in order, by either name, and its unions.
    """

    name: str
    fields: tuple[FieldShape, ...]
    by_name: dict[str, FieldShape]
    unions: tuple[tuple[str, tuple[str, ...]], ...]


_KINDS: Final[dict[tuple[Any, Any], Kind]] = {
    ("string", "google-datetime"): Kind.INSTANT,
    ("string", "google-duration"): Kind.DURATION,
    ("string", "int64"): Kind.INT64,
    ("integer", "int32"): Kind.INT32,
    ("number", "double"): Kind.DOUBLE,
    ("boolean", None): Kind.BOOL,
    ("string", None): Kind.STRING,
}


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda match: f"_{match[1].lower()}", name)


def _number(text: Any) -> float | None:
    return None if text is None else float(text)


def _field(name: str, schema: dict[str, Any]) -> FieldShape:
    repeated = schema.get("type") == "array"
    part = schema["items"] if repeated else schema
    words = tuple(part.get("enum", ()))
    if "$ref" in part:
        kind = Kind.MESSAGE
    elif words:
        kind = Kind.ENUM
    else:
        kind = _KINDS.get((part.get("type"), part.get("format")), Kind.ANY)
    return FieldShape(
        name=name,
        snake=_snake(name),
        kind=kind,
        repeated=repeated,
        read_only=bool(schema.get("readOnly")),
        message=part.get("$ref", ""),
        words=words,
        length_max=part.get("maxLength"),
        items_min=schema.get("minItems", 0),
        items_max=schema.get("maxItems"),
        pattern=part.get("pattern", ""),
        minimum=_number(part.get("minimum")),
        maximum=_number(part.get("maximum")),
    )


def _message(name: str, schema: dict[str, Any]) -> MessageShape:
    fields = tuple(_field(key, value) for key, value in schema["properties"].items())
    by_name = {field.snake: field for field in fields} | {field.name: field for field in fields}
    unions = tuple((union, tuple(members)) for union, members in schema.get("x-oneofs", {}).items())
    return MessageShape(name=name, fields=fields, by_name=by_name, unions=unions)


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(Path(__file__).with_name("schema.json").read_bytes())
    return document


_MANAGEMENT: Final[dict[str, Any]] = {
    "Integration": {
        "properties": {
            "name": {"type": "string", "readOnly": True},
            "status": {"type": "string", "readOnly": True},
            "agentWebhookIntegration": {"$ref": "AgentWebhookIntegration"},
        }
    },
    "AgentWebhookIntegration": {
        "properties": {"webhookUri": {"type": "string"}, "verificationToken": {"type": "string"}}
    },
    "ManagedTester": {
        "properties": {
            "phoneNumber": {"type": "string"},
            "agentId": {"type": "string"},
            "inviteStatus": {"type": "string", "readOnly": True},
        }
    },
}
"""Messages of the management API, which has a discovery document of its own."""


@cache
def message_shapes() -> Mapping[str, MessageShape]:
    """Return every message that clients may send or receive, by name."""
    schemas = {**_document()["schemas"], **_MANAGEMENT}
    return {name: _message(name, schema) for name, schema in schemas.items()}


def fields_as_of() -> str:
    """Return the day of Google's release notes up to which the fields are known."""
    return str(_document()["x-asOf"])


@cache
def standard_parameters() -> frozenset[str]:
    """Return the query parameters that every method takes."""
    return frozenset(_document()["parameters"])


def discovery(root_url: str) -> dict[str, Any]:
    """Return the discovery document of a service reached at *root_url*, which ends with a slash."""
    plain: dict[str, Any] = _plain(_document())
    return plain | {"rootUrl": root_url, "baseUrl": root_url}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items() if not key.startswith("x-")}
    return [_plain(part) for part in value] if isinstance(value, list) else value

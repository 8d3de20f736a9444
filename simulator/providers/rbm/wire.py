"""
RBM's bodies: read by the rules of protobuf's JSON mapping, refused in Google's words.

Both spellings of a name are legal (`phoneNumber`, `phone_number`), null means
unset, numbers may be text, enums may be numbers, output-only fields are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from simulator.provider import NotJson, Refuse, decode_json
from simulator.providers.rbm.errors import ERRORS, refuse
from simulator.providers.rbm.instants import parse_duration, parse_instant
from simulator.providers.rbm.schema import FieldShape, Kind, MessageShape, fields_as_of, message_shapes

__all__ = ["Intake", "Violation", "bad_request", "read_body"]

_VIOLATIONS_MAX: Final = 100
_SHOWN_MAX: Final = 60

_TOO_LONG_WORDS: Final = {
    ("SuggestedReply", "text"): ERRORS["SUGGESTED_REPLY_TOO_LONG"].text,
    ("SuggestedAction", "text"): ERRORS["SUGGESTED_ACTION_TOO_LONG"].text,
}
"""The two limits whose wording is known.  Source: passed on by resellers."""


class Violation(NamedTuple):
    """
    One mistake: the field, in protobuf's spelling, and what is wrong with it.
    """

    field: str
    text: str


def bad_request(violations: Sequence[Violation], text: str = "", *, hint: str = "") -> Refuse:
    """
    Return the refusal of a body that Google answers with 400 INVALID_ARGUMENT.

    *hint* is for the reason alone, which says more than Google would.
    """
    words = text or "\n".join(violation.text for violation in violations)
    return refuse("INVALID_ARGUMENT", words, violations, hint=hint)


class Intake(NamedTuple):
    """
    How strict an account is about what it reads.
    """

    strict_json: bool = False
    unknown: str = "refuse"
    """What is done about fields that are not known: `refuse`, `warn` or `ignore`."""
    card_suggestions_max: int = 4


def _overlook(text: str) -> None:
    """Say nothing of what is odd about a body."""


def read_body(
    body: bytes, message: str, root: str, intake: Intake, warn: Callable[[str], None] = _overlook
) -> dict[str, Any]:
    """
    Return *body* as a message called *message*, in camelCase, without what is unset.

    *root* is where complaints begin (`agent_message`); empty: at the top level.
    *warn* is told of fields that are not known, where the account takes them all the same.
    Raises Refuse with everything that is wrong.
    """
    if not body.strip():
        return {}
    try:
        plain = decode_json(body, strict=intake.strict_json)
    except NotJson as trouble:
        raise bad_request([], f"Invalid JSON payload received. {trouble}") from None
    if not isinstance(plain, dict):
        raise bad_request([], "Invalid JSON payload received. Root element must be a message.")
    reader = _Reader(intake)
    read = reader.message(message_shapes()[message], plain, root)
    if reader.violations:
        hint = f"fields are known as of {fields_as_of()}; `unknown_fields: warn` takes others"
        raise bad_request(reader.violations, hint=hint if reader.unknown else "")
    if intake.unknown == "warn":
        for text in reader.unknown:
            warn(f"{text} (as of {fields_as_of()})")
    return read


class _Reader:
    """Reads one body, noting mistakes as it goes."""

    __slots__ = ("intake", "unknown", "violations")

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.unknown: list[str] = []
        self.violations: list[Violation] = []

    def note(self, path: str, text: str) -> None:
        if len(self.violations) < _VIOLATIONS_MAX:
            self.violations.append(Violation(path, text))

    def message(self, shape: MessageShape, plain: dict[str, Any], path: str) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name, value in plain.items():
            field = shape.by_name.get(name)
            if field is None:
                self.unknown_name(name, path)
            elif value is not None and not field.read_only:
                where = f"{path}.{field.snake}" if path else field.snake
                read = self.field(shape, field, value, where)
                if read is not None:
                    given[field.name] = read
        for union, members in shape.unions:
            chosen = [name for name in members if name in given]
            if len(chosen) > 1:
                last = shape.by_name[chosen[-1]].snake
                self.note(
                    path,
                    f"Invalid value at '{path}' (oneof), oneof field '{union}' is already set. "
                    f"Cannot set '{last}'",
                )
        return {field.name: given[field.name] for field in shape.fields if field.name in given}

    def unknown_name(self, name: str, path: str) -> None:
        if self.intake.unknown == "ignore" or len(self.unknown) >= _VIOLATIONS_MAX:
            return
        at = f" at '{path}'" if path else ""
        text = f'Unknown name "{name[:_SHOWN_MAX]}"{at}: Cannot find field.'
        self.unknown.append(text)
        if self.intake.unknown == "refuse":
            self.note(path, f"Invalid JSON payload received. {text}")

    def field(self, shape: MessageShape, field: FieldShape, value: Any, path: str) -> Any:
        if not field.repeated:
            return self.value(shape, field, value, path)
        if not isinstance(value, list):
            self.wrong(field, value, path)
            return None
        most = field.items_max
        if shape.name == "CardContent" and field.name == "suggestions":
            most = self.intake.card_suggestions_max
        if len(value) < field.items_min or (most is not None and len(value) > most):
            limits = f"between {field.items_min} and {most}" if field.items_min else f"at most {most}"
            self.note(path, f"{path}: must have {limits} items, got {len(value)}")
            return None
        items = [self.value(shape, field, item, f"{path}[{n}]") for n, item in enumerate(value)]
        return items or None

    def value(self, shape: MessageShape, field: FieldShape, value: Any, path: str) -> Any:
        kind = field.kind
        if kind is Kind.STRING:
            if isinstance(value, str):
                return self.text(shape, field, value, path)
        elif kind is Kind.MESSAGE:
            if isinstance(value, dict):
                return self.message(message_shapes()[field.message], value, path)
        elif kind is Kind.ANY:
            return value
        else:
            read = _scalar(field, value)
            if read is not None:
                self.range(field, read, path)
                return read
        self.wrong(field, value, path)
        return None

    def text(self, shape: MessageShape, field: FieldShape, value: str, path: str) -> str:
        most = field.length_max
        if most is not None and len(value) > most:
            words = _TOO_LONG_WORDS.get((shape.name, field.name))
            self.note(path, words or f"{path}: must have at most {most} characters, got {len(value)}")
        elif field.pattern and re.search(field.pattern, value) is None:
            self.note(path, f"{path}: must match {field.pattern}, got {_shown(value)}")
        return value

    def range(self, field: FieldShape, value: Any, path: str) -> None:
        if field.minimum is not None and field.maximum is not None:
            low, high = field.minimum, field.maximum
            if not low <= value <= high:
                self.note(path, f"{path}: must be between {low:g} and {high:g}, got {value:g}")

    def wrong(self, field: FieldShape, value: Any, path: str) -> None:
        kind = field.kind
        named = f"type.googleapis.com/google.protobuf.{kind.value}"
        if kind is Kind.MESSAGE:
            named = f"type.googleapis.com/{field.message}"
        elif kind not in (Kind.INSTANT, Kind.DURATION):
            named = kind.value
        self.note(path, f"Invalid value at '{path}' ({named}), {_shown(value)}")


def _scalar(field: FieldShape, value: Any) -> Any:
    match field.kind:
        case Kind.ENUM:
            return _word(field, value)
        case Kind.BOOL:
            return value if isinstance(value, bool) else None
        case Kind.DOUBLE:
            return _double(value)
        case Kind.INT32 | Kind.INT64:
            number = _double(value)
            if number is None or number != int(number) or abs(number) >= 2**63:
                return None
            return str(int(value)) if field.kind is Kind.INT64 else int(number)
        case Kind.INSTANT:
            instant = parse_instant(value) if isinstance(value, str) else None
            return None if instant is None else instant.text
        case _:
            duration_ms = parse_duration(value) if isinstance(value, str) else None
            return None if duration_ms is None else value


def _word(field: FieldShape, value: Any) -> str | None:
    if isinstance(value, str):
        return value if value in field.words else None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(field.words):
        return field.words[value]
    return None


def _double(value: Any) -> int | float | None:
    if isinstance(value, str):
        try:
            value = float(value) if len(value) < 400 else None
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # NaN and the infinities are numbers to protobuf, but no place on earth.
    return value if abs(value) < 1e300 else None


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value[:_SHOWN_MAX]}"'
    if isinstance(value, dict | list):
        return "a message" if isinstance(value, dict) else "a list"
    return str(value).lower() if isinstance(value, bool) else str(value)[:_SHOWN_MAX]

"""
Shapes of single values: texts, numbers, truths, instants and values with units.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar, overload

from simulator.kernel.model import units as units
from simulator.kernel.model.units import BasisPoints, Delay, Millis, Rate, UnitError, format_duration, shown
from simulator.schema.node import DEPTH_MAX, Json, Node, Problems, describe, did_you_mean

__all__ = [
    "INVALID",
    "AnyJson",
    "Boolean",
    "Choice",
    "DelayShape",
    "Duration",
    "Instant",
    "Integer",
    "Invalid",
    "Number",
    "RateShape",
    "Scalar",
    "Schema",
    "Shape",
    "Share",
    "Text",
    "Word",
    "either_of",
    "nearest_word",
]

Schema: TypeAlias = dict[str, object]
"""A piece of JSON Schema, draft 2020-12."""

_NAMED_MAX = 14
_MINUTE_MS = 60_000
_WITHIN_A_MINUTE = "^(?:[1-5]?[0-9]s(?:[0-9]{1,3}ms)?|[0-9]{1,4}ms|1m)$"

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
T_co = TypeVar("T_co", covariant=True)


class Invalid(Enum):
    """
    The type of INVALID.
    """

    INVALID = "invalid"


INVALID: Final = Invalid.INVALID
"""What reading gives once a problem has been noted."""


class Shape(Protocol[T_co]):
    """
    What a value must look like, and what it becomes.
    """

    @property
    def expected(self) -> str:
        """
        What to write, as a complaint would say it: ``a duration such as "3s"``.
        """

    def fits(self, node: Node) -> bool:
        """
        Tell whether *node* is meant for this shape, though its parts may be wrong.
        """

    def read(self, node: Node, path: str, problems: Problems) -> T_co | Invalid:
        """
        Return the value; or INVALID, every complaint being noted in *problems*.
        """

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """
        Return the JSON Schema; what it refers to by name goes into *definitions*.
        """


@dataclass(frozen=True, kw_only=True)
class Scalar(Generic[T]):
    """
    A shape without parts: *convert* returns the value or raises ValueError with the complaint.
    """

    expected: str
    convert: Callable[[Node], T]
    json_schema: Mapping[str, object]
    words: tuple[str, ...] = field(default=())
    definition: str = ""
    """Under which name a schema defines it once; empty: it is written out wherever it is used."""
    write: Callable[[Any], Json] | None = None
    """Turns a value back into what a file says; None: files hold the value itself."""

    def fits(self, node: Node) -> bool:
        """
        Tell whether *node* can be read.
        """
        try:
            self.convert(node)
        except ValueError:
            return False
        return True

    def read(self, node: Node, path: str, problems: Problems) -> T | Invalid:
        """
        Return the converted value, or note the complaint.
        """
        try:
            return self.convert(node)
        except ValueError as refusal:
            problems.add(node, path, f"{refusal}{nearest_word(node, self.words, problems)}")
            return INVALID

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """
        Return the schema with the expectation as hover text.
        """
        whole = {"description": f"{self.expected[:1].upper()}{self.expected[1:]}.", **self.json_schema}
        if not self.definition:
            return whole
        definitions[self.definition] = whole
        return {"$ref": f"#/$defs/{self.definition}"}


def nearest_word(node: Node, words: tuple[str, ...], problems: Problems) -> str:
    """
    Return the hint at the word that was probably meant, or nothing.
    """
    # A file of mistakes must not cost a search for each of them.
    if problems.full or not words or not isinstance(node.value, str):
        return ""
    return did_you_mean(node.value, words)


def either_of(choices: list[str]) -> str:
    """
    Return ``a, b or c``.
    """
    return " or ".join(filter(None, [", ".join(choices[:-1]), choices[-1]]))


# The constructors below are written like classes, for they are used like them.


def Text(
    min_length: int = 0,
    max_length: int = 10_000,
    pattern: str = "",
    what: str = "a text",
    examples: tuple[str, ...] = (),
) -> Scalar[str]:
    """
    A text; *pattern* must match all of it, in a syntax that Python and ECMA share.

    An integer is taken by its letters: unquoted digits were written as they are.
    """
    compiled = re.compile(pattern) if pattern else None
    expected = what if what != "a text" or not pattern else f"a text like {pattern}"

    def convert(node: Node) -> str:
        value = node.value
        text = value if isinstance(value, str) else node.letters if _is_integer(value) else None
        if text is None:
            hint = "; quote it if it is meant as text" if isinstance(value, bool) else ""
            raise ValueError(f"expected {expected}, got {describe(node)}{hint}")
        if not min_length <= len(text) <= max_length:
            limits = _range("", min_length, max_length)
            raise ValueError(f"expected {what} of {limits} characters, got {len(text)}")
        if compiled is not None and not compiled.fullmatch(text):
            raise ValueError(f"expected {expected}, got {shown(text)}")
        return text

    # Editors read some of our texts, such as 0532, as numbers.
    schema: Schema = {"type": ["string", "number"], "maxLength": max_length}
    schema |= {"minLength": min_length} if min_length else {}
    schema |= {"pattern": f"^(?:{pattern})$"} if pattern else {}
    schema |= {"examples": list(examples)} if examples else {}
    return Scalar(expected=expected, convert=convert, json_schema=schema)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 128


def _range(what: str, minimum: int | None, maximum: int | None) -> str:
    prefix = f"{what} " if what else ""
    if minimum is not None and maximum is not None:
        return f"{prefix}from {minimum} to {maximum}" if what else f"{minimum} to {maximum}"
    if minimum is not None:
        return f"{prefix}of at least {minimum}"
    return f"{prefix}of at most {maximum}" if maximum is not None else what


def Integer(minimum: int | None = None, maximum: int | None = None) -> Scalar[int]:
    """
    A whole number within limits, both included.
    """
    expected = _range("a whole number", minimum, maximum)

    def convert(node: Node) -> int:
        value = node.value
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"expected {expected}, got {describe(node)}")
        if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
            raise ValueError(f"expected {expected}, got {describe(node)}")
        return value

    schema: Schema = {"type": "integer"}
    schema |= {"minimum": minimum} if minimum is not None else {}
    schema |= {"maximum": maximum} if maximum is not None else {}
    return Scalar(expected=expected, convert=convert, json_schema=schema)


def Number() -> Scalar[int | float]:
    """
    Any number, for values that are only passed on; nothing computes with it.
    """

    def convert(node: Node) -> int | float:
        value = node.value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        # Files hold decimals as text, for they never mean one elsewhere.
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}\.[0-9]{1,15}", value):
            return float(value)
        raise ValueError(f"expected a number, got {describe(node)}")

    return Scalar(expected="a number", convert=convert, json_schema={"type": "number"})


def Boolean() -> Scalar[bool]:
    """
    True or false, in these words alone.
    """
    meant = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}

    def convert(node: Node) -> bool:
        if isinstance(node.value, bool):
            return node.value
        word = meant.get(node.value[:5].lower()) if isinstance(node.value, str) else None
        hint = f"; write {word}, without quotes" if word else ""
        raise ValueError(f"expected true or false, got {describe(node)}{hint}")

    return Scalar(expected="true or false", convert=convert, json_schema={"type": "boolean"})


@overload
def Choice(options: type[E]) -> Scalar[E]: ...
@overload
def Choice(options: Mapping[str, T]) -> Scalar[T]: ...
def Choice(options: type[E] | Mapping[str, T]) -> Scalar[E] | Scalar[T]:
    """
    One of a few words: the values of a StrEnum, or the keys of a mapping.
    """
    if isinstance(options, Mapping):
        return _choice(dict(options))
    return _choice({member.value: member for member in options})


def _choice(by_word: dict[str, T]) -> Scalar[T]:
    names = [shown(word) for word in by_word]
    # A whole catalogue would drown the sentence; the nearest word is named anyway.
    expected = either_of(names) if len(names) <= _NAMED_MAX else f"one of {len(names)} names"

    def convert(node: Node) -> T:
        word = node.letters if _is_integer(node.value) else node.value
        if isinstance(word, str) and word in by_word:
            return by_word[word]
        raise ValueError(f"expected {expected}, got {describe(node)}")

    def write(value: T) -> str:
        return next((word for word, meaning in by_word.items() if meaning == value), str(value))

    return Scalar(
        expected=expected,
        convert=convert,
        json_schema={"enum": list(by_word)},
        words=tuple(by_word),
        write=write,
    )


@overload
def Word(word: str) -> Scalar[str]: ...
@overload
def Word(word: str, value: T) -> Scalar[T]: ...
def Word(word: str, value: T | None = None) -> Scalar[str] | Scalar[T]:
    """
    One bare keyword, which becomes *value*, or itself when there is none.
    """
    return Choice({word: word}) if value is None else Choice({word: value})


_LATEST_UNIX_MS = 221_845_392_000_000
"""9000-01-01: beyond the year 9999 there are no dates, and messages live on after an instant."""


def Instant() -> Scalar[int]:
    """
    A date and time with its zone, as milliseconds since 1970.
    """
    expected = 'an instant such as "2026-01-05T09:00:00Z"'
    pattern = (
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{3})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
    )
    epoch = datetime(1970, 1, 1, tzinfo=UTC)

    def convert(node: Node) -> int:
        text = node.value
        if not isinstance(text, str) or not re.fullmatch(pattern, text):
            zoneless = isinstance(text, str) and re.fullmatch(pattern, f"{text}Z")
            hint = '; say the zone, for example "Z"' if zoneless else ""
            raise ValueError(f"expected {expected}, got {describe(node)}{hint}")
        try:
            instant_ms = (datetime.fromisoformat(text) - epoch) // timedelta(milliseconds=1)
        except (ValueError, OverflowError):
            raise ValueError(
                f"expected {expected}, got {shown(text)}; there is no such date or time"
            ) from None
        if instant_ms >= _LATEST_UNIX_MS:
            raise ValueError(f"expected an instant before the year 9000, got {shown(text)}")
        if instant_ms < 0:
            raise ValueError(f"expected an instant from 1970 on, got {shown(text)}")
        return instant_ms

    schema: Schema = {"type": "string", "pattern": f"^{pattern}$", "examples": ["2026-01-05T09:00:00Z"]}
    return Scalar(expected=expected, convert=convert, json_schema=schema)


def Duration(minimum_ms: Millis = 0, maximum_ms: Millis = units.DURATION_MAX_MS) -> Scalar[Millis]:
    """
    A duration within limits, both included, as milliseconds.
    """
    expected = 'a duration such as "3s" or "1h30m"'
    limited = (minimum_ms, maximum_ms) != (0, units.DURATION_MAX_MS)
    if limited:
        expected += f", from {format_duration(minimum_ms)} to {format_duration(maximum_ms)}"

    def convert(node: Node) -> Millis:
        ms = units.parse_duration(_unit_text(node, expected))
        if not minimum_ms <= ms <= maximum_ms:
            raise UnitError(f"expected {expected}, got {describe(node)}")
        return ms

    definition = "" if limited else "duration"
    examples = [
        text for text in ("3s", "1h30m", "250ms") if minimum_ms <= units.parse_duration(text) <= maximum_ms
    ]
    pattern = units.DURATION_PATTERN if maximum_ms > _MINUTE_MS else _WITHIN_A_MINUTE
    return _with_zero(expected, convert, pattern, examples, definition, format_duration)


def DelayShape() -> Scalar[Delay]:
    """
    A delay: constant, uniform within a range, or lognormal.
    """
    expected = 'a delay such as "3s", "1s..4s" or "lognormal(median=2s, p99=30s)"'

    def convert(node: Node) -> Delay:
        return units.parse_delay(_unit_text(node, expected))

    examples = ["3s", "1s..4s", "lognormal(median=2s, p99=30s)"]
    return _with_zero(expected, convert, units.DELAY_PATTERN, examples, "delay", units.format_delay)


def _unit_text(node: Node, expected: str) -> str:
    """
    Return the text to parse; a bare number has no unit, and only 0 needs none.
    """
    value = node.value
    if isinstance(value, str):
        return value
    if _is_integer(value):
        if value == 0:
            return "0"
        raise ValueError(
            f'expected {expected}, got {value}; say the unit, for example "{value}s" or "{value}ms"'
        )
    raise ValueError(f"expected {expected}, got {describe(node)}")


def _with_zero(
    expected: str,
    convert: Callable[[Node], T],
    pattern: str,
    examples: list[str],
    definition: str,
    write: Callable[[T], str],
) -> Scalar[T]:
    # "pattern" speaks of strings only, "minimum" and "maximum" of numbers only.
    schema: Schema = {"type": ["string", "integer"], "pattern": pattern, "minimum": 0, "maximum": 0}
    return Scalar(
        expected=expected,
        convert=convert,
        json_schema=schema | {"examples": examples},
        definition=definition,
        write=write,
    )


def Share() -> Scalar[BasisPoints]:
    """
    A part of the whole, as basis points.
    """
    expected = 'a share such as "15%"'

    def convert(node: Node) -> BasisPoints:
        if isinstance(node.value, str):
            return units.parse_share(node.value)
        hint = f'; say "{node.value}%"' if _is_integer(node.value) else ""
        raise ValueError(f"expected {expected}, got {describe(node)}{hint}")

    schema: Schema = {"type": "string", "pattern": units.SHARE_PATTERN, "examples": ["15%", "0.5%"]}
    return Scalar(expected=expected, convert=convert, json_schema=schema)


def RateShape() -> Scalar[Rate]:
    """
    So many per time.
    """
    expected = 'a rate such as "200/s" or "5/10s"'

    def convert(node: Node) -> Rate:
        if isinstance(node.value, str):
            return units.parse_rate(node.value)
        hint = f'; say the time, for example "{node.value}/s"' if _is_integer(node.value) else ""
        raise ValueError(f"expected {expected}, got {describe(node)}{hint}")

    schema: Schema = {
        "type": "string",
        "pattern": units.RATE_PATTERN,
        "examples": ["200/s", "120/min", "5/10s"],
    }
    return Scalar(expected=expected, convert=convert, json_schema=schema)


def AnyJson(depth_max: int = DEPTH_MAX) -> Scalar[Json]:
    """
    Any value at all, for what is only passed on; nested at most *depth_max* deep.
    """

    def convert(node: Node) -> Json:
        level = [node]
        for _ in range(depth_max + 1):
            level = [part for outer in level for part in _parts(outer)]
            if not level:
                return node.plain()
        raise ValueError(f"expected at most {depth_max} levels of lists and mappings, got more")

    return Scalar(expected="any value", convert=convert, json_schema={})


def _parts(node: Node) -> Iterator[Node]:
    match node.value:
        case list() as items:
            yield from items
        case dict() as entries:
            yield from (value for _, value in entries.values())

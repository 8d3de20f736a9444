"""
What a value must look like: one declaration gives the reader, its complaints and the JSON Schema.

Reading never stops at the first mistake; it notes every one with its place.
Shapes of single values are in ``scalar``; here they are put together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from simulator.kernel.model.units import shown
from simulator.schema.node import Json, Node, Problem, Problems, child_path, describe, did_you_mean, node_of
from simulator.schema.scalars import (
    INVALID,
    AnyJson,
    Boolean,
    Choice,
    DelayShape,
    Duration,
    Instant,
    Integer,
    Invalid,
    Number,
    RateShape,
    Scalar,
    Schema,
    Shape,
    Share,
    Text,
    Word,
    either_of,
    nearest_word,
)

__all__ = [
    "ABSENT",
    "INVALID",
    "AnyJson",
    "Boolean",
    "Choice",
    "DelayShape",
    "Duration",
    "Either",
    "Field",
    "Instant",
    "Integer",
    "Invalid",
    "Json",
    "Lazy",
    "ListOf",
    "MapOf",
    "Mapped",
    "Node",
    "Number",
    "OneOf",
    "Problem",
    "Problems",
    "RateShape",
    "Record",
    "Scalar",
    "Schema",
    "Shape",
    "Share",
    "Text",
    "When",
    "Word",
    "json_schema",
    "node_of",
]

T = TypeVar("T")
K = TypeVar("K")
R = TypeVar("R")


class Absent:
    """
    The type of ABSENT.
    """


ABSENT: Final = Absent()
"""No default is declared: the builder's own applies."""


def json_schema(shape: Shape[object], title: str) -> Schema:
    """
    Return a whole JSON Schema document, draft 2020-12, for editors and checks.
    """
    definitions: dict[str, Schema] = {}
    root = shape.schema(definitions)
    document: Schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **root}
    return document | {"$defs": definitions} if definitions else document


@dataclass(frozen=True)
class ListOf(Generic[T]):
    """
    A list whose parts all have one shape; it becomes a tuple.
    """

    part: Shape[T]
    max_items: int = 10_000
    min_items: int = 0

    @property
    def expected(self) -> str:
        return "a list"

    def fits(self, node: Node) -> bool:
        return isinstance(node.value, list)

    def read(self, node: Node, path: str, problems: Problems) -> tuple[T, ...] | Invalid:
        items = node.value
        if not isinstance(items, list):
            problems.add(node, path, f"expected a list, got {describe(node)}")
            return INVALID
        if not self.min_items <= len(items) <= self.max_items:
            limits = f"{self.min_items} to {self.max_items}"
            problems.add(node, path, f"expected a list of {limits} items, got {len(items)}")
            return INVALID
        parts = [self.part.read(item, child_path(path, index), problems) for index, item in enumerate(items)]
        valid = tuple(part for part in parts if not isinstance(part, Invalid))
        return valid if len(valid) == len(parts) else INVALID

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        schema: Schema = {"type": "array", "items": self.part.schema(definitions), "maxItems": self.max_items}
        return schema | {"minItems": self.min_items} if self.min_items else schema


@dataclass(frozen=True)
class MapOf(Generic[K, T]):
    """
    A mapping with keys of the user's choice, such as recipients by number.

    Two keys that read as the same key are refused.
    """

    part: Shape[T]
    key: Shape[K]
    max_items: int = 100_000

    @property
    def expected(self) -> str:
        return "a mapping"

    def fits(self, node: Node) -> bool:
        return isinstance(node.value, dict)

    def read(self, node: Node, path: str, problems: Problems) -> dict[K, T] | Invalid:
        entries = node.value
        if not isinstance(entries, dict):
            problems.add(node, path, f"expected a mapping, got {describe(node)}")
            return INVALID
        if len(entries) > self.max_items:
            problems.add(node, path, f"expected at most {self.max_items} keys, got {len(entries)}")
            return INVALID
        values: dict[K, T] = {}
        for name, (key_node, part_node) in entries.items():
            part_path = child_path(path, name)
            key = self.key.read(key_node, part_path, problems)
            part = self.part.read(part_node, part_path, problems)
            if isinstance(key, Invalid) or isinstance(part, Invalid):
                continue
            if key in values:
                problems.add(key_node, part_path, f"the key {shown(name)} means the same as an earlier one")
            values[key] = part
        return values if len(values) == len(entries) else INVALID

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        return {
            "type": "object",
            "additionalProperties": self.part.schema(definitions),
            "propertyNames": self.key.schema(definitions),
            "maxProperties": self.max_items,
        }


@dataclass(frozen=True, slots=True)
class Field:
    """
    One key of a record.

    *default* is written as a file would hold it and read through the shape, so that
    the schema shows what really applies.  *argument* is what the builder calls it,
    for keys such as ``from`` that Python keeps for itself.
    """

    name: str
    shape: Shape[object]
    doc: str
    required: bool = False
    default: Json | Absent = ABSENT
    argument: str = ""
    shown: Json | Absent = ABSENT
    """A default that applies elsewhere, for the schema alone: nothing is read where nothing is written."""


@dataclass(frozen=True)
class Record(Generic[T]):
    """
    A mapping with known keys; it becomes ``build(**values)``.

    A key that is not written is not passed, unless its field declares a default.
    ValueError from *build* is a complaint about the mapping as a whole.
    """

    build: Callable[..., T]
    fields: Sequence[Field]
    doc: str = ""
    what: str = "a mapping"
    elsewhere: str = ""
    """Where keys that it does not know may be known; complaints about unknown keys end with it."""
    _by_name: dict[str, Field] = field(init=False, repr=False, compare=False)
    _defaults: tuple[tuple[Field, Node], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {declared.name: declared for declared in self.fields})
        if len(self._by_name) != len(self.fields):
            raise ValueError("expected fields with names of their own, got one twice")
        defaults = tuple(
            (declared, node_of(declared.default))
            for declared in self.fields
            if not isinstance(declared.default, Absent)
        )
        object.__setattr__(self, "_defaults", defaults)
        for declared, node in defaults:
            problems = Problems()
            declared.shape.read(node, declared.name, problems)
            if problems:
                raise ValueError(f"expected a default of the field's shape: {problems.render('')[0]}")

    @property
    def expected(self) -> str:
        return self.what

    def fits(self, node: Node) -> bool:
        return isinstance(node.value, dict)

    def read(self, node: Node, path: str, problems: Problems) -> T | Invalid:
        entries = node.value
        if not isinstance(entries, dict):
            problems.add(node, path, f"expected {self.what}, got {describe(node)}")
            return INVALID
        noted = len(problems)
        values: dict[str, object] = {}
        for name, (key_node, part_node) in entries.items():
            declared = self._by_name.get(name)
            if declared is None:
                _refuse_key(name, key_node, path, self._by_name, problems, self.elsewhere)
            else:
                value = declared.shape.read(part_node, child_path(path, name), problems)
                values[declared.argument or name] = value
        for declared in self.fields:
            if declared.required and declared.name not in entries:
                problems.add(node, path, f"the key {shown(declared.name)} is missing")
        for declared, default in self._defaults:
            if declared.name not in entries:
                value = declared.shape.read(default, child_path(path, declared.name), problems)
                values[declared.argument or declared.name] = value
        return _built(lambda: self.build(**values), noted, node, path, problems)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        properties: dict[str, Schema] = {}
        for declared in self.fields:
            part = declared.shape.schema(definitions) | {"description": declared.doc}
            default = declared.shown if isinstance(declared.default, Absent) else declared.default
            if not isinstance(default, Absent):
                part["default"] = default
            properties[declared.name] = part
        schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        required = [declared.name for declared in self.fields if declared.required]
        schema |= {"required": required} if required else {}
        return schema | {"description": self.doc} if self.doc else schema


def _refuse_key(
    name: str, node: Node, path: str, keys: Mapping[str, object], problems: Problems, elsewhere: str = ""
) -> None:
    # A file of mistakes must not cost a search for each of them.
    hint = ""
    if not problems.full:
        hint = did_you_mean(name, keys) or f"; known keys: {', '.join(keys) or 'none'}{elsewhere}"
    problems.add(node, path, f"unknown key {shown(name)}{hint}")


def _built(build: Callable[[], R], noted: int, node: Node, path: str, problems: Problems) -> R | Invalid:
    if len(problems) > noted:
        return INVALID
    try:
        return build()
    except ValueError as refusal:
        problems.add(node, path, str(refusal))
        return INVALID


@dataclass(frozen=True)
class OneOf(Generic[T, R]):
    """
    A mapping with exactly one of some keys; it becomes ``build(key, value)``.
    """

    choices: Mapping[str, Shape[T]]
    build: Callable[[str, T], R]
    doc: str = ""

    @property
    def expected(self) -> str:
        return f"a mapping with {either_of(list(self.choices))}"

    def fits(self, node: Node) -> bool:
        return isinstance(node.value, dict)

    def read(self, node: Node, path: str, problems: Problems) -> R | Invalid:
        entries = node.value
        if not isinstance(entries, dict):
            problems.add(node, path, f"expected {self.expected}, got {describe(node)}")
            return INVALID
        noted = len(problems)
        chosen: list[tuple[str, T]] = []
        for name, (key_node, part_node) in entries.items():
            shape = self.choices.get(name)
            if shape is None:
                _refuse_key(name, key_node, path, self.choices, problems)
                continue
            value = shape.read(part_node, child_path(path, name), problems)
            if not isinstance(value, Invalid):
                chosen.append((name, value))
        if len(problems) == noted and len(chosen) != 1:
            names = " and ".join(name for name, _ in chosen) or "none"
            problems.add(node, path, f"expected exactly one of {either_of(list(self.choices))}, got {names}")
        return _built(lambda: self.build(*chosen[0]), noted, node, path, problems)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        schema: Schema = {
            "type": "object",
            "properties": {name: shape.schema(definitions) for name, shape in self.choices.items()},
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }
        return schema | {"description": self.doc} if self.doc else schema


class Either(Generic[T]):
    """
    The first of several shapes that the value is meant for.

    Single values are tried whole, so a mistyped one gets a complaint that lists
    everything it could have been; lists and mappings go by their kind, see ``When``.
    """

    __slots__ = ("shapes",)

    def __init__(self, *shapes: Shape[T]) -> None:
        self.shapes = shapes

    @property
    def expected(self) -> str:
        return either_of([shape.expected for shape in self.shapes])

    def fits(self, node: Node) -> bool:
        return any(shape.fits(node) for shape in self.shapes)

    def read(self, node: Node, path: str, problems: Problems) -> T | Invalid:
        for shape in self.shapes:
            if shape.fits(node):
                return shape.read(node, path, problems)
        words = tuple(word for shape in self.shapes if isinstance(shape, Scalar) for word in shape.words)
        hint = nearest_word(node, words, problems)
        problems.add(node, path, f"expected {self.expected}, got {describe(node)}{hint}")
        return INVALID

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        return {"anyOf": [shape.schema(definitions) for shape in self.shapes]}


@dataclass(frozen=True)
class Mapped(Generic[T, R]):
    """
    A shape whose value is turned into another; ValueError from *turn* is a complaint.
    """

    inner: Shape[T]
    turn: Callable[[T], R]

    @property
    def expected(self) -> str:
        return self.inner.expected

    def fits(self, node: Node) -> bool:
        return self.inner.fits(node)

    def read(self, node: Node, path: str, problems: Problems) -> R | Invalid:
        noted = len(problems)
        value = self.inner.read(node, path, problems)
        if isinstance(value, Invalid):
            return INVALID
        return _built(lambda: self.turn(value), noted, node, path, problems)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        return self.inner.schema(definitions)


@dataclass(frozen=True)
class When(Generic[T]):
    """
    A shape that an ``Either`` picks when *predicate* holds, such as a key being there.
    """

    predicate: Callable[[Node], bool]
    shape: Shape[T]

    @property
    def expected(self) -> str:
        return self.shape.expected

    def fits(self, node: Node) -> bool:
        return self.predicate(node)

    def read(self, node: Node, path: str, problems: Problems) -> T | Invalid:
        return self.shape.read(node, path, problems)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        return self.shape.schema(definitions)


@dataclass(frozen=True)
class Lazy(Generic[T]):
    """
    A shape made on use, so that it may contain itself; *name* is what the schema calls it.
    """

    make: Callable[[], Shape[T]]
    name: str

    @property
    def expected(self) -> str:
        return self.make().expected

    def fits(self, node: Node) -> bool:
        return self.make().fits(node)

    def read(self, node: Node, path: str, problems: Problems) -> T | Invalid:
        return self.make().read(node, path, problems)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        if self.name not in definitions:
            # The place is taken first, or a shape that contains itself would never end.
            definitions[self.name] = {}
            definitions[self.name] = self.make().schema(definitions)
        return {"$ref": f"#/$defs/{self.name}"}

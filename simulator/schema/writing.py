"""
From values back to what a file would say: the inverse of reading, as far as shapes know one.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulator.schema.node import Json, Problems, node_of
from simulator.schema.scalars import Scalar, Shape
from simulator.schema.shapes import Either, ListOf, MapOf, Record

__all__ = ["written"]


def written(shape: Shape[object], value: object) -> Json:
    """
    Return *value* as plain JSON that *shape* reads as that value again.

    Where a shape has no way back (it builds what it likes), the text of the value.
    """
    match shape:
        case Scalar():
            return shape.write(value) if shape.write is not None else _plain(value)
        case ListOf() if isinstance(value, tuple | list):
            return [written(shape.part, part) for part in value]
        case MapOf() if isinstance(value, Mapping):
            return {str(key): written(shape.part, part) for key, part in value.items()}
        case Record():
            return _fields(shape, value)
        case Either():
            return _first_that_reads_back(shape, value)
    return _plain(value)


def _fields(shape: Record[object], value: object) -> Json:
    entries: dict[str, Json] = {}
    for field in shape.fields:
        name = field.argument or field.name
        if isinstance(value, Mapping):
            if name in value:
                entries[field.name] = written(field.shape, value[name])
        elif hasattr(value, name):
            entries[field.name] = written(field.shape, getattr(value, name))
    return entries


def _first_that_reads_back(either: Either[object], value: object) -> Json:
    for shape in either.shapes:
        plain = written(shape, value)
        problems = Problems()
        if shape.read(node_of(plain), "", problems) == value and not problems:
            return plain
    return _plain(value)


def _plain(value: object) -> Json:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    return str(value)

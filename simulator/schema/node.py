"""
A value that remembers where it was written, and the complaints about it.

Scenario files and control bodies both become trees of ``Node``; a complaint can
then name file, line and column when there is a file, and always the path.
"""

import difflib
import re
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from simulator.kernel.model.units import shown

__all__ = [
    "DEPTH_MAX",
    "PROBLEMS_MAX",
    "Json",
    "Node",
    "Problem",
    "Problems",
    "child_path",
    "describe",
    "did_you_mean",
    "nested_deeper",
    "node_of",
]

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
NodeValue: TypeAlias = bool | int | float | str | list["Node"] | dict[str, tuple["Node", "Node"]] | None

DEPTH_MAX = 50
"""Lists and mappings may stand this deep within each other."""

PROBLEMS_MAX = 100
"""So many complaints about one file are kept; the others are counted."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# Comparing two long texts is slow, and nobody mistypes that much.
_NEAREST_LENGTH_MAX = 50
_NEAREST_OPTIONS_MAX = 500


class Node(NamedTuple):
    """
    One value and the place it was written; line 0 means it has no place.

    A mapping holds a key node beside each value node, for keys have places too.
    """

    value: NodeValue
    line: int = 0
    column: int = 0
    written: str = ""
    """How a number was written, where that is not its digits: ``50_000``."""

    @property
    def letters(self) -> str:
        """
        The letters of a single value, for whoever means them and not a number.
        """
        return self.written or str(self.value)

    def plain(self) -> Json:
        """
        Return the value without places, as JSON would hold it.
        """
        match self.value:
            case list() as items:
                return [item.plain() for item in items]
            case dict() as entries:
                return {key: value.plain() for key, (_, value) in entries.items()}
            case scalar:
                return scalar


def node_of(value: Json, depth_max: int = DEPTH_MAX) -> Node:
    """
    Return a JSON value as nodes without places.

    Deeper nesting than *depth_max* raises ValueError.
    """
    if isinstance(value, list | dict) and depth_max <= 0:
        raise ValueError("expected less deeply nested lists and mappings")
    match value:
        case list():
            return Node([node_of(item, depth_max - 1) for item in value])
        case dict():
            return Node({key: (Node(key), node_of(item, depth_max - 1)) for key, item in value.items()})
        case _:
            return Node(value)


def nested_deeper(value: Json, depth_max: int) -> bool:
    """
    Return True when lists and mappings stand in each other more than *depth_max* deep.
    """
    level = [value]
    for _ in range(depth_max):
        inner: list[Json] = []
        for item in level:
            if isinstance(item, list):
                inner.extend(item)
            elif isinstance(item, dict):
                inner.extend(item.values())
        level = [item for item in inner if isinstance(item, list | dict)]
        if not level:
            return False
    return True


class Problem(NamedTuple):
    """
    One complaint: what is wrong with the value at *path*.
    """

    path: str
    line: int
    column: int
    text: str


class Problems:
    """
    The complaints about one tree, in a bounded number.
    """

    __slots__ = ("_dropped", "_kept")

    def __init__(self) -> None:
        self._kept: list[Problem] = []
        self._dropped = 0

    def add(self, node: Node, path: str, text: str) -> None:
        """
        Note that something is wrong with *node*; past the limit it is only counted.
        """
        if self.full:
            self._dropped += 1
        else:
            self._kept.append(Problem(path, node.line, node.column, text))

    @property
    def full(self) -> bool:
        """
        No further complaint is kept, so a costly text need not be made.
        """
        return len(self._kept) >= PROBLEMS_MAX

    def __len__(self) -> int:
        return len(self._kept) + self._dropped

    def sorted(self) -> list[Problem]:
        """
        Return the kept complaints in the order of the file.
        """
        return sorted(self._kept, key=lambda problem: (problem.line, problem.column))

    def render(self, file: str) -> list[str]:
        """
        Return one line per complaint, ``file:line:column: path: text``.

        Without a place the line starts with the path; without a path, the text
        follows at once.
        """
        lines = []
        for problem in self.sorted():
            place = f"{file}:{problem.line}:{problem.column}: " if problem.line else ""
            path = f"{problem.path}: " if problem.path else ""
            lines.append(f"{place}{path}{problem.text}")
        if self._dropped:
            lines.append(f"and {self._dropped} more")
        return lines


def child_path(path: str, key: str | int) -> str:
    """
    Return the path of a part: ``rules[2]``, ``rules[2].fate``, ``recipients["+41"]``.
    """
    if isinstance(key, int):
        return f"{path}[{key}]"
    if _PLAIN_KEY.fullmatch(key):
        return f"{path}.{key}" if path else key
    return f"{path}[{shown(key)}]"


def describe(node: Node) -> str:
    """
    Return what came, for the end of a complaint: ``"soon"``, ``3``, ``a list``.
    """
    match node.value:
        case None:
            return "nothing"
        case bool() as truth:
            return "true" if truth else "false"
        case int() as number:
            # Python refuses to print integers of thousands of digits.
            return node.letters if number.bit_length() <= 128 else "a huge number"
        case float() as number:
            return repr(number)
        case str() as text:
            return shown(text)
        case list() as items:
            return "a list" if items else "an empty list"
        case entries:
            return "a mapping" if entries else "an empty mapping"


def did_you_mean(text: str, options: Iterable[str]) -> str:
    """
    Return ``; did you mean "receive"?`` when an option is near *text*, else nothing.
    """
    if len(text) > _NEAREST_LENGTH_MAX:
        return ""
    by_lower_case = {option.casefold(): option for option in list(options)[:_NEAREST_OPTIONS_MAX]}
    nearest = difflib.get_close_matches(text.casefold(), by_lower_case, n=1)
    return f"; did you mean {shown(by_lower_case[nearest[0]])}?" if nearest else ""

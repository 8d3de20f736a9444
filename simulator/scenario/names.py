"""
The names of rules: every rule has one, and no two have the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from simulator.kernel.model.rules import Rule
from simulator.kernel.model.units import shown
from simulator.schema.node import Node, Problems, child_path
from simulator.schema.shapes import INVALID, Invalid, Schema, Shape, Text

__all__ = ["RULE_NAME", "Named", "free_name"]

RULE_NAME: Final = Text(1, 200)


@dataclass(frozen=True, slots=True)
class Named:
    """
    A list of rules; one without a name is called by its number, and a repeated name is refused.
    """

    inner: Shape[tuple[Rule, ...]]

    @property
    def expected(self) -> str:
        return self.inner.expected

    def fits(self, node: Node) -> bool:
        return self.inner.fits(node)

    def read(self, node: Node, path: str, problems: Problems) -> tuple[Rule, ...] | Invalid:
        rules = self.inner.read(node, path, problems)
        noted = len(problems)
        _refuse_repeated(node, path, problems)
        if isinstance(rules, Invalid) or len(problems) > noted:
            return INVALID
        return tuple(
            rule if rule.name else replace(rule, name=_name_of(number))
            for number, rule in enumerate(rules, start=1)
        )

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        return self.inner.schema(definitions)


def free_name(rules: Sequence[Rule]) -> str:
    """Return what a further rule without a name is called."""
    taken = {rule.name for rule in rules}
    number = len(rules) + 1
    while _name_of(number) in taken:
        number += 1
    return _name_of(number)


def _name_of(number: int) -> str:
    return f"rule {number}"


def _refuse_repeated(node: Node, path: str, problems: Problems) -> None:
    """Note every name that an earlier rule has, also among rules that are wrong in other ways."""
    first: dict[str, str] = {}
    for index, rule in enumerate(node.value if isinstance(node.value, list) else []):
        place = child_path(path, index)
        own = rule.value.get("name") if isinstance(rule.value, dict) else None
        called = own[1] if own else rule
        if own and not RULE_NAME.fits(called):
            continue
        name = RULE_NAME.convert(called) if own else _name_of(index + 1)
        if name in first:
            hint = "" if own else ", as one without a name would be"
            problems.add(
                called,
                child_path(place, "name") if own else place,
                f"the rule {first[name]} is called {shown(name)} already{hint};"
                " draws and stories go by the name",
            )
        else:
            first[name] = f"at line {called.line}" if called.line else place

"""
What the conditions on texts may cost together in a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulator.kernel.model.rules import Rule, TextMatch
from simulator.scenario.patterns import COST_MAX, Pattern
from simulator.schema.node import Node, Problems, child_path
from simulator.schema.shapes import INVALID, Invalid, Schema, Shape

__all__ = ["PATTERNS_MAX", "Affordable", "affordable"]

PATTERNS_MAX: Final = 1_000

_CONTAINED_COST: Final = 10_000
_CONTAINED_LETTER_COST: Final = 450
"""Measured with texts and contents made to be hard for each other."""


@dataclass(frozen=True, slots=True)
class Affordable:
    """
    A list of rules whose conditions on texts are soon tried, even when all of them are tried on one text.
    """

    inner: Shape[tuple[Rule, ...]]

    @property
    def expected(self) -> str:
        return self.inner.expected

    def fits(self, node: Node) -> bool:
        return self.inner.fits(node)

    def read(self, node: Node, path: str, problems: Problems) -> tuple[Rule, ...] | Invalid:
        items = node.value if isinstance(node.value, list) else []
        places = [
            (index, pattern)
            for index, item in enumerate(items)
            if (pattern := _within(item, "when", "text", "matches")) is not None
        ]
        if len(places) > PATTERNS_MAX:
            # Before any of them is compiled, which takes longer than to search.
            index, pattern = places[PATTERNS_MAX]
            problems.add(
                pattern,
                f"{child_path(path, index)}.when.text.matches",
                f"expected at most {PATTERNS_MAX:,} patterns in a file",
            )
            return INVALID
        rules = self.inner.read(node, path, problems)
        if isinstance(rules, Invalid):
            return INVALID
        cost = 0
        for index, rule in enumerate(rules):
            cost += _cost(rule.when.text) if rule.when.text is not None else 0
            if cost > COST_MAX:
                problems.add(
                    _within(items[index], "when", "text") or items[index],
                    f"{child_path(path, index)}.when.text",
                    "with those before it, it would take too long on some texts; "
                    "write fewer or simpler conditions on texts",
                )
                return INVALID
        return rules

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        return self.inner.schema(definitions)


def affordable(rules: Sequence[Rule]) -> bool:
    """Return True when the conditions on texts of all *rules* are soon tried on one text."""
    texts = [rule.when.text for rule in rules if rule.when.text is not None]
    patterns = sum(text.matches is not None for text in texts)
    return patterns <= PATTERNS_MAX and sum(map(_cost, texts)) <= COST_MAX


def _cost(text: TextMatch) -> int:
    contained = _CONTAINED_COST + _CONTAINED_LETTER_COST * len(text.contains) if text.contains else 0
    return contained + (text.matches.cost if isinstance(text.matches, Pattern) else 0)


def _within(node: Node, *names: str) -> Node | None:
    """Return what stands in *node* under *names*, one below the other, if anything does."""
    for name in names:
        entry = node.value.get(name) if isinstance(node.value, dict) else None
        if entry is None:
            return None
        node = entry[1]
    return node

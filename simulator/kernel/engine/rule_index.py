"""
The rules of a scenario, found without trying all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from simulator.kernel.model.rules import Rule

__all__ = ["Candidates", "RuleIndex"]

_NONE: Final[Mapping[int, Rule]] = MappingProxyType({})


class Candidates:
    """
    The rules that may apply to one operation, found without trying those about other recipients.

    A thousand rules about one recipient or one prefix each cost a few look-ups,
    not a thousand comparisons.
    """

    __slots__ = ("_anybody", "_lengths", "_named", "all")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.all = tuple(rules)
        self._anybody: dict[int, Rule] = {}
        self._named: dict[str, dict[int, Rule]] = {}
        lengths: set[int] = set()
        for place, rule in enumerate(self.all):
            if not rule.when.recipient:
                self._anybody[place] = rule
            for pattern in rule.when.recipient:
                self._named.setdefault(pattern, {})[place] = rule
                if pattern.endswith("*"):
                    lengths.add(len(pattern) - 1)
        self._lengths = tuple(sorted(lengths))

    def of(self, recipient: str) -> Sequence[Rule]:
        """Return the rules that may be about *recipient*, in the order of the scenario."""
        if not self._named:
            return self.all
        by_place = dict(self._named.get(recipient, _NONE))
        for length in self._lengths:
            by_place.update(self._named.get(f"{recipient[:length]}*", _NONE))
        if not by_place:
            return tuple(self._anybody.values())
        by_place.update(self._anybody)
        return [by_place[place] for place in sorted(by_place)]


class RuleIndex:
    """
    The rules of one scenario by provider and operation.
    """

    __slots__ = ("_candidates", "lines", "rules")

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.rules = rules
        self.lines = {rule.name: rule.line for rule in rules}
        """Where each rule stands in its file, by name."""
        self._candidates: dict[tuple[str, str], Candidates] = {}

    def of(self, provider: str, operation: str) -> Candidates:
        """Return the rules that may apply to *operation* at *provider*."""
        candidates = self._candidates.get((provider, operation))
        if candidates is None:
            candidates = Candidates(
                rule
                for rule in self.rules
                if rule.when.provider in ("", provider) and rule.when.operation in ("", operation)
            )
            self._candidates[provider, operation] = candidates
        return candidates

"""
What a search found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from simulator.explore.situations import SITUATIONS

__all__ = ["TRIES", "Explored", "Finding"]

TRIES: Final = 5
"""How often a finding is repeated, to tell whether it always comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    One kind of thing that the software does wrong, in the smallest scenario that shows it.
    """

    invariant: str
    family: str
    decided: tuple[str, ...]
    """What had to happen for it, such as `webhooks.contradict`."""
    provider: str
    detail: str
    text: str
    """The scenario file."""
    story: tuple[str, ...] = ()
    curl: tuple[str, ...] = ()
    again: int = TRIES
    """In so many of `tries` repetitions it came again."""
    tries: int = TRIES

    @property
    def name(self) -> str:
        """What its files are called."""
        words = [self.invariant.replace(":", "-"), self.provider]
        return "-".join([*words, *(word.replace(".", "-") for word in self.decided)])


@dataclass(frozen=True, kw_only=True)
class Explored:
    """
    A whole search, of one worker or of all.
    """

    seed: int
    findings: tuple[Finding, ...] = ()
    reached: Mapping[str, int] = field(default_factory=dict)
    """How many runs came to each situation."""
    runs: int = 0
    judged: int = 0
    """In how many of them the software was asked something."""
    elapsed_real_s: float = 0.0

    @property
    def missed(self) -> tuple[str, ...]:
        """Situations that no run came to."""
        return tuple(situation for situation in SITUATIONS if not self.reached.get(situation))

    def together(self, other: Explored) -> Explored:
        """Return what two workers found, each kind of finding once."""
        findings = {finding.name: finding for finding in (*other.findings, *self.findings)}
        reached = {
            situation: self.reached.get(situation, 0) + other.reached.get(situation, 0)
            for situation in SITUATIONS
        }
        return Explored(
            seed=self.seed,
            findings=tuple(findings[name] for name in sorted(findings)),
            reached={situation: count for situation, count in reached.items() if count},
            runs=self.runs + other.runs,
            judged=self.judged + other.judged,
            elapsed_real_s=max(self.elapsed_real_s, other.elapsed_real_s),
        )

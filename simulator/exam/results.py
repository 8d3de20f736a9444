"""
What came of an exam.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ExamResult", "Grade", "Outcome"]


class Outcome(StrEnum):
    """
    What became of a hardship.
    """

    PASSED = "passed"
    FAILED = "failed"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """
    How the software came through one hardship.
    """

    name: str
    title: str
    promise: str
    outcome: Outcome
    reason: str = ""
    """Why it failed, or was not judged."""
    story: tuple[str, ...] = ()
    """Of one message that shows why it failed."""
    seed: int = 0
    text: str = ""
    """The scenario file that was run; empty: none was."""
    file: str = ""
    """Where that file was written to; empty: nowhere."""
    elapsed_real_s: float = 0.0
    expected: bool = False
    """It failed, and a baseline says that it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamResult:
    """
    A finished exam.
    """

    provider: str
    title: str
    """What people call the provider."""
    seed: int
    version: str
    grades: tuple[Grade, ...]
    mended: tuple[str, ...] = ()
    """Hardships that a baseline takes for failures, and that were passed."""
    elapsed_real_s: float = 0.0

    def of(self, outcome: Outcome) -> list[Grade]:
        """Return the hardships with this outcome."""
        return [grade for grade in self.grades if grade.outcome is outcome]

    @property
    def score(self) -> str:
        """How many were passed, of all: `37/40`."""
        return f"{len(self.of(Outcome.PASSED))}/{len(self.grades)}"

    @property
    def fresh(self) -> list[Grade]:
        """The failures that no baseline expects."""
        return [grade for grade in self.of(Outcome.FAILED) if not grade.expected]

    @property
    def passed(self) -> bool:
        """True when nothing failed that was not expected to, and at least one hardship was judged."""
        return not self.fresh and len(self.of(Outcome.NOT_JUDGED)) < len(self.grades)

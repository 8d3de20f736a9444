"""
What a run ends with: checks, a scorecard of the receiver, and the space they are about.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.runtime.space import Space

__all__ = ["Check", "RunResult", "Scorecard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """
    One expectation and whether it was met.
    """

    name: str
    """What was expected, in the scenario's words: `webhooks.acknowledged: 100%`."""
    passed: bool
    detail: str = ""
    """What came instead, in one line; also said when it passed."""
    lines: tuple[str, ...] = ()
    """Stories of the messages that explain a failure, as lines for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """
    How the integrator's receiver did; what a scenario did on purpose is not held against it.
    """

    webhooks: int = 0
    attempts: int = 0
    acknowledged: int = 0
    lost: int = 0
    dropped_on_purpose: int = 0
    copies_on_purpose: int = 0
    non_2xx: int = 0
    no_answer: int = 0
    retries: int = 0
    latency_p50_us: int = 0
    latency_p95_us: int = 0
    latency_p99_us: int = 0
    latency_max_us: int = 0
    order_violations: int = 0
    """Webhooks of a recipient acknowledged after a later one of the same message, retries being the cause."""
    recovery_ms: int | None = None
    """From the first acknowledged attempt after an outage to the end of its backlog; None: no outage."""
    lag_max_ms: int = 0
    """How much later than due a webhook or arrival happened at worst, in real time (live clocks)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """
    A finished run.
    """

    scenario: str
    source: str
    seed: int
    version: str
    checks: tuple[Check, ...]
    scorecard: Scorecard
    space: Space

    @property
    def passed(self) -> bool:
        """True when every expectation was met."""
        return all(check.passed for check in self.checks)

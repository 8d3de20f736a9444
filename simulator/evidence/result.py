"""
What a run ends with: checks, a scorecard of the receiver, and the space they are about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from simulator.kernel.model.submission import MessageKey
from simulator.runtime.space import Space
from simulator.secrecy import Withholding

__all__ = ["Check", "Drives", "Load", "RunResult", "Scorecard", "Storm", "passed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """
    One expectation and whether it was met.
    """

    name: str
    """What was expected, in the scenario's words: `webhooks.acknowledged: 100%`."""
    passed: bool
    """True as well where nothing could be judged."""
    judged: bool = True
    """False: there was nothing to judge it by, or the simulator was to blame; `detail` says which."""
    detail: str = ""
    """What came instead, in one line; also said when it passed."""
    lines: tuple[str, ...] = ()
    """Stories of the messages that explain a failure, as lines for people."""
    blamed: tuple[MessageKey, ...] = ()
    """The messages because of which it was not met."""

    @property
    def subject(self) -> str:
        """What is expected, without by how much: the same from run to run, whatever the limits."""
        subject, _, rest = self.name.partition(": ")
        return subject if rest[:1].isdigit() or rest == "true" else self.name

    @property
    def mark(self) -> str:
        """What stands before it: a tick, a cross, or a dash for what was not judged."""
        return "✗" if not self.passed else "✓" if self.judged else "–"


def passed(checks: Sequence[Check]) -> bool:
    """Return True when none of *checks* was missed, and at least one was judged, if there are any."""
    return all(check.passed for check in checks) and (not checks or any(check.judged for check in checks))


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """
    How busy the simulator itself was: what it was late with is no fault of the receiver.
    """

    lag_p99_us: int = 0
    """How late its event loop came to what was due."""
    behind_max_ms: int = 0
    """How far behind real time a live clock was at worst, in real milliseconds."""
    attempts_per_s_max: int = 0
    saturated: bool = False
    """It used up a whole core for a while."""
    places: int = 0
    """How many webhooks may be under way at once, of all providers together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """
    How the integrator's receiver did; what a scenario did on purpose is not held against it.
    """

    webhooks: int = 0
    """Owed in all, whatever became of them."""
    attempts: int = 0
    """Made in all; each is acknowledged, non_2xx, no_answer or excused."""
    acknowledged: int = 0
    """Webhooks that the receiver took."""
    lost: int = 0
    """Webhooks given up after the last attempt of the provider's schedule, a sound one among them."""
    dropped_on_purpose: int = 0
    copies_on_purpose: int = 0
    """Duplicates by a rule, and those sent again on request."""
    excused: int = 0
    """Attempts without an acknowledgement whose bytes a scenario damaged; nobody's fault."""
    non_2xx: int = 0
    """Sound attempts answered with what the provider takes for a refusal (not 2xx, for most)."""
    no_answer: int = 0
    """Sound attempts that got no HTTP answer: refused, timed out, broken off."""
    retries: int = 0
    """Attempts that an earlier, sound and failed one had made necessary, or will."""
    measured: int = 0
    """Sound attempts that were answered, or timed out: those that latencies are told from."""
    latency_p50_us: int = 0
    """Nearest rank over every measured attempt, in real time; so are the others."""
    latency_p95_us: int = 0
    latency_p99_us: int = 0
    latency_max_us: int = 0
    since_due_p50_us: int | None = None
    """
    The same from when each attempt was due: with its wait for a free place or its turn.  None on a
    clock that stands still meanwhile, where nothing is late.
    """
    since_due_p95_us: int | None = None
    since_due_p99_us: int | None = None
    since_due_max_us: int | None = None
    order_violations: int = 0
    """
    Sound webhooks whose retry was acknowledged at a later instant than a sound webhook that tells a
    later fact about the same message: the receiver heard "read" before "delivered" by its own doing.
    """
    recovery_ms: int | None = None
    """
    From the first acknowledged attempt after an outage to the last word on what had failed in it
    (acknowledged, lost, or now); of the slowest, if there were several.  None: no outage came to an end.
    """
    lag_max_ms: int = 0
    """How much later than due a webhook or arrival happened at worst, in real time (live clocks)."""
    queued_p99_us: int | None = None
    """
    How long attempts that were ready waited for one of the account's places, or for an earlier one to
    the same recipient, in real time; None on a clock that stands still meanwhile.
    """
    asked_per_s: float | None = None
    """How many webhooks a second fell due; None: nobody asked for any rate, the clock stood still."""
    reached_per_s: float | None = None
    """How many of them were sent a second, in real time; None: likewise, in one process."""
    load: Load | None = None
    """How the simulator itself did; None: nobody measured it."""

    @property
    def simulator_lag_p99_us(self) -> int | None:
        """How late the simulator's own loop came to what was due."""
        return None if self.load is None else self.load.lag_p99_us

    @property
    def behind_max_ms(self) -> int | None:
        """How far the simulator's live clock was behind at worst."""
        return None if self.load is None else self.load.behind_max_ms

    @property
    def attempts_per_s_max(self) -> int | None:
        """The most attempts that were made in a second."""
        return None if self.load is None else self.load.attempts_per_s_max


@dataclass(frozen=True, slots=True, kw_only=True)
class Drives:
    """
    What the integrator answered to the calls that made it send.
    """

    made: int
    statuses: Mapping[int, int]
    failures: Mapping[str, int]
    """How many were not answered, by why."""
    first_failure: str
    asked_per_s: float | None = None
    """How many a second were to be made; None: the clock stood still while they were, so nothing is late."""
    reached_per_s: float | None = None
    """How many a second were made, in real time."""
    late: Mapping[str, int] = field(default_factory=dict)
    """From due to made, in microseconds: `p50_us`, `p99_us`, `p99_9_us`, `max_us`."""
    answered: Mapping[str, int] = field(default_factory=dict)
    """From due to the end of the answer."""

    @property
    def succeeded(self) -> int:
        """How many were answered with success."""
        return sum(number for status, number in self.statuses.items() if status < 400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """
    A run that several workers shared, in numbers that are about all of it.
    """

    workers: int
    messages: int
    """Accepted in all; the space has examples of them."""
    states: Mapping[str, int] = field(default_factory=dict)
    sent: int = 0
    """Attempts that were sent."""
    ended: int = 0
    """Attempts that came to an end: an answer, or why there was none."""
    journalled: int = 0
    """Attempts that the workers' journals tell of."""
    asked_per_s: float | None = None
    """How many webhooks a second fell due; None: nobody asked for any rate, the clock stood still."""
    reached_per_s: float | None = None
    """How many of them were sent a second, in real time."""
    late: Mapping[str, int] = field(default_factory=dict)
    """From due to sent, in microseconds: `p50_us`, `p99_us`, `p99_9_us`, `max_us`."""
    answered: Mapping[str, int] = field(default_factory=dict)
    """From due to the end of the answer."""
    digest: str = ""
    """Of the set of (message, webhook and its bytes, due instant); the same for any number of workers."""
    resident_max_bytes: int = 0
    """What the largest worker held in memory at most."""
    incomplete: tuple[str, ...] = ()
    """Why this is not the whole run: a worker that died, a run that was interrupted."""


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
    elapsed_real_s: float | None = None
    """How long it took; None: nobody measured it."""
    drive: Drives | None = None
    """None: it was not driven."""
    planned_ms: tuple[int, ...] = ()
    """When calls and messages were to come, on the space's clock."""

    storm: Storm | None = None
    """What is told of all workers together; None: it was one process."""

    @property
    def messages(self) -> int:
        """How many messages were accepted, whether or not they are still there."""
        return len(self.space.simulation.messages) if self.storm is None else self.storm.messages

    @property
    def verdict(self) -> str:
        """The verdict in a word."""
        if self.storm is not None and self.storm.incomplete:
            return "INCOMPLETE"
        if not self.checks:
            return "NO EXPECTATIONS"
        return "PASSED" if self.passed else "FAILED"

    @property
    def passed(self) -> bool:
        """True when no expectation was missed, at least one was judged if there are any, and all is there."""
        return passed(self.checks) and not (self.storm is not None and self.storm.incomplete)

    def withheld(self) -> RunResult:
        """Return the same without secrets in names, details and stories, as people and files may see it."""
        secrecy = Withholding(self.space.secrets())
        checks = (
            replace(
                check,
                name=secrecy.text(check.name),
                detail=secrecy.text(check.detail),
                lines=tuple(secrecy.text(line) for line in check.lines),
            )
            for check in self.checks
        )
        return replace(
            self,
            scenario=secrecy.text(self.scenario),
            source=secrecy.text(self.source),
            checks=tuple(checks),
        )

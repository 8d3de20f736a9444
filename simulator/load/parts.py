"""
What a worker is asked to do, and what it brings back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from simulator.evidence.result import Load
from simulator.kernel.model.message import Refused
from simulator.kernel.model.scenario import ClockSpec
from simulator.kernel.model.shard import Shard
from simulator.kernel.store.journal import Entry
from simulator.load.keeper import Kept, Limits
from simulator.load.measures import Measures
from simulator.load.refire import Firing
from simulator.run.audit import Finding
from simulator.run.judged import Judged

__all__ = ["Alive", "Failed", "FireJob", "Job", "Part", "Progress", "Ready", "Start", "Stop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """
    A shard of a scenario, and how it is to be run.
    """

    text: str
    """The scenario's."""
    source: str
    shard: Shard
    seed: int
    clock: ClockSpec
    """With its start, so that all workers tell the same dates."""
    allow_targets: tuple[str, ...] = ()
    give_up: int = 0
    """After so many attempts in a row that nobody acknowledged; 0: never."""
    limits: Limits


class FireJob(NamedTuple):
    """
    A shard of a record's webhooks, and how they are to be fired.
    """

    folder: str
    """The bundle's."""
    firing: Firing

    @property
    def shard(self) -> Shard:
        """Which shard it is."""
        assert self.firing.shard is not None
        return self.firing.shard


class Ready(NamedTuple):
    """A worker has read its job and could begin."""

    pid: int


class Alive(NamedTuple):
    """A worker goes on, whatever it is at."""


class Start(NamedTuple):
    """Begin at this instant of the machine's watch, in seconds since 1970."""

    at_unix_s: float


class Stop(NamedTuple):
    """End where you are, and bring what you have."""


class Failed(NamedTuple):
    """A worker cannot do its job."""

    why: str


class Progress(NamedTuple):
    """
    How far a worker is.
    """

    now_ms: int
    messages: int
    backlog: int
    """Webhooks that are due and wait for a free place or for their turn."""
    in_flight: int
    behind_ms: int
    """How far its clock is behind, in real time."""
    measures: Measures


class Part(NamedTuple):
    """
    What a worker brings back when its shard is done.
    """

    shard: Shard
    now_ms: int
    ended: bool
    """False: it was told to stop before."""
    gave_up: str
    """Why it ended early; empty: it did not."""
    judged: Judged
    measures: Measures
    journalled: int
    order_violations: int
    recovery_ms: int | None
    kept: Sequence[Kept]
    entries: Sequence[Entry]
    """About no message."""
    refusals: Sequence[Refused]
    applied: Mapping[str, int]
    unmet: frozenset[str]
    """Recipients and prefixes of the scenario to whom nothing was sent here."""
    impossible_acts: Sequence[str]
    findings: Sequence[Finding]
    load: Load
    resident_max_bytes: int

"""
What a search is told to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from simulator.explore.reach import Reach

__all__ = ["Bounds", "Job", "Progress"]

Progress = Callable[[str, int, int], None]
"""Told of the phase, and how many runs and findings there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """
    How long a search may take.
    """

    seconds: float = 60.0
    runs: int = 1_000_000
    sweep: int = 50
    """So many seeds are tried before troubles are."""
    findings_max: int = 20
    examples: int = 300
    """So many troubles one search tries before it takes it that there is no other kind."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """
    What a worker is told.
    """

    reach: Reach
    bounds: Bounds = field(default_factory=Bounds)
    seed: int = 0
    host: str = "127.0.0.1"
    port: int = 0
    """Of the first worker; the others take those after it."""
    invariants: tuple[str, ...] = ()
    """The user's own, as `module:function`."""
    allow_targets: tuple[str, ...] = ()
    found: Path | None = None
    """Where findings are kept, and tried first."""
    workers: int = 1
    worker: int = 0

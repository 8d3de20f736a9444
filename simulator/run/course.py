"""
A run in a space as its page shows it: what was to come, and the judgement, so far or in the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from simulator.evidence.result import Check, RunResult
from simulator.evidence.scorecard import scorecard
from simulator.kernel.engine.arrivals import arrival_ms
from simulator.run.checks import checks
from simulator.run.driving import arrivals
from simulator.runtime.space import Space
from simulator.scenario.goals import RunFile

__all__ = ["Course"]


class Course:
    """
    What is known of a run while it goes on; *result* is there once it has ended.
    """

    def __init__(self, plan: RunFile) -> None:
        self._expect = plan.expect
        self._offsets_ms = tuple(sorted(_planned(plan)))
        self.result: RunResult | None = None

    def end(self, result: RunResult | None) -> None:
        """Take note of how the run ended, with what was planned; None: it goes on."""
        if result is not None:
            result = replace(result, planned_ms=tuple(self.planned_ms(result.space)))
        self.result = result

    def planned_ms(self, space: Space) -> Sequence[int]:
        """Return when calls and messages are to come, on the clock of *space*."""
        start_ms = space.simulation.state.scenario_start_ms
        return [start_ms + offset_ms for offset_ms in self._offsets_ms]

    def checks(self, space: Space) -> Sequence[Check]:
        """Return what is expected, and how it stands."""
        if self.result is not None:
            return self.result.checks
        return checks(self._expect, space.simulation, scorecard(space))


def _planned(plan: RunFile) -> Iterator[int]:
    yield from (driven.at_ms for driven in arrivals(plan.drive) if driven.drive.sends)
    for item in plan.scenario.timeline:
        if item.storm is not None:
            for number in range(item.storm.messages):
                yield arrival_ms(item.at_ms, number, item.storm.rate)

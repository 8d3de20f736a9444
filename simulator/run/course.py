"""
A run in a space as its page shows it: what was to come, and the judgement, so far or in the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from simulator.evidence.result import Check, Load, RunResult, Scorecard
from simulator.evidence.scorecard import scorecard
from simulator.kernel.model.arrivals import offsets_us
from simulator.kernel.model.chance import Chance
from simulator.kernel.model.scenario import ClockMode
from simulator.run.checks import checks
from simulator.run.driving import arrivals
from simulator.run.meter import Meter
from simulator.runtime.space import Space
from simulator.scenario.goals import RunFile

__all__ = ["Course"]


class Course:
    """
    What is known of a run while it goes on; *result* is there once it has ended.
    """

    def __init__(self, plan: RunFile) -> None:
        self._plan = plan
        self._offsets_ms: tuple[int, tuple[int, ...]] | None = None
        """With the seed that gaps were drawn from."""
        self.result: RunResult | None = None
        self.meter: Meter | None = None
        """What measures the run; None: it was measured when it was recorded, if ever."""

    def end(self, result: RunResult | None) -> None:
        """Take note of how the run ended, with what was planned; None: it goes on."""
        if result is not None:
            result = replace(result, planned_ms=tuple(self.planned_ms(result.space)))
        self.result = result

    def planned_ms(self, space: Space) -> Sequence[int]:
        """Return when calls and messages are to come, on the clock of *space*."""
        start_ms = space.simulation.state.scenario_start_ms
        if self._offsets_ms is None or self._offsets_ms[0] != space.seed:
            self._offsets_ms = space.seed, tuple(sorted(_planned(self._plan, space.simulation.chance)))
        return [start_ms + offset_ms for offset_ms in self._offsets_ms[1]]

    def scorecard(self, space: Space, *, lag_max_ms: int = 0, load: Load | None = None) -> Scorecard:
        """Return how the receiver does, with the rates of the run."""
        card = scorecard(space, lag_max_ms=lag_max_ms, load=load)
        if self.meter is None or space.driver.mode is not ClockMode.LIVE:
            return card
        pace = self.meter.pace
        return replace(card, asked_per_s=pace.asked_per_s, reached_per_s=pace.reached_per_s)

    def checks(self, space: Space) -> Sequence[Check]:
        """Return what is expected, and how it stands."""
        if self.result is not None:
            return self.result.checks
        return checks(self._plan.expect, space.simulation, scorecard(space))


def _planned(plan: RunFile, chance: Chance) -> Iterator[int]:
    yield from (driven.at_ms for driven in arrivals(plan.drive, chance) if driven.drive.sends)
    for number, item in enumerate(plan.scenario.timeline):
        storm = item.storm
        if storm is not None:
            gaps = chance.of("storm", number)
            for offset_us in offsets_us(storm.arrivals, storm.messages, gaps):
                yield item.at_ms + offset_us // 1_000

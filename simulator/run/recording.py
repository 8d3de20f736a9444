"""
A recorded run to look at: as it was at any of its moments, and to go on from there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final

from simulator.provider import Provider
from simulator.run.bundle import Bundle, Ended, Row
from simulator.run.course import Course
from simulator.run.replay import Diverged, Stage, plan_of
from simulator.runtime.space import Space
from simulator.server.spaces import SpaceRegistry

__all__ = ["Recording"]

_NAME: Final = "recording"


class Recording:
    """
    A bundle, played up to one of its moments.

    A later moment is played on from here, an earlier one from the beginning: the
    same record gives the same space, so nothing has to be kept.
    """

    def __init__(
        self, bundle: Bundle, providers: Mapping[str, Provider], registry: SpaceRegistry, name: str = _NAME
    ) -> None:
        self._bundle = bundle
        self._providers = providers
        self._registry = registry
        self.name = name
        self._rows: list[Row] = [row for row in bundle.rows() if not isinstance(row, Ended)]
        self._moments = sorted({row.at_ms for row in bundle.rows()})
        self._played = 0
        self._moment = 0
        self._note = ""
        self._stage = self._fresh()
        self._course = Course(plan_of(bundle, providers))
        registry.courses[name] = self._course

    @property
    def space(self) -> Space:
        """The space as it was at this moment."""
        return self._stage.space

    @property
    def moments(self) -> Sequence[int]:
        """Every instant at which anything came in or went out, on the space's clock."""
        return self._moments

    @property
    def moment(self) -> int:
        """Which of the moments it stands at."""
        return self._moment

    @property
    def note(self) -> str:
        """Why it cannot be shown further; empty: it can."""
        return self._note

    @property
    def forkable(self) -> bool:
        """Always: the record holds what was to come."""
        return True

    async def seek(self, moment: int) -> None:
        """Stand at another moment."""
        if moment < self._moment or self._note:
            await self._stage.close()
            self._stage, self._played, self._note = self._fresh(), 0, ""
        self._played = await self._play(self._stage, self._played, self._moments[moment])
        self._moment = moment
        over = moment == len(self._moments) - 1 and not self._note
        self._course.end(self._bundle.result(self.space) if over else None)

    async def fork(self, name: str) -> Space:
        """Return a new space that was played up to this moment and goes on by itself from here."""
        stage = Stage(self._bundle, self._providers, self._registry, name)
        await self._play(stage, 0, self._moments[self._moment])
        stage.go_live()
        return stage.space

    async def close(self) -> None:
        """Leave nothing running."""
        await self._stage.close()

    def _fresh(self) -> Stage:
        return Stage(self._bundle, self._providers, name=self.name)

    async def _play(self, stage: Stage, first: int, until_ms: int) -> int:
        """Play the rows up to *until_ms* from number *first* on; return how many are played then."""
        last = bisect_right(self._rows, until_ms, lo=first, key=lambda row: row.at_ms)
        try:
            for number in range(first, last):
                await stage.play(self._rows[number])
        except Diverged as diverged:
            self._note = "; ".join(diverged.divergence.lines())
            return last
        following = self._rows[last] if last < len(self._rows) else None
        stage.reach(until_ms, following.steps if following is not None else None)
        return last

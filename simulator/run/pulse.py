"""
How busy the simulator itself is during a run: what is its own fault is no fault of the receiver.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from simulator.evidence.tally import nearest_rank
from simulator.kernel.model.scenario import ClockMode
from simulator.runtime.space import Space

__all__ = ["Pulse", "beating"]

_BEAT_REAL_S: Final = 0.02
_WINDOW_BEATS: Final = 12
_BUSY_SHARE: Final = 0.9


class Pulse:
    """
    Beats regularly, and notes how late each beat is, how far a live clock is behind, and the load.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._lags_us: list[int] = []
        self.behind_max_ms = 0
        """How far behind real time the clock was at worst, in real milliseconds."""
        self.saturated = False
        """Whether the process used up a core for a quarter of a second or longer."""
        self.attempts_per_s_max = 0
        """The most attempts that were made in one second."""

    @property
    def lag_p99_us(self) -> int:
        """How late the event loop comes to what is due, all but once in a hundred times."""
        return nearest_rank(sorted(self._lags_us), 99)

    async def beat(self) -> None:
        """Beat until cancelled."""
        counts = [0]
        while True:
            cpu_s, began_s = time.process_time(), time.monotonic()
            for _ in range(_WINDOW_BEATS):
                due_s = time.monotonic() + _BEAT_REAL_S
                await asyncio.sleep(_BEAT_REAL_S)
                self._lags_us.append(max(0, int((time.monotonic() - due_s) * 1_000_000)))
                self._note_behind()
            wall_s = time.monotonic() - began_s
            if (time.process_time() - cpu_s) / wall_s > _BUSY_SHARE:
                self.saturated = True
            counts.append(self._space.dispatcher.attempts)
            self.attempts_per_s_max = max(self.attempts_per_s_max, round((counts[-1] - counts[-2]) / wall_s))

    def _note_behind(self) -> None:
        driver = self._space.driver
        due_ms = self._space.simulation.next_due()
        if driver.mode is ClockMode.LIVE and due_ms is not None:
            behind_ms = (driver.live_now_ms() - due_ms) // driver.rate
            self.behind_max_ms = max(self.behind_max_ms, behind_ms)


@asynccontextmanager
async def beating(space: Space) -> AsyncIterator[Pulse]:
    """Yield a pulse that beats meanwhile."""
    pulse = Pulse(space)
    task = asyncio.get_running_loop().create_task(pulse.beat())
    try:
        yield pulse
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

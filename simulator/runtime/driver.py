"""
The driver: the pulse of one space.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic_ns
from typing import Final

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.scenario import ClockMode, ClockSpec
from simulator.kernel.store.facts import ClockChanged
from simulator.runtime.dispatcher import Dispatcher
from simulator.runtime.turns import Turn, never

__all__ = ["AdvanceBusy", "AdvanceEnded", "Driver"]

_GRACE_REAL_MS = 20
"""How long an autojump clock waits for a follow-up call before it jumps, unless told otherwise."""

_PATIENCE = 5
"""After so many times the grace, time goes on as soon as no call is under way, though calls keep coming."""

_SLICE_STEPS = 100

_LOOK_REAL_S: Final = 1.0
"""How often an advance looks whom it waits for, and whether that is still worth it."""

_READING_REAL_S: Final = 30.0
"""How long an advance waits for a client that does not read its answer."""

_WAITED_FOR_MAX: Final = 20
_LOG = logging.getLogger("simulator")


class AdvanceBusy(RuntimeError):
    """
    The clock is being advanced already; two at once would be no story.
    """


class AdvanceEnded(RuntimeError):
    """
    The space was closed before its clock had come to where it was to go.
    """


class _Underway:
    """A call that is not answered at once, for whoever waits for it."""

    __slots__ = ("given_up", "since_ns", "what")

    def __init__(self, what: str) -> None:
        self.what = what
        self.since_ns = 0
        """Since when its client is to read the answer; 0: there is none yet."""
        self.given_up = False
        """It is not waited for any more, and does not count."""


class Driver:
    """
    Moves one space's clock, instant by instant, and lets its webhooks out.

    `advance` drains: at each due instant it sends that instant's webhooks, waits
    for their answers and for calls that are under way, and only then goes on.
    """

    def __init__(self, simulation: Simulation, dispatcher: Dispatcher, changed: Callable[[], None]) -> None:
        self._changed = changed
        self.simulation = simulation
        self.dispatcher = dispatcher
        self.mode = ClockMode.FROZEN
        self.rate = 1
        self.grace_real_ms = 0
        self.calls_in_flight = 0
        self.reading_real_s = _READING_REAL_S
        self._underway: dict[_Underway, None] = {}
        """Those of the calls in flight that take their time, oldest first."""
        self._waited_for: dict[str, None] = {}
        self._seen_at_ms = -1
        self._advancing = False
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._entered = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due: int | None = None
        self._armed_ns = 0
        self._looking: asyncio.TimerHandle | None = None
        self._anchor_ns = 0
        self._anchor_ms = 0
        self._closed = False

    @property
    def waited_for(self) -> Sequence[str]:
        """Whom the last advance waited for longer than a second."""
        return list(self._waited_for)

    @property
    def advancing(self) -> bool:
        """True while the clock is being advanced by command."""
        return self._advancing

    @property
    def answering(self) -> bool:
        """True while somebody waits for the answer of a call that takes its time."""
        return any(not call.since_ns for call in self._underway)

    # -- modes ----------------------------------------------------------------------------------

    def set_mode(self, spec: ClockSpec) -> None:
        """Let time pass as *spec* says, from now on."""
        self.sync()
        self.start(spec)
        self.simulation.journal.add(self.simulation.clock.now_ms, ClockChanged(self.mode, self.rate))
        self.nudge()

    def start(self, spec: ClockSpec) -> None:
        """Begin to count time as *spec* says, if this clock counts it by itself."""
        self.mode = spec.mode
        self.rate = spec.rate
        self.grace_real_ms = spec.grace_real_ms
        self._anchor()

    def _anchor(self) -> None:
        """Count a live clock from now; what a timer was set for comes sooner or later than it thinks."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._anchor_ns = monotonic_ns()
        self._anchor_ms = self.simulation.clock.now_ms

    def live_now_ms(self) -> int:
        """Return what time it would be if a live clock were never behind."""
        return self._anchor_ms + (monotonic_ns() - self._anchor_ns) * self.rate // 1_000_000

    def late_real_us(self, due_ms: int) -> int:
        """Return how late it is on a live clock for what was due at *due_ms*; 0 on any other."""
        if self.mode is not ClockMode.LIVE:
            return 0
        real_us = (monotonic_ns() - self._anchor_ns) // 1_000
        return max(0, real_us - (due_ms - self._anchor_ms) * 1_000 // self.rate)

    def sync(self) -> None:
        """
        Bring a live clock up to date, letting what fell due happen in order.

        A clock that fell far behind stays behind for now: a call is not kept
        waiting for a backlog.
        """
        if self.mode is not ClockMode.LIVE or self._advancing or self._closed:
            return
        now_ms = max(self.live_now_ms(), self.simulation.clock.now_ms)
        if self._catch_up(now_ms):
            self.simulation.clock.advance_to(now_ms)

    def _catch_up(self, now_ms: int) -> bool:
        """Let what is due by *now_ms* happen, for one slice of real time; return whether that was all."""
        simulation = self.simulation
        due_ms = simulation.next_due()
        if due_ms is None or due_ms > now_ms:
            return True
        turn = Turn()
        while (due_ms := simulation.next_due()) is not None and due_ms <= now_ms:
            if turn.over():
                return False
            self._fire(due_ms, turn)
        return True

    def _fire(self, due_ms: int, turn: Turn) -> bool:
        """Let a slice of what is due happen; return whether its instant is not over yet."""
        simulation = self.simulation
        # Of a step that goes into a record others must not come in the midst: its place among them counts.
        enough = never if self.dispatcher.tap is not None else turn.over
        return simulation.fire(max(due_ms, simulation.clock.now_ms), _SLICE_STEPS, enough)

    def rests(self, within_real_s: float) -> bool:
        """Return True when nothing is under way, and nothing will happen by itself within so long."""
        if self._advancing or self.calls_in_flight or not self.dispatcher.idle:
            return False
        due_ms = self.simulation.next_due()
        if due_ms is None or self.mode is ClockMode.FROZEN:
            return True
        late_ms = within_real_s * 1_000 * self.rate
        return self.mode is ClockMode.LIVE and due_ms - self.live_now_ms() > late_ms

    # -- calls ----------------------------------------------------------------------------------

    def enter(self) -> None:
        """Count a call of the integrator in."""
        self.calls_in_flight += 1
        if self.calls_in_flight == 1:
            self._quiet.clear()
        self._entered.set()
        self.sync()

    def leave(self) -> None:
        """Count a call of the integrator out."""
        self._count_out()
        self.nudge()

    def _count_out(self) -> None:
        self.calls_in_flight -= 1
        if self.calls_in_flight == 0:
            self._quiet.set()

    @contextmanager
    def taking_time(self, what: str) -> Iterator[Callable[[], None]]:
        """
        Name a call that is not answered at once, for whoever waits for it, between `enter` and `leave`.

        Gives what is to be called when nothing is left to do but for its client to read the answer.
        """
        call = _Underway(what)
        self._underway[call] = None

        def answered() -> None:
            call.since_ns = monotonic_ns()

        try:
            yield answered
        finally:
            self._underway.pop(call, None)
            if call.given_up:
                # `leave` counts it out for a second time.
                self.calls_in_flight += 1

    def nudge(self) -> None:
        """Send what is ready and wait for the next instant, after anything has changed."""
        if self._closed:
            return
        self._changed()
        self.dispatcher.pump()
        if self._advancing or self.mode is ClockMode.FROZEN:
            return
        due_ms = self.simulation.next_due()
        if due_ms is None:
            return
        if self.mode is ClockMode.LIVE:
            if self._timer is not None and self._timer_due is not None and self._timer_due <= due_ms:
                # It ticks in time, finds nothing to do if what it was for is done, and is set anew.
                return
            self._arm(due_ms, max(0, due_ms - self.live_now_ms()) / self.rate / 1000)
        elif self.calls_in_flight == 0 and self.dispatcher.idle:
            # Otherwise the end of what is in flight nudges again.
            self._arm(due_ms, self._grace_left_s(due_ms))

    def _grace_left_s(self, due_ms: int) -> float:
        # Every call starts the grace anew; without an end to that, an integrator
        # that polls would wait for ever.
        now_ns = monotonic_ns()
        if self._timer_due != due_ms:
            self._armed_ns = now_ns
        grace_s = (self.grace_real_ms or _GRACE_REAL_MS) / 1000
        return max(0.0, min(grace_s, _PATIENCE * grace_s - (now_ns - self._armed_ns) / 1e9))

    def _arm(self, due_ms: int, wait_real_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due_ms
        self._timer = asyncio.get_running_loop().call_later(wait_real_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._closed or self._advancing:
            return
        simulation = self.simulation
        try:
            if self.mode is ClockMode.LIVE:
                # The clock itself is not moved on: only what is due happens, a slice at a time.
                self._catch_up(self.live_now_ms())
            elif self.mode is ClockMode.AUTOJUMP and self.calls_in_flight == 0 and self.dispatcher.idle:
                due_ms = simulation.next_due()
                if due_ms is not None:
                    self._timer_due = None
                    self._fire(due_ms, Turn())
        finally:
            # A step that fails is told in the log; the clock goes on.
            self.nudge()

    # -- advancing ------------------------------------------------------------------------------

    async def advance(self, to_ms: int | None) -> int:
        """
        Drain the agenda up to *to_ms* (None: until nothing is due) and return the instants that fired.

        Raises AdvanceBusy when an advance is running, ValueError when *to_ms* lies in the past, and
        AdvanceEnded when the space is closed meanwhile.
        """
        if self._advancing:
            raise AdvanceBusy("the clock is being advanced already; wait for that to end")
        self.sync()
        simulation = self.simulation
        if to_ms is not None and to_ms < simulation.clock.now_ms:
            raise ValueError(
                f"the clock stands at {simulation.clock.now_ms} ms and cannot go back to {to_ms} ms"
            )
        self._advancing = True
        self._waited_for.clear()
        self._seen_at_ms = -1
        self._looking = asyncio.get_running_loop().call_later(_LOOK_REAL_S, self._look)
        fired = 0
        try:
            await self._settle_instant()
            turn = Turn()
            while (due_ms := simulation.next_due()) is not None and (to_ms is None or due_ms <= to_ms):
                if self._closed:
                    break
                more = self._fire(due_ms, turn)
                fired += not more
                if turn.over():
                    # A thousand quiet instants, or one with a thousand steps: others get their turn.
                    await asyncio.sleep(0)
                    turn = Turn()
                if not more:
                    await self._settle_instant()
                self._changed()
            if to_ms is not None and not self._closed:
                simulation.clock.advance_to(max(to_ms, simulation.clock.now_ms))
        finally:
            self._advancing = False
            if self._looking is not None:
                self._looking.cancel()
            self._anchor()
            self.nudge()
        if self._closed:
            raise AdvanceEnded(f"the clock was stopped at {simulation.clock.now_ms} ms")
        return fired

    def _look(self) -> None:
        """Name whom an advance waits for, when it has stood at one instant since the last look."""
        self._looking = asyncio.get_running_loop().call_later(_LOOK_REAL_S, self._look)
        now_ms = self.simulation.clock.now_ms
        stands = now_ms == self._seen_at_ms
        self._seen_at_ms = now_ms
        if stands and (whom := [*(call.what for call in self._underway), *self.dispatcher.targets()]):
            self._tell_waiting(whom)
        self._give_up_unread()

    def _tell_waiting(self, whom: list[str]) -> None:
        names = [name for name in dict.fromkeys(whom) if name not in self._waited_for]
        names = names[: _WAITED_FOR_MAX - len(self._waited_for)]
        self._waited_for.update(dict.fromkeys(names))
        if names:
            _LOG.info("an advance waits for %s", ", ".join(names))

    def _give_up_unread(self) -> None:
        """Go on without clients that do not read what they are answered: their calls are done."""
        now_ns = monotonic_ns()
        for call in list(self._underway):
            if call.since_ns and now_ns - call.since_ns > self.reading_real_s * 1e9:
                del self._underway[call]
                call.given_up = True
                unread = f"{call.what}, whose client does not read the answer and is not waited for any more"
                self._waited_for.pop(call.what, None)
                self._tell_waiting([unread])
                self._count_out()

    async def _settle_instant(self) -> None:
        """Return when this instant's webhooks are answered, no call is under way, and none followed."""
        loop = asyncio.get_running_loop()
        self.dispatcher.pump()
        if self.dispatcher.idle and self.calls_in_flight == 0:
            return
        patience_ends_s: float | None = None
        while True:
            self.dispatcher.pump()
            await self.dispatcher.wait_idle()
            await self._quiet.wait()
            if self._closed:
                return
            if not self.dispatcher.idle or self.calls_in_flight:
                continue
            grace_s = self.grace_real_ms / 1000
            if patience_ends_s is None:
                patience_ends_s = loop.time() + _PATIENCE * grace_s
            if not await self._follow_up(min(grace_s, patience_ends_s - loop.time())):
                return

    async def _follow_up(self, within_real_s: float) -> bool:
        """Return True when a call begins within so long in real time."""
        if within_real_s <= 0:
            return False
        self._entered.clear()
        try:
            await asyncio.wait_for(self._entered.wait(), within_real_s)
        except TimeoutError:
            return False
        return True

    def reopen(self) -> None:
        """Let the pulse of a space go on that was stopped while something else moved its clock."""
        self._closed = False
        if self.calls_in_flight:
            self._quiet.clear()
        self._anchor()
        self.nudge()

    def close(self) -> None:
        """Stop the pulse; an advance ends where it is."""
        self._closed = True
        self._quiet.set()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

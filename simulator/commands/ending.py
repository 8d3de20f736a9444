"""
The end of a server or a run: what ends it, what is finished before, what is told of the rest.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from simulator.kernel.webhooks.outbox import PENDING
from simulator.runtime.space import Space

__all__ = ["end_when_asked", "finish", "last_words", "when_asked_to_end"]

_LOOK_REAL_S: Final = 0.05


def when_asked_to_end(ask: Callable[[int], object]) -> None:
    """
    Call *ask* with each signal by which people end a process: Ctrl-C, a polite kill, a closed terminal.

    A terminal's end that whoever began the process has it ignore, as `nohup` does, stays ignored.
    """
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
            continue
        # Windows has none to wait for: Ctrl-C raises KeyboardInterrupt in asyncio.run.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, ask, number)


def end_when_asked() -> None:
    """Cancel the task that is running when somebody ends the process, in the background, too."""
    task = asyncio.current_task()
    assert task is not None
    when_asked_to_end(lambda _: task.cancel())


async def finish(spaces: Sequence[Space], within_real_s: float, hurry: asyncio.Event) -> None:
    """
    Return when nothing is under way in any space: calls, webhooks that are ready, an advance.

    Or when *within_real_s* is over, or *hurry* is set: whoever waits has a limit.
    """
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + within_real_s
    while any(_busy(space) for space in spaces) and not hurry.is_set():
        left_s = deadline_s - loop.time()
        if left_s <= 0:
            return
        try:
            await asyncio.wait_for(hurry.wait(), min(left_s, _LOOK_REAL_S))
        except TimeoutError:
            pass


def _busy(space: Space) -> bool:
    driver = space.driver
    return bool(driver.advancing or driver.calls_in_flight or not space.dispatcher.idle)


def last_words(spaces: Sequence[Space]) -> list[str]:
    """Return what a server did, and what it owed and leaves."""
    messages = sum(len(space.simulation.messages) for space in spaces)
    webhooks = sum(len(space.simulation.outbox.webhooks) for space in spaces)
    lines = [f"stopped: {_count(messages, 'message')}, {_count(webhooks, 'webhook')}"]
    for space in spaces:
        owed = sum(webhook.state in PENDING for webhook in space.simulation.outbox.webhooks.values())
        broken_off = "; an advance of its clock was broken off" if space.driver.advancing else ""
        if owed:
            was, is_lost = ("was", "is") if owed == 1 else ("were", "are")
            lines.append(
                f"space {space.name}: {_count(owed, 'webhook')} {was} owed and {is_lost} lost{broken_off}"
            )
        elif broken_off:
            lines.append(f"space {space.name}{broken_off.replace(';', ':', 1)}")
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"

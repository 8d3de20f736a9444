"""
A load under way, as a command shows it: a line on a terminal, now and then one in a log, or NDJSON.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click

from simulator.commands.terminal import ProgressLine, say
from simulator.load.live import View

__all__ = ["PROGRESS", "Shown", "watched"]

PROGRESS: Final = click.Choice(["text", "json", "none"])
_LOOK_REAL_S: Final = 0.5
_LOG_REAL_S: Final = 10.0


class Shown:
    """
    Shows views in the form that is asked for, the last one in any case.
    """

    def __init__(self, form: str, *, err: bool = True) -> None:
        self._form = form
        self._err = err
        self._line = ProgressLine(_LOG_REAL_S)

    @property
    def machine(self) -> bool:
        """True when programs read it."""
        return self._form == "json"

    @property
    def text(self) -> bool:
        """True when people read it."""
        return self._form == "text"

    def __call__(self, view: View, *, last: bool = False) -> None:
        if self.machine:
            # Whoever reads it line by line is not to wait for a buffer.
            say(json.dumps({**view._asdict(), "last": last}), err=self._err)
        elif self.text:
            self._line(view.line())


@contextmanager
def watched(look: Callable[[], View | None], show: Shown) -> Iterator[None]:
    """Show what *look* sees (None: nothing yet) again and again until the block ends, and then once more."""

    async def watch() -> None:
        while True:
            await asyncio.sleep(_LOOK_REAL_S)
            if (view := look()) is not None:
                show(view)

    task = asyncio.get_running_loop().create_task(watch())
    try:
        yield
    finally:
        task.cancel()
        if (view := look()) is not None:
            show(view, last=True)

"""
What a run wants of a worker, while that works.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from typing import BinaryIO

from simulator.load.frames import read_frame
from simulator.load.parts import Start, Stop

__all__ = ["Orders"]


class Orders:
    """
    Orders from a pipe, read by a thread of its own: pipes have no other way on every system.
    """

    def __init__(self, pipe: BinaryIO) -> None:
        loop = asyncio.get_running_loop()
        self.stopped = asyncio.Event()
        self._start: asyncio.Future[float] = loop.create_future()

        def listen() -> None:
            while isinstance(order := read_frame(pipe), Start | Stop):
                loop.call_soon_threadsafe(self._obey, order)
            # Nobody is there any more to whom anything could be brought.
            os._exit(1)

        threading.Thread(target=listen, daemon=True).start()

    def _obey(self, order: Start | Stop) -> None:
        if isinstance(order, Stop):
            self.stopped.set()
        if not self._start.done():
            self._start.set_result(order.at_unix_s if isinstance(order, Start) else 0.0)

    async def started(self) -> None:
        """Return when the run begins, or is stopped before."""
        at_unix_s = await self._start
        await asyncio.sleep(max(0.0, at_unix_s - time.time()))

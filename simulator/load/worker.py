"""
A worker: one process that does one part of a load, told what to do and telling how it goes over its pipes.

`python -m simulator.load.worker`, by `simulator run --workers` and `simulator replay --workers`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import Final

from simulator.load.firing import fire
from simulator.load.frames import framed, read_frame
from simulator.load.orders import Orders
from simulator.load.parts import Alive, Failed, FireJob, Job
from simulator.load.sharding import work
from simulator.runtime.loops import loop_factory

__all__ = ["main"]

_ALIVE_REAL_S: Final = 1.0


class _Wire:
    """The pipe to whoever started this process."""

    def __init__(self) -> None:
        # Whatever else prints must not get between the frames.
        self._out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)

    def tell(self, value: object) -> None:
        """Tell the run something; nobody is there to hear it when the run is gone."""
        with suppress(BrokenPipeError):
            self._out.write(framed(value))
            self._out.flush()


def main() -> None:
    """Do the job that is read from standard input."""
    # Whoever started this one is interrupted as well, and says what is to be done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    wire = _Wire()
    job = read_frame(sys.stdin.buffer)
    if not isinstance(job, Job | FireJob):
        sys.exit("a worker is started by `simulator run --workers`, which tells it what to do")
    # This process does nothing else, so it takes the faster loop where there is one.
    with asyncio.Runner(loop_factory=loop_factory("auto")) as runner:
        runner.run(_do(job, wire))
    # The thread that listens still waits.
    os._exit(0)


async def _do(job: Job | FireJob, wire: _Wire) -> None:
    orders = Orders(sys.stdin.buffer)
    alive = asyncio.get_running_loop().create_task(_stay_in_touch(wire))
    try:
        if isinstance(job, Job):
            wire.tell(await work(job, wire.tell, orders))
        else:
            wire.tell(await fire(job, wire.tell, orders))
    except Exception as trouble:
        wire.tell(Failed(f"{type(trouble).__name__}: {trouble}"))
        raise
    finally:
        alive.cancel()


async def _stay_in_touch(wire: _Wire) -> None:
    """Tell that this process still gets on, so that one that hangs is noticed."""
    while True:
        await asyncio.sleep(_ALIVE_REAL_S)
        wire.tell(Alive())


if __name__ == "__main__":
    main()

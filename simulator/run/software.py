"""
The software under test as a process: begun before a run, again when the scenario says so, ended after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import sys
from typing import Final

__all__ = ["Software", "SoftwareEnded"]

_PATIENCE_REAL_S: Final = 5.0
_DIED_REAL_S: Final = 0.3


class SoftwareEnded(ConnectionError):
    """
    The software under test could not be started, or ended by itself.
    """


class Software:
    """
    One process, made by a command without a shell; what it prints goes to standard error.
    """

    def __init__(self, command: str, simulator_url: str) -> None:
        self._command = shlex.split(command)
        self._environment = {**os.environ, "SIMULATOR_URL": simulator_url}
        self._process: asyncio.subprocess.Process | None = None
        self.restarts = 0

    async def start(self) -> None:
        """Begin; raises SoftwareEnded when there is no such program, or it ends at once."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sys.stderr.fileno(),
                env=self._environment,
            )
        except (OSError, ValueError) as trouble:
            raise SoftwareEnded(f"{shlex.join(self._command)} cannot be started: {trouble}") from None
        with contextlib.suppress(TimeoutError):
            code = await asyncio.wait_for(asyncio.shield(self._process.wait()), _DIED_REAL_S)
            raise SoftwareEnded(f"{shlex.join(self._command)} ended at once, with exit code {code}")

    async def restart(self) -> None:
        """End it as a deployment would, and begin again."""
        self.restarts += 1
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        """End it: politely, and after a while not so."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _PATIENCE_REAL_S)
        except TimeoutError:
            process.kill()
            await process.wait()

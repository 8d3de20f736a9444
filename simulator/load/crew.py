"""
The crew: worker processes that share one run, started, listened to and ended.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Generic, NamedTuple, TypeVar

from simulator.load.frames import framed, read_frame_later
from simulator.load.parts import Failed, FireJob, Job, Progress, Ready, Start, Stop

__all__ = ["Brought", "Crew"]

_BEGIN_REAL_S: Final = 0.1
"""So long after all are ready they begin together."""
_BRING_REAL_S: Final = 20.0
"""So long a worker that was told to stop may take to bring what it has."""
_SILENT_REAL_S: Final = 60.0
"""A worker that has told nothing for so long hangs; reading the largest scenario takes less."""
_LOOK_REAL_S: Final = 0.5


PartT = TypeVar("PartT")


class Brought(NamedTuple, Generic[PartT]):
    """
    What a crew brought: the parts, and why some are missing or not whole.
    """

    parts: Sequence[PartT]
    troubles: Sequence[str]
    elapsed_real_s: float


class _Member(Generic[PartT]):
    """One worker process."""

    def __init__(self, job: Job | FireJob, kind: type[PartT], process: asyncio.subprocess.Process) -> None:
        self.job = job
        self._kind = kind
        self.process = process
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.progress: Progress | None = None
        self.part: PartT | None = None
        self.trouble = ""
        self.heard_s = time.monotonic()
        """When it told something last."""

    @property
    def name(self) -> str:
        """How people know it."""
        shard = self.job.shard
        return f"worker {shard.number + 1} of {shard.of} (process {self.process.pid})"

    def tell(self, value: object) -> None:
        """Tell it something; one that is gone hears nothing."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError, ConnectionResetError):
            self.process.stdin.write(framed(value))

    async def listen(self) -> None:
        """Take what it tells until it has brought its part or is gone."""
        assert self.process.stdout is not None
        while (frame := await read_frame_later(self.process.stdout)) is not None:
            self.heard_s = time.monotonic()
            match frame:
                case Ready():
                    # Nobody waits for it any more when the run was interrupted meanwhile.
                    if not self.ready.done():
                        self.ready.set_result(None)
                case Progress():
                    self.progress = frame
                case Failed(why):
                    self.trouble = f"{self.name} failed: {why}"
                case _ if isinstance(frame, self._kind):
                    self.part = frame
        code = await self.process.wait()
        if self.part is None and not self.trouble:
            self.trouble = f"{self.name} died {_how(code)}, and its shard with it"
        if not self.ready.done():
            self.ready.set_result(None)


def _how(code: int) -> str:
    """Return how a process ended that should not have."""
    if code >= 0:
        return f"with exit code {code}"
    name = next((each.name for each in signal.Signals if each == -code), f"signal {-code}")
    return f"by {name}" + (" (is there enough memory?)" if name == "SIGKILL" else "")


class Crew(Generic[PartT]):
    """
    So many processes, each with its job; they share nothing and wait for nobody.
    """

    def __init__(self, jobs: Sequence[Job | FireJob], kind: type[PartT]) -> None:
        self._jobs = jobs
        self._kind = kind
        """What each of them brings in the end."""
        self._members: list[_Member[PartT]] = []
        self._began_s = 0.0
        self.silent_max_real_s = _SILENT_REAL_S
        """A worker that has told nothing for so long is ended."""

    @property
    def pids(self) -> list[int]:
        """The processes, in the order of their shards."""
        return [member.process.pid for member in self._members]

    @property
    def elapsed_real_s(self) -> float:
        """How long ago they began; 0: they have not."""
        return time.monotonic() - self._began_s if self._began_s else 0.0

    def progress(self) -> list[Progress]:
        """Return how far each of them is, as far as they have told."""
        return [member.progress for member in self._members if member.progress is not None]

    async def bring(
        self, at_most_real_s: float | None = None, started: Callable[[Sequence[int]], None] = lambda _: None
    ) -> Brought[PartT]:
        """
        Run all jobs to their ends and return what comes of them.

        After *at_most_real_s*, and when this is cancelled, all are stopped and bring what they have.
        """
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        troubles: list[str] = []
        listening: asyncio.Future[list[None]] | None = None
        watching = loop.create_task(self._end_silent())
        try:
            for job in self._jobs:
                self._members.append(_Member(job, self._kind, await _started()))
            listening = asyncio.gather(*(member.listen() for member in self._members))
            for member in self._members:
                member.tell(member.job)
            await asyncio.gather(*(member.ready for member in self._members))
            began_s = loop.time()
            self._began_s = time.monotonic()
            started(self.pids)
            start = Start(time.time() + _BEGIN_REAL_S)
            for member in self._members:
                member.tell(start)
            async with asyncio.timeout(at_most_real_s):
                await asyncio.shield(listening)
        except TimeoutError:
            troubles.append(f"the run did not end within {at_most_real_s:g} s")
        except asyncio.CancelledError:
            troubles.append("the run was interrupted")
            # What was measured is kept; whoever cancels hears of it by `interrupted`.
        finally:
            try:
                await self._end(listening)
            finally:
                watching.cancel()
        members = self._members
        troubles += [member.trouble for member in members if member.trouble]
        parts = [member.part for member in members if member.part is not None]
        return Brought(parts, troubles, loop.time() - began_s)

    async def _end_silent(self) -> None:
        """End every worker that hangs: the others are not to wait for it."""
        while True:
            await asyncio.sleep(_LOOK_REAL_S)
            for member in self._members:
                silent_s = time.monotonic() - member.heard_s
                if silent_s > self.silent_max_real_s and member.process.returncode is None:
                    if member.part is None and not member.trouble:
                        why = f"has told nothing for {silent_s:.0f} s and was ended, and its shard with it"
                        member.trouble = f"{member.name} {why}"
                    member.process.kill()

    async def _end(self, listening: asyncio.Future[list[None]] | None) -> None:
        """Have every worker bring what it has; end those that do not in time."""
        for member in self._members:
            if member.part is None and member.process.returncode is None:
                member.tell(Stop())
        try:
            if listening is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(listening), _BRING_REAL_S)
        finally:
            # Whoever interrupts once more does not wait for that, and leaves nobody behind.
            for member in self._members:
                if member.process.returncode is None:
                    if member.part is None and not member.trouble:
                        member.trouble = f"{member.name} did not bring what it had, and was ended"
                    member.process.kill()
        if listening is not None:
            await listening
        for member in self._members:
            if member.process.stdin is not None:
                member.process.stdin.close()


async def _started() -> asyncio.subprocess.Process:
    # The child finds our modules wherever this process found them.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulator.load.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )

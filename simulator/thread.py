"""
A server in a thread of its own, for tests and notebooks.
"""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Any

from simulator.control import LocalControl
from simulator.server.app import Server, ServerConfig

__all__ = ["ServerThread"]

# Tests fail where they are wrong, not in here.
__tracebackhide__ = True


class ServerThread:
    """
    Runs a server in its own thread and event loop, so that sync, asyncio and trio tests can use it.

    Takes what `ServerConfig` takes; the port defaults to a free one.
    """

    def __init__(self, **config: Any) -> None:
        self._config = ServerConfig(**{"port": 0, **config})
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._stop = asyncio.Event()
        self.server: Server | None = None

    @property
    def url(self) -> str:
        """Base URL of the server."""
        assert self.server is not None
        return self.server.url

    @property
    def control(self) -> LocalControl:
        """Control of the server, without HTTP."""
        assert self.server is not None
        return LocalControl(self.server.control, self._loop, self.server.url)

    def start(self) -> ServerThread:
        """Return when the server is ready; raises what kept it from starting."""
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def stop(self) -> None:
        """Return when the server has ended."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _serve(self) -> None:
        try:
            self.server = Server(self._config)
            await self.server.start()
        except BaseException as failure:
            self._failure = failure
            self._started.set()
            return
        self._started.set()
        await self._stop.wait()
        await self.server.stop()

    def __enter__(self) -> ServerThread:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

"""
What tests of records stand on: a recorded run, made by a test instead of an integrator.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientTimeout

from harness import Bench, Receiver, receiving
from simulator.kernel.model.scenario import ClockSpec
from simulator.provider import discover
from simulator.run.bundle import Bundle, read_bundle
from simulator.run.record import Recorder
from simulator.run.replay import Replayed, replay
from simulator.scenario.loader import load
from simulator.server.app import Server, ServerConfig


class Recording(Bench):
    """
    A server whose default space is recorded, and a receiver for its webhooks.
    """

    def __init__(self, server: Server, http: ClientSession, receiver: Receiver) -> None:
        super().__init__(server, http)
        self.receiver = receiver

    async def settle(self) -> None:
        """Let everything happen that is to happen."""
        await self.space.driver.advance(None)


@asynccontextmanager
async def recording(folder: Path, scenario: str = "{}", *, seed: int = 7) -> AsyncIterator[Recording]:
    """Record what is done in the block; `RECEIVER` in the scenario is where webhooks arrive."""
    async with receiving() as receiver:
        text = scenario.replace("RECEIVER", receiver.url)
        providers = discover()
        loaded = load(text, "test.yaml", providers)
        server = Server(
            ServerConfig(
                port=0, seed=seed, clock=loaded.clock or ClockSpec(), scenario=loaded, providers=providers
            )
        )
        await server.start()
        try:
            recorder = Recorder(server.registry.get("default"), folder, text, "test.yaml")
            async with ClientSession(timeout=ClientTimeout(total=30)) as http:
                yield Recording(server, http, receiver)
            recorder.close()
        finally:
            await server.stop()


async def replayed(folder: Path) -> Replayed:
    """Replay the record in *folder*."""
    return await replay(read_bundle(folder), discover())


def attempts(bundle: Bundle) -> int:
    """Return how many attempts a record holds."""
    return sum(1 for _ in bundle.attempts())


def in_full(folder: Path) -> str:
    """Return all that a bundle says besides the user's own file, Base64 undone."""
    import base64
    import re

    text = (folder / "bundle.json").read_text("utf-8") + (folder / "trace.ndjson").read_text("utf-8")
    undone = [
        base64.b64decode(found + "=" * (-len(found) % 4), altchars=b"-_").decode("latin-1")
        for found in re.findall(r"[A-Za-z0-9_-]{16,}", text)
        if len(found) % 4 != 1
    ]
    return "\n".join([text, *undone])


def rows(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a trace as plain values."""
    return [json.loads(line) for line in (folder / "trace.ndjson").read_text("utf-8").splitlines()]

"""
How long each thing that may be asked holds the event loop: `python tests/soak/stalls.py [SECTION…]`.

The loop runs here, its clients in processes of their own.  Two figures for each: the longest
time between two turns of the loop, and the processor time that the loop itself spent in one;
on a busy machine only the second says anything.  Exits 1 when that is over 50 ms.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from simulator.provider import built_in
from simulator.runtime.collector import keep_short
from simulator.server.app import Server, ServerConfig
from tests.soak.hard_bodies import bodies
from tests.soak.large_calls import bip, bitel, early, infobip, rbm
from tests.soak.large_spaces import happenings, questions, scenarios

BOUND_MS = 50.0
SECTIONS = {
    section.__name__: section
    for section in (infobip, early, bip, bitel, rbm, bodies, scenarios, happenings, questions)
}
"""What is asked, by name."""
JSON = ("-H", "Content-Type: application/json", "-H", "Expect:")


class Probe:
    """
    Measures the turns of the loop.
    """

    def __init__(self) -> None:
        self.wall_ms = 0.0
        self.own_ms = 0.0

    async def run(self) -> None:
        """Go round with the loop for ever."""
        while True:
            wall, own = time.perf_counter(), time.thread_time()
            await asyncio.sleep(0.0005)
            self.wall_ms = max(self.wall_ms, (time.perf_counter() - wall) * 1_000)
            self.own_ms = max(self.own_ms, (time.thread_time() - own) * 1_000)


class Stalls:
    """
    Asks one thing after the other, and tells what each cost everybody else.
    """

    def __init__(self, server: Server, folder: Path, probe: Probe) -> None:
        self.server = server
        self.url = server.url
        self.space = f"{self.url}/_sim/v1/spaces/default"
        self.folder = folder
        self.probe = probe
        self.too_long: list[str] = []

    async def ask(self, name: str, *arguments: str) -> str:
        """Ask with curl, print how long the loop stood still at most, and return the status."""
        gc.collect()
        await asyncio.sleep(0.05)
        self.probe.wall_ms = self.probe.own_ms = 0.0
        client = await asyncio.create_subprocess_exec(
            *("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-m", "120", *arguments),
            stdout=asyncio.subprocess.PIPE,
        )
        status, _ = await client.communicate()
        await asyncio.sleep(0.01)
        self._tell(name, status.decode())
        return status.decode()

    def _tell(self, name: str, status: str) -> None:
        own_ms, wall_ms = self.probe.own_ms, self.probe.wall_ms
        if own_ms > BOUND_MS:
            self.too_long.append(name)
        mark = "!" if own_ms > BOUND_MS else " "
        print(f"{mark} {name:60} own {own_ms:6.0f} ms  wall {wall_ms:6.0f} ms  {status}", flush=True)

    async def send(self, name: str, method: str, url: str, body: object, *more: str) -> str:
        """Ask with a body."""
        path = self.folder / "body"
        path.write_bytes(body if isinstance(body, bytes) else json.dumps(body).encode())
        headers = () if any(each.lower().startswith("content-type:") for each in more) else JSON[:2]
        return await self.ask(
            name, "-X", method, url, *headers, *JSON[2:], *more, "--data-binary", f"@{path}"
        )

    async def watch(self, name: str, real_s: float) -> None:
        """Print the same for what happens by itself in so long."""
        self.probe.wall_ms = self.probe.own_ms = 0.0
        await asyncio.sleep(real_s)
        self._tell(name, "")

    async def fresh(self, name: str, scenario: Mapping[str, object] | None = None) -> str:
        """Create a space and return the address of its part of the control API."""
        space = self.server.registry.create(name)
        api = f"{self.url}/_sim/v1/spaces/{space.name}"
        if scenario is not None:
            await self.send(f"a scenario for {name}", "PUT", f"{api}/scenario", scenario)
        return api


async def main(sections: list[str]) -> int:
    """Measure, and return the exit code."""
    server = Server(ServerConfig(port=0, providers=built_in(), messages_max=100_000))
    await server.start()
    probe = Probe()
    probing = asyncio.create_task(probe.run())
    try:
        with tempfile.TemporaryDirectory() as folder:
            stalls = Stalls(server, Path(folder), probe)
            await stalls.ask("the first call, which loads the control API", stalls.space)
            await stalls.ask(
                "the first page, which loads the inspector", f"{stalls.url}/_ui/default/messages"
            )
            stalls.too_long.clear()
            # As `serve` does.
            keep_short()
            for name, section in SECTIONS.items():
                if not sections or name in sections:
                    print(f"-- {name}", flush=True)
                    await section(stalls)
    finally:
        probing.cancel()
        await server.stop()
    print(f"over {BOUND_MS:.0f} ms: {', '.join(stalls.too_long) or 'none'}")
    return 1 if stalls.too_long else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))

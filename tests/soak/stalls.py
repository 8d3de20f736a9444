"""
How long each thing that may be asked holds the event loop: `python tests/soak/stalls.py`.

The loop runs here, its clients in processes of their own.  Two figures for each: the longest
time between two turns of the loop, and the processor time that the loop itself spent in one;
on a busy machine only the second says anything.  Exits 1 when that is over 50 ms.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from simulator.provider import built_in
from simulator.server.app import Server, ServerConfig

BOUND_MS = 50.0
KEY = ("-H", "Authorization: App key")
JSON = ("-H", "Content-Type: application/json", "-H", "Expect:")
QUESTIONS = (
    "",
    "/messages?limit=50",
    "/messages?recipient=41790000017",
    "/messages?q=nothing-like-it",
    "/messages?name=nobody",
    "/messages/nobody/explain",
    "/messages/infobip:+41790000005:1/explain",
    "/journal",
    "/requests",
    "/wait?recipient=%2B41799999999&within=100ms",
    *(f"/report?format={form}" for form in ("html", "junit", "jsonl", "har", "json")),
)
PAGES = ("messages", "messages?q=zzz", "phones", "webhooks", "run", "message/infobip:+41790000005:1")


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

    def __init__(self, url: str, folder: Path, probe: Probe) -> None:
        self.url = url
        self.space = f"{url}/_sim/v1/spaces/default"
        self.folder = folder
        self.probe = probe
        self.too_long: list[str] = []

    async def ask(self, name: str, *arguments: str) -> None:
        """Ask with curl, and print how long the loop stood still at most."""
        gc.collect()
        await asyncio.sleep(0.05)
        self.probe.wall_ms = self.probe.own_ms = 0.0
        client = await asyncio.create_subprocess_exec(
            "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *arguments, stdout=asyncio.subprocess.PIPE
        )
        status, _ = await client.communicate()
        own_ms, wall_ms = self.probe.own_ms, self.probe.wall_ms
        if own_ms > BOUND_MS:
            self.too_long.append(name)
        mark = "!" if own_ms > BOUND_MS else " "
        print(f"{mark} {name:60} own {own_ms:6.0f} ms  wall {wall_ms:6.0f} ms  {status.decode()}", flush=True)

    async def send(self, name: str, method: str, url: str, body: object, *more: str) -> None:
        """Ask with a body."""
        path = self.folder / "body"
        path.write_bytes(body if isinstance(body, bytes) else json.dumps(body).encode())
        await self.ask(name, "-X", method, url, *KEY, *JSON, *more, "--data-binary", f"@{path}")


async def measure(stalls: Stalls) -> None:
    """Ask everything that is large."""
    space, url = stalls.space, stalls.url
    await stalls.ask("the first call, which loads the control API", space)
    stalls.too_long.clear()
    rule = {"when": {"provider": "infobip"}, "then": {"fate": "silence"}}
    rules = {"rules": [{"name": f"r{n}", **rule} for n in range(10_000)]}
    recipients = {"recipients": {f"+4179{n:07}": {"reachable": False} for n in range(49_000)}}
    await stalls.send("10,000 rules", "PUT", f"{space}/scenario", rules)
    await stalls.ask("the list of them", f"{space}/rules")
    await stalls.send("49,000 recipients", "PUT", f"{space}/scenario", recipients)
    new = {"name": "new", "scenario": recipients}
    await stalls.send("a space with 49,000 recipients", "POST", f"{url}/_sim/v1/spaces", new)
    await stalls.send("an empty scenario", "PUT", f"{space}/scenario", {})
    bomb = gzip.compress(b"\0" * 1_000_000_000, 1)
    packed = ("-H", "Content-Encoding: gzip")
    path = f"{url}/infobip/sms/2/text/advanced"
    await stalls.send("1 GB packed, to a provider", "POST", path, bomb, *packed)
    await stalls.send("1 GB packed, to the control API", "PUT", f"{space}/scenario", bomb, *packed)
    for first in range(0, 50_000, 10_000):
        numbers = [{"to": f"4179{n:07}"} for n in range(first, first + 10_000)]
        body = {"messages": [{"text": "hello", "destinations": numbers}]}
        await stalls.send("a send to 10,000 destinations", "POST", path, body)
    await stalls.send("an advance until settled", "POST", f"{space}/clock/advance", {"until": "settled"})
    for question in QUESTIONS:
        await stalls.ask(f"GET {question}", f"{space}{question}")
    for page in PAGES:
        await stalls.ask(f"page {page}", f"{url}/_ui/default/{page}")
    await stalls.ask("metrics", f"{url}/_sim/metrics")


async def main() -> int:
    """Measure, and return the exit code."""
    server = Server(ServerConfig(port=0, providers=built_in()))
    await server.start()
    probe = Probe()
    probing = asyncio.create_task(probe.run())
    try:
        with tempfile.TemporaryDirectory() as folder:
            stalls = Stalls(server.url, Path(folder), probe)
            await measure(stalls)
    finally:
        probing.cancel()
        await server.stop()
    print(f"over {BOUND_MS:.0f} ms: {', '.join(stalls.too_long) or 'none'}")
    return 1 if stalls.too_long else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

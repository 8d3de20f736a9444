"""
What can be measured only in the simulator's own process; each part prints one line of JSON.

`inside.py pending N`, `heap N`, `stored N`, `spaces N` or `files N`.
"""

from __future__ import annotations

import gc
import heapq
import json
import random
import sys
import tracemalloc
from collections.abc import Callable
from time import perf_counter

import msgspec
from aiohttp import ClientSession

from benchmarks.processes import generate, simulator
from simulator.client import Simulator
from simulator.control import HttpControl
from simulator.provider import discover
from simulator.scenario.loader import load
from simulator.server.spaces import SpaceRegistry
from simulator.thread import ServerThread

__all__ = ["heap", "measured_files", "pending", "scenario_file", "spaces", "stored"]

SCENARIO = "name: small\nrules:\n  - {when: {provider: infobip}, then: {fate: {deliver: {after: 1s}}}}\n"
_KEPT_CALLS = 1_000


def pending(count: int) -> dict[str, float]:
    """Measure how long so many pending messages take to their end, each with a report that is rendered."""
    providers = discover()
    registry = SpaceRegistry(providers, _no_client)
    text = (
        "name: pending\n"
        'providers: {infobip: {deliver_after: 1h..2h, webhook: {url: "http://127.0.0.1:9/reports"}}}\n'
        f"timeline: [{{at: 1s, provider: infobip, storm: {{messages: {count}, rate: 100000/s}}}}]\n"
    )
    simulation = registry.create("pending", scenario=load(text, "pending.yaml", providers)).simulation
    # The storm is over before the first one is delivered.
    while len(simulation.messages) < count and (due_ms := simulation.next_due()) is not None:
        simulation.fire(due_ms)
    ready = simulation.outbox.ready
    rendered = 0
    gc.collect()
    started = perf_counter()
    while (due_ms := simulation.next_due()) is not None:
        simulation.fire(due_ms)
        while ready:
            if simulation.request_for(ready.popleft()) is not None:
                rendered += 1
    seconds = perf_counter() - started
    if rendered != count:
        raise RuntimeError(f"expected {count} reports, got {rendered}")
    return {"seconds": seconds}


def _no_client() -> ClientSession:
    raise RuntimeError("nothing is sent here")


def heap(count: int) -> dict[str, float]:
    """Measure how long so many tuples take through a heap."""
    numbers = random.Random(1)
    entries = [(numbers.randrange(3_600_000), number) for number in range(count)]
    queue: list[tuple[int, int]] = []
    gc.collect()
    started = perf_counter()
    for entry in entries:
        heapq.heappush(queue, entry)
    while queue:
        heapq.heappop(queue)
    return {"seconds": perf_counter() - started}


class _Record(msgspec.Struct, gc=False):
    id: str
    recipient: str
    sender: str
    text: str
    state: str
    accepted_ms: int
    changed_ms: int


def stored(count: int) -> dict[str, float]:
    """Measure the bytes of a message that was sent over HTTP, and those of a plain record by its id."""
    tracemalloc.start()
    with ServerThread() as server:
        port = int(server.url.rpartition(":")[2])
        HttpControl(server.url).call("PUT", "/spaces/default/clock", {"mode": "frozen"})
        # The last calls are kept with their bodies, however many there were: that is no message's share.
        generate(port, _KEPT_CALLS)
        ours = _growth(lambda: generate(port, count, first=_KEPT_CALLS)) / count
    records: dict[str, _Record] = {}

    def fill(more: int) -> None:
        for number in range(len(records), len(records) + more):
            text = f"Your code is 123456. It is valid for {number:03d} minutes"
            record = _Record(
                f"{number:019d}", f"+41{number:010d}", "InfoSMS", text, "accepted", 10**12, 10**12
            )
            records[record.id] = record

    # As many are there before as of ours: how full a table is, is a good part of what an entry weighs.
    fill(_KEPT_CALLS)
    return {"ours": ours, "records": _growth(lambda: fill(count)) / count}


def _growth(act: Callable[[], object]) -> int:
    """Return how many bytes more are in use after *act*."""
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    act()
    gc.collect()
    return tracemalloc.get_traced_memory()[0] - before


def spaces(count: int) -> dict[str, float]:
    """Measure milliseconds per space with a small scenario, and without one, over HTTP and in process."""

    def timed(create: Callable[[], object]) -> float:
        create()
        started = perf_counter()
        for _ in range(count):
            create()
        return (perf_counter() - started) / count * 1000

    body = {"scenario": SCENARIO}
    # In a thread of this process it would wait for whoever measures it, and be measured with that.
    with simulator({}) as served:
        http = served.control
        over_http = {
            "http": timed(lambda: http.call("POST", "/spaces", body)),
            "http_empty": timed(lambda: http.call("POST", "/spaces", {})),
        }
    with ServerThread() as server:
        return over_http | {
            "inside": timed(lambda: Simulator.create(server.control, scenario=SCENARIO)),
            "inside_empty": timed(lambda: Simulator.create(server.control)),
        }


def scenario_file(recipients: int, rules: int) -> str:
    """Return a scenario file with so many recipients and so many rules about one of them each."""
    lines = ["name: large", "recipients:"]
    lines += [
        f'  "+4179{number:07d}": {{reachable: {{until: 1h, is: false}}}}' for number in range(recipients)
    ]
    lines += ["rules:"]
    lines += [
        f'  - {{name: rule {number}, when: {{recipient: "+4179{number:07d}"}}, then: {{fate: silence}}}}'
        for number in range(rules)
    ]
    return "\n".join(lines)


def measured_files(count: int) -> dict[str, float]:
    """Measure seconds for a file with so many recipients, and for one with a tenth as many rules."""
    providers = discover()
    seconds = {}
    for name, recipients, rules in (("recipients", count, 1), ("rules", 1, count // 10)):
        text = scenario_file(recipients, rules)
        started = perf_counter()
        load(text, "large.yaml", providers)
        seconds[name] = perf_counter() - started
    return seconds


if __name__ == "__main__":
    parts = {"pending": pending, "heap": heap, "stored": stored, "spaces": spaces, "files": measured_files}
    print(json.dumps(parts[sys.argv[1]](int(sys.argv[2]))))

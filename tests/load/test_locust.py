"""
Storms and clients carried by Locust, with real processes: a master, two workers, and ours beside them.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness import receiving, serving
from load.bench import in_this_process

if find_spec("locust") is None or find_spec("hdrh") is None:
    pytest.skip("the extra `load` is not installed", allow_module_level=True)

STORM = """
from simulator.locust import StormUser


class Storm(StormUser):
    scenario = "SCENARIO"
    seed = 7
"""
SCENARIO = """
name: carried
providers: {infobip: {deliver_after: 0s..500ms, webhook: {url: RECEIVER/reports}}}
timeline: [{at: 0s, provider: infobip, storm: {messages: 300, rate: 200/s, arrivals: poisson}}]
"""
CLIENT = """
from simulator.locust import Client


class Sender(Client):
    host = "HOST/PROVIDER"
    provider = "PROVIDER"
    rate, messages, ask_after_s = "50/s", 40, 0.2
"""
STATES: Mapping[str, Mapping[str, int]] = {
    "bip": {},
    "bitel": {"WAITING": 40},
    "infobip": {"PENDING_ENROUTE": 40},
    "rbm": {},
}
"""What each answers whoever asks while its clock stands still; two have no question."""


async def _locust(*arguments: str) -> asyncio.subprocess.Process:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "locust", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment,
    )  # fmt: skip


async def _ended(*processes: asyncio.subprocess.Process) -> list[str]:
    """Return what each printed, all of them having ended by themselves; none is left behind."""
    try:
        async with asyncio.timeout(90):
            outputs = await asyncio.gather(*(process.communicate() for process in processes))
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return [out.decode() for out, _ in outputs]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as wire:
        return int(wire.getsockname()[1])


async def test_two_workers_of_locust_tell_the_story_of_one(tmp_path: Path) -> None:
    """
    Each fires its shard; the master adds their figures up, and everything that was sent has arrived once.
    """
    async with receiving() as receiver:
        alone = await in_this_process(receiver, SCENARIO, 1)
        receiver.received.clear()
        scenario = tmp_path / "storm.yaml"
        scenario.write_text(SCENARIO.replace("RECEIVER", receiver.url))
        file = tmp_path / "locustfile.py"
        file.write_text(STORM.replace("SCENARIO", str(scenario)))
        port = str(_free_port())
        bound = ("--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--expect-workers", "2")
        processes = [await _locust("-f", str(file), "--headless", "-u", "2", "-r", "2", "--master", *bound)]
        processes += [await _locust("-f", str(file), "--worker", "--master-port", port) for _ in range(2)]
        printed = (await _ended(*processes))[0]

    assert processes[0].returncode == 0, printed
    assert len(receiver.received) == 300
    assert alone.storm is not None
    assert f"digest of all webhooks {alone.storm.digest}" in printed
    assert "2 workers: 300 attempts sent, 300 came to an end" in printed
    # How fast it went depends on the machine.
    assert re.search(r"rate asked 1\d\d/s, reached [\d,]+/s", printed), printed
    assert re.search(r"POST +webhooks +300 ", printed), printed


@pytest.mark.parametrize("provider", ["bip", "bitel", "infobip", "rbm"])
async def test_client_sends_at_a_rate_and_asks_what_became_of_it(tmp_path: Path, provider: str) -> None:
    """
    Calls of a client arrive on schedule, their ids are kept, and each is asked about.
    """
    async with serving() as bench:
        file = tmp_path / "locustfile.py"
        file.write_text(CLIENT.replace("HOST", bench.url).replace("PROVIDER", provider))
        process = await _locust("-f", str(file), "--headless", "-u", "1", "-r", "1")
        (printed,) = await _ended(process)
        messages = len(bench.space.simulation.messages)

    assert process.returncode == 0, printed
    assert messages == 40
    assert f"40 ids kept, states when asked: {STATES[provider]}" in printed
    assert "1 worker: 40 attempts sent, 40 came to an end" in printed
    assert bool(re.search(rf"(GET|POST) +{provider} status +40 ", printed)) is bool(STATES[provider])

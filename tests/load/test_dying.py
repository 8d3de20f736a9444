"""
Workers that die, hang or are left alone: named, never waited for for long, and never green.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest
from aiohttp import web

from harness import Receiver, receiving, until
from load.bench import STORM, command, shared
from simulator.evidence.card import card as card_of
from simulator.evidence.formats import FORMATS
from simulator.evidence.result import RunResult
from simulator.load.crew import Crew
from simulator.load.parts import Part

pytest.importorskip("hdrh", reason="the extra `load` is not installed")
if sys.platform == "win32":
    pytest.skip("there are no such signals", allow_module_level=True)


async def _hit(
    receiver: Receiver, number: signal.Signals, workers: Sequence[int], *, of: int, after: int = 20
) -> tuple[RunResult, list[int]]:
    """Send a signal to some workers when so many webhooks have come; return the result and the processes."""
    crews: list[Crew[Part]] = []
    calls = 0

    async def answer(_: web.Request) -> web.StreamResponse:
        nonlocal calls
        calls += 1
        if calls == after:
            # Those that go on tell so every second.
            crews[0].silent_max_real_s = 8
            for worker in workers:
                os.kill(crews[0].pids[worker], number)
        return web.Response()

    receiver.answer = answer
    result = await shared(receiver, STORM, of, watching=crews.append)
    return result, crews[0].pids


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # One that has ended and that nobody has waited for yet is gone as well.
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"


async def test_worker_that_hangs_is_ended_and_named() -> None:
    """
    A process that is there and does nothing does not hold up the run; what it had is missing, and told.
    """
    async with receiving() as receiver:
        result, pids = await _hit(receiver, signal.SIGSTOP, [1], of=2)

    assert result.storm is not None
    (why,) = result.storm.incomplete
    assert result.verdict == "INCOMPLETE"
    assert why.startswith(f"worker 2 of 2 (process {pids[1]}) has told nothing for ")
    assert all(map(_gone, pids))


async def test_two_workers_that_die_are_both_named() -> None:
    """
    The third goes on to its end; what it brought is kept.
    """
    async with receiving() as receiver:
        result, pids = await _hit(receiver, signal.SIGKILL, [0, 2], of=3)

    assert result.storm is not None
    assert [why.partition(" died ")[0] for why in result.storm.incomplete] == [
        f"worker 1 of 3 (process {pids[0]})",
        f"worker 3 of 3 (process {pids[2]})",
    ]
    assert all("SIGKILL (is there enough memory?)" in why for why in result.storm.incomplete)
    assert 0 < result.storm.messages < 600


async def test_all_workers_may_die() -> None:
    """
    Nothing is left to judge, and that is no success either.
    """
    async with receiving() as receiver:
        result, _ = await _hit(receiver, signal.SIGKILL, [0, 1], of=2, after=1)

    assert result.verdict == "INCOMPLETE"
    assert result.messages == 0
    assert not result.passed


async def test_evidence_of_a_run_that_is_not_whole_is_never_green() -> None:
    """
    Every form says so, and JUnit as an error, although each expectation was met by what is left.
    """
    scenario = STORM.partition("expect:")[0] + "expect: {webhooks: {lost: 0}}\n"
    crews: list[Crew[Part]] = []
    async with receiving() as receiver:

        async def answer(_: web.Request) -> web.StreamResponse:
            if len(receiver.received) == 20:
                os.kill(crews[0].pids[1], signal.SIGKILL)
            return web.Response()

        receiver.answer = answer
        result = await shared(receiver, scenario, 2, watching=crews.append)

    suites = ElementTree.fromstring(FORMATS["junit"].render(result))
    cases = {case.get("name"): case for case in suites.iter("testcase")}
    card = json.loads(card_of(result))
    error = cases["the run is complete"].find("error")
    assert all(check.passed for check in result.checks)
    assert (suites.get("errors"), suites[0].get("errors"), suites[0].get("failures")) == ("1", "1", "0")
    assert error is not None
    assert "worker 2 of 2" in error.get("message", "")
    assert (card["verdict"], card["passed"]) == ("INCOMPLETE", False)
    assert b"INCOMPLETE" in FORMATS["html"].render(result)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="children are read from /proc")
async def test_workers_end_when_the_run_is_killed(tmp_path: Path) -> None:
    """
    Nobody is left behind who would go on sending.
    """
    async with receiving() as receiver:
        file = tmp_path / "storm.yaml"
        head = STORM.partition("recipients:")[0].replace("RECEIVER", receiver.url)
        storm = "timeline: [{at: 0s, provider: infobip, storm: {messages: 100_000, rate: 100/s}}]\n"
        file.write_text(f"{head}clock: {{mode: live}}\n{storm}")
        async with command("run", str(file), "--workers", "2", "--port", "0") as process:
            await until(lambda: len(receiver.received) > 20, turns_max=6_000)
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii")
            process.kill()
            await process.wait()
            workers = [int(pid) for pid in children.split()]
            await until(lambda: all(map(_gone, workers)), turns_max=6_000)

    assert len(workers) == 2

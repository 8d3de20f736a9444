"""
A record fired over several workers is the record, whatever their number; what is missing of it is told.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from aiohttp import web

from harness import receiving, until
from load.bench import command
from recording import recording
from simulator.evidence.tally import ranks
from simulator.kernel.model.shard import Shard
from simulator.load.crew import Crew
from simulator.load.firing import fire_shared
from simulator.load.refire import Firing, LoadReport, refire
from simulator.run.bundle import Bundle, read_bundle

pytest.importorskip("hdrh", reason="the extra `load` is not installed")

STORM = """
providers: {infobip: {webhook: {url: RECEIVER/reports, retry: [1s]}}}
rules: [{then: {webhooks: {duplicate: {share: 20%, within: 5s}}}}]
timeline: [{at: 0s, provider: infobip, storm: {messages: 200, rate: 20/s, arrivals: poisson}}]
"""


async def _recorded(folder: Path) -> Bundle:
    async with recording(folder, STORM) as run:

        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(status=503 if (await request.read()).count(b"7") % 5 == 0 else 200)

        run.receiver.answer = answer
        await run.settle()
    return read_bundle(folder)


async def test_any_number_of_workers_fires_the_record_once(tmp_path: Path) -> None:
    """
    One, two, three and eight shards together send each recorded attempt once; their figures add up.
    """
    bundle = await _recorded(tmp_path)
    recorded = Counter(row.body.raw for row in bundle.attempts())
    received: list[bytes] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        received.append(await request.read())
        return web.Response(status=200)

    async with receiving() as receiver:
        receiver.answer = answer
        for workers in (1, 2, 3, 8):
            received.clear()
            together, alone = LoadReport(), []
            for number in range(workers):
                firing = Firing(receiver.url, 1_000, shard=Shard(number, workers))
                alone.append(await refire(bundle, firing))
                together.join(alone[-1])

            assert Counter(received) == recorded
            assert together.sent == together.measures.acknowledged == sum(report.sent for report in alone)
            assert len(together.measures.answered) == together.sent
            assert ranks(together.measures.late)["max_us"] == max(
                report.measures.late.rank(100) for report in alone
            )
            assert together.lines()[0] == f"{together.sent} webhooks sent: {together.sent} × 200"


async def test_rate_that_is_asked_is_the_same_over_processes_of_their_own(tmp_path: Path) -> None:
    """
    Two workers keep the schedule of one, and the rate asked is told of both together.
    """
    bundle = await _recorded(tmp_path)
    async with receiving() as receiver:
        one = await refire(bundle, Firing(receiver.url, 20))
        received = len(receiver.received)
        two = await fire_shared(tmp_path, Firing(receiver.url, 20), 2)

    asked = [report.measures.asked_per_s(1) for report in (one, two)]
    assert asked[0] is not None
    assert asked[1] == pytest.approx(asked[0], rel=0.01)
    assert two.troubles == ()
    assert two.sent == one.sent == received == len(receiver.received) - received


async def test_worker_that_dies_leaves_a_load_incomplete(tmp_path: Path) -> None:
    """
    It is named, and what the other sent is told.
    """
    await _recorded(tmp_path)
    crews: list[Crew[LoadReport]] = []
    async with receiving() as receiver:

        async def answer(_: web.Request) -> web.StreamResponse:
            if len(receiver.received) == 10:
                os.kill(crews[0].pids[0], getattr(signal, "SIGKILL", signal.SIGTERM))
            return web.Response()

        receiver.answer = answer
        report = await fire_shared(tmp_path, Firing(receiver.url, 5), 2, crews.append)

    (trouble,) = report.troubles
    assert trouble.startswith(f"worker 1 of 2 (process {crews[0].pids[0]}) died ")
    assert report.lines()[0] == f"incomplete: {trouble}"
    assert report.as_plain()["incomplete"] == [trouble]
    assert 0 < report.sent < 200


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
@pytest.mark.parametrize("workers", [(), ("--workers", "2")])
async def test_interrupted_load_tells_what_was_measured(tmp_path: Path, workers: tuple[str, ...]) -> None:
    """
    Ctrl-C ends it, alone or over workers, with the report until then: for people, and in lines for programs.
    """
    await _recorded(tmp_path)
    async with receiving() as receiver:
        arguments = ("replay", str(tmp_path), "--to", receiver.url, *workers, "--json", "-")
        async with command(*arguments) as process:
            await until(lambda: len(receiver.received) > 20, turns_max=6_000)
            process.send_signal(signal.SIGINT)
            out, err = await asyncio.wait_for(process.communicate(), 60)

    rows = [json.loads(line) for line in out.decode().splitlines()]
    assert process.returncode == 130
    assert rows[-2]["last"] is True
    assert rows[-1]["incomplete"] == ["the run was interrupted"]
    assert 20 < rows[-1]["sent"] < 200
    assert "rate asked " in err.decode()

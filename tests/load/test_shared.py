"""
Runs over several workers: the same story as over one, whatever the number, and never green by mistake.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from harness import receiving, until
from load.bench import STORM, command, in_this_process, shared
from simulator.evidence.formats import FORMATS
from simulator.evidence.result import RunResult
from simulator.evidence.text import text
from simulator.kernel.model.scenario import ClockMode, ClockSpec
from simulator.load.crew import Crew
from simulator.load.keeper import Limits
from simulator.load.parts import Part
from simulator.provider import discover
from simulator.run.runner import RunOptions, run
from simulator.scenario.loader import load_run
from simulator.server.app import Server, ServerConfig

pytest.importorskip("hdrh", reason="the extra `load` is not installed")


async def test_any_number_of_workers_tells_one_story() -> None:
    """
    The set of (message, webhook and its bytes, due instant) is the same for one, two, three and eight.

    Two are processes of their own; which process runs a shard changes nothing.
    """
    results: dict[str, RunResult] = {}
    received: dict[str, int] = {}
    async with receiving() as receiver:
        for workers in (1, 3, 8):
            receiver.received.clear()
            results[str(workers)] = await in_this_process(receiver, STORM, workers)
            received[str(workers)] = len(receiver.received)
        receiver.received.clear()
        results["2"] = await shared(receiver, STORM, 2)
        received["2"] = len(receiver.received)
        other_seed = await in_this_process(receiver, STORM, 1, seed=8)

    first = results["1"]
    assert first.storm is not None
    assert other_seed.storm is not None
    assert other_seed.storm.digest != first.storm.digest
    for name, result in results.items():
        storm = result.storm
        assert storm is not None
        assert result.verdict == "PASSED"
        assert storm.digest == first.storm.digest
        assert storm.states == first.storm.states
        assert storm.sent == storm.ended == storm.journalled == received[name] == received["1"]
        assert result.scorecard.copies_on_purpose == first.scorecard.copies_on_purpose > 0


async def test_live_storm_keeps_its_schedule_beside_a_slow_receiver() -> None:
    """
    Whoever is slow makes webhooks late, and is told so; due instants stay what they are.
    """
    scenario = """
name: live
providers: {infobip: {deliver_after: 0s, webhook: {url: RECEIVER/reports, in_flight: 2}}}
timeline: [{at: 0s, provider: infobip, storm: {messages: 60, rate: 200/s}}]
"""
    live = ClockSpec(mode=ClockMode.LIVE, start_unix_ms=1_767_603_600_000)
    results = []
    async with receiving() as receiver:
        for delay_s in (0.0, 0.03):

            async def answer(_: web.Request, delay_s: float = delay_s) -> web.StreamResponse:
                await asyncio.sleep(delay_s)
                return web.Response()

            receiver.answer = answer
            result = await shared(receiver, scenario, 2, clock=live)
            assert result.storm is not None
            results.append(result.storm)

    quick, slow = results
    assert quick.digest == slow.digest
    assert round(quick.asked_per_s or 0) == round(slow.asked_per_s or 0) == 200
    assert (slow.reached_per_s or 0) < 100
    assert slow.late["p99_us"] > 100_000
    assert slow.answered["p99_us"] > slow.late["p99_us"]


async def test_examples_stand_for_a_storm_of_which_little_is_kept() -> None:
    """
    Messages are let go of when they are over; counts, checks and every form of evidence are about all.
    """
    few = Limits(usual=5, unusual=5)
    async with receiving() as receiver:
        whole = await in_this_process(receiver, STORM, 2)
        result = await in_this_process(receiver, STORM, 2, limits=few)

    assert result.storm is not None
    assert whole.storm is not None
    assert len(whole.space.simulation.messages) == 600
    assert len(result.space.simulation.messages) <= 20
    assert result.storm.digest == whole.storm.digest
    assert [(c.name, c.passed, c.detail) for c in result.checks] == [
        (c.name, c.passed, c.detail) for c in whole.checks
    ]
    assert replace(result.scorecard, load=None).acknowledged == whole.scorecard.acknowledged
    assert "600 messages" in text(result)[0]
    pages = {form: rendering.render(result) for form, rendering in FORMATS.items()}
    assert b"600 messages" in pages["html"]
    assert b"What follows shows" in pages["html"]
    assert len(pages["html"]) < 300_000
    assert json.loads(pages["json"])["messages"] == 600
    assert json.loads(pages["json"])["storm"]["workers"] == 2


async def test_failures_are_counted_over_all_and_told_by_examples() -> None:
    """
    What is lost is lost by all workers together, with stories of the first ones.
    """
    async with receiving() as receiver:

        async def answer(request: web.Request) -> web.StreamResponse:
            row = json.loads(await request.read())["results"][0]
            return web.Response(status=500 if row["to"].endswith("7") else 200)

        receiver.answer = answer
        scenario = (
            STORM.replace("rules:", "rulez:").partition("rulez:")[0] + STORM[STORM.index("timeline:") :]
        )
        scenario = scenario.replace(
            '  - {at: 5s, provider: infobip, recipient: "+41799*", count: 40, rate: 10/s, writes: hello}\n',
            "",
        )
        result = await in_this_process(receiver, scenario, 3, limits=Limits(usual=0, unusual=4))

    taken, lost = result.checks[-2:]
    assert (result.verdict, taken.passed, lost.passed) == ("FAILED", False, False)
    assert lost.detail == f"{result.scorecard.lost} of {result.scorecard.webhooks} webhooks were lost"
    assert 30 < result.scorecard.lost <= 60
    assert "attempt 3 at +" in "\n".join(taken.lines)
    assert taken.lines[-1] == f"… and {result.scorecard.lost - 5} more"


async def test_integrator_is_asked_about_messages_of_every_shard() -> None:
    """
    The truth audit is one over all workers: right about all but those that it believes wrongly.
    """
    scenario = STORM.partition("recipients:")[0] + (
        "timeline: [{at: 1s, provider: infobip, storm: {messages: 60, rate: 100/s}}]\n"
        "expect:\n"
        "  integrator: {ask: 'GET RECEIVER/believes/{recipient}', about: storm, field: state,\n"
        "               within: 1ms, means: {delivered: GOT}}\n"
    )
    async with receiving() as receiver:

        async def answer(request: web.Request) -> web.StreamResponse:
            wrong = request.method == "GET" and request.path.endswith("3")
            return web.json_response({"state": "LOST" if wrong else "GOT"})

        receiver.answer = answer
        result = await in_this_process(receiver, scenario, 2)

    audit = next(check for check in result.checks if check.name == "integrator: state")
    assert not audit.passed
    assert audit.detail == "the integrator is right about 54 of 60 messages"
    assert len(audit.blamed) == 6


async def test_worker_that_dies_is_named_and_the_verdict_is_incomplete() -> None:
    """
    A shard that is lost is never counted as passed; what the others measured is kept.
    """
    async with receiving() as receiver:
        crews: list[Crew[Part]] = []
        calls = 0

        async def answer(_: web.Request) -> web.StreamResponse:
            nonlocal calls
            calls += 1
            if calls == 20:
                os.kill(crews[0].pids[1], getattr(signal, "SIGKILL", signal.SIGTERM))
            return web.Response()

        receiver.answer = answer
        result = await shared(receiver, STORM, 2, watching=crews.append)

    assert result.storm is not None
    assert result.verdict == "INCOMPLETE"
    assert not result.passed
    assert any(
        why.startswith(f"worker 2 of 2 (process {crews[0].pids[1]}) died") for why in result.storm.incomplete
    )
    assert 0 < result.storm.messages < 600
    assert b"INCOMPLETE" in FORMATS["html"].render(result)


async def test_receiver_that_refuses_everything_is_given_up() -> None:
    """
    The run ends early and says why; what was tried until then is kept.
    """
    waits = ", ".join(["1ms"] * 900)
    scenario = (
        f"providers: {{infobip: {{webhook: {{url: RECEIVER/reports, retry: [{waits}]}}}}}}\n"
        "timeline: [{at: 0s, provider: infobip, storm: {messages: 4, rate: 100/s}}]\n"
        "expect: {messages: {final: 100%}}\n"
    )
    async with receiving() as receiver:

        async def answer(_: web.Request) -> web.StreamResponse:
            return web.Response(status=503)

        receiver.answer = answer
        result = await in_this_process(receiver, scenario, 1, give_up=30)
        attempts = len(receiver.received)

    check = next(check for check in result.checks if "--give-up" in check.name)
    assert not check.passed
    assert check.detail.startswith("worker 1: ")
    assert check.detail.endswith(" webhooks, and none was acknowledged")
    assert 30 <= result.scorecard.attempts <= attempts < 4 * 901
    assert len(result.space.simulation.messages) == 4


async def test_interrupted_run_keeps_what_was_measured(tmp_path: Path) -> None:
    """
    Ctrl-C ends every worker, and the evidence is written: incomplete, with what there is.
    """
    card, port = tmp_path / "card.json", tmp_path / "port"
    async with receiving() as receiver:
        file = tmp_path / "storm.yaml"
        storm = "timeline: [{at: 0s, provider: infobip, storm: {messages: 100_000, rate: 100/s}}]\n"
        head = STORM.partition("recipients:")[0].replace("RECEIVER", receiver.url)
        file.write_text(head + "clock: {mode: live}\n" + storm)
        arguments = ("run", str(file), "--workers", "2", "--port", "0", "--port-file", str(port))
        async with command(*arguments, "--progress", "json", "--json", str(card)) as process:
            await until(lambda: len(receiver.received) > 20, turns_max=6_000)
            async with ClientSession() as http:
                base = f"http://127.0.0.1:{port.read_text().strip()}"
                metrics = await (await http.get(f"{base}/_sim/metrics")).text()
                refused = await http.post(f"{base}/infobip/sms/2/text/advanced", json={})
            process.send_signal(signal.SIGINT)
            out, err = await asyncio.wait_for(process.communicate(), 60)

    views = [json.loads(line) for line in err.decode().splitlines() if line.startswith("{")]
    storm_card = json.loads(card.read_text())["storm"]
    assert process.returncode == 130
    assert out.decode().startswith("INCOMPLETE")
    assert "the run was interrupted" in storm_card["incomplete"]
    assert storm_card["sent"] > 20
    assert views[-1]["last"] is True
    assert {
        "due",
        "sent",
        "late_p99_us",
        "answered",
        "non_2xx",
        "backlog",
        "asked_per_s",
        "reached_per_s",
    } <= set(views[-1])
    assert "simulator_load_workers 2.0" in metrics
    assert refused.status == 503


@pytest.mark.parametrize("moody", [False, True])
async def test_verdict_over_workers_is_that_of_one_process(moody: bool) -> None:
    """
    The same expectations are met or not, with the same words where no time is measured, and the same figures.
    """
    figures = ("webhooks", "attempts", "acknowledged", "lost", "non_2xx", "retries", "copies_on_purpose")
    async with receiving() as receiver:

        async def answer(request: web.Request) -> web.StreamResponse:
            refused = moody and b'7"' in await request.read()
            return web.Response(status=500 if refused else 200)

        receiver.answer = answer
        written = STORM.replace("RECEIVER", receiver.url)
        plan = load_run(written, "storm.yaml", discover())
        server = Server(ServerConfig(port=0, seed=7, scenario=plan.scenario, providers=discover()))
        await server.start()
        try:
            alone = await run(server, plan, RunOptions())
        finally:
            await server.stop()
        together = await in_this_process(receiver, STORM, 3)

    assert together.verdict == alone.verdict
    assert [(each.name, each.passed, each.detail) for each in together.checks] == [
        (each.name, each.passed, each.detail) for each in alone.checks
    ]
    assert together.messages == alone.messages
    assert {name: getattr(together.scorecard, name) for name in figures} == {
        name: getattr(alone.scorecard, name) for name in figures
    }


@pytest.mark.parametrize("workers", [(), ("--workers", "2")])
async def test_lines_for_programs_end_with_the_verdict(tmp_path: Path, workers: tuple[str, ...]) -> None:
    """
    `--json -` tells on standard output how a run goes on and what came of it, and nothing else.
    """
    async with receiving() as receiver:
        file = tmp_path / "storm.yaml"
        head = STORM.partition("recipients:")[0].replace("RECEIVER", receiver.url)
        storm = "timeline: [{at: 0s, provider: infobip, storm: {messages: 50, rate: 100/s}}]\n"
        file.write_text(f"{head}clock: {{mode: live}}\n{storm}expect: {{webhooks: {{acknowledged: 100%}}}}\n")
        async with command("run", str(file), *workers, "--port", "0", "--json", "-") as process:
            out, err = await asyncio.wait_for(process.communicate(), 60)

    *views, last = [json.loads(line) for line in out.decode().splitlines()]
    assert process.returncode == 0, err
    assert (last["verdict"], last["receiver"]["acknowledged"]) == ("PASSED", 50)
    assert last["receiver"]["asked_per_s"] is not None
    assert [view["last"] for view in views] == [False] * (len(views) - 1) + [True]
    assert (views[-1]["sent"], views[-1]["answered"], views[-1]["messages"]) == (50, 50, 50)
    assert b"PASSED  a storm for several" in err

"""
`simulator run` and `simulator replay` as users run them: in processes of their own.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from aiohttp import ClientSession, web
from click.testing import CliRunner

from harness import Receiver, receiving, serving, until
from run.mutants.integrator import Integrator
from run.mutants.registry import mutant
from simulator.cli import main
from simulator.commands.init import STARTER
from simulator.provider import discover
from simulator.scenario.loader import load_run

STORM = """
name: a little storm
providers: {infobip: {webhook: {url: RECEIVER/reports}}}
timeline: [{at: 1s, provider: infobip, storm: {messages: 40, rate: 20/s}}]
expect: {messages: {final: 100%}, webhooks: {acknowledged: 100%, lost: 0}}
"""
DRIVEN = """
name: driven
drive: [{call: "POST INTEGRATOR/send", count: 5, rate: 1/s, body: {to: "{recipient}"}}]
expect:
  messages: {final: 100%, delivered: 100%}
  integrator: {ask: "GET INTEGRATOR/messages/{id}", field: state, means: {delivered: [DELIVERED]}}
"""
HUSH = "rules: [{name: hush, then: {fate: silence}}]\n"


class Done(NamedTuple):
    """
    How a process ended.
    """

    code: int
    out: str
    err: str


@asynccontextmanager
async def started(*arguments: str, background: bool = False) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start `simulator` with this source, perhaps as a shell does with `&`; it is ended when the block is."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulator.cli",
        *arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        preexec_fn=_ignore_keyboard if background else None,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _ignore_keyboard() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


async def ended(process: asyncio.subprocess.Process) -> Done:
    """Wait for a process, but not for ever."""
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    assert "Traceback" not in err.decode()
    return Done(process.returncode, out.decode(), err.decode())


async def simulator(*arguments: str) -> Done:
    """Run `simulator` to its end."""
    async with started(*arguments) as process:
        return await ended(process)


def written(folder: Path, text: str, receiver: Receiver | None = None) -> str:
    """Write a scenario and return its path."""
    path = folder / "scenario.yaml"
    path.write_text(text.replace("RECEIVER", receiver.url if receiver else "http://127.0.0.1:9"))
    return str(path)


async def port_of(path: Path) -> int:
    """Return the port that a process writes into a file."""
    await until(lambda: path.exists() and path.read_text().endswith("\n"), turns_max=6_000)
    return int(path.read_text())


async def answer_wrongly(_: web.Request) -> web.StreamResponse:
    """Answer as a receiver that takes nothing."""
    return web.Response(status=500)


async def test_storm_passes_with_evidence_and_record(tmp_path: Path) -> None:
    """
    A scenario that makes its own messages needs no integrator; every file asked for is there and whole.

    Its webhooks as load pass a receiver that takes them again, and no other.
    """
    async with receiving() as receiver:
        scenario = written(tmp_path, STORM, receiver)
        files = {form: tmp_path / f"evidence.{form}" for form in ("junit", "html", "jsonl", "har")}
        wanted = [part for form, path in files.items() for part in (f"--{form}", str(path))]
        record = tmp_path / "record"

        done = await simulator("run", scenario, "--port", "0", *wanted, "--record", str(record))
        again = await simulator("replay", str(record))
        fired = await simulator("replay", str(record), "--to", f"{receiver.url}/again", "--rate", "×10")
        receiver.answer = answer_wrongly
        refused = await simulator("replay", str(record), "--to", receiver.url, "--rate", "×100")
    nobody = await simulator("replay", str(record), "--to", receiver.url, "--rate", "×100")

    assert done.code == 0, done
    assert done.out.startswith("PASSED  a little storm")
    assert "\r" not in done.err
    assert ElementTree.parse(files["junit"]).getroot().tag == "testsuites"
    assert files["html"].read_text().startswith("<!")
    assert all(json.loads(line) for line in files["jsonl"].read_text().splitlines())
    assert len(json.loads(files["har"].read_text())["log"]["entries"]) == 40
    assert sorted(path.name for path in record.iterdir()) == ["bundle.json", "scenario.yaml", "trace.ndjson"]
    assert again == (0, "0 calls again; all 40 webhook attempts are the recorded ones, byte for byte\n", "")
    assert fired.code == 0
    assert fired.out.startswith("40 webhooks sent: 40 × 200\n")
    assert re.match(
        r"40 webhooks in .* of the record; at ×10 that takes .*, no pause longer than 1s", fired.err
    )
    assert len(receiver.received) == 120
    assert (refused.code, nobody.code) == (1, 4)
    assert refused.out.splitlines()[:2] == [
        "40 webhooks sent: 40 × 500",
        "40 webhooks that were answered 2xx in the record were not answered 2xx now",
    ]


async def test_integrator_that_is_driven_is_judged(tmp_path: Path) -> None:
    """
    The verdict is about the integrator: right beliefs pass, wrong ones exit with 1 and a story.
    """
    port_file = tmp_path / "port"
    dones = []
    for judged in (Integrator(), mutant("late report overwrites")):
        port_file.unlink(missing_ok=True)
        async with judged as integrator, receiving() as gate:
            # The integrator learns the port first, as one that is configured does before it is started.
            gate.answer = lambda _, one=integrator: answered(200 if one.simulator else 503)  # type: ignore[misc]
            text = DRIVEN.replace("INTEGRATOR", integrator.url)
            scenario = written(
                tmp_path, f"{text}rules: [{{then: {{webhooks: {{contradict: {{after: 5s}}}}}}}}]\n"
            )
            arguments = ["--wait-for", gate.url, "--port", "0", "--port-file", str(port_file)]
            async with started("run", scenario, *arguments) as process:
                integrator.simulator = f"http://127.0.0.1:{await port_of(port_file)}"
                dones.append(await ended(process))

    assert [done.code for done in dones] == [0, 1], dones
    assert "✗ integrator: state" in dones[1].out


async def answered(status: int) -> web.Response:
    """Answer with a bare status."""
    return web.Response(status=status)


async def test_integrator_that_calls_by_itself_is_waited_for_and_drained(tmp_path: Path) -> None:
    """
    Without drive and storm the run waits for calls, and drains when they have ceased; a second
    run of another build is compared with it.
    """
    record = tmp_path / "record"
    dones = []
    async with receiving() as receiver:
        text = (
            "name: mine\nproviders: {infobip: {webhook: {url: RECEIVER}}}\nexpect: {messages: {final: 100%}}"
        )
        scenario = written(tmp_path, text, receiver)
        runs = [
            (["run", scenario, "--record", str(record)], "one"),
            (["replay", str(record), "--against"], "one"),
            (["replay", str(record), "--against"], "another"),
        ]
        for number, (arguments, said) in enumerate(runs):
            port_file = tmp_path / f"port-{number}"
            common = ["--port", "0", "--port-file", str(port_file), "--quiet", "0.3"]
            async with started(*arguments, *common) as process, ClientSession() as http:
                url = f"http://127.0.0.1:{await port_of(port_file)}/infobip/sms/2/text/advanced"
                body = {"messages": [{"destinations": [{"to": "41793020001"}], "text": said}]}
                async with http.post(url, json=body, headers={"Authorization": "App key"}) as answer:
                    assert answer.status == 200
                dones.append(await ended(process))

    assert [done.code for done in dones] == [0, 0, 1], dones
    assert dones[1].out == "the integrator did what is recorded\n"
    assert "recorded: +0 ms infobip POST" in dones[2].out
    assert '"text": "one"' in dones[2].out.splitlines()[1]
    assert '"text": "another"' in dones[2].out.splitlines()[2]


async def test_nobody_there_ends_with_4_and_leaves_nothing(tmp_path: Path) -> None:
    """
    Without an integrator there is no run: neither one that calls, nor one that is waited for.
    """
    scenario = written(tmp_path, "name: alone")
    record, junit = tmp_path / "record", tmp_path / "junit.xml"
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        arguments = ["run", scenario, "--port", "0", "--within", "0.2"]

        silent = await simulator(*arguments, "--record", str(record), "--junit", str(junit))
        missing = await simulator(*arguments, "--wait-for", url)

    assert (silent.code, missing.code) == (4, 4)
    assert "no call came in 0.2 s" in silent.err
    assert f"{url} is not ready after 0.2 s: " in missing.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scenario.yaml"]


async def test_port_that_is_taken_ends_with_3(tmp_path: Path) -> None:
    """
    A port that somebody else has is told in one line.
    """
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        done = await simulator("run", written(tmp_path, STORM), "--port", str(taken.getsockname()[1]))

    assert done.code == 3
    assert done.err.startswith("simulator: cannot listen on 127.0.0.1: ")


@pytest.mark.parametrize(
    ("text", "more", "complaint"),
    [
        ("nmae: x", [], "scenario.yaml:1:1: "),
        (STORM, ["--wait-for", "nonsense"], "--wait-for: expected a URL"),
        (STORM, ["--junit", "/nowhere/at/all.xml"], "/nowhere/at/all.xml: cannot be written"),
        (STORM, ["--html", "FOLDER"], ": cannot be written (it is a folder)"),
        (STORM, ["--record", "FILE"], ": cannot be written"),
        (STORM, ["--record", "FOLDER"], ": cannot be written (it holds other files and is no bundle; "),
        (STORM, ["--port-file", "/nowhere/at/all"], "/nowhere/at/all: cannot be written"),
        (STORM, ["--allow-target", "nonsense"], "nonsense"),
        (STORM, ["--within", "-1"], "-1"),
    ],
)
async def test_what_cannot_work_is_told_before_the_run(
    tmp_path: Path, text: str, more: list[str], complaint: str
) -> None:
    """
    Bad files and places that cannot be written end with 2 before anything is served.
    """
    scenario = written(tmp_path, text)
    more = [part.replace("FOLDER", str(tmp_path)).replace("FILE", scenario) for part in more]

    done = await simulator("run", scenario, "--port", "0", *more)

    assert done.code == 2
    assert complaint in done.err
    assert "serving at" not in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["scenario.yaml"]


@pytest.mark.parametrize(
    ("number", "background"), [(signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGTERM, True)]
)
async def test_interrupted_run_says_what_it_leaves(
    tmp_path: Path, number: signal.Signals, background: bool
) -> None:
    """
    An interrupted run exits with 130, leaves earlier evidence as it was, and its record until then is whole.
    """
    port_file, junit, record = tmp_path / "port", tmp_path / "junit.xml", tmp_path / "record"
    junit.write_text("from before")
    arguments = ["--port", "0", "--port-file", str(port_file), "--junit", str(junit), "--record", str(record)]

    scenario = written(tmp_path, "name: long")
    async with started("run", scenario, *arguments, background=background) as process:
        await port_of(port_file)
        process.send_signal(number)
        done = await ended(process)
    again = await simulator("replay", str(record))

    assert done.code == 130
    assert "simulator: interrupted at +00:00:00.000; no evidence is written" in done.err
    assert f"{record} holds the run until then" in done.err
    assert junit.read_text() == "from before"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "junit.xml",
        "port",
        "record",
        "scenario.yaml",
    ]
    assert again.code == 0
    assert f"simulator: {record} is incomplete" in again.err


async def test_killed_run_leaves_its_record(tmp_path: Path) -> None:
    """
    What a run had recorded when it was killed can be replayed, and is said to be incomplete.
    """
    port_file, record = tmp_path / "port", tmp_path / "record"
    arguments = ["--port", "0", "--port-file", str(port_file), "--record", str(record), "--quiet", "60"]

    async with started("run", written(tmp_path, "name: long"), *arguments) as process:
        port = await port_of(port_file)
        async with (
            ClientSession() as http,
            http.post(
                f"http://127.0.0.1:{port}/infobip/sms/2/text/advanced",
                json={"messages": [{"text": "Hi", "destinations": [{"to": "41793020001"}]}]},
                headers={"Authorization": "App key"},
            ) as answer,
        ):
            assert answer.status == 200
        process.kill()
        await ended(process)
    again = await simulator("replay", str(record))

    assert (again.code, again.out) == (
        0,
        "1 calls again; all 0 webhook attempts are the recorded ones, byte for byte\n",
    )
    assert f"simulator: {record} is incomplete" in again.err


async def test_inspected_run_serves_on_with_its_verdict_and_exits_with_it(tmp_path: Path) -> None:
    """
    With `--inspect` there is a verdict while the server still answers; ended, it exits as the run did.

    The record has the verdict, too.
    """
    port_file, record = tmp_path / "port", tmp_path / "record"
    arguments = ["--port", "0", "--port-file", str(port_file), "--record", str(record), "--inspect"]
    async with receiving() as receiver:
        receiver.answer = answer_wrongly
        scenario = written(tmp_path, STORM, receiver)
        async with started("run", scenario, *arguments) as process, ClientSession() as http:
            base = f"http://127.0.0.1:{await port_of(port_file)}/_sim/v1/spaces/default"
            assert process.stderr is not None
            lines = [await asyncio.wait_for(process.stderr.readline(), 60) for _ in range(2)]
            async with http.get(f"{base}/verdict") as answer:
                verdict = await answer.json()
            async with http.get(f"{base}/report?format=junit") as answer:
                junit = ElementTree.fromstring(await answer.text())
            process.send_signal(signal.SIGINT)
            done = await ended(process)

    assert lines[1].endswith(b"/_ui/default/run; Ctrl-C ends it\n")
    assert (verdict["passed"], verdict["ended"]) == (False, True)
    assert junit.find(".//failure") is not None
    assert (done.code, done.out.startswith("FAILED")) == (1, True)
    checks = json.loads((record / "bundle.json").read_text("utf-8"))["checks"]
    assert {check["name"]: check["passed"] for check in checks} == {
        check["name"]: check["passed"] for check in verdict["checks"]
    }


async def test_evidence_stays_though_nobody_reads_the_verdict(tmp_path: Path) -> None:
    """
    `simulator run … | head -1` closes the pipe early; files and exit code are those of the run.
    """
    async with receiving() as receiver:
        scenario = written(tmp_path, STORM, receiver)
        jsonl = tmp_path / "journal.jsonl"
        async with started("run", scenario, "--port", "0", "--jsonl", str(jsonl)) as process:
            assert process.stdout is not None
            # The reading end is closed before anything is written.
            process.stdout._transport.close()  # type: ignore[attr-defined]
            assert process.stderr is not None
            said = await asyncio.wait_for(process.stderr.read(), 60)
            code = await asyncio.wait_for(process.wait(), 60)

    assert (code, "cannot be written" in said.decode(), "Traceback" in said.decode()) == (0, False, False)
    assert jsonl.read_text().count("\n") > 100


async def test_recorded_run_explains_its_messages(tmp_path: Path) -> None:
    """
    The story of a message is told from a bundle as from a running server, long after the run.
    """
    record = tmp_path / "record"
    async with receiving() as receiver:
        ran = await simulator(
            "run", written(tmp_path, STORM, receiver), "--port", "0", "--record", str(record)
        )

    told = await simulator("explain", "infobip/+41790000003/1", "--bundle", str(record))
    nobody = await simulator("explain", "infobip/+41790000003/2", "--bundle", str(record))
    nothing = await simulator("explain", "infobip/+41790000003/2", "--bundle", str(tmp_path / "elsewhere"))

    assert ran.code == 0, ran
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("infobip +41790000003 #1 is delivered (id ")
    assert "webhook attempt 1 answered 200 [DELIVERED_TO_HANDSET]" in told.out
    assert (nobody.code, nobody.out) == (2, "")
    assert nobody.err == f"simulator: {record} has no message or refusal 'infobip/+41790000003/2'\n"
    assert (nothing.code, "cannot be read" in nothing.err) == (2, True)


async def test_silence_for_ever_settles_on_a_live_clock(tmp_path: Path) -> None:
    """
    A message of which nothing more is heard keeps no run from its end.
    """
    text = STORM.replace("final: 100%", "final: 0%").replace("acknowledged: 100%, ", "") + HUSH

    done = await simulator("run", written(tmp_path, text), "--port", "0", "--live", "100")

    assert done.code == 0, done
    assert "40 messages" in done.out


async def test_run_without_end_is_ended_and_failed(tmp_path: Path) -> None:
    """
    A run that goes on for ever has failed at last, and says what it waited for.
    """
    text = f"{STORM}rules: [{{then: {{fate: {{deliver: {{after: 40h}}}}}}}}]"
    scenario = written(tmp_path, text)

    done = await simulator("run", scenario, "--port", "0", "--live", "1", "--at-most", "0.5")

    assert done.code == 1
    assert "✗ the run ends within 0.5 s" in done.out


async def test_bundle_that_is_none_ends_with_2(tmp_path: Path) -> None:
    """
    Replay complains in one line, with file and line where there is one.
    """
    folder = tmp_path / "none"
    missing = await simulator("replay", str(folder))
    folder.mkdir()
    (folder / "bundle.json").write_text("{\n  nonsense\n}")
    broken = await simulator("replay", str(folder))
    both = await simulator("replay", str(folder), "--to", "http://127.0.0.1:9", "--against")

    assert (missing.code, broken.code, both.code) == (2, 2, 2)
    assert missing.err.startswith(f"simulator: {folder}/bundle.json: cannot be read (No such file")
    assert broken.err.startswith(f"simulator: {folder}/bundle.json:2: is no JSON: ")
    assert len(broken.err.splitlines()) == 1


def test_starter_is_a_good_scenario(tmp_path: Path) -> None:
    """
    What `init` writes can be checked and run at once, and is not overwritten by accident.
    """
    path = tmp_path / "mine.yaml"
    runner = CliRunner()

    first = runner.invoke(main, ["init", str(path)])
    path.write_text(f"# mine\n{STARTER}")
    second = runner.invoke(main, ["init", str(path)])
    kept = path.read_text()
    forced = runner.invoke(main, ["init", str(path), "--force"])
    nowhere = runner.invoke(main, ["init", str(tmp_path / "no" / "where.yaml")])

    assert (first.exit_code, second.exit_code, forced.exit_code, nowhere.exit_code) == (0, 2, 0, 2)
    assert kept.startswith("# mine")
    assert path.read_text() == STARTER
    assert "cannot be written" in nowhere.stderr
    # What is commented out is good, too: it is there to be used.
    full = STARTER.replace("  # - ", "  - ").replace("  #   ", "    ").replace("# drive:", "drive:")
    full = full.replace("#   - {call", "  - {call")
    plan = load_run(full, "starter", discover())
    scenario = plan.scenario
    assert (len(scenario.rules), len(scenario.timeline), len(plan.drive)) == (3, 3, 1)


async def test_explain_tells_of_messages_and_refusals() -> None:
    """
    A message is told by its id, a refused call by its key.
    """
    async with serving() as bench:
        rules = [{"name": "slow down", "then": {"answer": {"throttle": {"rate": "1/h", "burst": 1}}}}]
        await bench.load({"rules": rules})
        _, sent = await bench.send("41793020001")
        await bench.send("41793020001")

        message = await simulator("explain", sent["messages"][0]["messageId"], "--url", bench.url)
        refusal = await simulator("explain", "infobip/+41793020001/2", "--url", bench.url)
        nobody = await simulator("explain", "infobip/+41793020001/3", "--url", bench.url)

    assert (message.code, refusal.code, nobody.code) == (0, 0, 2)
    assert message.out.startswith("infobip +41793020001 #1 is accepted (id ")
    assert refusal.out.splitlines()[1] == 'answer: rule "slow down"'
    assert "there is no 'infobip/+41793020001/3' among 1 messages and the last 1 refusals" in nobody.err

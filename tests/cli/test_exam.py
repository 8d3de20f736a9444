"""
`simulator exam` as users run it: in a process of its own, against software in another.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from click.testing import CliRunner, Result

from cli.test_run import Done, simulator
from exam.stage import parts_at
from run.mutants.integrator import Integrator
from run.mutants.registry import MUTANTS
from simulator.cli import main
from simulator.exam.hardships import library
from simulator.provider import discover


async def examined(folder: Path, mutant: str, *arguments: str) -> Done:
    """Examine an integrator with a bug, which learns from a file where the simulator is."""
    policy = MUTANTS[mutant].policy
    port = free_port()
    async with Integrator(policy=policy, simulator=f"http://127.0.0.1:{port}") as integrator:
        parts = parts_at(integrator.url, "infobip", signed=False)
        (folder / "software.yaml").write_text(json.dumps(parts))
        return await simulator(
            *("exam", "infobip", "--software", str(folder / "software.yaml"), "--port", str(port)),
            *("--to", str(folder / "failed"), "--seed", "5", *arguments),
        )


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def called(*arguments: str) -> Result:
    """Call the command in this process."""
    return CliRunner().invoke(main, ["exam", *arguments])


async def test_failure_is_told_and_written_down(tmp_path: Path) -> None:
    """
    The score, the story, every form of evidence, and a file that `run` takes; exit code 1.
    """
    outputs: dict[str, Path] = {
        form: tmp_path / f"exam.{form}" for form in ("junit", "html", "badge", "json")
    }
    only = ("--only", "contradicted", "--only", "told-t*")

    done = await examined(
        tmp_path,
        "late report overwrites",
        *only,
        *(word for form, path in outputs.items() for word in (f"--{form}", str(path))),
    )

    file = tmp_path / "failed" / "infobip" / "contradicted.yaml"
    assert done.code == 1, done.err
    lines = done.out.splitlines()
    assert lines[0].startswith("  ✗ contradicted")
    assert lines[-1].startswith("FAILED  Infobip SMS  receiver: 2/3  (1 failed, seed 5, ")
    assert any(line.startswith(f"  alone: simulator run {file} --port ") for line in lines)
    assert any("webhook contradicts the truth on purpose" in line for line in lines)
    assert [path.name for path in file.parent.iterdir()] == ["contradicted.yaml"]
    assert called_check(file).startswith(f"{file}: good")
    cases = ElementTree.parse(outputs["junit"]).iter("testcase")
    assert [case.get("name") for case in cases] == ["contradicted", "told-twice", "told-twice-anew"]
    told: dict[str, Any] = json.loads(outputs["json"].read_text())
    assert told["score"] == "2/3"
    assert told["hardships"][0]["file"] == str(file)
    assert "2/3" in outputs["badge"].read_text()
    assert "2/3" in outputs["html"].read_text()


def called_check(path: Path) -> str:
    """Return what `check` says of a file."""
    return CliRunner().invoke(main, ["check", str(path)]).output


async def test_baseline_lets_known_failures_pass(tmp_path: Path) -> None:
    """
    Written once, it makes the same exam end with 0.
    """
    baseline = tmp_path / "baseline.yaml"
    mutant = "late report overwrites"
    once = ("--baseline", str(baseline), "--only", "contradicted")

    first = await examined(tmp_path, mutant, *once, "--write-baseline")
    second = await examined(tmp_path, mutant, *once)

    assert (first.code, second.code) == (0, 0)
    assert "infobip: [contradicted]" in baseline.read_text()
    assert second.out.splitlines()[-1].startswith(
        "PASSED  Infobip SMS  receiver: 0/1  (1 failed, 1 of them known"
    )


def test_list_tells_names_and_promises() -> None:
    """
    All of a provider's, or those that are chosen.
    """
    everything, some = (
        called("bitel", "--list"),
        called("bitel", "--list", "--only", "told-*", "--skip", "*anew"),
    )

    own = [hardship for hardship in library(discover()) if "bitel" in hardship.providers]
    assert everything.exit_code == some.exit_code == 0
    assert [line.split()[0] for line in everything.output.splitlines()] == [hardship.name for hardship in own]
    assert some.output.splitlines() == [
        "told-five-times  However often a report comes, it counts once.",
        "told-twice       A report that comes twice counts once.",
    ]


def test_what_is_typed_wrongly_is_refused(tmp_path: Path) -> None:
    """
    Exit code 2, with what was expected.
    """
    calls = {
        ("nobody",): "there is no provider 'nobody'; there are bip, bitel, infobip, rbm",
        ("infobip",): "nobody said how your software is reached: expected --software FILE, or --drive CALL",
        ("infobip", "--only", "nothing"): "no hardship has such a name; --list tells them",
        ("infobip", "--write-baseline"): "--write-baseline writes to the file of --baseline; give one",
        ("infobip", "--software", str(tmp_path / "none.yaml")): "none.yaml: cannot be read (No such file",
        ("infobip", "--drive", "POST"): "expected a method and a URL",
        (
            "infobip",
            "--drive",
            "POST http://127.0.0.1:9/",
            "--baseline",
            str(tmp_path / "none"),
        ): "cannot be read",
        ("infobip", "--drive", "POST http://127.0.0.1:9/", "--inbound", "nonsense"): "inbound",
    }

    results = {arguments: called(*arguments) for arguments in calls}

    assert {arguments: result.exit_code for arguments, result in results.items()} == dict.fromkeys(calls, 2)
    for arguments, complaint in calls.items():
        assert complaint in results[arguments].output, results[arguments].output


async def test_nobody_there_ends_with_4(tmp_path: Path) -> None:
    """
    Software that does not answer has not failed: it was not examined.
    """
    done = await simulator(
        *("exam", "infobip", "--drive", "POST http://127.0.0.1:9/send", "--webhook", "http://127.0.0.1:9/"),
        *("--port", "0", "--only", "strangers", "--to", str(tmp_path)),
    )

    assert done.code == 4, done.out
    assert "127.0.0.1:9" in done.err

"""
Findings as files: the scenario with its story, a test, and curl lines; and back again.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from simulator.explore.finding import Finding
from simulator.explore.invariants import INVARIANTS
from simulator.files.inputs import read_bounded
from simulator.files.outputs import write_whole
from simulator.scenario.yaml import SIZE_MAX_BYTES

__all__ = ["read_found", "write_finding"]

_TEST: Final = '''"""
What was found once must not come back.  It needs your software where the file says, and the simulator's port.
"""

import subprocess
import sys
from pathlib import Path


def test_{function}() -> None:
    """
    In the end, {promise}.
    """
    file = Path(__file__).with_name("{file}")

    command = [sys.executable, "-m", "simulator", {command}, str(file)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert run.returncode == 0, run.stdout + run.stderr
'''


def write_finding(folder: Path, finding: Finding) -> list[Path]:
    """Write a finding into *folder*, in place of an earlier one of its kind; raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{finding.name}.yaml"
    function = re.sub(r"\W+", "_", finding.name)
    promise = INVARIANTS.get(finding.invariant, finding.invariant)
    test = _TEST.format(
        promise=promise.replace('"', "'"),
        file=file.name,
        function=function,
        # What only explore judges is no failure of a run.
        command=", ".join(f'"{word}"' for word in _command(finding)),
    )
    texts = {
        file: "\n".join([*_header(finding, promise, file.name), finding.text]),
        folder / f"test_{function}.py": test,
        folder / f"{finding.name}.sh": "\n".join(["#!/bin/sh", f"# {promise}", *finding.curl, ""]),
    }
    for path, text in texts.items():
        write_whole(path, text.encode())
    return list(texts)


def _command(finding: Finding) -> list[str]:
    if finding.invariant in INVARIANTS:
        return ["run"]
    return ["explore", "--invariant", finding.invariant, "--replay"]


def _header(finding: Finding, promise: str, name: str) -> Iterator[str]:
    yield f"# Broken: {promise}."
    yield f"# {finding.detail}"
    if finding.again < finding.tries:
        yield f"# Same seed, other answers: it came {finding.again} times of {finding.tries}."
    yield "#"
    yield f"# simulator {' '.join(_command(finding))} {shlex.quote(name)}"
    yield "#"
    yield from (f"#   {line}" for line in finding.story)


def read_found(place: Path) -> list[tuple[Path, str]]:
    """Return every finding's file in a folder, or the one that *place* is; raises OSError."""
    paths = sorted(place.glob("*.yaml")) if place.is_dir() else [place]
    return [(path, read_bounded(path, SIZE_MAX_BYTES).decode("utf-8")) for path in paths]

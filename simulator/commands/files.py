"""
Scenario files on disk: where they are found, and what is said when they are not good.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path

from simulator.kernel.model.scenario import Scenario
from simulator.run.inputs import read_bounded
from simulator.scenario.goals import RunFile
from simulator.scenario.loader import ScenarioError, Vocabulary, load_run
from simulator.scenario.yaml import SIZE_MAX_BYTES

__all__ = ["find_scenario", "library", "load_file", "load_run_file"]


def library() -> list[Path]:
    """Return the shipped scenario files, sorted by name."""
    package = Path(__file__).resolve().parent.parent
    # In an installed package the library lies inside it, in a checkout beside it.
    for folder in (package / "library", package.parent / "scenarios"):
        if folder.is_dir():
            return sorted(folder.glob("*.yaml"))
    return []


def find_scenario(name: str) -> Path:
    """Return the file that *name* means: a path, or the name of a shipped scenario."""
    path = Path(name)
    if path.exists() or path.suffix:
        return path
    for shipped in library():
        if shipped.stem == name:
            return shipped
    return path


def load_file(path: Path, providers: Mapping[str, Vocabulary]) -> Scenario:
    """Return the scenario in a file; raises ScenarioError, also when it cannot be read."""
    return load_run_file(path, providers).scenario


def load_run_file(path: Path, providers: Mapping[str, Vocabulary], *, to_be_run: bool = True) -> RunFile:
    """
    Return what a scenario file says; raises ScenarioError, also when it cannot be read.

    A file that is only checked needs nothing installed; one *to_be_run* needs the extras it uses.
    """
    try:
        text = read_bounded(path, SIZE_MAX_BYTES).decode("utf-8")
    except UnicodeDecodeError as trouble:
        raise ScenarioError([_no_utf8(path, trouble)]) from None
    except OSError as trouble:
        if trouble.errno == errno.EFBIG:
            raise ScenarioError([f"{path}:1:1: cannot be read ({trouble.strerror})"]) from None
        names = ", ".join(shipped.stem for shipped in library())
        problem = trouble.strerror or trouble
        raise ScenarioError([f"{path}: cannot be read ({problem}); shipped scenarios: {names}"]) from None
    return load_run(text, str(path), providers, to_be_run=to_be_run)


def _no_utf8(path: Path, trouble: UnicodeDecodeError) -> str:
    """Return the complaint about the first byte that is no UTF-8; what stands before it is."""
    before = trouble.object[: trouble.start].decode("utf-8").removeprefix("\ufeff")
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    byte = trouble.object[trouble.start]
    return f"{path}:{line}:{column}: expected UTF-8, got the byte 0x{byte:02X}; save the file as UTF-8"

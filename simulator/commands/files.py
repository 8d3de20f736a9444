"""
Scenario files on disk: where they are found, and what is said when they are not good.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path

from simulator.files.inputs import read_bounded
from simulator.kernel.model.scenario import Scenario
from simulator.scenario.goals import RunFile
from simulator.scenario.loader import ScenarioError, Vocabulary, load_run
from simulator.scenario.shipped import find_scenario, library, shipped_instead
from simulator.scenario.yaml import SIZE_MAX_BYTES

__all__ = ["find_scenario", "library", "load_file", "load_run_file", "read_text"]


def load_file(path: Path, providers: Mapping[str, Vocabulary]) -> Scenario:
    """Return the scenario in a file; raises ScenarioError, also when it cannot be read."""
    return load_run_file(path, providers).scenario


def load_run_file(path: Path, providers: Mapping[str, Vocabulary], *, to_be_run: bool = True) -> RunFile:
    """
    Return what a scenario file says; raises ScenarioError, also when it cannot be read.

    A file that is only checked needs nothing installed; one *to_be_run* needs the extras it uses.
    """
    return load_run(read_text(path), str(path), providers, to_be_run=to_be_run)


def read_text(path: Path) -> str:
    """Return what a YAML file holds; raises ScenarioError when that cannot be read."""
    try:
        return read_bounded(path, SIZE_MAX_BYTES).decode("utf-8")
    except UnicodeDecodeError as trouble:
        raise ScenarioError([_no_utf8(path, trouble)]) from None
    except OSError as trouble:
        if trouble.errno == errno.EFBIG:
            raise ScenarioError([f"{path}:1:1: cannot be read ({trouble.strerror})"]) from None
        why = trouble.strerror or trouble
        raise ScenarioError([f"{path}: cannot be read ({why}){shipped_instead(path)}"]) from None


def _no_utf8(path: Path, trouble: UnicodeDecodeError) -> str:
    """Return the complaint about the first byte that is no UTF-8; what stands before it is."""
    before = trouble.object[: trouble.start].decode("utf-8").removeprefix("\ufeff")
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    byte = trouble.object[trouble.start]
    return f"{path}:{line}:{column}: expected UTF-8, got the byte 0x{byte:02X}; save the file as UTF-8"

"""
Python values as the control API writes them: lengths of time, instants, scenarios.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from simulator.files.inputs import read_bounded
from simulator.scenario.shipped import find_scenario, shipped_instead
from simulator.scenario.yaml import SIZE_MAX_BYTES

__all__ = ["beside", "duration", "instant", "scenario_text"]

__tracebackhide__ = True

_FILE_OR_NAME: Final = r"[\w./~ -]+\.ya?ml|[A-Za-z0-9-]+"
"""A line that is no YAML mapping: the name of a file, or of a shipped scenario."""


def duration(by: str | timedelta) -> str:
    """Return a length of time as text."""
    return f"{by // timedelta(milliseconds=1)}ms" if isinstance(by, timedelta) else by


def instant(start: str | datetime | timedelta) -> str:
    """Return an instant as text; raises ValueError when it names no zone, TypeError for a span."""
    if isinstance(start, timedelta):
        raise TypeError(f"expected an instant, got a span, {start!r}; advance() takes that")
    if not isinstance(start, datetime):
        return start
    if start.tzinfo is None:
        raise ValueError(f"expected an instant with its zone, got {start!r}")
    return start.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def beside(scenario: str | Path | Mapping[str, object], folder: Path) -> str | Path | Mapping[str, object]:
    """Return the file of that name in *folder*, where there is one and none where pytest was started."""
    if isinstance(scenario, str | Path) and str(scenario).endswith((".yaml", ".yml")):
        there = folder / scenario
        if there.exists() and not Path(scenario).exists():
            return there
    return scenario


def scenario_text(scenario: str | Path | Mapping[str, object]) -> str | dict[str, object]:
    """Return a scenario as the control API takes it: YAML text or an object."""
    if isinstance(scenario, str) and "\n" not in scenario and re.fullmatch(_FILE_OR_NAME, scenario):
        path = find_scenario(scenario)
        if not path.exists():
            raise ValueError(f"there is no scenario {scenario!r}{shipped_instead(path)}")
        scenario = path
    if isinstance(scenario, Path):
        return read_bounded(scenario, SIZE_MAX_BYTES).decode("utf-8")
    return dict(scenario) if isinstance(scenario, Mapping) else scenario

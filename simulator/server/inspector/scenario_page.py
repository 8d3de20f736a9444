"""
The scenario in force: its text, its rules and how often each was of use, and others to load.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import simulator
from simulator.kernel.model.units import format_duration
from simulator.runtime.space import Space
from simulator.server.inspector.frame import Visit, page
from simulator.server.operations.rules import rule_uses

__all__ = ["scenario_page"]

_TEXT_BYTES_MAX: Final = 200_000


class Item(NamedTuple):
    """
    An item of the timeline.
    """

    at: str
    line: int
    what: str
    past: bool


def scenario_page(visit: Visit) -> str:
    """Return the page of the scenario in force, or of a shipped one that `load` names."""
    space = visit.space
    simulation = space.simulation
    scenario = simulation.scenario
    shipped = {path.stem: path for path in _library()}
    chosen = visit.query.get("load", "")
    text = _read(shipped[chosen]) if chosen in shipped else _text(space)
    since_ms = simulation.clock.now_ms - simulation.state.scenario_start_ms
    return page(
        "scenario.html",
        visit,
        "scenario",
        "Scenario",
        name=scenario.name,
        source=scenario.source if scenario.source != "scenario" else "",
        uses=rule_uses(simulation),
        items=[
            Item(
                format_duration(item.at_ms),
                item.line,
                ", ".join(
                    part
                    for part in (
                        item.recipient,
                        item.act.kind if item.act is not None else "",
                        ", ".join(f"{name}: {value}" for name, value in item.traits.items()),
                        "hold webhooks" if item.hold else "",
                        "release webhooks" if item.release is not None or item.release_at_once else "",
                        f"storm of {item.storm.messages:,}" if item.storm is not None else "",
                        f"settings of {', '.join(item.providers)}" if item.providers else "",
                    )
                    if part
                ),
                item.at_ms <= since_ms,
            )
            for item in scenario.timeline[:200]
        ],
        shipped=list(shipped),
        loaded=chosen if chosen in shipped else "",
        text=text,
        lines=text.count("\n") + 1,
    )


def _library() -> list[Path]:
    """Return the shipped scenario files: within an installed package, beside it in a checkout."""
    package = Path(simulator.__file__).resolve().parent
    for folder in (package / "library", package.parent / "scenarios"):
        if folder.is_dir():
            return sorted(folder.glob("*.yaml"))
    return []


def _text(space: Space) -> str:
    source = space.simulation.scenario.source
    return space.scenario_text or (_read(Path(source)) if source else "")


def _read(path: Path) -> str:
    try:
        # Pipes and devices may have become of it, which have no end, or keep whoever reads waiting.
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(_TEXT_BYTES_MAX).decode("utf-8", "replace")
    except OSError:
        return ""

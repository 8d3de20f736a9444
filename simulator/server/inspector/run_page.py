"""
How the run stands: scorecard and charts, drawn by the code that draws the HTML evidence.
"""

from __future__ import annotations

from simulator.evidence.axis import Axis
from simulator.evidence.html import instants
from simulator.evidence.lanes import LEGEND, axis_row
from simulator.evidence.overview import overview
from simulator.evidence.result import Check
from simulator.evidence.scorecard import scorecard
from simulator.evidence.tables import incidents, refused
from simulator.evidence.verdict import check_rows, receiver
from simulator.server.inspector.frame import Visit, page
from simulator.server.spaces import Judged

__all__ = ["run_page"]


def _unlinked(check: Judged) -> Check:
    return Check(name=check.name, passed=check.passed, detail=check.detail, lines=check.lines)


def run_page(visit: Visit) -> str:
    """Return the page of a space as one run: how the receiver does, and what happened when."""
    simulation = visit.space.simulation
    axis = Axis(instants(simulation))
    scenario = simulation.scenario
    judge = visit.controller.registry.judges.get(visit.space.name)
    checks = judge(visit.space) if judge is not None else ()
    missed = sum(not check.passed for check in checks)
    return page(
        "run_page.html",
        visit,
        "run",
        "Run",
        name=scenario.name,
        checks=check_rows([_unlinked(check) for check in checks], {}),
        verdict=("pass", "passed so far") if checks and not missed else ("fail", "failed so far"),
        checks_note=f"{missed} of {len(checks)} not met" if missed else f"all {len(checks)} met",
        receiver=receiver(scorecard(visit.space)),
        legend=LEGEND,
        axis=axis_row(axis),
        overview=overview(simulation, axis),
        incidents=incidents(simulation),
        refusals=refused(simulation),
    )

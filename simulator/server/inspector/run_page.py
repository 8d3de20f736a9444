"""
How the run stands: verdict, scorecard and charts, drawn by the code that draws the HTML evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulator.evidence.axis import Axis
from simulator.evidence.html import instants
from simulator.evidence.lanes import axis_row
from simulator.evidence.overview import BARS, overview
from simulator.evidence.plots import plots
from simulator.evidence.result import Check, RunResult, Scorecard
from simulator.evidence.scorecard import scorecard
from simulator.evidence.tables import incidents, refused
from simulator.evidence.verdict import check_rows, checks_note, receiver, verdict
from simulator.evidence.words import count, span
from simulator.kernel.model.submission import MessageKey
from simulator.server.inspector.frame import Visit, link_to_message, page
from simulator.server.spaces import Judged

__all__ = ["run_page"]

_LINKED_MAX: Final = 1_000


def run_page(visit: Visit) -> str:
    """Return the page of a space as one run: how the receiver does, and what happened when."""
    space = visit.space
    simulation = space.simulation
    axis = Axis(instants(simulation))
    course = visit.controller.registry.courses.get(space.name)
    result = course.result if course is not None else None
    over = result if isinstance(result, RunResult) else None
    checks = [_check(item) for item in course.checks(space)] if course is not None else []
    card = over.scorecard if over is not None else course.scorecard(space) if course is not None else None
    planned_ms = course.planned_ms(space) if course is not None else ()
    return page(
        "run_page.html",
        visit,
        "run",
        "Run",
        name=simulation.scenario.name,
        course=course is not None,
        over=over is not None,
        facts=_facts(visit, over, axis),
        checks=check_rows(checks, _links(visit, checks)),
        verdict=verdict(checks),
        checks_note=checks_note(checks),
        receiver=receiver(card if isinstance(card, Scorecard) else scorecard(space)),
        legend=BARS,
        axis=axis_row(axis),
        overview=overview(simulation, axis),
        plots=plots(simulation, axis, planned_ms),
        incidents=incidents(simulation),
        refusals=refused(simulation),
    )


def _check(item: Judged) -> Check:
    return Check(
        name=item.name,
        passed=item.passed,
        judged=item.judged,
        detail=item.detail,
        lines=item.lines,
        blamed=item.blamed,
    )


def _links(visit: Visit, checks: Sequence[Check]) -> dict[MessageKey, str]:
    """Return where the messages are that an expectation blames."""
    blamed = [key for check in checks if not check.passed for key in check.blamed[:_LINKED_MAX]]
    return {key: link_to_message(visit, key) for key in blamed}


def _facts(visit: Visit, over: RunResult | None, axis: Axis) -> list[str]:
    simulation = visit.space.simulation
    facts = [
        count(len(simulation.messages), "message"),
        count(len(simulation.outbox.webhooks), "webhook"),
        f"{span(axis.to_ms - axis.from_ms)} of virtual time",
    ]
    if over is not None and over.elapsed_real_s is not None:
        facts.append(f"took {over.elapsed_real_s:.1f} s")
    return facts

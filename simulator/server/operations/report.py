"""
Evidence of a space, with or without a run.
"""

from __future__ import annotations

from simulator import __version__
from simulator.evidence.formats import FORMATS
from simulator.server.operations.base import Asked, Controller, Problem, Reply

__all__ = ["report", "verdict"]


async def verdict(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    course = controller.registry.courses.get(space.name)
    if course is None:
        raise Problem(404, "No expectations", f"{space.name!r} is no run, so nothing is expected of it")
    checks = course.checks(space)
    views = [{"name": check.name, "passed": check.passed, "detail": check.detail} for check in checks]
    passed = all(check.passed for check in checks)
    return Reply({"passed": passed, "ended": course.result is not None, "checks": views})


async def report(controller: Controller, asked: Asked) -> Reply:
    # Loaded when first asked for: servers start without.
    from simulator.evidence.result import RunResult
    from simulator.evidence.scorecard import scorecard

    name = asked.query.get("format", "html")
    form = FORMATS.get(name)
    if form is None:
        raise Problem(400, "Bad query", f"format: expected {', '.join(FORMATS)}, got {name!r}")
    space = controller.space(asked)
    course = controller.registry.courses.get(space.name)
    if course is not None and isinstance(course.result, RunResult):
        return Reply(form.render(course.result), content_type=form.content_type)
    scenario = space.simulation.scenario
    result = RunResult(
        scenario=scenario.name,
        source=scenario.source,
        seed=space.seed,
        version=__version__,
        # Nobody has asked for anything: a space as it is has no verdict.
        checks=(),
        scorecard=scorecard(space),
        space=space,
    )
    return Reply(form.render(result), content_type=form.content_type)

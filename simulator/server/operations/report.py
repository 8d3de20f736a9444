"""
Evidence of a space, with or without a run.
"""

from __future__ import annotations

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
    from simulator.evidence.scorecard import without_verdict

    name = asked.query.get("format", "html")
    form = FORMATS.get(name)
    if form is None:
        raise Problem(400, "Bad query", f"format: expected {', '.join(FORMATS)}, got {name!r}")
    space = controller.space(asked)
    course = controller.registry.courses.get(space.name)
    over = course.result if course is not None else None
    result = over if isinstance(over, RunResult) else without_verdict(space)
    return Reply(form.render(result), content_type=form.content_type)

"""
Evidence of a space, with or without a run.
"""

from __future__ import annotations

from simulator.evidence.formats import FORMATS
from simulator.server.operations.base import Asked, Controller, Problem, Reply

__all__ = ["report", "verdict"]


async def verdict(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    judge = controller.registry.judges.get(space.name)
    if judge is None:
        raise Problem(404, "No expectations", f"{space.name!r} is no run, so nothing is expected of it")
    checks = judge(space)
    views = [{"name": check.name, "passed": check.passed, "detail": check.detail} for check in checks]
    return Reply({"passed": all(check.passed for check in checks), "checks": views})


async def report(controller: Controller, asked: Asked) -> Reply:
    # Loaded when first asked for: servers start without.
    from simulator.evidence.scorecard import without_verdict

    name = asked.query.get("format", "html")
    form = FORMATS.get(name)
    if form is None:
        raise Problem(400, "Bad query", f"format: expected {', '.join(FORMATS)}, got {name!r}")
    result = without_verdict(controller.space(asked))
    return Reply(form.render(result), content_type=form.content_type)

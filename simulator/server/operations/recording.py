"""
Recorded runs: stand at another moment, go on from there in a space of its own.
"""

from __future__ import annotations

from typing import Final

from simulator.explain.views import instant
from simulator.schema.shapes import Field, Integer, Record, Shape, Text
from simulator.server.operations.base import Asked, Controller, Problem, Reply, plain_of, read_as
from simulator.server.spaces import Recorded

__all__ = ["FORK", "SEEK", "fork_recording", "get_recording", "seek_recording"]

SEEK: Final[Shape[object]] = Record(
    dict,
    [Field("moment", Integer(0, 10**9), "Which moment, counted from 0.", required=True)],
    what="a moment of a recorded run",
)
FORK: Final[Shape[object]] = Record(
    dict, [Field("name", Text(1, 100), "The name of the new space; made up, if not given.")], what="a fork"
)


def _recorded(controller: Controller, asked: Asked) -> Recorded:
    name = asked.parameters["space"]
    recorded = controller.registry.recordings.get(name)
    if recorded is None:
        raise Problem(404, "No such recording", f"{name!r} is no recorded run; `simulator open` shows one")
    return recorded


def _view(recorded: Recorded) -> dict[str, object]:
    simulation = recorded.space.simulation
    now_ms = simulation.clock.now_ms
    return {
        "moment": recorded.moment,
        "moments": len(recorded.moments),
        "now_ms": now_ms,
        "now": instant(simulation, now_ms),
        "note": recorded.note,
        "forkable": recorded.forkable,
    }


async def get_recording(controller: Controller, asked: Asked) -> Reply:
    return Reply(_view(_recorded(controller, asked)))


async def seek_recording(controller: Controller, asked: Asked) -> Reply:
    recorded = _recorded(controller, asked)
    values = read_as(SEEK, plain_of(asked), "a moment of a recorded run")
    assert isinstance(values, dict)
    last = len(recorded.moments) - 1
    if values["moment"] > last:
        raise Problem(422, "Not a moment", f"moment: expected 0 to {last}, got {values['moment']}")
    await recorded.seek(values["moment"])
    return Reply(_view(recorded))


async def fork_recording(controller: Controller, asked: Asked) -> Reply:
    recorded = _recorded(controller, asked)
    values = read_as(FORK, plain_of(asked), "a fork")
    assert isinstance(values, dict)
    try:
        space = await recorded.fork(values.get("name", ""))
    except ValueError as refusal:
        raise Problem(409, "Not forked", str(refusal)) from None
    return Reply(controller.view(space, asked.base_url), 201)

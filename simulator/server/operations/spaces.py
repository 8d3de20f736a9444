"""
Spaces, their clocks, scenarios and settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from inspect import isawaitable
from typing import Any, Final

import msgspec

from simulator.explain.views import instant
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.scenario import ClockMode, ClockSpec, Scenario
from simulator.provider import actions_of, header_text
from simulator.runtime.driver import AdvanceBusy, AdvanceEnded
from simulator.runtime.space import ScenarioConflict, Space, urls_in
from simulator.runtime.turns import taking_turns
from simulator.scenario.loader import CLOCK, CLOCK_FIELDS, START, ScenarioError
from simulator.schema.node import Json
from simulator.schema.shapes import (
    AnyJson,
    Choice,
    Duration,
    Field,
    Instant,
    Integer,
    Record,
    Shape,
    Text,
)
from simulator.server.operations.base import Asked, Controller, Problem, Reply, ended, plain_of, read_as
from simulator.server.spaces import DEFAULT_SPACE
from simulator.server.views import (
    clock_view,
    listed,
)

__all__ = [
    "ADVANCE",
    "CREATE",
    "SET_CLOCK",
    "advance",
    "create_space",
    "delete_space",
    "get_clock",
    "get_space",
    "list_spaces",
    "put_clock",
    "put_scenario",
    "put_settings",
]


_LOOK_UP_REAL_S: Final = 1.0
_LATEST_UNIX_MS: Final = 221_845_392_000_000
"""9000-01-01: beyond the year 9999 there are no dates, and messages live on after an advance."""


CREATE: Final[Shape[object]] = Record(
    dict,
    [
        Field("name", Text(1, 100), "Its name; made up, if not given."),
        Field("seed", Integer(0, 2**53), "Its seed; the scenario's, or else one drawn from its name."),
        Field("default_seed", Integer(0, 2**53), "Its seed when nothing else says one."),
        Field(
            "clock",
            CLOCK,
            "How time passes: frozen (the default), live or autojump, or an object with mode, rate, start.",
        ),
        Field("scenario", AnyJson(), "A scenario, as an object or as YAML text."),
        Field("providers", AnyJson(), "Settings by provider name."),
    ],
    what="a space",
)


async def create_space(controller: Controller, asked: Asked) -> Reply:
    def read() -> tuple[dict[str, Any], Scenario | None, str]:
        plain = plain_of(asked)
        # What a scenario looks like is the business of those who read scenarios.
        written = plain.pop("scenario", None) if isinstance(plain, dict) else None
        values = read_as(CREATE, plain, "a space")
        assert isinstance(values, dict)
        if written is None:
            return values, None, ""
        return values, _scenario_of(controller, written), _text_of(written)

    values, scenario, text = await controller.reading(asked, read)
    seed = values.get("seed", scenario.seed if scenario is not None else None)
    if seed is None:
        seed = values.get("default_seed")
    clock = _clock_of(values.get("clock"), scenario.clock if scenario is not None else None)
    settings = {
        name: _settings_of(controller, name, plain)
        for name, plain in _object(values.get("providers", {}), "providers").items()
    }
    try:
        space = await taking_turns(
            controller.registry.creating(values.get("name", ""), seed=seed, clock=clock, scenario=scenario)
        )
    except ValueError as refusal:
        raise Problem(409, "Not created", str(refusal)) from None
    if scenario is not None:
        space.scenario_text = text
    for name, values_of_provider in settings.items():
        space.configure(name, values_of_provider)
    written = {**(scenario.providers if scenario is not None else {}), **settings}
    view = await controller.looked_at(space, lambda beside, still: beside.view(still, asked.base_url))
    return Reply(view, 201, headers=await _doubts(controller, space, written))


async def _doubts(
    controller: Controller, space: Space, settings: Mapping[str, Mapping[str, object]]
) -> tuple[tuple[str, str], ...]:
    """Return as a header to which targets in *settings* nothing will be sent, as the journal has it."""
    if controller.registry.doubts is not None:
        # Most names are known at once; who waits for the others waits no longer than this.
        await controller.registry.doubts.known(_LOOK_UP_REAL_S)
    reasons = dict.fromkeys(
        f"webhooks will be lost: {why}"
        for name, values in settings.items()
        for url in urls_in(values)
        if (why := space.gateways[name].why_not(url))
    )
    return (("X-Simulator-Note", header_text("; ".join(reasons))),) if reasons else ()


def _clock_of(asked: ClockSpec | None, written: ClockSpec | None) -> ClockSpec | None:
    """Return the clock that is asked for, with what it leaves open as the scenario has it."""
    if asked is None or written is None:
        return asked or written
    start_unix_ms = written.start_unix_ms if asked.start_unix_ms is None else asked.start_unix_ms
    return replace(
        asked, start_unix_ms=start_unix_ms, grace_real_ms=asked.grace_real_ms or written.grace_real_ms
    )


def _object(plain: Json, what: str) -> dict[str, Json]:
    if not isinstance(plain, dict):
        raise Problem(422, f"Not {what}", f"{what}: expected an object")
    return plain


async def list_spaces(controller: Controller, asked: Asked) -> Reply:
    spaces = controller.registry.all()
    for space in spaces:
        space.driver.sync()
    return Reply(listed([{"name": space.name, "clock": clock_view(space)} for space in spaces], len(spaces)))


async def get_space(controller: Controller, asked: Asked) -> Reply:
    return Reply(controller.view(controller.space(asked), asked.base_url))


async def delete_space(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    if space.name == DEFAULT_SPACE:
        raise Problem(409, "Not deleted", "the default space stays; create one of your own to delete it")
    await controller.registry.delete(space.name)
    return Reply(None, 204)


async def get_clock(controller: Controller, asked: Asked) -> Reply:
    return Reply(clock_view(controller.space(asked)))


SET_CLOCK: Final[Shape[object]] = Record(
    ClockSpec,
    [
        Field("mode", Choice(ClockMode), "frozen, live or autojump.", required=True),
        *CLOCK_FIELDS,
        START,
    ],
    what="a clock",
)


async def put_clock(controller: Controller, asked: Asked) -> Reply:
    spec = read_as(SET_CLOCK, plain_of(asked), "a clock")
    assert isinstance(spec, ClockSpec)
    space = controller.space(asked)
    try:
        space.set_clock(spec)
    except ScenarioConflict as conflict:
        raise Problem(409, "Not changed", f"the clock goes on as before: {conflict}") from None
    return Reply(clock_view(space))


ADVANCE: Final[Shape[object]] = Record(
    dict,
    [
        Field("by", Duration(), "Move the clock by this much, such as 2h."),
        Field("to", Instant(), "Move the clock to this instant."),
        Field(
            "until",
            Choice({"settled": "settled", "next": "next"}),
            "settled: until nothing is due any more; next: to what is due next, and no further.",
        ),
    ],
    what="an advance",
)


async def advance(controller: Controller, asked: Asked) -> Reply:
    values = read_as(ADVANCE, plain_of(asked), "an advance")
    assert isinstance(values, dict)
    if len(values) != 1:
        raise Problem(422, "Not an advance", "expected exactly one of by, to and until")
    space = controller.space(asked)
    simulation = space.simulation
    to_ms: int | None = None
    if "by" in values:
        to_ms = simulation.clock.now_ms + values["by"]
    elif "to" in values:
        to_ms = values["to"] - simulation.clock.epoch_ms
    elif values["until"] == "next":
        # What is overdue on a live clock is due now.  Nothing due: the clock stays.
        to_ms = max(simulation.next_due() or 0, simulation.clock.now_ms)
    if to_ms is not None:
        _check_goal(simulation, to_ms)
    try:
        fired = await space.driver.advance(to_ms)
    except AdvanceBusy as busy:
        raise Problem(409, "Advancing already", str(busy)) from None
    except ValueError as backwards:
        raise Problem(422, "Not an advance", str(backwards)) from None
    except AdvanceEnded:
        raise ended(controller, space, "the advance was broken off") from None
    view = clock_view(space) | {"fired": fired, "in_flight": simulation.outbox.in_flight}
    if waited_for := space.driver.waited_for:
        view["waited_for"] = waited_for
    return Reply(view)


def _check_goal(simulation: Simulation, to_ms: int) -> None:
    unix_ms = simulation.clock.unix_ms(to_ms)
    if unix_ms > _LATEST_UNIX_MS:
        raise Problem(422, "Not an advance", "expected an instant before the year 9000")
    if to_ms < simulation.clock.now_ms:
        now = instant(simulation, simulation.clock.now_ms)
        raise Problem(
            422,
            "Not an advance",
            f"the clock stands at {now} and cannot go back to {instant(simulation, to_ms)}",
        )


def _scenario_of(controller: Controller, plain: Json) -> Scenario:
    try:
        scenario = controller.scenario(plain)
    except ScenarioError as trouble:
        raise Problem(422, "Not a scenario", "; ".join(trouble.lines), errors=trouble.lines) from None
    if why_not := controller.registry.doors.why_not(scenario):
        raise Problem(422, "Not a scenario for this server", why_not)
    return scenario


def _text_of(plain: Json) -> str:
    return plain if isinstance(plain, str) else msgspec.json.format(msgspec.json.encode(plain)).decode()


async def put_scenario(controller: Controller, asked: Asked) -> Reply:
    def read() -> tuple[Scenario, str]:
        # YAML text may come as it is, or as a JSON string.
        json = "json" in asked.content_type
        plain = plain_of(asked) if json else asked.body.decode("utf-8", "replace")
        return _scenario_of(controller, plain), _text_of(plain)

    controller.look(asked)
    scenario, text = await controller.reading(asked, read)
    # Only now, for it takes its place in the story, and the space may be gone meanwhile.
    space = controller.space(asked)
    try:
        await taking_turns(space.replacing(scenario), undivided=space.tap is not None)
        space.scenario_text = text
    except ScenarioConflict as conflict:
        raise Problem(409, "Not replaced", f"the scenario before stays in force: {conflict}") from None
    view = await controller.looked_at(space, lambda beside, still: beside.view(still, asked.base_url))
    return Reply(view, headers=await _doubts(controller, space, scenario.providers))


def _settings_of(controller: Controller, name: str, plain: Json) -> Mapping[str, object]:
    provider = controller.providers.get(name)
    if provider is None:
        names = ", ".join(controller.providers)
        raise Problem(404, "No such provider", f"there is no provider {name!r}; known: {names}")
    settings = read_as(provider.settings, plain, "settings")
    assert isinstance(settings, dict)
    return settings


async def put_settings(controller: Controller, asked: Asked) -> Reply:
    controller.look(asked)
    name = asked.parameters["provider"]
    settings = await controller.reading(asked, lambda: _settings_of(controller, name, plain_of(asked)))
    space = controller.space(asked)
    space.configure(name, settings)
    return Reply(
        space.gateways[name].account.describe(), headers=await _doubts(controller, space, {name: settings})
    )


async def do_action(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    name, action = asked.parameters["provider"], asked.parameters["action"]
    gateway = space.gateways.get(name)
    actions = actions_of(gateway.account) if gateway is not None else {}
    if action not in actions:
        names = ", ".join(sorted(actions)) or "none"
        raise Problem(404, "No such action", f"{name} has no action {action!r}; known: {names}")
    try:
        if gateway is not None:
            gateway.base_url = controller.urls(space, asked.base_url)[name]
        answer = actions[action](plain_of(asked))
        if isawaitable(answer):
            answer = await answer
    except ValueError as refusal:
        raise Problem(409, "Not possible", str(refusal)) from None
    space.driver.nudge()
    return Reply(answer)

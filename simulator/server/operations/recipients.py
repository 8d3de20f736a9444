"""
Recipients: their circumstances, and what they do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from simulator.kernel.engine.account import ImpossibleAct
from simulator.kernel.model.recipient import Value
from simulator.kernel.model.rules import Act
from simulator.runtime.turns import taking_turns
from simulator.scenario.recipients import trait_fields
from simulator.schema.shapes import AnyJson, Duration, Field, Record, Shape, Text
from simulator.server.operations.base import (
    LIMIT_DEFAULT,
    LIMIT_MAX,
    Asked,
    Controller,
    Problem,
    Reply,
    plain_of,
    read_as,
    whole,
)
from simulator.server.views import (
    listed,
    recipient_view,
)

__all__ = ["ACT", "TRAITS", "get_recipient", "inbound", "list_recipients", "patch_recipient"]


async def list_recipients(controller: Controller, asked: Asked) -> Reply:
    simulation = controller.space(asked).simulation
    addresses = simulation.directory.known()
    views = [
        recipient_view(simulation, pattern)
        for pattern in addresses[: whole(asked, "limit", LIMIT_DEFAULT, LIMIT_MAX)]
    ]
    return Reply(listed(views, len(addresses)))


async def get_recipient(controller: Controller, asked: Asked) -> Reply:
    simulation = controller.space(asked).simulation
    address = controller.address(asked.parameters["address"])
    return Reply(recipient_view(simulation, address))


class _Change(NamedTuple):
    """
    Circumstances that change, for a time or for good.
    """

    traits: Mapping[str, Value]
    span_ms: int | None


def _change(span_ms: int | None = None, **traits: Value) -> _Change:
    if not traits:
        raise ValueError(f"expected at least one of {', '.join(field.name for field in trait_fields())}")
    return _Change(traits, span_ms)


TRAITS: Final[Shape[object]] = Record(
    _change,
    [
        *trait_fields(),
        Field(
            "for",
            Duration(1),
            "How long; then all is as it would be without.  For good, if not given.",
            argument="span_ms",
        ),
    ],
    doc="Circumstances that change now.",
    what="circumstances",
)


async def patch_recipient(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    simulation = space.simulation
    address = controller.address(asked.parameters["address"])
    change = read_as(TRAITS, plain_of(asked), "circumstances")
    assert isinstance(change, _Change)
    changing = simulation.changing_recipient(address, change.traits, span_ms=change.span_ms)
    await taking_turns(changing, undivided=space.tap is not None)
    space.driver.nudge()
    return Reply(recipient_view(simulation, address))


ACT: Final[Shape[object]] = Record(
    dict,
    [
        Field("provider", Text(1, 100), "Through which provider.", required=True),
        Field("writes", Text(0), "The recipient writes this."),
        Field("does", Text(1, 100), "What else the recipient does, in the provider's words."),
        Field("text", Text(0), "What that act is about, in words: the label of what is tapped."),
        Field("to", Text(1, 200), "To whom: the integrator's number or agent."),
        Field("data", AnyJson(), "What the act needs beyond a text."),
    ],
    what="an act of a recipient",
)


async def inbound(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    values = read_as(ACT, plain_of(asked), "an act of a recipient")
    assert isinstance(values, dict)
    provider = values["provider"]
    if provider not in space.gateways:
        names = ", ".join(space.gateways)
        raise Problem(404, "No such provider", f"there is no provider {provider!r}; known: {names}")
    if ("writes" in values) == ("does" in values):
        raise Problem(422, "Not an act of a recipient", "expected exactly one of writes and does")
    act = Act(
        kind=values.get("does", "writes"),
        text=values.get("writes") or values.get("text", ""),
        sender=values.get("to", ""),
        data=values.get("data"),
    )
    recipient = controller.address(asked.parameters["address"], provider)
    try:
        reports = space.simulation.act(provider, recipient, act)
    except ImpossibleAct as refusal:
        raise Problem(409, "Not possible", str(refusal)) from None
    space.driver.nudge()
    return Reply({"reports": [report.label for report in reports]}, 202)

"""
Messages: lists, stories and moves.
"""

from __future__ import annotations

from typing import Final

from simulator.explain.narrative import narrative
from simulator.explain.story import explain, find_submission
from simulator.kernel.engine.simulation import IllegalMove
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.lifecycle import Move, State
from simulator.kernel.model.message import Message
from simulator.kernel.model.recipient import normal_address
from simulator.kernel.model.submission import Reason
from simulator.kernel.store.facts import SendRefused
from simulator.kernel.store.journal import Entry
from simulator.runtime.space import Space
from simulator.schema.shapes import AnyJson, Choice, Field, Record, Shape
from simulator.server.operations.base import (
    Asked,
    Controller,
    Problem,
    Reply,
    one_of,
    page,
    read_as,
)
from simulator.server.query import BadQuery, Query, parse
from simulator.server.views import (
    listed,
    message_view,
    refusal_view,
    story_view,
)

__all__ = [
    "MOVE",
    "explain_message",
    "find_message",
    "find_messages",
    "get_message",
    "list_messages",
    "list_refusals",
    "move",
    "query_of",
]


def find_messages(space: Space, asked: Asked) -> list[Message]:
    one_of(asked, "provider", space.gateways)
    one_of(asked, "state", [state.value for state in State])
    wanted = {
        name: asked.query[name] for name in ("provider", "state", "id", "sender") if name in asked.query
    }
    recipient = asked.query.get("recipient")
    address = normal_address(recipient) if recipient else None
    found = []
    signals = asked.query.get("signals") in ("1", "true")
    for message in space.simulation.messages.values():
        if message.submission.signal and not signals:
            continue
        mine = {
            "provider": message.key.provider,
            "state": message.state.value,
            "id": message.id,
            "sender": message.submission.sender,
        }
        fits = all(mine[name] == value for name, value in wanted.items())
        if fits and (address is None or address == message.key.recipient):
            found.append(message)
    return found


async def list_messages(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    one_of(asked, "order", ("oldest", "newest"))
    query = query_of(controller, space, asked.query.get("q", ""))
    found = [] if query.refused else find_messages(space, asked)
    if query.checks:
        found = [one for one in query.fitting(iter(found)) if isinstance(one, Message)]
    if asked.query.get("order") == "newest":
        found.reverse()
    shown = page(asked, found)
    return Reply(listed([message_view(space.simulation, message) for message in shown], len(found)))


def query_of(controller: Controller, space: Space, text: str) -> Query:
    """Return what a query asks for; a bad one is a problem."""
    try:
        return parse(text, space.gateways, controller.webhooks_of(space)) if text else Query()
    except BadQuery as refusal:
        raise Problem(400, "Bad query", f"q: {refusal}") from None


async def list_refusals(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    query = query_of(controller, space, asked.query.get("q", ""))
    refusals = space.simulation.refusals.values()
    found = [] if query.refused is False else [refused for refused in refusals if query.holds(refused)]
    shown = page(asked, found)
    return Reply(listed([refusal_view(refused) for refused in shown], len(found)))


def find_message(space: Space, asked: Asked) -> Message:
    wanted = asked.parameters["id"]
    for provider in space.gateways:
        message = space.simulation.message(provider, wanted)
        if message is not None and asked.query.get("provider", provider) == provider:
            return message
    refused = next((entry for entry in space.simulation.journal if _is_refusal(entry, wanted)), None)
    if refused is not None:
        detail = f"{wanted!r} was refused, so there is no message: {narrative(refused)}"
        raise Problem(404, "No such message", detail)
    count = len(space.simulation.messages)
    raise Problem(404, "No such message", f"there is no message {wanted!r} among {count} in {space.name!r}")


def _is_refusal(entry: Entry, id_: str) -> bool:
    return isinstance(entry.fact, SendRefused) and entry.ref == id_


async def get_message(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    return Reply(message_view(space.simulation, find_message(space, asked)))


async def explain_message(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    simulation = space.simulation
    wanted = asked.parameters["id"]
    found = find_submission(simulation, wanted, asked.query.get("provider", ""))
    if found is None:
        known = f"{len(simulation.messages)} messages and the last {len(simulation.refusals)} refusals"
        detail = f"there is no {wanted!r} among {known} in {space.name!r}"
        raise Problem(404, "No such message", f"{detail}; expected an id, or provider:recipient:ordinal")
    story = explain(simulation, found)
    return Reply(story_view(simulation, story))


_MOVES: Final = (Move.DELIVER, Move.READ, Move.FAIL, Move.EXPIRE, Move.REVOKE)
MOVE: Final[Shape[object]] = Record(
    dict,
    [
        Field("move", Choice({m.value: m for m in _MOVES}), "What happens to it now.", required=True),
        Field(
            "code", AnyJson(), "For fail: the provider's code or reason, as `fail:` in a scenario names it."
        ),
    ],
    what="a move",
)


async def move(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    message = find_message(space, asked)
    values = read_as(MOVE, asked.plain(), "a move")
    assert isinstance(values, dict)
    code, reason = "", Reason.NONE
    if "code" in values:
        fate = read_as(
            controller.providers[message.key.provider].failure_shape, values["code"], "a failure", "code"
        )
        assert isinstance(fate, Fate)
        code, reason = fate.code, fate.reason
    try:
        space.simulation.move(message, values["move"], code, reason)
    except IllegalMove as refusal:
        raise Problem(409, "Not possible", str(refusal)) from None
    space.driver.nudge()
    return Reply(message_view(space.simulation, message))

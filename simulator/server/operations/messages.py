"""
Messages: lists, stories and moves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from simulator.explain.acts import explain_act
from simulator.explain.narrative import narrative
from simulator.explain.story import explain, find_submission, keys_in
from simulator.kernel.engine.simulation import IllegalMove
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.lifecycle import Move, State
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import Reason
from simulator.kernel.store.facts import SendRefused
from simulator.kernel.store.journal import Entry
from simulator.runtime.space import Space
from simulator.schema.node import Json, Problems, node_of
from simulator.schema.shapes import AnyJson, Choice, Field, Invalid, Record, Shape
from simulator.server.operations.base import (
    Asked,
    Controller,
    Problem,
    Reply,
    one_of,
    page,
    plain_of,
    read_as,
)
from simulator.server.query import BadQuery, Query, parse
from simulator.server.views import (
    act_view,
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
    "message_filter",
    "message_misses",
    "move",
    "query_of",
]


def find_messages(controller: Controller, space: Space, asked: Asked) -> list[Message]:
    fits = message_filter(controller, space, asked)
    return [message for message in space.simulation.messages.values() if fits(message)]


def message_filter(controller: Controller, space: Space, asked: Asked) -> Callable[[Message], bool]:
    """Return what tells whether a message is one of those that are asked for."""
    misses = message_misses(controller, space, asked)
    return lambda message: not misses(message)


def message_misses(controller: Controller, space: Space, asked: Asked) -> Callable[[Message], dict[str, str]]:
    """Return what tells which conditions a message does not meet, each with what it has instead."""
    one_of(asked, "provider", space.gateways)
    one_of(asked, "state", [state.value for state in State])
    simulation = space.simulation
    conditions = {
        name: asked.query[name] for name in ("provider", "state", "id", "sender") if name in asked.query
    }
    address = controller.asked_recipient(asked)
    other_name = asked.query.get("name")
    signals = asked.query.get("signals") in ("1", "true")

    def misses(message: Message) -> dict[str, str]:
        values = {
            "provider": message.key.provider,
            "state": message.state.value,
            "id": message.id,
            "sender": message.submission.sender,
        }
        missed = {name: values[name] for name, value in conditions.items() if values[name] != value}
        if not signals and message.submission.signal:
            missed["signal"] = "true"
        if address is not None and address != message.key.recipient:
            missed["recipient"] = message.key.recipient
        if other_name is not None:
            names = [message.id, *simulation.found_by(message.submission)]
            if other_name not in names:
                missed["name"] = ", ".join(names)
        return missed

    return misses


async def list_messages(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    one_of(asked, "order", ("oldest", "newest"))
    query = query_of(controller, space, asked.query.get("q", ""))
    messages = [] if query.refused else find_messages(controller, space, asked)
    if query.checks:
        messages = [fitting for fitting in query.fitting(iter(messages)) if isinstance(fitting, Message)]
    if asked.query.get("order") == "newest":
        messages.reverse()
    shown = page(asked, messages)
    return Reply(listed([message_view(space.simulation, message) for message in shown], len(messages)))


def query_of(controller: Controller, space: Space, text: str) -> Query:
    """Return what a query asks for; a bad one is a problem."""
    try:
        if not text:
            return Query()
        return parse(text, space.gateways, controller.webhooks_of(space), space.simulation.found_by)
    except BadQuery as refusal:
        raise Problem(400, "Bad query", f"q: {refusal}") from None


async def list_refusals(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    query = query_of(controller, space, asked.query.get("q", ""))
    refusals = space.simulation.refusals.values()
    matches = [] if query.refused is False else [refused for refused in refusals if query.holds(refused)]
    shown = page(asked, matches)
    return Reply(listed([refusal_view(space.simulation, refused) for refused in shown], len(matches)))


def find_message(space: Space, asked: Asked) -> Message:
    message_id = asked.parameters["id"]
    for provider in space.gateways:
        message = space.simulation.message(provider, message_id)
        if message is not None and asked.query.get("provider", provider) == provider:
            return message
    journal = space.simulation.journal
    latest = journal.after(journal.seq - _LATEST_MAX)
    refused = next((entry for entry in latest if _is_refusal(entry, message_id)), None)
    if refused is not None:
        detail = f"{message_id!r} was refused, so there is no message: {narrative(refused)}"
        raise Problem(404, "No such message", detail)
    count = len(space.simulation.messages)
    raise Problem(
        404, "No such message", f"there is no message {message_id!r} among {count} in {space.name!r}"
    )


def _is_refusal(entry: Entry, id_: str) -> bool:
    return isinstance(entry.fact, SendRefused) and entry.ref == id_


async def get_message(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    return Reply(message_view(space.simulation, find_message(space, asked)))


async def explain_message(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    simulation = space.simulation
    name = asked.parameters["id"]
    providers = controller.providers
    outcome = find_submission(
        simulation,
        name,
        asked.query.get("provider", ""),
        lambda provider, recipient: providers[provider].address_of(recipient),
    )
    if outcome is None and (act := explain_act(simulation, name)) is not None:
        return Reply(act_view(simulation, act))
    if outcome is None:
        kept = f"{len(simulation.messages)} messages and the last {len(simulation.refusals)} refusals"
        expected = "expected the id of a message, a webhook or a call, or provider/recipient/ordinal"
        # Colons stand for slashes in a path, but not where people read.
        shown = next(("/".join(map(str, key)) for key in keys_in(name)), name)
        detail = f"there is no {shown!r} among {kept} in {space.name!r}; {expected}"
        raise Problem(404, "No such message", detail)
    story = explain(simulation, outcome)
    return Reply(story_view(simulation, story))


_LATEST_MAX: Final = 50_000
"""Among so many entries the refusal of an id is looked for, which holds nobody up."""
_MOVES: Final = (Move.DELIVER, Move.READ, Move.FAIL, Move.EXPIRE, Move.REVOKE)
MOVE: Final[Shape[object]] = Record(
    dict,
    [
        Field("move", Choice({m.value: m for m in _MOVES}), "What happens to it now.", required=True),
        Field(
            "code",
            AnyJson(),
            "For fail: the provider's code or reason, alone or as `fail:` in a scenario has it.",
        ),
    ],
    what="a move",
)


def _spelled_out(shape: Shape[Fate], plain: Json) -> Json:
    """Return a code that comes alone as `fail:` spells it: under the first word that takes it."""
    if not isinstance(plain, str):
        return plain
    words = shape.schema({}).get("properties", {})
    assert isinstance(words, dict)
    for word in sorted(words, key=lambda word: word != "reason"):
        if word != "after" and not isinstance(shape.read(node_of({word: plain}), "", Problems()), Invalid):
            return {word: plain}
    expected = ", ".join(word for word in words if word != "after")
    raise Problem(422, "Not a failure", f"code: expected a value of {expected}, got {plain[:200]!r}")


async def move(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    message = find_message(space, asked)
    values = read_as(MOVE, plain_of(asked), "a move")
    assert isinstance(values, dict)
    code, reason = "", Reason.NONE
    if "code" in values:
        shape = controller.providers[message.key.provider].failure_shape
        fate = read_as(shape, _spelled_out(shape, values["code"]), "a failure", "code")
        assert isinstance(fate, Fate)
        code, reason = fate.code, fate.reason
    try:
        space.simulation.move(message, values["move"], code, reason)
    except IllegalMove as refusal:
        raise Problem(409, "Not possible", str(refusal)) from None
    space.driver.nudge()
    return Reply(message_view(space.simulation, message))

"""
What the control API can do, one function per operation, without HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple, NoReturn

import msgspec

from simulator.kernel.account import ImpossibleAct
from simulator.kernel.explain import explain
from simulator.kernel.lifecycle import Move
from simulator.kernel.message import Message
from simulator.kernel.node import Json, Problems, node_of
from simulator.kernel.recipient import Value, normal_address
from simulator.kernel.rule import Act, ClockMode, ClockSpec, Scenario
from simulator.kernel.shape import (
    AnyJson,
    Choice,
    Duration,
    Either,
    Field,
    Instant,
    Integer,
    Invalid,
    Mapped,
    Record,
    Shape,
    Text,
    Word,
)
from simulator.kernel.simulation import IllegalMove
from simulator.kernel.webhook import Webhook
from simulator.provider import Provider
from simulator.runtime.driver import AdvanceBusy
from simulator.runtime.space import Space
from simulator.scenario.loader import CLOCK, ScenarioError, load, read
from simulator.scenario.recipients import pattern_of, plain_traits_shape
from simulator.server.spaces import DEFAULT_SPACE, SpaceRegistry, UnknownSpace
from simulator.server.views import (
    clock_view,
    entry_view,
    exchange_view,
    listed,
    message_view,
    recipient_view,
    space_view,
    story_view,
    webhook_view,
)

__all__ = ["OPERATIONS", "Asked", "Controller", "Operation", "Problem", "Reply"]

_LIMIT_DEFAULT: Final = 1_000
_LIMIT_MAX: Final = 100_000
_WITHIN_REAL_MS_MAX: Final = 600_000


class Problem(Exception):
    """
    A refusal of the control API, as RFC 9457 problem details.
    """

    def __init__(self, status: int, title: str, detail: str, **more: object) -> None:
        super().__init__(detail)
        self.status = status
        self.body: dict[str, object] = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": detail,
            **more,
        }


class Reply(NamedTuple):
    """
    What an operation answers.
    """

    body: object
    status: int = 200


class Asked(NamedTuple):
    """
    What an operation is asked: path parameters, query, and the raw body.
    """

    parameters: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    content_type: str
    base_url: str

    def plain(self) -> Json:
        """Return the body as JSON values; an empty one is an empty object."""
        if not self.body.strip():
            return {}
        try:
            decoded: Json = msgspec.json.decode(self.body)
            return decoded
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as trouble:
            raise Problem(400, "Not JSON", f"expected a JSON body, got something else: {trouble}") from None


class Operation(NamedTuple):
    """
    One call of the control API, with what its documentation needs.
    """

    method: str
    path: str
    summary: str
    run: Callable[[Controller, Asked], Awaitable[Reply]]
    body: Shape[object] | None = None
    query: tuple[tuple[str, str], ...] = ()
    statuses: tuple[int, ...] = (200,)


class Controller:
    """
    Carries out operations on the spaces of one server.
    """

    def __init__(self, registry: SpaceRegistry) -> None:
        self.registry = registry

    @property
    def providers(self) -> Mapping[str, Provider]:
        """The providers of this server by name."""
        return self.registry.providers

    def space(self, asked: Asked) -> Space:
        """Return the space a call is about, with a live clock brought up to date."""
        try:
            space = self.registry.get(asked.parameters["space"])
        except UnknownSpace as unknown:
            raise Problem(404, "No such space", str(unknown)) from None
        space.driver.sync()
        return space

    def urls(self, space: Space, base_url: str) -> dict[str, str]:
        """Return the base URL of each provider in a space."""
        prefix = "" if space.name == DEFAULT_SPACE else f"/s/{space.name}"
        return {name: f"{base_url}{prefix}/{name}" for name in self.providers}

    def view(self, space: Space, base_url: str) -> dict[str, object]:
        """Return a space as the API shows it."""
        return space_view(space, self.urls(space, base_url), self.registry.credentials(space.name))


def _read(shape: Shape[object], plain: Json, what: str) -> object:
    problems = Problems()
    value = shape.read(node_of(plain), "", problems)
    if isinstance(value, Invalid):
        complaints = problems.render("")
        raise Problem(422, f"Not {what}", "; ".join(complaints), errors=complaints)
    return value


def _whole(asked: Asked, name: str, default: int, most: int) -> int:
    given = asked.query.get(name, "")
    if not given:
        return default
    if not given.isascii() or not given.isdigit() or len(given) > 12 or int(given) > most:
        raise Problem(400, "Bad query", f"{name}: expected a whole number up to {most}, got {given!r}")
    return int(given)


# -- spaces -----------------------------------------------------------------------------------------


_CREATE: Final[Shape[object]] = Record(
    dict,
    [
        Field("name", Text(1, 100), "Its name; made up, if not given."),
        Field("seed", Integer(0, 2**53), "Its seed; 0, if not given."),
        Field(
            "clock",
            Either[ClockSpec](Mapped(Choice(ClockMode), lambda mode: ClockSpec(mode=mode)), CLOCK),
            "How time passes: frozen (the default), live or autojump, or an object with mode, rate, start.",
        ),
        Field("scenario", AnyJson(), "A scenario, as an object or as YAML text."),
        Field("providers", AnyJson(), "Settings by provider name."),
    ],
    what="a space",
)


async def _create_space(controller: Controller, asked: Asked) -> Reply:
    values = _read(_CREATE, asked.plain(), "a space")
    assert isinstance(values, dict)
    scenario = None
    if "scenario" in values:
        scenario = _scenario_of(controller, values["scenario"])
    seed = values.get("seed", scenario.seed if scenario and scenario.seed is not None else 0)
    clock = values.get("clock", scenario.clock if scenario else None)
    settings = {
        name: _settings_of(controller, name, plain)
        for name, plain in _object(values.get("providers", {}), "providers").items()
    }
    try:
        space = controller.registry.create(values.get("name", ""), seed=seed, clock=clock, scenario=scenario)
    except ValueError as refusal:
        raise Problem(409, "Not created", str(refusal)) from None
    for name, one in settings.items():
        space.configure(name, one)
    controller.registry.note_credentials(space)
    return Reply(controller.view(space, asked.base_url), 201)


def _object(plain: Json, what: str) -> dict[str, Json]:
    if not isinstance(plain, dict):
        raise Problem(422, f"Not {what}", f"{what}: expected an object")
    return plain


async def _list_spaces(controller: Controller, asked: Asked) -> Reply:
    spaces = controller.registry.all()
    return Reply(listed([{"name": space.name, "clock": clock_view(space)} for space in spaces], len(spaces)))


async def _get_space(controller: Controller, asked: Asked) -> Reply:
    return Reply(controller.view(controller.space(asked), asked.base_url))


async def _delete_space(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    if space.name == DEFAULT_SPACE:
        raise Problem(409, "Not deleted", "the default space stays; create one of your own to delete it")
    await controller.registry.delete(space.name)
    return Reply(None, 204)


# -- clock ------------------------------------------------------------------------------------------


async def _get_clock(controller: Controller, asked: Asked) -> Reply:
    return Reply(clock_view(controller.space(asked)))


_SET_CLOCK: Final[Shape[object]] = Record(
    ClockSpec,
    [
        Field("mode", Choice(ClockMode), "frozen, live or autojump.", required=True),
        Field("rate", Integer(1, 1_000_000), "A live clock's milliseconds per real one."),
    ],
    what="a clock",
)


async def _put_clock(controller: Controller, asked: Asked) -> Reply:
    spec = _read(_SET_CLOCK, asked.plain(), "a clock")
    assert isinstance(spec, ClockSpec)
    space = controller.space(asked)
    space.driver.set_mode(spec)
    return Reply(clock_view(space))


_ADVANCE: Final[Shape[object]] = Record(
    dict,
    [
        Field("by", Duration(), "Move the clock by this much, such as 2h."),
        Field("to", Instant(), "Move the clock to this instant."),
        Field("until", Word("settled"), "Move until nothing is due any more."),
    ],
    what="an advance",
)


async def _advance(controller: Controller, asked: Asked) -> Reply:
    values = _read(_ADVANCE, asked.plain(), "an advance")
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
    try:
        fired = await space.driver.advance(to_ms)
    except AdvanceBusy as busy:
        raise Problem(409, "Advancing already", str(busy)) from None
    except ValueError as backwards:
        raise Problem(422, "Not an advance", str(backwards)) from None
    view = clock_view(space) | {"fired": fired, "in_flight": simulation.outbox.in_flight}
    return Reply(view)


# -- scenario and settings --------------------------------------------------------------------------


def _scenario_of(controller: Controller, plain: Json) -> Scenario:
    try:
        if isinstance(plain, str):
            return load(plain, "scenario", controller.providers)
        return read(node_of(plain), "scenario", controller.providers)
    except ScenarioError as trouble:
        raise Problem(422, "Not a scenario", "; ".join(trouble.lines), errors=trouble.lines) from None


async def _put_scenario(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    written = "json" not in asked.content_type
    plain = asked.body.decode("utf-8", "replace") if written else asked.plain()
    space.load(_scenario_of(controller, plain))
    controller.registry.note_credentials(space)
    return Reply(controller.view(space, asked.base_url))


def _settings_of(controller: Controller, name: str, plain: Json) -> Mapping[str, object]:
    provider = controller.providers.get(name)
    if provider is None:
        known = ", ".join(controller.providers)
        raise Problem(404, "No such provider", f"there is no provider {name!r}; known: {known}")
    settings = _read(provider.settings, plain, "settings")
    assert isinstance(settings, dict)
    return settings


async def _put_settings(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    name = asked.parameters["provider"]
    space.configure(name, _settings_of(controller, name, asked.plain()))
    controller.registry.note_credentials(space)
    return Reply(space.gateways[name].account.describe())


# -- recipients -------------------------------------------------------------------------------------


async def _list_recipients(controller: Controller, asked: Asked) -> Reply:
    simulation = controller.space(asked).simulation
    known = simulation.directory.known()
    views = [
        recipient_view(pattern, simulation.directory.at(pattern, simulation.clock.now_ms))
        for pattern in known[: _whole(asked, "limit", _LIMIT_DEFAULT, _LIMIT_MAX)]
    ]
    return Reply(listed(views, len(known)))


async def _get_recipient(controller: Controller, asked: Asked) -> Reply:
    simulation = controller.space(asked).simulation
    address = pattern_of(asked.parameters["address"])
    return Reply(recipient_view(address, simulation.directory.at(address, simulation.clock.now_ms)))


_TRAITS: Final = plain_traits_shape()


async def _patch_recipient(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    simulation = space.simulation
    address = pattern_of(asked.parameters["address"])
    traits = _read(_TRAITS, asked.plain(), "circumstances")
    assert isinstance(traits, dict)
    plain: dict[str, Value] = traits
    simulation.change_recipient(address, plain)
    space.driver.nudge()
    return Reply(recipient_view(address, simulation.directory.at(address, simulation.clock.now_ms)))


_ACT: Final[Shape[object]] = Record(
    dict,
    [
        Field("provider", Text(1, 100), "Through which provider.", required=True),
        Field("writes", Text(0), "The recipient writes this."),
        Field("does", Text(1, 100), "What else the recipient does, in the provider's words."),
        Field("to", Text(1, 200), "To whom: the integrator's number or agent."),
        Field("data", AnyJson(), "What the act needs beyond a text."),
    ],
    what="an act of a recipient",
)


async def _inbound(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    values = _read(_ACT, asked.plain(), "an act of a recipient")
    assert isinstance(values, dict)
    provider = values["provider"]
    if provider not in space.gateways:
        known = ", ".join(space.gateways)
        raise Problem(404, "No such provider", f"there is no provider {provider!r}; known: {known}")
    if ("writes" in values) == ("does" in values):
        raise Problem(422, "Not an act of a recipient", "expected exactly one of writes and does")
    act = Act(
        kind=values.get("does", "writes"),
        text=values.get("writes", ""),
        sender=values.get("to", ""),
        data=values.get("data"),
    )
    recipient = normal_address(asked.parameters["address"])
    try:
        reports = space.simulation.act(provider, recipient, act)
    except ImpossibleAct as refusal:
        raise Problem(409, "Not possible", str(refusal)) from None
    space.driver.nudge()
    return Reply({"reports": [report.label for report in reports]}, 202)


# -- messages ---------------------------------------------------------------------------------------


def _messages(space: Space, asked: Asked) -> list[Message]:
    wanted = {
        name: asked.query[name] for name in ("provider", "state", "id", "sender") if name in asked.query
    }
    recipient = asked.query.get("recipient")
    address = normal_address(recipient) if recipient else None
    found = []
    for message in space.simulation.messages.values():
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


async def _list_messages(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    found = _messages(space, asked)
    limit = _whole(asked, "limit", _LIMIT_DEFAULT, _LIMIT_MAX)
    offset = _whole(asked, "offset", 0, 10**9)
    shown = found[offset : offset + limit]
    return Reply(listed([message_view(space.simulation, message) for message in shown], len(found)))


def _message(space: Space, asked: Asked) -> Message:
    wanted = asked.parameters["id"]
    for provider in space.gateways:
        message = space.simulation.message(provider, wanted)
        if message is not None and asked.query.get("provider", provider) == provider:
            return message
    count = len(space.simulation.messages)
    raise Problem(404, "No such message", f"there is no message {wanted!r} among {count} in {space.name!r}")


async def _get_message(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    return Reply(message_view(space.simulation, _message(space, asked)))


async def _explain(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    story = explain(space.simulation, _message(space, asked))
    return Reply(story_view(space.simulation, story))


_MOVES: Final = (Move.DELIVER, Move.READ, Move.FAIL, Move.EXPIRE, Move.REVOKE)
_MOVE: Final[Shape[object]] = Record(
    dict,
    [
        Field("move", Choice({m.value: m for m in _MOVES}), "What happens to it now.", required=True),
        Field("code", AnyJson(), "For fail: the provider's code, as `fail:` in a scenario names it."),
    ],
    what="a move",
)


async def _move(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    message = _message(space, asked)
    values = _read(_MOVE, asked.plain(), "a move")
    assert isinstance(values, dict)
    code = ""
    if "code" in values:
        fate = _read(controller.providers[message.key.provider].failure_shape, values["code"], "a failure")
        code = getattr(fate, "code", "")
    try:
        space.simulation.move(message, values["move"], code)
    except IllegalMove as refusal:
        raise Problem(409, "Not possible", str(refusal)) from None
    space.driver.nudge()
    return Reply(message_view(space.simulation, message))


# -- webhooks, requests, journal --------------------------------------------------------------------


def _webhooks(space: Space, asked: Asked) -> list[Webhook]:
    query = asked.query
    recipient = query.get("recipient")
    address = normal_address(recipient) if recipient else None
    return [
        webhook
        for webhook in space.simulation.outbox.webhooks.values()
        if query.get("provider", webhook.provider) == webhook.provider
        and query.get("state", webhook.state.value) == webhook.state.value
        and (address is None or address == webhook.recipient)
    ]


async def _list_webhooks(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    found = _webhooks(space, asked)
    limit = _whole(asked, "limit", _LIMIT_DEFAULT, _LIMIT_MAX)
    offset = _whole(asked, "offset", 0, 10**9)
    shown = found[offset : offset + limit]
    return Reply(listed([webhook_view(space.simulation, webhook) for webhook in shown], len(found)))


def _webhook(space: Space, asked: Asked) -> Webhook:
    webhook = space.simulation.outbox.webhooks.get(asked.parameters["id"])
    if webhook is None:
        raise Problem(404, "No such webhook", f"there is no webhook {asked.parameters['id']!r}")
    return webhook


async def _get_webhook(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    return Reply(webhook_view(space.simulation, _webhook(space, asked)))


async def _resend(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    simulation = space.simulation
    twin = simulation.outbox.resend(simulation.clock.now_ms, _webhook(space, asked))
    space.driver.nudge()
    return Reply(webhook_view(simulation, twin), 202)


async def _list_requests(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    limit = _whole(asked, "limit", _LIMIT_DEFAULT, _LIMIT_MAX)
    shown = list(space.exchanges)[-limit:] if limit else []
    return Reply(
        listed([exchange_view(space.simulation, exchange) for exchange in shown], space.exchange_count)
    )


async def _journal(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    after = _whole(asked, "after", 0, 10**12)
    limit = _whole(asked, "limit", _LIMIT_MAX, 10**7)
    return Reply([entry_view(entry) for entry in space.simulation.journal.after(after, limit)])


async def _wait(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    what = asked.query.get("for", "messages")
    finders: dict[str, Callable[[], Sequence[object]]] = {
        "messages": lambda: _messages(space, asked),
        "webhooks": lambda: _webhooks(space, asked),
        "requests": lambda: [None] * space.exchange_count,
    }
    find = finders.get(what)
    if find is None:
        raise Problem(400, "Bad query", f"for: expected {', '.join(finders)}, got {what!r}")
    count = _whole(asked, "count", 1, 10**9)
    within_ms = _within_ms(asked)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_ms / 1000
    while True:
        found = find()
        if len(found) >= count:
            break
        if not await space.wait_change(deadline - loop.time()):
            _nothing(space, what, len(found), count, asked)
    simulation = space.simulation
    views: list[Mapping[str, object]] = []
    for one in found[:_LIMIT_DEFAULT]:
        if isinstance(one, Message):
            views.append(message_view(simulation, one))
        elif isinstance(one, Webhook):
            views.append(webhook_view(simulation, one))
    return Reply(listed(views, len(found)))


def _within_ms(asked: Asked) -> int:
    shape = Duration(0, _WITHIN_REAL_MS_MAX)
    within = _read(shape, asked.query.get("within", "5s"), "a duration for within")
    assert isinstance(within, int)
    return within


def _nothing(space: Space, what: str, found: int, count: int, asked: Asked) -> NoReturn:
    conditions = {k: v for k, v in asked.query.items() if k not in ("for", "count", "within")}
    simulation = space.simulation
    nearest: object = None
    if what == "messages" and simulation.messages:
        nearest = message_view(simulation, next(reversed(simulation.messages.values())))
    elif what == "webhooks" and simulation.outbox.webhooks:
        nearest = webhook_view(simulation, next(reversed(simulation.outbox.webhooks.values())))
    raise Problem(
        408,
        "Did not happen in time",
        f"expected {count} {what} with {conditions or 'no conditions'}, got {found}; "
        f"the space is {'' if simulation.settled else 'not '}settled, its clock {space.driver.mode_text}",
        found=found,
        expected=count,
        nearest=nearest,
    )


_SPACE = "/_sim/v1/spaces/{space}"
_PAGE = (("limit", "how many at most"), ("offset", "how many to pass over"))

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("POST", "/_sim/v1/spaces", "Create a space", _create_space, _CREATE, (), (201, 409, 422)),
    Operation("GET", "/_sim/v1/spaces", "List the spaces", _list_spaces),
    Operation("GET", _SPACE, "The state of a space in one look", _get_space, None, (), (200, 404)),
    Operation(
        "DELETE", _SPACE, "Delete a space; it sends nothing more", _delete_space, None, (), (204, 404, 409)
    ),
    Operation("GET", f"{_SPACE}/clock", "Mode and time of the clock", _get_clock, None, (), (200, 404)),
    Operation(
        "PUT", f"{_SPACE}/clock", "Let time pass otherwise", _put_clock, _SET_CLOCK, (), (200, 404, 422)
    ),
    Operation(
        "POST",
        f"{_SPACE}/clock/advance",
        "Move the clock and drain: every due instant with its webhooks, in order",
        _advance,
        _ADVANCE,
        (),
        (200, 404, 409, 422),
    ),
    Operation(
        "PUT",
        f"{_SPACE}/scenario",
        "Replace the scenario (YAML, or JSON by its content type); messages on their way keep their fate",
        _put_scenario,
        AnyJson(),
        (),
        (200, 404, 422),
    ),
    Operation(
        "PUT",
        f"{_SPACE}/providers/{{provider}}",
        "Change webhook target and account settings of a provider",
        _put_settings,
        AnyJson(),
        (),
        (200, 404, 422),
    ),
    Operation(
        "GET",
        f"{_SPACE}/recipients",
        "Recipients that something was said about",
        _list_recipients,
        None,
        (("limit", "how many at most"),),
        (200, 404),
    ),
    Operation(
        "GET",
        f"{_SPACE}/recipients/{{address}}",
        "Circumstances of a recipient now",
        _get_recipient,
        None,
        (),
        (200, 404),
    ),
    Operation(
        "PATCH",
        f"{_SPACE}/recipients/{{address}}",
        "Change circumstances of an address or a prefix (+4179*) from now on",
        _patch_recipient,
        _TRAITS,
        (),
        (200, 404, 422),
    ),
    Operation(
        "POST",
        f"{_SPACE}/recipients/{{address}}/inbound",
        "Let a recipient write or do something",
        _inbound,
        _ACT,
        (),
        (202, 404, 409, 422),
    ),
    Operation(
        "GET",
        f"{_SPACE}/messages",
        "Messages, oldest first",
        _list_messages,
        None,
        (
            ("provider", "of this provider"),
            ("recipient", "to this recipient"),
            ("state", "in this state"),
            ("sender", "from this sender"),
            *_PAGE,
        ),
        (200, 400, 404),
    ),
    Operation("GET", f"{_SPACE}/messages/{{id}}", "A message", _get_message, None, (), (200, 404)),
    Operation(
        "GET",
        f"{_SPACE}/messages/{{id}}/explain",
        "The whole story of a message",
        _explain,
        None,
        (),
        (200, 404),
    ),
    Operation(
        "POST",
        f"{_SPACE}/messages/{{id}}/move",
        "Deliver, fail, expire, read or revoke a message now",
        _move,
        _MOVE,
        (),
        (200, 404, 409, 422),
    ),
    Operation(
        "GET",
        f"{_SPACE}/webhooks",
        "Webhooks with their attempts, oldest first",
        _list_webhooks,
        None,
        (
            ("provider", "of this provider"),
            ("recipient", "about this recipient"),
            ("state", "in this state"),
            *_PAGE,
        ),
        (200, 400, 404),
    ),
    Operation("GET", f"{_SPACE}/webhooks/{{id}}", "A webhook", _get_webhook, None, (), (200, 404)),
    Operation(
        "POST", f"{_SPACE}/webhooks/{{id}}/resend", "Send a webhook once more", _resend, None, (), (202, 404)
    ),
    Operation(
        "GET",
        f"{_SPACE}/requests",
        "The last calls of the integrator with their answers",
        _list_requests,
        None,
        (("limit", "how many at most"),),
        (200, 400, 404),
    ),
    Operation(
        "GET",
        f"{_SPACE}/journal",
        "The journal as NDJSON",
        _journal,
        None,
        (
            ("after", "entries later than this number"),
            ("limit", "how many at most"),
            ("follow", "1: keep the answer open and go on"),
        ),
        (200, 400, 404),
    ),
    Operation(
        "GET",
        f"{_SPACE}/wait",
        "Wait for messages, webhooks or requests",
        _wait,
        None,
        (
            ("for", "messages, webhooks or requests"),
            ("count", "how many; 1 if not given"),
            ("within", "real time to wait, such as 5s"),
            ("provider", "of this provider"),
            ("recipient", "to this recipient"),
            ("state", "in this state"),
        ),
        (200, 400, 404, 408),
    ),
)
"""Every operation of the control API."""

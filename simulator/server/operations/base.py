"""
What operations of the control API are made of.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from copy import copy
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import msgspec

from simulator.kernel.model.scenario import Scenario
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.webhooks.outbox import PENDING
from simulator.kernel.webhooks.webhook import Webhook
from simulator.provider import Provider
from simulator.provider.aside import aside
from simulator.runtime.space import Space
from simulator.scenario.addresses import read_address
from simulator.scenario.loader import load, read
from simulator.schema.long_json import TooManyValues, decode_long
from simulator.schema.node import DEPTH_MAX, Json, Problems, nested_deeper, node_of
from simulator.schema.shapes import Invalid, Shape
from simulator.server.asked import Asked, Reply
from simulator.server.problems import Problem
from simulator.server.spaces import DEFAULT_SPACE, SpaceRegistry, UnknownSpace
from simulator.server.views import space_view
from simulator.server.webhook_index import WebhookIndex

__all__ = [
    "AFTER_MAX",
    "LIMIT_DEFAULT",
    "LIMIT_MAX",
    "LONG_BODY_BYTES_MAX",
    "Asked",
    "Controller",
    "Operation",
    "Problem",
    "Reply",
    "ended",
    "one_of",
    "page",
    "plain_of",
    "read_as",
    "whole",
]

T = TypeVar("T")


LIMIT_DEFAULT: Final = 1_000
LIMIT_MAX: Final = 100_000
LONG_BODY_BYTES_MAX: Final = 16 * 1_048_576
"""Of operations that take a scenario, or thousands of names; they read it beside the loop."""
AFTER_MAX: Final = 10**12 - 1
"""The largest number a journal entry may have."""


_AT_ONCE_BYTES_MAX: Final = 8_000
"""So much of a scenario is read in a few milliseconds."""
_SHARED_MAX: Final = 64
_SHARED_CHARS_MAX: Final = 65_536


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
    documents: tuple[str, ...] = ()
    """Content types, when it answers a document instead of JSON."""
    body_more: Mapping[str, object] = MappingProxyType({})
    """What its schema says of the body beyond its shape."""
    body_bytes_max: int = 65_536


class Controller:
    """
    Carries out operations on the spaces of one server.
    """

    def __init__(self, registry: SpaceRegistry, *, waits: bool = True) -> None:
        self.registry = registry
        self._waits = waits
        """Whether commands may wait, as for a thread to read a long scenario; in a replay they must not."""
        self._still: Space | None = None
        self._webhooks: WeakKeyDictionary[Space, WebhookIndex] = WeakKeyDictionary()
        self._scenarios: dict[str, Scenario] = {}

    def beside(self, space: Space) -> Controller:
        """Return what carries out questions about *space* as it is now, in any thread."""
        twin = copy(self)
        twin._still = space.still()
        twin._webhooks = WeakKeyDictionary()
        return twin

    def still_space(self, space: Space) -> Space:
        """Return what is to be read of *space*: its copy, where there is one."""
        return space if self._still is None else self._still

    def large(self, name: str) -> Space | None:
        """Return the space called *name*, brought up to date, if it is large; None: it is not, or is none."""
        try:
            space = self.registry.look(name)
        except UnknownSpace:
            return None
        if not space.is_large:
            return None
        space.driver.sync()
        return space

    async def reading(self, asked: Asked, read: Callable[[], T]) -> T:
        """Return what *read* makes of the body of a call; a long one is read while others are served."""
        if not self._waits or len(asked.body) <= _AT_ONCE_BYTES_MAX:
            return read()
        return await aside(read)

    async def looked_at(self, space: Space, look: Callable[[Controller, Space], T]) -> T:
        """Return what *look* sees of a space after a command; at a large one it looks beside the loop."""
        if not self._waits or not space.is_large:
            return look(self, space)
        twin = self.beside(space)
        return await aside(lambda: look(twin, twin.still_space(space)))

    def webhooks_of(self, space: Space) -> Callable[[MessageKey], Sequence[Webhook]]:
        """Return a function that tells which webhooks are about a message, as it stands now."""
        index = self._webhooks.get(space)
        if index is None:
            index = self._webhooks[space] = WebhookIndex(space.simulation.outbox)
        index.update()
        return index.of

    def scenario(self, plain: Json) -> Scenario:
        """
        Return the scenario that is written in *plain*, as an object or as YAML text; raises ScenarioError.

        Spaces of one text share it: a test suite creates thousands of them with a few.
        """
        text = plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()
        scenario = self._scenarios.get(text)
        if scenario is None:
            if isinstance(plain, str):
                scenario = load(plain, "scenario", self.providers)
            else:
                scenario = read(node_of(plain), "scenario", self.providers)
            if len(text) <= _SHARED_CHARS_MAX:
                if len(self._scenarios) >= _SHARED_MAX:
                    del self._scenarios[next(iter(self._scenarios))]
                self._scenarios[text] = scenario
        return scenario

    @property
    def providers(self) -> Mapping[str, Provider]:
        """The providers of this server by name."""
        return self.registry.providers

    def look(self, asked: Asked) -> Space:
        """Return the space a call is about, of which nothing is to be done yet."""
        name = asked.parameters["space"]
        if self._still is not None:
            return self._still
        if name in self.registry.recordings and asked.method != "GET":
            raise Problem(409, "Recorded", f"{name!r} is a recorded run, which nothing changes; fork it")
        try:
            return self.registry.look(name)
        except UnknownSpace as unknown:
            raise Problem(404, "No such space", str(unknown)) from None

    def space(self, asked: Asked) -> Space:
        """Return the space a call is about, with a live clock brought up to date."""
        space = self.look(asked)
        if self._still is not None:
            return space
        space.driver.sync()
        if space.tap is not None and asked.method != "GET":
            # From here to its effect a command does not wait, so this is its place in the story.
            path = asked.path.partition(f"/spaces/{space.name}")[2]
            space.tap.commanded(asked.method, path, asked.content_type, asked.body, asked.base_url)
        return space

    def address(self, text: str, provider: str = "", status: int = 422) -> str:
        """Return an address or prefix in the kernel's spelling; what nobody can have is refused."""
        try:
            return read_address(text, self.providers, provider)
        except ValueError as refusal:
            raise Problem(status, "Not an address", str(refusal)) from None

    def asked_recipient(self, asked: Asked) -> str | None:
        """Return the address that the query asks for, or None; one that nobody can have is refused."""
        recipient = asked.query.get("recipient")
        return self.address(recipient, asked.query.get("provider", ""), 400) if recipient else None

    def urls(self, space: Space, base_url: str) -> dict[str, str]:
        """Return the base URL of each provider in a space."""
        prefix = "" if space.name == DEFAULT_SPACE else f"/s/{space.name}"
        return {name: f"{base_url}{prefix}/{name}" for name in self.providers}

    def view(self, space: Space, base_url: str) -> dict[str, object]:
        """Return a space as the API shows it."""
        return space_view(space, self.urls(space, base_url), self.registry.credentials(space.name))


def ended(controller: Controller, space: Space, what: str) -> Problem:
    """Return why a call that waited for something in *space* will never see it, and what is left undone."""
    simulation = space.simulation
    owed = sum(webhook.state in PENDING for webhook in simulation.outbox.webhooks.values())
    now_ms = simulation.clock.now_ms
    facts: dict[str, object] = {"now_ms": now_ms, "owed": owed}
    if controller.registry.closing:
        return Problem(503, "Stopping", f"the server is being stopped: {what} at {now_ms} ms", **facts)
    detail = f"the space {space.name!r} was deleted meanwhile: {what} at {now_ms} ms"
    return Problem(410, "Deleted", detail, **facts)


def plain_of(asked: Asked) -> Json:
    """Return the body of a call as JSON values; an empty one is an empty object."""
    if not asked.body.strip():
        return {}
    try:
        decoded = decode_long(asked.body)
    except TooManyValues as trouble:
        raise Problem(413, "Too much", str(trouble)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as trouble:
        raise Problem(400, "Not JSON", f"expected a JSON body, got something else: {trouble}") from None
    # Most bodies have too few brackets to be looked at any closer.
    brackets = asked.body.count(b"[") + asked.body.count(b"{")
    if brackets > DEPTH_MAX and nested_deeper(decoded, DEPTH_MAX):
        raise Problem(
            422, "Nested too deep", f"expected at most {DEPTH_MAX} lists and mappings in each other"
        )
    return decoded


def read_as(shape: Shape[object], plain: Json, what: str, path: str = "") -> object:
    problems = Problems()
    value = shape.read(node_of(plain), path, problems)
    if isinstance(value, Invalid):
        complaints = problems.render("")
        raise Problem(422, f"Not {what}", "; ".join(complaints), errors=complaints)
    return value


def page(asked: Asked, items: Sequence[T]) -> Sequence[T]:
    """Return the part of *found* that `limit` and `offset` ask for."""
    limit = whole(asked, "limit", LIMIT_DEFAULT, LIMIT_MAX)
    offset = whole(asked, "offset", 0, 10**9)
    return items[offset : offset + limit]


def whole(asked: Asked, name: str, default: int, most: int) -> int:
    given = asked.query.get(name, "")
    if not given:
        return default
    if not given.isascii() or not given.isdigit() or len(given) > 12 or int(given) > most:
        raise Problem(400, "Bad query", f"{name}: expected a whole number up to {most}, got {given!r}")
    return int(given)


def one_of(asked: Asked, name: str, words: Iterable[str]) -> None:
    """Refuse a value of the query that is none of *known*: it would find nothing, for ever."""
    given = asked.query.get(name)
    options = list(words)
    if given is not None and given not in options:
        expected = ", ".join(options)
        raise Problem(400, "Bad query", f"{name}: expected one of {expected}, got {given[:200]!r}")

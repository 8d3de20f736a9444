"""
Webhooks, calls, the journal, and waiting for something to happen.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, NoReturn, TypeVar

from simulator.explain.narrative import clock_words
from simulator.explain.views import entry_view
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.turns import InTurns
from simulator.kernel.webhooks.webhook import Webhook, WebhookState
from simulator.runtime.space import Space
from simulator.runtime.turns import taking_turns
from simulator.schema.shapes import Choice, Duration, Field, ListOf, RateShape, Record, Shape, Text
from simulator.server.operations.base import (
    AFTER_MAX,
    LIMIT_DEFAULT,
    LIMIT_MAX,
    Asked,
    Controller,
    Problem,
    Reply,
    ended,
    one_of,
    page,
    plain_of,
    read_as,
    whole,
)
from simulator.server.operations.messages import message_filter, message_misses
from simulator.server.views import (
    exchange_view,
    listed,
    message_view,
    sent_view,
    webhook_view,
)

__all__ = [
    "HOLD",
    "RELEASE",
    "RESEND",
    "find_webhooks",
    "get_webhook",
    "hold",
    "journal",
    "list_requests",
    "list_webhooks",
    "release",
    "resend",
    "resend_many",
    "wait",
]


T = TypeVar("T")

_NEAREST_AMONG: Final = 300
_WITHIN_REAL_MS_MAX: Final = 600_000
_GONE_LOOK_REAL_S: Final = 1.0
"""How often to look whether whoever waits is still there."""
_SLICE: Final = 500
_QUICK_REAL_S: Final = 0.001
_LOOKS_APART: Final = 9
"""After a look that took its time, so many times as long passes before the next."""


def find_webhooks(controller: Controller, space: Space, asked: Asked) -> list[Webhook]:
    return list(filter(_webhook_filter(controller, space, asked), space.simulation.outbox.webhooks.values()))


def _webhook_filter(controller: Controller, space: Space, asked: Asked) -> Callable[[Webhook], bool]:
    """Return what tells whether a webhook is one of those that are asked for."""
    misses = _webhook_misses(controller, space, asked)
    return lambda webhook: not misses(webhook)


def _webhook_misses(
    controller: Controller, space: Space, asked: Asked
) -> Callable[[Webhook], dict[str, str]]:
    """Return what tells which conditions a webhook does not meet, each with what it has instead."""
    query = asked.query
    one_of(asked, "provider", space.gateways)
    one_of(asked, "state", [state.value for state in WebhookState])
    address = controller.asked_recipient(asked)

    def misses(webhook: Webhook) -> dict[str, str]:
        missed = {}
        if query.get("provider", webhook.provider) != webhook.provider:
            missed["provider"] = webhook.provider
        if query.get("state", webhook.state.value) != webhook.state.value:
            missed["state"] = webhook.state.value
        if address is not None and address != webhook.recipient:
            missed["recipient"] = webhook.recipient
        return missed

    return misses


async def _fitting(items: Iterable[T], fits: Callable[[T], bool]) -> list[T]:
    """Return those of *items* that fit, looked at in slices: others get their turn between two."""
    everything = list(items)
    fitting: list[T] = []
    for place in range(0, len(everything), _SLICE):
        fitting += filter(fits, everything[place : place + _SLICE])
        if place:
            await asyncio.sleep(0)
    return fitting


async def list_webhooks(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    webhooks = find_webhooks(controller, space, asked)
    shown = page(asked, webhooks)
    return Reply(listed([webhook_view(space.simulation, webhook) for webhook in shown], len(webhooks)))


def _webhook(space: Space, asked: Asked) -> Webhook:
    webhook = space.simulation.outbox.webhooks.get(asked.parameters["id"])
    if webhook is None:
        raise Problem(404, "No such webhook", f"there is no webhook {asked.parameters['id']!r}")
    return webhook


async def get_webhook(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    webhook = _webhook(space, asked)
    view = webhook_view(space.simulation, webhook)
    view["sent"] = [sent_view(space.simulation, webhook, attempt.number) for attempt in webhook.attempts]
    return Reply(view)


async def resend(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    simulation = space.simulation
    twin = simulation.outbox.resend(simulation.clock.now_ms, _webhook(space, asked))
    space.driver.nudge()
    return Reply(webhook_view(simulation, twin), 202)


_OF_PROVIDER: Final = Field("provider", Text(1, 100), "Of this provider alone; of all, if not given.")
HOLD: Final[Shape[object]] = Record(dict, [_OF_PROVIDER], what="which webhooks to hold")
RELEASE: Final[Shape[object]] = Record(
    dict,
    [_OF_PROVIDER, Field("rate", RateShape(), "How fast, such as 100/s; all at once, if not given.")],
    what="which webhooks to release",
)
RESEND: Final[Shape[object]] = Record(
    dict,
    [
        Field("ids", ListOf(Text(1, 100)), "These, by their ids."),
        Field("state", Choice(WebhookState), "All in this state, such as lost."),
        _OF_PROVIDER,
        Field("since", Duration(), "Only what was created at this offset of the space's clock or later."),
    ],
    what="which webhooks to send again",
)


def _provider(space: Space, values: Mapping[str, object]) -> str:
    provider = values.get("provider", "")
    assert isinstance(provider, str)
    if provider and provider not in space.gateways:
        names = ", ".join(space.gateways)
        raise Problem(404, "No such provider", f"there is no provider {provider!r}; names: {names}")
    return provider


def _held_view(space: Space) -> dict[str, object]:
    outbox = space.simulation.outbox
    holding = [provider for provider in space.gateways if outbox.holds(provider)]
    return {"holding": holding, "held": len(outbox.held_webhooks)}


async def hold(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    values = read_as(HOLD, plain_of(asked), "which webhooks to hold")
    assert isinstance(values, dict)
    space.simulation.outbox.hold(space.simulation.clock.now_ms, _provider(space, values))
    space.driver.nudge()
    return Reply(_held_view(space))


async def release(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    values = read_as(RELEASE, plain_of(asked), "which webhooks to release")
    assert isinstance(values, dict)
    now_ms = space.simulation.clock.now_ms
    releasing = space.simulation.outbox.releasing(now_ms, values.get("rate"), _provider(space, values))
    released = await taking_turns(releasing, undivided=space.tap is not None)
    space.driver.nudge()
    return Reply({"released": released, **_held_view(space)})


async def resend_many(controller: Controller, asked: Asked) -> Reply:
    what = "which webhooks to send again"
    controller.look(asked)
    values = await controller.reading(asked, lambda: read_as(RESEND, plain_of(asked), what))
    assert isinstance(values, dict)
    space = controller.space(asked)
    if ("ids" in values) == ("state" in values):
        raise Problem(422, "Not which webhooks to send again", "expected exactly one of ids and state")
    outbox, provider = space.simulation.outbox, _provider(space, values)
    names = frozenset(values.get("ids", ()))
    unknown = [name for name in values.get("ids", ()) if name not in outbox.webhooks]
    if unknown:
        raise Problem(404, "No such webhook", f"there is no webhook {unknown[0]!r}; none was sent again")

    def is_chosen(webhook: Webhook) -> bool:
        return webhook.id in names or (
            webhook.state is values.get("state")
            and provider in ("", webhook.provider)
            and webhook.created_ms >= values.get("since", 0)
        )

    def resending() -> InTurns[list[Webhook]]:
        twins: list[Webhook] = []
        for webhook in list(outbox.webhooks.values()):
            if is_chosen(webhook):
                twins.append(outbox.resend(space.simulation.clock.now_ms, webhook))
            yield
        return twins

    twins = await taking_turns(resending(), undivided=space.tap is not None)
    space.driver.nudge()
    return Reply({"ids": [twin.id for twin in twins], "total": len(twins)}, 202)


async def list_requests(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    limit = whole(asked, "limit", LIMIT_DEFAULT, LIMIT_MAX)
    shown = list(space.exchanges)[-limit:] if limit else []
    return Reply(
        listed([exchange_view(space.simulation, exchange) for exchange in shown], space.exchange_count)
    )


async def journal(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    after = whole(asked, "after", 0, AFTER_MAX)
    limit = whole(asked, "limit", LIMIT_MAX, 10**7)
    entries = space.simulation.journal.after(after, limit)
    rows: list[object] = []
    for place in range(0, len(entries), _SLICE):
        rows += [entry_view(entry) for entry in entries[place : place + _SLICE]]
        # A long journal is not to keep everybody else waiting.
        await asyncio.sleep(0)
        if asked.gone():
            # Rows are ten times as large as the entries; those who left would fill the memory together.
            break
    return Reply(rows)


class _MessageWatch:
    """
    Which messages are those that are waited for.

    All of them are looked at once; later only those that the journal tells of.
    """

    def __init__(self, simulation: Simulation, fits: Callable[[Message], bool]) -> None:
        self._simulation = simulation
        self._fits = fits
        self._fitting: dict[MessageKey, None] = {}
        self._seen_seq = -1

    async def __call__(self) -> list[Message]:
        """Return them as they are now."""
        simulation = self._simulation
        messages, journal = simulation.messages, simulation.journal
        seq = journal.seq
        if self._seen_seq < seq - len(journal):
            # At first; or so much has happened that the journal does not hold all of it any more.
            fitting = await _fitting(messages.values(), self._fits)
            self._fitting = {message.key: None for message in fitting}
        else:
            for number, entry in enumerate(journal.after(self._seen_seq), 1):
                if number % _SLICE == 0:
                    await asyncio.sleep(0)
                key = entry.key
                if key is None or (message := messages.get(key)) is None:
                    continue
                if not self._fits(message):
                    self._fitting.pop(key, None)
                elif key not in self._fitting:
                    self._fitting[key] = None
        # What happened while this looked is looked at the next time.
        self._seen_seq = seq
        return [messages[key] for key in self._fitting if key in messages]


async def wait(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    what = asked.query.get("for", "messages")
    find = _finder(controller, space, asked, what)
    count = whole(asked, "count", 1, 10**9)
    within_ms = _within_ms(asked)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_ms / 1000
    while True:
        began, before = loop.time(), _changes(space)
        items = await find()
        if len(items) >= count:
            break
        took_s = loop.time() - began
        # What happened while this looked wakes nobody any more.
        changed = _changes(space) != before or await space.wait_change(
            min(deadline - loop.time(), _GONE_LOOK_REAL_S)
        )
        if space.closed:
            raise ended(controller, space, "nothing more will happen")
        if asked.gone():
            # Most likely nobody reads the answer; who does has it now.
            _nothing(controller, space, what, len(items), count, asked)
        if changed and took_s > _QUICK_REAL_S:
            # Looking must not take all the time there is, however much is going on.
            await asyncio.sleep(min(_LOOKS_APART * took_s, max(0.0, deadline - loop.time())))
        elif not changed and loop.time() >= deadline:
            _nothing(controller, space, what, len(items), count, asked)
    if what == "messages":
        # In the order in which they were accepted, not in that in which they began to fit.
        of_message = message_filter(controller, space, asked)
        fitting = await _fitting(space.simulation.messages.values(), of_message)
        items = fitting
    simulation = space.simulation
    views: list[Mapping[str, object]] = []
    for item in items[:LIMIT_DEFAULT]:
        if isinstance(item, Message):
            views.append(message_view(simulation, item))
        elif isinstance(item, Webhook):
            views.append(webhook_view(simulation, item))
    return Reply(listed(views, len(items)))


def _finder(
    controller: Controller, space: Space, asked: Asked, what: str
) -> Callable[[], Awaitable[Sequence[object]]]:
    """Return what finds everything that is waited for, as it is then."""
    match what:
        case "messages":
            return _MessageWatch(space.simulation, message_filter(controller, space, asked))
        case "webhooks":
            of_webhook = _webhook_filter(controller, space, asked)
            return lambda: _fitting(space.simulation.outbox.webhooks.values(), of_webhook)
        case "requests":

            async def requests() -> Sequence[object]:
                return range(space.exchange_count)

            return requests
        case _:
            raise Problem(400, "Bad query", f"for: expected messages, webhooks, requests, got {what!r}")


def _changes(space: Space) -> tuple[int, int]:
    return space.simulation.journal.seq, space.exchange_count


def _within_ms(asked: Asked) -> int:
    shape = Duration(0, _WITHIN_REAL_MS_MAX)
    within = read_as(shape, asked.query.get("within", "5s"), "a duration for within")
    assert isinstance(within, int)
    return within


def _with(conditions: Mapping[str, str]) -> str:
    text = ", ".join(f"{name} {value!r}" for name, value in conditions.items())
    return f" with {text}" if text else ""


def _nothing(
    controller: Controller, space: Space, what: str, matching: int, count: int, asked: Asked
) -> NoReturn:
    conditions = {k: v for k, v in asked.query.items() if k not in ("for", "count", "within")}
    simulation = space.simulation
    nearest: object = None
    near = ""
    if what == "messages":
        messages = reversed(simulation.messages.values())
        for message, missed in _nearest(messages, message_misses(controller, space, asked)):
            nearest = message_view(simulation, message)
            near = _whose("{} {} #{}".format(*message.key), missed)
    elif what == "webhooks":
        webhooks = reversed(simulation.outbox.webhooks.values())
        for webhook, missed in _nearest(webhooks, _webhook_misses(controller, space, asked)):
            nearest = webhook_view(simulation, webhook)
            labels = ", ".join(report.label for report in webhook.reports)
            near = _whose(f"{webhook.provider} {webhook.recipient} [{labels}]", missed)
    driver = space.driver
    clock = clock_words(driver.mode, driver.rate)
    raise Problem(
        408,
        "Did not happen in time",
        f"expected {count} {what}{_with(conditions)}, got {matching}{near}; "
        f"the space is {'' if simulation.settled else 'not '}settled, its clock {clock}",
        found=matching,
        expected=count,
        nearest=nearest,
    )


def _whose(near: str, missed: Mapping[str, str]) -> str:
    instead = " and ".join(f"{name} is {value!r}" for name, value in missed.items())
    return f"; nearest: {near}, whose {instead}" if instead else ""


def _nearest(latest: Iterable[T], misses: Callable[[T], dict[str, str]]) -> list[tuple[T, dict[str, str]]]:
    """Return the one of the latest that misses the fewest conditions, but some, with what it has instead."""
    weighed = [(item, misses(item)) for item in islice(latest, _NEAREST_AMONG)]
    return sorted(weighed, key=lambda pair: len(pair[1]) or math.inf)[:1]

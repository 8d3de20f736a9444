"""
Webhooks, calls, the journal, and waiting for something to happen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NoReturn

from simulator.explain.narrative import clock_words
from simulator.explain.views import entry_view
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.message import Message
from simulator.kernel.model.recipient import normal_address
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.webhooks.webhook import Webhook, WebhookState
from simulator.runtime.space import Space
from simulator.schema.shapes import Duration
from simulator.server.operations.base import (
    AFTER_MAX,
    LIMIT_DEFAULT,
    LIMIT_MAX,
    Asked,
    Controller,
    Problem,
    Reply,
    one_of,
    page,
    read_as,
    whole,
)
from simulator.server.operations.messages import find_messages, message_filter
from simulator.server.views import (
    exchange_view,
    listed,
    message_view,
    webhook_view,
)

__all__ = ["find_webhooks", "get_webhook", "journal", "list_requests", "list_webhooks", "resend", "wait"]


_WITHIN_REAL_MS_MAX: Final = 600_000
_GONE_LOOK_REAL_S: Final = 1.0
"""How often to look whether whoever waits is still there."""
_SLICE: Final = 500
_QUICK_REAL_S: Final = 0.001
_LOOKS_APART: Final = 9
"""After a look that took its time, so many times as long passes before the next."""


def find_webhooks(space: Space, asked: Asked) -> list[Webhook]:
    query = asked.query
    one_of(asked, "provider", space.gateways)
    one_of(asked, "state", [state.value for state in WebhookState])
    recipient = query.get("recipient")
    address = normal_address(recipient) if recipient else None
    return [
        webhook
        for webhook in space.simulation.outbox.webhooks.values()
        if query.get("provider", webhook.provider) == webhook.provider
        and query.get("state", webhook.state.value) == webhook.state.value
        and (address is None or address == webhook.recipient)
    ]


async def list_webhooks(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    found = find_webhooks(space, asked)
    shown = page(asked, found)
    return Reply(listed([webhook_view(space.simulation, webhook) for webhook in shown], len(found)))


def _webhook(space: Space, asked: Asked) -> Webhook:
    webhook = space.simulation.outbox.webhooks.get(asked.parameters["id"])
    if webhook is None:
        raise Problem(404, "No such webhook", f"there is no webhook {asked.parameters['id']!r}")
    return webhook


async def get_webhook(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    return Reply(webhook_view(space.simulation, _webhook(space, asked)))


async def resend(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    simulation = space.simulation
    twin = simulation.outbox.resend(simulation.clock.now_ms, _webhook(space, asked))
    space.driver.nudge()
    return Reply(webhook_view(simulation, twin), 202)


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

    def __call__(self) -> list[Message]:
        simulation = self._simulation
        messages, journal = simulation.messages, simulation.journal
        if self._seen_seq < journal.seq - len(journal):
            # At first; or so much has happened that the journal does not hold all of it any more.
            self._fitting = {key: None for key, message in messages.items() if self._fits(message)}
        else:
            for entry in journal.after(self._seen_seq):
                key = entry.key
                if key is None or (message := messages.get(key)) is None:
                    continue
                if not self._fits(message):
                    self._fitting.pop(key, None)
                elif key not in self._fitting:
                    self._fitting[key] = None
        self._seen_seq = journal.seq
        return [messages[key] for key in self._fitting if key in messages]


async def wait(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    what = asked.query.get("for", "messages")
    finders: dict[str, Callable[[], Sequence[object]]] = {
        "messages": _MessageWatch(space.simulation, message_filter(controller, space, asked)),
        "webhooks": lambda: find_webhooks(space, asked),
        "requests": lambda: [None] * space.exchange_count,
    }
    find = finders.get(what)
    if find is None:
        raise Problem(400, "Bad query", f"for: expected {', '.join(finders)}, got {what!r}")
    count = whole(asked, "count", 1, 10**9)
    within_ms = _within_ms(asked)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_ms / 1000
    while True:
        began = loop.time()
        found = find()
        if len(found) >= count:
            break
        took_s = loop.time() - began
        changed = await space.wait_change(min(deadline - loop.time(), _GONE_LOOK_REAL_S))
        if space.closed:
            raise Problem(404, "No such space", f"the space {space.name!r} was deleted meanwhile")
        if asked.gone():
            # Nobody reads the answer.
            return Reply(None, 204)
        if changed and took_s > _QUICK_REAL_S:
            # Looking must not take all the time there is, however much is going on.
            await asyncio.sleep(min(_LOOKS_APART * took_s, max(0.0, deadline - loop.time())))
        elif not changed and loop.time() >= deadline:
            _nothing(space, what, len(found), count, asked)
    if what == "messages":
        # In the order in which they were accepted, not in that in which they began to fit.
        found = find_messages(controller, space, asked)
    simulation = space.simulation
    views: list[Mapping[str, object]] = []
    for one in found[:LIMIT_DEFAULT]:
        if isinstance(one, Message):
            views.append(message_view(simulation, one))
        elif isinstance(one, Webhook):
            views.append(webhook_view(simulation, one))
    return Reply(listed(views, len(found)))


def _within_ms(asked: Asked) -> int:
    shape = Duration(0, _WITHIN_REAL_MS_MAX)
    within = read_as(shape, asked.query.get("within", "5s"), "a duration for within")
    assert isinstance(within, int)
    return within


def _with(conditions: Mapping[str, str]) -> str:
    said = ", ".join(f"{name} {value!r}" for name, value in conditions.items())
    return f" with {said}" if said else ""


def _nothing(space: Space, what: str, found: int, count: int, asked: Asked) -> NoReturn:
    conditions = {k: v for k, v in asked.query.items() if k not in ("for", "count", "within")}
    simulation = space.simulation
    nearest: object = None
    if what == "messages" and simulation.messages:
        nearest = message_view(simulation, next(reversed(simulation.messages.values())))
    elif what == "webhooks" and simulation.outbox.webhooks:
        nearest = webhook_view(simulation, next(reversed(simulation.outbox.webhooks.values())))
    driver = space.driver
    clock = clock_words(driver.mode, driver.rate)
    raise Problem(
        408,
        "Did not happen in time",
        f"expected {count} {what}{_with(conditions)}, got {found}; "
        f"the space is {'' if simulation.settled else 'not '}settled, its clock {clock}",
        found=found,
        expected=count,
        nearest=nearest,
    )

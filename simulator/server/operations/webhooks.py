"""
Webhooks, calls, the journal, and waiting for something to happen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NoReturn

from simulator.explain.narrative import clock_words
from simulator.explain.views import entry_view
from simulator.kernel.model.message import Message
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
from simulator.server.operations.messages import find_messages
from simulator.server.views import (
    exchange_view,
    listed,
    message_view,
    webhook_view,
)

__all__ = ["find_webhooks", "get_webhook", "journal", "list_requests", "list_webhooks", "resend", "wait"]


_WITHIN_REAL_MS_MAX: Final = 600_000


def find_webhooks(controller: Controller, space: Space, asked: Asked) -> list[Webhook]:
    query = asked.query
    one_of(asked, "provider", space.gateways)
    one_of(asked, "state", [state.value for state in WebhookState])
    address = controller.asked_recipient(asked)
    return [
        webhook
        for webhook in space.simulation.outbox.webhooks.values()
        if query.get("provider", webhook.provider) == webhook.provider
        and query.get("state", webhook.state.value) == webhook.state.value
        and (address is None or address == webhook.recipient)
    ]


async def list_webhooks(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    found = find_webhooks(controller, space, asked)
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
    return Reply([entry_view(entry) for entry in space.simulation.journal.after(after, limit)])


async def wait(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    what = asked.query.get("for", "messages")
    finders: dict[str, Callable[[], Sequence[object]]] = {
        "messages": lambda: find_messages(controller, space, asked),
        "webhooks": lambda: find_webhooks(controller, space, asked),
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
        found = find()
        if len(found) >= count:
            break
        changed = await space.wait_change(deadline - loop.time())
        if space.closed:
            raise Problem(404, "No such space", f"the space {space.name!r} was deleted meanwhile")
        if not changed:
            _nothing(space, what, len(found), count, asked)
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

"""
What stands on a recipient's phone: messages of all providers and what the recipient did, in order.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from simulator.explain.views import instant
from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.message import Message
from simulator.kernel.model.recipient import normal_address
from simulator.kernel.store.facts import Acted
from simulator.kernel.store.journal import Entry
from simulator.provider import Bubble, Card, Provider, Suggestion
from simulator.runtime.space import Space
from simulator.server.operations.base import Asked, Controller, Reply, whole

__all__ = ["SHOWN", "Conversation", "conversation", "get_conversation"]

SHOWN: Final = frozenset({State.DELIVERED, State.READ})
"""A message in one of these states stands on the phone."""

_LIMIT: Final = 200


class Conversation(NamedTuple):
    """
    What is on the phone, and what is on its way to it.
    """

    address: str
    items: list[Message | Entry]
    """What arrived and what the recipient did, oldest first."""
    pending: list[Message]
    """What is on its way, what waits for the recipient apart."""
    waiting: list[Message]
    """What waits in the network until the recipient is back, the first one first."""
    failed: list[Message]
    """What never arrived."""

    @property
    def first_expiry_ms(self) -> int | None:
        """When the first of the waiting messages expires; None: nothing waits."""
        return min((message.expires_ms for message in self.waiting), default=None)


def conversation(space: Space, address: str, limit: int = _LIMIT) -> Conversation:
    """Return the last *limit* things on a phone, and the messages on their way to it."""
    simulation = space.simulation
    items: list[tuple[int, int, Message | Entry]] = []
    pending: list[Message] = []
    failed: list[Message] = []
    for number, message in enumerate(simulation.messages.values()):
        if message.key.recipient != address or message.submission.signal:
            continue
        if message.state in SHOWN:
            items.append((_arrived_ms(message), number, message))
        elif message.state in (State.FAILED, State.EXPIRED, State.REVOKED):
            failed.append(message)
        elif message.state is not State.WAITING:
            pending.append(message)
    count = len(simulation.messages)
    items += [
        (entry.at_ms, count + entry.seq, entry)
        for entry in simulation.journal
        if entry.recipient == address and isinstance(entry.fact, Acted)
    ]
    items.sort(key=lambda item: item[:2])
    waiting = [
        simulation.messages[key] for key in simulation.state.waiting.of(address) if key in simulation.messages
    ]
    shown = [item for _, _, item in items[-limit:]] if limit else []
    return Conversation(address, shown, pending[-limit:], waiting, failed[-limit:])


def _arrived_ms(message: Message) -> int:
    # A message that was read arrived before; when exactly, only the journal knows.
    return message.changed_ms if message.state is State.DELIVERED else message.accepted_ms


def bubble_view(bubble: Bubble) -> dict[str, object]:
    """Return what a recipient sees of a message as plain JSON."""
    return {
        "text": bubble.text,
        "cards": [_card_view(card) for card in bubble.cards],
        "suggestions": [_suggestion_view(suggestion) for suggestion in bubble.suggestions],
        "pictures": [picture._asdict() for picture in bubble.pictures],
        "note": bubble.note,
    }


def _card_view(card: Card) -> dict[str, object]:
    return {
        "title": card.title,
        "text": card.text,
        "picture": card.picture._asdict() if card.picture is not None else None,
        "suggestions": [_suggestion_view(suggestion) for suggestion in card.suggestions],
    }


def _suggestion_view(suggestion: Suggestion) -> dict[str, object]:
    return suggestion._asdict()


def _item_view(space: Space, providers: dict[str, Provider], item: Message | Entry) -> dict[str, object]:
    simulation = space.simulation
    if isinstance(item, Message):
        return {
            "kind": "message",
            "id": item.id,
            "provider": item.key.provider,
            "sender": item.submission.sender,
            "state": item.state.value,
            "at": instant(simulation, item.changed_ms),
            "expires_at": instant(simulation, item.expires_ms),
            **bubble_view(providers[item.key.provider].show(item.submission)),
        }
    fact = item.fact
    assert isinstance(fact, Acted)
    return {
        "kind": "act",
        "provider": item.provider,
        "does": fact.act,
        "text": fact.text,
        "at": instant(simulation, item.at_ms),
    }


async def get_conversation(controller: Controller, asked: Asked) -> Reply:
    space = controller.space(asked)
    address = normal_address(asked.parameters["address"])
    talk = conversation(space, address, whole(asked, "limit", _LIMIT, 10_000))
    providers = dict(controller.providers)
    first_ms = talk.first_expiry_ms
    return Reply(
        {
            "address": address,
            "items": [_item_view(space, providers, item) for item in talk.items],
            "pending": [_item_view(space, providers, message) for message in talk.pending],
            "waiting": [_item_view(space, providers, message) for message in talk.waiting],
            "failed": [_item_view(space, providers, message) for message in talk.failed],
            "first_expiry": instant(space.simulation, first_ms) if first_ms is not None else None,
            "acts": {name: list(provider.acts) for name, provider in providers.items()},
        }
    )

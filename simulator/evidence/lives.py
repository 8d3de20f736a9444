"""
The lives of messages: what happened to each, sorted by how much they deserve a look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from simulator.evidence.purpose import blameless
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.lifecycle import TERMINAL, State
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.store.facts import Accepted, Called
from simulator.kernel.store.journal import Entry
from simulator.kernel.webhooks.webhook import Webhook, WebhookState

__all__ = ["Group", "Life", "groups", "tell"]


@dataclass(slots=True)
class Life:
    """
    A message with everything that happened to it.
    """

    message: Message
    webhooks: list[Webhook] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    """Filled by `tell`, for the lives that are to be told."""
    call: Entry | None = None
    """The call that sent it, as far as the journal still knows."""
    waited: bool = False
    """Whether its recipient was out of reach when it was due."""


@dataclass(frozen=True, slots=True)
class Group:
    """
    Messages that ended alike, oldest first.
    """

    title: str
    unusual: bool
    lives: tuple[Life, ...]


def _has(state: WebhookState) -> Callable[[Life], bool]:
    return lambda life: any(webhook.state is state for webhook in life.webhooks)


def _lost_whole(life: Life) -> bool:
    return any(w.state is WebhookState.LOST and not blameless(w) for w in life.webhooks)


def _retried(life: Life) -> bool:
    return any(len(webhook.attempts) > 1 for webhook in life.webhooks)


def _retried_whole(life: Life) -> bool:
    return any(len(webhook.attempts) > 1 and not blameless(webhook) for webhook in life.webhooks)


def _meddled(life: Life) -> bool:
    return any(webhook.intended for webhook in life.webhooks)


def _is(*states: State) -> Callable[[Life], bool]:
    return lambda life: life.message.state in states


# The first that fits names the group; the order is the order on the page.
_KINDS: tuple[tuple[str, bool, Callable[[Life], bool]], ...] = (
    ("Webhooks lost", True, _lost_whole),
    ("Webhooks lost, only ever sent damaged on purpose", True, _has(WebhookState.LOST)),
    ("Failed", True, _is(State.FAILED)),
    ("Expired", True, _is(State.EXPIRED)),
    ("Revoked", True, _is(State.REVOKED)),
    ("Not over yet", True, lambda life: life.message.state not in TERMINAL),
    ("Arrived, webhooks had to be retried", True, _retried_whole),
    ("Arrived, webhooks retried because they were damaged on purpose", False, _retried),
    ("Arrived, webhooks changed on purpose", False, _meddled),
    ("Arrived when the recipient was back", False, lambda life: life.waited),
    ("Arrived and read", False, _is(State.READ)),
    ("Arrived", False, _is(State.DELIVERED)),
)


def groups(simulation: Simulation) -> list[Group]:
    """Return every message in the group it belongs to, the unusual groups first; none is empty."""
    lives = {key: Life(message) for key, message in simulation.messages.items()}
    for webhook in simulation.outbox.webhooks.values():
        for report in webhook.reports:
            life = lives.get(report.key) if report.key is not None else None
            if life is not None and (not life.webhooks or life.webhooks[-1] is not webhook):
                life.webhooks.append(webhook)
    for entry in simulation.journal:
        if entry.state is State.WAITING and entry.key in lives:
            lives[entry.key].waited = True
    sorted_lives: dict[str, list[Life]] = {title: [] for title, _, _ in _KINDS}
    for life in lives.values():
        title = next(title for title, _, fits in _KINDS if fits(life))
        sorted_lives[title].append(life)
    return [
        Group(title, unusual, tuple(sorted_lives[title]))
        for title, unusual, _ in _KINDS
        if sorted_lives[title]
    ]


def tell(simulation: Simulation, lives: Iterable[Life]) -> None:
    """Give *lives* their entries and the call that sent them, in one pass over the journal."""
    by_key: dict[MessageKey, Life] = {life.message.key: life for life in lives}
    unsent: dict[str, list[Life]] = {}
    for entry in simulation.journal:
        fact = entry.fact
        if isinstance(fact, Called):
            # A call is journalled when it is answered, right after what it sent.
            if entry.provider in unsent and fact.method != "GET":
                for life in unsent.pop(entry.provider):
                    life.call = entry
        elif entry.key is not None and (life_of_entry := by_key.get(entry.key)) is not None:
            life_of_entry.entries.append(entry)
            if isinstance(fact, Accepted):
                unsent.setdefault(entry.key.provider, []).append(life_of_entry)

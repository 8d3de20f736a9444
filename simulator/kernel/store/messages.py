"""
The register: every message of a space, by key and by id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from simulator.kernel.model.lifecycle import TERMINAL
from simulator.kernel.model.message import Message, Refused
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.store.eviction import Eviction
from simulator.kernel.store.numbering import Numbering

__all__ = ["MESSAGES_MAX", "MessageStore"]

MESSAGES_MAX: Final = 1_000_000
"""So many messages, and webhooks, a space keeps unless told otherwise; what is not over always stays."""

_REFUSALS_MAX = 10_000


class MessageStore:
    """
    Messages by key and by id; when it is full, the oldest that has an end gives way.
    """

    __slots__ = ("_eviction", "_ids", "limit", "messages", "numbering", "refusals")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.messages: dict[MessageKey, Message] = {}
        self.refusals: dict[MessageKey, Refused] = {}
        """The last submissions that were refused, for their stories."""
        self.numbering = Numbering(self.messages)
        self._ids: dict[str, dict[str, Message]] = {}
        self._eviction: Eviction[MessageKey] = Eviction()

    def add(self, message: Message) -> None:
        """Enter a message."""
        self.messages[message.key] = message
        self.numbering.stored(message.key)
        self._eviction.add(message.key)
        ids = self._ids.get(message.key.provider)
        if ids is None:
            ids = self._ids[message.key.provider] = {}
        ids[message.id] = message
        over = len(self.messages) - self.limit
        if over > 0:
            # Two at a time: those that piled up while none was over go, too.
            for _ in range(min(2, over)):
                self.take_old(self._may_go)

    def note_refusal(self, refused: Refused) -> None:
        """Keep a refusal; the oldest gives way."""
        refusals = self.refusals
        if len(refusals) >= _REFUSALS_MAX:
            del refusals[next(iter(refusals))]
        refusals[refused.key] = refused

    def find(self, provider: str, message_id: str) -> Message | None:
        """Return the latest message with this id at *provider*, or None."""
        ids = self._ids.get(provider)
        return None if ids is None else ids.get(message_id)

    def of_provider(self, provider: str) -> Iterable[Message]:
        """Return the messages at *provider*, the latest for each id, the oldest first."""
        return self._ids.get(provider, {}).values()

    def take_old(self, may_go: Callable[[MessageKey], bool]) -> Message | None:
        """Remove and return one of the oldest messages that *may_go*; None: none of those looked at may."""
        key = self._eviction.oldest(may_go)
        if key is None:
            return None
        oldest = self.messages.pop(key)
        self.numbering.gone(key)
        ids = self._ids[key.provider]
        if ids.get(oldest.id) is oldest:
            del ids[oldest.id]
        return oldest

    def _may_go(self, key: MessageKey) -> bool:
        message = self.messages[key]
        return message.state in TERMINAL and not message.unanswered

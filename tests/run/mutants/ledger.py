"""
What an integrator keeps: its messages, what it was told, who wants nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

__all__ = ["CORRECT_STATES", "FINAL", "Ledger", "Message", "Told"]

FINAL: Final = frozenset(
    {"DELIVERED", "READ", "UNDELIVERABLE", "BLACKLIST", "EXPIRED", "REJECTED", "REVOKED"}
)

CORRECT_STATES: Final[Mapping[str, str]] = {
    "infobip PENDING": "PENDING",
    # Of the group DELIVERED, and yet the handset may never get it.
    "infobip DELIVERED_TO_OPERATOR": "PENDING",
    "infobip DELIVERED": "DELIVERED",
    "infobip UNDELIVERABLE": "UNDELIVERABLE",
    "infobip EXPIRED": "EXPIRED",
    "infobip REJECTED": "REJECTED",
    "rbm DELIVERED": "DELIVERED",
    "rbm READ": "READ",
    "rbm TTL_EXPIRATION_REVOKED": "EXPIRED",
    "rbm TTL_EXPIRATION_REVOKE_FAILED": "EXPIRED",
    "bip 0": "DELIVERED",
    "bip 1": "READ",
    "bitel DELIVERED": "DELIVERED",
    "bitel DELIVERY_FAILED": "UNDELIVERABLE",
    "bitel BLACKLIST": "BLACKLIST",
    "bitel ERROR": "UNDELIVERABLE",
    "bitel CHECK_ERROR": "UNDELIVERABLE",
}
"""State by the provider's word.  What is not here is no news."""


@dataclass(kw_only=True)
class Message:
    """
    One message to one recipient, and what is believed of it.
    """

    id: str
    to: str
    provider: str
    text: str
    state: str = "PENDING"
    code: str = ""
    parts: int = 0
    price: float = 0.0
    done_at: str = ""
    """The provider's own final time, in UTC."""
    sends: int = 0
    """How many calls were made for it."""
    fallbacks: int = 0
    """How many SMS were sent in its place."""
    billed: int = 0
    events: int = 0
    """How many different things were told of it."""

    def facts(self) -> dict[str, object]:
        """Return what is told to whoever asks; `brief` is the part that must never be off by one."""
        brief = f"{self.state} billed={self.billed} sms={self.fallbacks}"
        return {**vars(self), "brief": brief}


class Told(NamedTuple):
    """
    One thing that a webhook tells, in the same shape for all providers.
    """

    kind: str
    """`report`, `sent` (BiP's report on a list) or `inbound`."""
    provider: str
    id: str = ""
    """Of the message it is about."""
    word: str = ""
    """The provider's word for what became of it."""
    group: str = ""
    """The word for the kind of end, where the provider has one beside it."""
    event: str = ""
    """The same for the same event, however often it is told."""
    envelope: str = ""
    """Of this delivery alone, where the provider has such an id."""
    call: str = ""
    """The call that it names, which is not always ours."""
    at: str = ""
    code: str = ""
    parts: int = 0
    price: float | None = None
    number: str = ""
    text: str = ""


@dataclass
class Ledger:
    """
    What survives a restart.
    """

    messages: dict[str, Message] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """The message's own id, by every id that a provider has for it."""
    broadcasts: set[str] = field(default_factory=set)
    """Calls of which only the provider knows whom they reach."""
    inbox: list[Told] = field(default_factory=list)
    """Acknowledged, and not worked off yet."""
    parked: dict[str, list[Told]] = field(default_factory=dict)
    """Told of messages that nobody knows, yet."""
    seen: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    written: dict[str, int] = field(default_factory=dict)
    """How many messages each number wrote to us."""

    def add(self, message: Message) -> None:
        """Keep a message under its own id."""
        self.messages[message.id] = message
        self.names[message.id] = message.id

    def find(self, id: str) -> Message | None:
        """Return the message with one of its ids."""
        return self.messages.get(self.names.get(id, ""))

    def latest(self, to: str) -> Message | None:
        """Return the last message to a number that is no SMS in another's place."""
        digits = to.removeprefix("+")
        mine = [one for one in self.messages.values() if one.to.removeprefix("+") == digits]
        return next((one for one in reversed(mine) if "-sms" not in one.id), None)

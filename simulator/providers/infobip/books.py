"""
What an account remembers of its messages: the log, the balance, and who may click.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from simulator.provider import Message, MessageKey, Refused
from simulator.providers.infobip.details import Details

__all__ = ["Books"]

_CLICKABLE_MAX: Final = 100
"""How many messages of a recipient are remembered for clicks."""
_NETWORKS_MAX: Final = 100_000


class Books:
    """
    The books of one account.
    """

    __slots__ = ("_clickable", "_forgotten", "_networks", "balance_micros", "log", "logged")

    def __init__(self, balance_micros: int, log_max: int) -> None:
        self.balance_micros = balance_micros
        self.log: deque[Message | Refused] = deque(maxlen=log_max)
        """What was accepted, and what was refused with an id, in order."""
        self.logged = 0
        """How many entries the log has had; the last of them is at its end."""
        self._clickable: dict[str, list[Message]] = {}
        self._networks: dict[str, int] = {}
        self._forgotten: set[MessageKey] = set()

    def forget(self, message: Message) -> None:
        """Let go of a message, as soon as it is the oldest of the log."""
        self._forgotten.add(message.key)
        while self.log and self.log[0].key in self._forgotten:
            self._forgotten.discard(self.log.popleft().key)
        self._networks.pop(message.key.recipient, None)
        self._clickable.pop(message.key.recipient, None)

    def enter(self, outcome: Message | Refused) -> None:
        """Enter a message, or a rejected recipient that was told an id, in the log."""
        self.log.append(outcome)
        self.logged += 1

    def accept(self, message: Message, details: Details) -> None:
        """Enter an accepted message, charge it, and remember it for clicks."""
        self.enter(message)
        self.balance_micros -= details.cost_micros
        recipient = message.key.recipient
        if details.tracking is not None and details.tracking.clicks:
            tracked = self._clickable.setdefault(recipient, [])
            tracked.append(message)
            del tracked[:-_CLICKABLE_MAX]
        if details.network_id is not None:
            self._networks[recipient] = details.network_id
            if len(self._networks) > _NETWORKS_MAX:
                del self._networks[next(iter(self._networks))]

    def clickable(self, recipient: str) -> list[Message]:
        """Return the messages of a recipient whose clicks are tracked, the oldest first."""
        return self._clickable.get(recipient, [])

    def network_id(self, recipient: str) -> int | None:
        """Return the networkId of the latest send to a recipient that had one."""
        return self._networks.get(recipient)

"""
Messages that wait for their recipients to come back.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.turns import InTurns, in_order

__all__ = ["WaitingRoom"]


class WaitingRoom:
    """
    Who waits for whom, in which order, and when a return is expected.
    """

    __slots__ = ("_expected", "_sent")

    def __init__(self) -> None:
        self._sent: dict[str, dict[MessageKey, int]] = {}
        self._expected: dict[str, int] = {}

    def __contains__(self, recipient: str) -> bool:
        return recipient in self._sent

    def enter(self, key: MessageKey, sent_ms: int) -> None:
        """Let a message wait whose sending began at *sent_ms*."""
        self._sent.setdefault(key.recipient, {})[key] = sent_ms

    def leave(self, key: MessageKey) -> None:
        """Forget a message that waits no more."""
        waiting = self._sent.get(key.recipient)
        if waiting is not None and waiting.pop(key, None) is not None and not waiting:
            del self._sent[key.recipient]

    def take(self, recipient: str) -> list[MessageKey]:
        """Remove and return what waits for *recipient*, what was sent first comes first."""
        waiting = self._sent.pop(recipient, {})
        return sorted(waiting, key=lambda key: (waiting[key], key))

    def of(self, recipient: str) -> list[MessageKey]:
        """Return what waits for *recipient*, in the order in which it will be delivered; takes nothing."""
        waiting = self._sent.get(recipient, {})
        return sorted(waiting, key=lambda key: (waiting[key], key))

    def awaited(self, pattern: str) -> InTurns[tuple[Iterator[str], int]]:
        """
        Return the recipients under an address or prefix (`+4179*`) for whom anything waits, and how many.

        They come in order, as they are taken.
        """
        if not pattern.endswith("*"):
            there = [pattern] if pattern in self._sent else []
            return iter(there), len(there)
        prefix = pattern[:-1]
        return (yield from in_order(self._sent, lambda recipient: recipient.startswith(prefix)))

    def expect(self, recipient: str, at_ms: int) -> bool:
        """Note when *recipient* may be back; return False when that is known already."""
        if self._expected.get(recipient) == at_ms:
            return False
        self._expected[recipient] = at_ms
        return True

    def came(self, recipient: str, at_ms: int) -> None:
        """Note that the instant has come at which *recipient* may be back."""
        if self._expected.get(recipient) == at_ms:
            del self._expected[recipient]

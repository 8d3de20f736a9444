"""
What a client asks us to send.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from msgspec import Struct

__all__ = ["INBOUND", "MessageKey", "Reason", "Submission"]

INBOUND: Final = "inbound"
"""The operation that stands for what recipients do of their own accord; no call has it."""


class MessageKey(Struct, frozen=True, order=True, array_like=True, gc=False):
    """
    Which submission this is: the *ordinal*-th to *recipient* through *provider*.

    The key, not the client's id, names every draw, because clients mint random
    ids.  Refused submissions take an ordinal too; otherwise a retry would meet
    the same refusal for ever.
    """

    provider: str
    recipient: str
    ordinal: int

    def __iter__(self) -> Iterator[str | int]:
        """Yield provider, recipient and ordinal, which name every draw."""
        return iter((self.provider, self.recipient, self.ordinal))

    def __str__(self) -> str:
        # A call that was refused before it named anybody has no recipient.
        to = f" {self.recipient}" if self.recipient else ""
        return f"{self.provider}{to} #{self.ordinal}"


class Reason(StrEnum):
    """
    Why a message failed or waits, in kernel words; providers map it to their codes.
    """

    NONE = ""
    ABSENT = "absent"
    BLOCKED = "blocked"
    BLACKLISTED = "blacklisted"
    UNKNOWN = "unknown"
    VALIDITY = "validity"
    INCAPABLE = "incapable"
    CANCELED = "canceled"


class Submission(Struct, frozen=True, kw_only=True, gc=False):
    """
    One message a client asks us to send, parsed by the provider's wire functions.

    `recipient` is the address in the kernel's spelling (`+` and digits where it
    is a number).  `details` is the provider's own and opaque to the kernel.
    """

    provider: str
    recipient: str
    operation: str = "send"
    sender: str = ""
    text: str = ""
    credential: str = ""
    id: str = ""
    """The client's own id for the message; empty: the provider mints one."""
    validity_ms: int = 172_800_000
    hold_until_ms: int = 0
    """Offset on the space's clock before which the message is not sent (scheduled sends)."""
    parts: int = 1
    refusal: str = ""
    """The provider's code, when its own checks already refused this recipient."""
    refusal_why: str = ""
    """What exactly those checks found, for people."""
    ephemeral: bool = False
    """Of use at once or never: dropped when the recipient is unreachable."""
    signal: bool = False
    """A sign rather than a message (typing, a read receipt); listings of messages leave it out."""
    details: object = None

"""
Why an attempt at a webhook got no answer.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Cause"]


class Cause(StrEnum):
    """
    What kept a request from being answered; its words for people stand beside it.
    """

    UNRENDERED = "not rendered"
    """The simulator itself could not make it."""
    UNSENDABLE = "unsendable"
    """Its address or its headers cannot be put into an HTTP request."""
    FORBIDDEN = "forbidden"
    """The simulator may not send there."""
    NAME_NOT_FOUND = "name not found"
    REFUSED = "refused"
    """Nobody listens there."""
    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"
    """The receiver's certificate is not accepted, or it speaks no TLS."""
    TIMED_OUT = "timed out"
    RESET = "reset"
    """The connection ended, one way or the other, before there was an answer."""
    UNREADABLE = "unreadable"
    """What came is not HTTP."""
    BROKEN_OFF = "broken off"
    """The simulator stopped."""

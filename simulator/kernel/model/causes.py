"""
Why an attempt at a webhook got no answer.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Cause"]


class Cause(StrEnum):
    """
    What kept an attempt from being answered; its words for people stand beside it.
    """

    TIMED_OUT = "timed out"
    REFUSED = "refused"
    """Nobody listens there."""
    RESET = "reset"
    """The connection broke off before there was an answer."""
    UNRESOLVED = "unresolved"
    """The name of the host leads nowhere."""
    INSECURE = "insecure"
    """The certificate is not to be trusted, or there is none."""
    FORBIDDEN = "forbidden"
    """The simulator may not send there."""
    NO_URL = "no url"
    UNRENDERED = "unrendered"
    """The simulator itself could not make the request."""
    OTHER = "other"

"""
What BiP remembers of a submission beyond what the kernel does.
"""

from __future__ import annotations

from msgspec import Struct

from simulator.provider import Submission
from simulator.providers.bip.quota import Asked
from simulator.providers.bip.wire import Content, Receiver

__all__ = ["ALL", "FILTERED", "ONE_TO_ONE", "Details", "details_of"]

ONE_TO_ONE, FILTERED, ALL = "one_to_one", "filtered", "all_followers"
"""Which quota a send falls under.  Source: "Quota control"."""


class Details(Struct, frozen=True, gc=False):
    """
    One message of a call to one receiver.
    """

    txnid: str
    receiver: Receiver
    content: Content
    number: int
    count: int
    quota: str
    asked: Asked
    part: int = 0
    """Which part of the call it belongs to."""
    expire_s: int = 0


def details_of(submission: Submission) -> Details:
    """Return the details of a submission that this provider made."""
    details = submission.details
    if not isinstance(details, Details):
        raise TypeError(f"expected the details of a BiP message, got {type(details).__name__}")
    return details

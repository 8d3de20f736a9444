"""
What Infobip remembers of a submission, and what it takes for a phone number.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from msgspec import Struct

from simulator.provider import Submission
from simulator.providers.infobip.wire import Item, Tracking

__all__ = ["Details", "details_of", "is_number", "shared_details", "to_of"]

_SHARED_MAX: Final = 4_096


class Details(Struct, frozen=True, gc=False):
    """
    What Infobip remembers of a submission beyond what the kernel does.
    """

    generation: int
    item: Item
    bulk_id: str = ""
    bulk_chosen: bool = False
    """Its id is the client's own, not ours."""
    accepted_status: int = 26
    tracking: Tracking | None = None
    cost_micros: int = 0
    """What it is charged, in millionths."""
    network_id: int | None = None


@lru_cache(maxsize=_SHARED_MAX)
def shared_details(generation: int, item: Item, accepted_status: int, cost_micros: int) -> Details:
    """Return what is remembered of a message that is in no bulk; one for all that ask for the same *item*."""
    return Details(generation, item, accepted_status=accepted_status, cost_micros=cost_micros)


def to_of(recipient: str) -> str:
    """Return a recipient as reports spell it: digits only."""
    return recipient.removeprefix("+")


def details_of(submission: Submission) -> Details:
    """Return what Infobip remembers of one of its own submissions, or moulds of them."""
    details = submission.details
    assert isinstance(details, Details)
    return details


def is_number(recipient: str) -> bool:
    """Return True for 7 to 15 digits without a leading zero: a rule that never changes."""
    return recipient[:1] == "+" and 8 <= len(recipient) <= 16 and recipient[1] != "0"

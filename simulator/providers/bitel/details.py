"""
What Bitel remembers of a request beyond what the kernel does.
"""

from __future__ import annotations

from msgspec import Struct

from simulator.provider import Message, Submission

__all__ = ["CallDetails", "SmsDetails", "call_details", "details_of", "is_call", "sms_details"]


class SmsDetails(Struct, gc=False):
    """
    A short message.
    """

    to: str
    """The recipient as the client wrote it; replies echo that."""
    price_milli: int
    """What it costs if it is charged."""
    passes_black_list: bool
    malformed: bool = False
    batch_id: str = ""
    charged_milli: int = -1
    """What was charged at the conclusion, whatever the settings say since; negative: not concluded."""


class CallDetails(Struct, gc=False):
    """
    A call.
    """

    to: str
    malformed: bool = False
    batch_id: str = ""
    """The id of the campaign, as events of calls have it."""
    executed_ms: int = -1
    """When it was answered, or first tried in vain; negative: not yet."""
    missed_ms: int = -1
    """When a try last found the phone off; negative: never."""
    charged_milli: int = -1
    """What was charged at the conclusion, whatever the settings say since; negative: not concluded."""


def is_call(submission: Submission) -> bool:
    """Return True for a call, False for a short message."""
    return isinstance(submission.details, CallDetails)


def details_of(message: Message) -> SmsDetails | CallDetails:
    """Return the details of a message or call."""
    return call_details(message) if is_call(message.submission) else sms_details(message)


def sms_details(message: Message) -> SmsDetails:
    """Return the details of a short message."""
    details = message.submission.details
    if not isinstance(details, SmsDetails):
        raise TypeError(f"expected the details of a short message, got {type(details).__name__}")
    return details


def call_details(message: Message) -> CallDetails:
    """Return the details of a call."""
    details = message.submission.details
    if not isinstance(details, CallDetails):
        raise TypeError(f"expected the details of a call, got {type(details).__name__}")
    return details

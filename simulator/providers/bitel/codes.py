"""
Bitel's statuses and errors, and the HTTP status of each error.

Source: "SMS Status", "Call Status" and the error lists of the send pages of the
Bitel 2.0.0 documentation, as of mid-2026.  The HTTP status of an error is our
choice (OC-2): the pages say no more than "4xx".
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = [
    "CALL_STATUSES",
    "CALL_STATUS_BY_CODE",
    "ERRORS",
    "SMS_STATUSES",
    "SMS_STATUS_BY_CODE",
    "CallStatus",
    "Error",
    "SmsStatus",
]


class SmsStatus(NamedTuple):
    """
    One status of a short message.
    """

    code: int
    name: str
    text: str
    """How send replies spell it; only `Waiting` is attested, the others are chosen (OC-15)."""
    final: bool
    meaning: str


class CallStatus(NamedTuple):
    """
    One status of a call.
    """

    code: int
    name: str
    final: bool
    meaning: str


class Error(NamedTuple):
    """
    One error code of the envelope.
    """

    number: int
    """Ours, for magic recipients: Bitel's error codes are words."""
    code: str
    http: int
    meaning: str
    source: str = ""


SMS_STATUSES: Final[dict[str, SmsStatus]] = {
    status.name: status
    for status in (
        SmsStatus(0, "WAITING", "Waiting", False, "being sent"),
        SmsStatus(1, "DELIVERED", "Delivered", True, "delivered"),
        SmsStatus(2, "CHECK_OK", "CheckOk", False, "handed to the operator"),
        SmsStatus(
            4,
            "DELIVERY_FAILED",
            "DeliveryFailed",
            True,
            "reached the operator, the user is probably unreachable",
        ),
        SmsStatus(5, "BLACKLIST", "BlackList", True, "not sent, the user blocked this number"),
        SmsStatus(9, "ERROR", "Error", True, "not sent: invalid phone number, connectivity and the like"),
        SmsStatus(10, "CHECK_ERROR", "CheckError", True, "not sent, the operator refused"),
    )
}
"""By name; 3, 6, 7 and 8 are not assigned.  What is final is inferred: a webhook comes when concluded."""

CALL_STATUSES: Final[dict[str, CallStatus]] = {
    status.name: status
    for status in (
        CallStatus(0, "WAITING", False, "queued"),
        CallStatus(1, "NORMAL", True, "finished normally"),
        CallStatus(2, "NO_ANSWER", True, "not picked up"),
        CallStatus(3, "USER_BUSY", True, "busy"),
        CallStatus(10, "EXPIRED", True, "expired, usually because of server load"),
        CallStatus(11, "ERROR", True, "error while calling"),
        CallStatus(20, "UNKNOWN", True, "something went wrong"),
    )
}

SMS_STATUS_BY_CODE: Final = {status.code: status for status in SMS_STATUSES.values()}
CALL_STATUS_BY_CODE: Final = {status.code: status for status in CALL_STATUSES.values()}

_CHOSEN: Final = "chosen"

ERRORS: Final[dict[str, Error]] = {
    error.code: error
    for error in (
        Error(1, "InvalidRequest", 400, "invalid or missing data, most likely the phone number"),
        Error(2, "InvalidGateway", 400, "no such gateway number, or not yours"),
        Error(3, "TemplateFormatError", 400, "parameters do not match the template's variables"),
        Error(4, "InvalidTemplate", 400, "no such template"),
        Error(5, "TemplatePending", 400, "the template is not reviewed yet"),
        Error(6, "InvalidServer", 400, "no such call server"),
        Error(7, "NotFound", 404, "no request with this id"),
        # Only an example on the structure page names it; it is never sent unless a setting or rule says so.
        Error(8, "InvalidPhoneNumber", 400, "an example of the structure page"),
        # That a bad token gives 401 is documented, the word for it is not (OC-1).
        Error(9, "Unauthorized", 401, "missing or invalid token", _CHOSEN),
    )
}

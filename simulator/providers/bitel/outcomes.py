"""
How Bitel words outcomes: magic recipients, and what scenario files may say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from simulator.provider import (
    AnswerFault,
    Behaviour,
    Choice,
    Code,
    ConstantDelay,
    Either,
    Ending,
    Fate,
    Field,
    Integer,
    Message,
    Progress,
    Reason,
    Record,
    Shape,
    State,
    Text,
)
from simulator.providers.bitel.codes import (
    CALL_STATUS_BY_CODE,
    CALL_STATUSES,
    ERRORS,
    SMS_STATUS_BY_CODE,
    SMS_STATUSES,
    CallStatus,
    SmsStatus,
)
from simulator.providers.bitel.settings import HTTP_STATUS
from simulator.providers.bitel.wire import local_number

__all__ = [
    "FAILURE_SHAPE",
    "NEVER_SENT",
    "REFUSAL_SHAPE",
    "call_status",
    "catalogue",
    "magic",
    "sms_status",
]

# 0960 is our choice: in libphonenumber 9.0.43 no mobile range of Iran begins with it.
_PREFIX: Final = "+98960"
_SMS, _CALL, _ERROR = "0", "1", "2"
_MAGIC: Final = re.compile(re.escape(_PREFIX) + r"([012])([0-9]{6})", re.ASCII)
_SOON: Final = ConstantDelay(1_000)

NEVER_SENT: Final = frozenset({"BLACKLIST", "ERROR", "CHECK_ERROR"})
"""Their meaning is "not sent", so they are not preceded by CHECK_OK, "handed to the operator" (OC-13)."""

_GIVEN_UP: Final = frozenset({"NO_ANSWER", "USER_BUSY", "EXPIRED"})
"""Calls that end when the tries are used up: retryCount decides when."""

_SMS_FAILURES: Final = {
    Reason.BLOCKED: "BLACKLIST",
    Reason.BLACKLISTED: "BLACKLIST",
    Reason.UNKNOWN: "ERROR",
    Reason.INCAPABLE: "CHECK_ERROR",
    Reason.CANCELED: "ERROR",
}
_CALL_FAILURES: Final = {
    Reason.ABSENT: "NO_ANSWER",
    Reason.BLOCKED: "USER_BUSY",
    Reason.VALIDITY: "NO_ANSWER",
}


def sms_status(message: Message) -> SmsStatus:
    """Return the status that a short message has now."""
    if message.code in SMS_STATUSES:
        return SMS_STATUSES[message.code]
    match message.state:
        case State.SCHEDULED | State.ACCEPTED:
            name = "WAITING"
        case State.SENT | State.WAITING:
            name = "CHECK_OK"
        case State.DELIVERED | State.READ:
            name = "DELIVERED"
        case State.EXPIRED:
            name = "DELIVERY_FAILED"
        case State.REVOKED:
            name = "ERROR"
        case State.FAILED:
            name = _SMS_FAILURES.get(message.reason, "DELIVERY_FAILED")
    return SMS_STATUSES[name]


def call_status(message: Message) -> CallStatus:
    """Return the status that a call has now; there is no word for one that is being dialled."""
    match message.state:
        case State.SCHEDULED | State.ACCEPTED | State.SENT | State.WAITING:
            return CALL_STATUSES["WAITING"]
        case State.DELIVERED | State.READ:
            name = "NORMAL"
        case State.EXPIRED:
            name = "EXPIRED" if message.fate.ending is Ending.EXPIRE else "NO_ANSWER"
        case State.FAILED | State.REVOKED:
            name = _CALL_FAILURES.get(message.reason, "ERROR")
    return CALL_STATUSES[message.code if message.code in CALL_STATUSES else name]


# -- magic recipients -----------------------------------------------------------------------------


def _number(kind: str, code: int) -> str:
    return f"{_PREFIX}{kind}{code:06d}"


def magic(recipient: str, *, is_call: bool) -> Behaviour | None:
    """Return what a magic recipient asks for, or None for any other number."""
    match = _MAGIC.fullmatch(recipient)
    if match is None:
        return None
    kind, code = match[1], int(match[2])
    if kind == _SMS and not is_call and code in SMS_STATUS_BY_CODE:
        return Behaviour(fate=_sms_fate(SMS_STATUS_BY_CODE[code]))
    if kind == _CALL and is_call and code in CALL_STATUS_BY_CODE:
        return Behaviour(fate=_call_fate(CALL_STATUS_BY_CODE[code]))
    if kind == _ERROR:
        for error in ERRORS.values():
            if error.number == code:
                return Behaviour(answer=AnswerFault(refuse=error.code))
    return None


def _sms_fate(status: SmsStatus) -> Fate:
    if status.name == "DELIVERED":
        return Fate(code=status.name)
    if not status.final:
        # It gets as far as this status and stays there.
        station = () if status.name == "WAITING" else (Progress(code=status.name, after=_SOON),)
        return Fate(ending=Ending.SILENCE, after=_SOON, code=status.name, progress=station)
    progress = () if status.name in NEVER_SENT else None
    return Fate(ending=Ending.FAIL, code=status.name, progress=progress)


def _call_fate(status: CallStatus) -> Fate:
    if status.name == "NORMAL":
        return Fate(code=status.name)
    if not status.final:
        return Fate(ending=Ending.SILENCE, after=_SOON, code=status.name, progress=())
    if status.name in _GIVEN_UP:
        return Fate(ending=Ending.EXPIRE, code=status.name)
    return Fate(ending=Ending.FAIL, code=status.name)


def catalogue() -> Sequence[Code]:
    """Return every status and error with the number that triggers it, as clients write numbers."""
    rows = [
        Code(
            "sms",
            str(status.code),
            status.name,
            status.meaning,
            local_number(_number(_SMS, status.code)),
        )
        for status in SMS_STATUSES.values()
    ]
    rows += [
        Code(
            "call",
            str(status.code),
            status.name,
            status.meaning,
            local_number(_number(_CALL, status.code)),
        )
        for status in CALL_STATUSES.values()
    ]
    rows += [
        Code(
            "error",
            error.code,
            error.code,
            f"HTTP {error.http}: {error.meaning}",
            local_number(_number(_ERROR, error.number)),
            error.source,
        )
        for error in ERRORS.values()
    ]
    return rows


# -- scenario files -------------------------------------------------------------------------------

_SMS_STATUS: Final = Either(
    Choice({name: status.code for name, status in SMS_STATUSES.items()}),
    Integer(0, max(SMS_STATUS_BY_CODE)),
)
_CALL_STATUS: Final = Either(
    Choice({name: status.code for name, status in CALL_STATUSES.items()}),
    Integer(0, max(CALL_STATUS_BY_CODE)),
)


def _failure(status: int | None = None, call: int | None = None, reason: Reason = Reason.NONE) -> Fate:
    if status is not None and call is not None:
        raise ValueError("expected status (of an SMS) or call (its status), not both")
    if status is not None:
        if status not in SMS_STATUS_BY_CODE:
            raise ValueError(f"there is no SMS status {status}; `simulator codes bitel` lists them")
        return _failing(SMS_STATUS_BY_CODE[status], _sms_fate(SMS_STATUS_BY_CODE[status]))
    if call is not None:
        if call not in CALL_STATUS_BY_CODE:
            raise ValueError(f"there is no call status {call}; `simulator codes bitel` lists them")
        return _failing(CALL_STATUS_BY_CODE[call], _call_fate(CALL_STATUS_BY_CODE[call]))
    progress = () if _SMS_FAILURES.get(reason) in NEVER_SENT else None
    return Fate(ending=Ending.FAIL, reason=reason, progress=progress)


def _failing(status: SmsStatus | CallStatus, fate: Fate) -> Fate:
    if fate.ending in (Ending.SILENCE, Ending.DELIVER):
        raise ValueError(f"{status.name} is no failure; say fate: deliver or silence, or pick another")
    return fate


FAILURE_SHAPE: Final[Shape[Fate]] = Record(
    _failure,
    [
        Field("status", _SMS_STATUS, "The final status of an SMS: its name or code."),
        Field("call", _CALL_STATUS, "The final status of a call: its name or code."),
        Field("reason", Choice({r.value: r for r in Reason if r}), "Why, when no status is named."),
    ],
    doc="A failure with Bitel's status.",
)

REFUSAL_SHAPE: Final[Shape[str]] = Either(
    Choice({name: name for name in ERRORS}),
    Record(
        lambda code, http: f"{code}/{http}",
        [
            Field("code", Text(1, 100), "The word in `error`.", required=True),
            Field("http", HTTP_STATUS, "The HTTP status.", required=True),
        ],
        doc="A refusal in your own words: Bitel's page of general errors is not known (OC-5).",
    ),
)

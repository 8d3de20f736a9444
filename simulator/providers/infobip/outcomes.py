"""
How Infobip words outcomes: magic recipients, and what scenario files may say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
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
    Progress,
    Reason,
    Record,
    Shape,
)
from simulator.providers.infobip.codes import (
    ERROR_BY_NAME,
    ERRORS,
    HTTP_REFUSALS,
    STATUS_BY_NAME,
    STATUSES,
    Status,
)

__all__ = [
    "FAILURE_SHAPE",
    "REFUSAL_SHAPE",
    "REJECTED_AT_ONCE",
    "catalogue",
    "code_of",
    "error_for",
    "free_statuses",
    "magic",
    "split_code",
    "status_for_error",
]

REJECTED_AT_ONCE: Final = frozenset({6, 10, 11, 12, 13, 14, 17, 19, 20, 21, 23, 24, 25, 51, 52})
"""
Statuses that stand in the answer to the send call.

8 and 18 are known to arrive later, by report; of the others only 12, 14, 51 and
52 were seen in an answer, the rest is our choice.  Source: samples of real traffic.
"""

_PREFIX: Final = "+9991"
_BY_STATUS, _BY_ERROR, _BY_HTTP = "0", "1", "2"
_SOON: Final = ConstantDelay(1_000)

# Statuses with their usual error.  Pairs 4, 3, 18 and 8 were seen in real traffic, the others chosen.
_ERROR_FOR_STATUS: Final = {
    3: 27, 4: 1, 9: 27, 31: 4100, 15: 4101, 29: 4101, 22: 4101, 18: 579, 14: 2052, 13: 2053, 20: 4104,
}  # fmt: skip
_STATUS_FOR_ERROR: Final = {0: 5, 1: 4, 4101: 15, 4098: 15, 579: 18, 4100: 31}


def error_for(status_id: int) -> int:
    """Return the error that usually comes with a status; 0 (NO_ERROR) where none is known."""
    return _ERROR_FOR_STATUS.get(status_id, 0)


def status_for_error(error_id: int) -> int:
    """Return the status that a report with this error has; 9 (not delivered) where no pair is known."""
    return _STATUS_FOR_ERROR.get(error_id, 9)


def free_statuses(names: Sequence[str]) -> frozenset[int]:
    """Return the statuses that *names*, of statuses or of groups of them, stand for."""
    return frozenset(
        status.id for status in STATUSES.values() if status.name in names or status.group_name in names
    )


def code_of(status_id: int, error_id: int | None = None) -> str:
    """Return the kernel's spelling of an outcome, `status/error`."""
    return f"{status_id}/{error_for(status_id) if error_id is None else error_id}"


@lru_cache(maxsize=1_024)
def split_code(code: str) -> tuple[int, int]:
    """Return status and error of `status/error`; a bare status has its usual error."""
    status, _, error = code.partition("/")
    return int(status), int(error) if error else error_for(int(status))


def _fate_with(status: Status, error_id: int) -> Fate:
    code = code_of(status.id, error_id)
    if status.group_id == 3 and status.final:
        return Fate(ending=Ending.DELIVER, after=_SOON, code=code)
    if not status.final:
        # It gets as far as this status and stays there.
        station = () if status.id in (0, 1, 7, 26) else (Progress(code=code, after=_SOON),)
        return Fate(ending=Ending.SILENCE, after=_SOON, code=str(status.id), progress=station)
    ending = Ending.EXPIRE if status.group_id == 4 else Ending.FAIL
    return Fate(ending=ending, after=_SOON, code=code)


def magic(recipient: str) -> Behaviour | None:
    """Return what a magic recipient asks for, or None for any other number."""
    if not recipient.startswith(_PREFIX) or len(recipient) != len(_PREFIX) + 6:
        return None
    kind, number = recipient[len(_PREFIX)], int(recipient[-5:])
    if kind == _BY_STATUS and number in STATUSES:
        if number in REJECTED_AT_ONCE:
            return Behaviour(answer=AnswerFault(refuse=str(number)))
        return Behaviour(fate=_fate_with(STATUSES[number], error_for(number)))
    if kind == _BY_ERROR and number in ERRORS:
        return Behaviour(fate=_fate_with(STATUSES[status_for_error(number)], number))
    if kind == _BY_HTTP:
        for refusal in HTTP_REFUSALS.values():
            if refusal.http == number:
                return Behaviour(answer=AnswerFault(refuse=refusal.message_id))
    return None


def catalogue() -> Sequence[Code]:
    """Return every status, error and refusal with the number that triggers it."""
    rows = [
        Code(
            "status",
            str(status.id),
            status.name,
            f"{status.group_name}: {status.description}",
            f"{_PREFIX}{_BY_STATUS}{status.id:05d}",
            "derived wording" if status.derived else "",
        )
        for status in STATUSES.values()
    ]
    rows += [
        Code(
            "error",
            str(error.id),
            error.name,
            f"{error.group_name}: {error.description}",
            f"{_PREFIX}{_BY_ERROR}{error.id:05d}",
            "derived wording" if error.derived else "",
        )
        for error in ERRORS.values()
    ]
    rows += [
        Code(
            "http",
            str(refusal.http),
            refusal.message_id,
            refusal.text,
            f"{_PREFIX}{_BY_HTTP}{refusal.http:05d}",
        )
        for refusal in HTTP_REFUSALS.values()
    ]
    return rows


# -- scenario files -----------------------------------------------------------------------------


def _names(table: Mapping[str, object]) -> dict[str, int]:
    return {name: getattr(row, "id") for name, row in table.items()}  # noqa: B009 - two row types


_STATUS: Final = Either(Integer(0, max(STATUSES)), Choice(_names(STATUS_BY_NAME)))
_ERROR: Final = Either(Integer(0, max(ERRORS)), Choice(_names(ERROR_BY_NAME)))


def _check(status: int | None, error: int | None) -> None:
    if status is not None and status not in STATUSES:
        raise ValueError(f"there is no status {status}; `simulator codes infobip` lists them")
    if error is not None and error not in ERRORS:
        raise ValueError(f"there is no error {error}; `simulator codes infobip` lists them")


def _failure(status: int | None = None, error: int | None = None, reason: Reason = Reason.NONE) -> Fate:
    _check(status, error)
    if status is None and error is None:
        return Fate(ending=Ending.FAIL, reason=reason)
    status = status_for_error(error or 0) if status is None else status
    row = STATUSES[status]
    if not row.final or row.group_id == 3:
        raise ValueError(f"{row.name} is no failure; say fate: deliver, or pick a status that is final")
    ending = Ending.EXPIRE if row.group_id == 4 else Ending.FAIL
    return Fate(ending=ending, code=code_of(status, error), reason=reason)


FAILURE_SHAPE: Final[Shape[Fate]] = Record(
    _failure,
    [
        Field("status", _STATUS, "The final status of the report: its name or id."),
        Field("error", _ERROR, "The error of the report: its name or id."),
        Field("reason", Choice({r.value: r for r in Reason if r}), "Why, when no code is named."),
    ],
    doc="A failure with Infobip's status and error.",
)


def _refusal(status: int | None = None, http: int | None = None) -> str:
    _check(status, None)
    if (status is None) == (http is None):
        raise ValueError("expected either status (one recipient inside a 200) or http (the whole call)")
    if http is not None:
        for refusal in HTTP_REFUSALS.values():
            if refusal.http == http:
                return refusal.message_id
        statuses = ", ".join(str(refusal.http) for refusal in HTTP_REFUSALS.values())
        proxy = f"; for the page of a proxy say gateway: {http}" if http in (502, 503, 504) else ""
        raise ValueError(f"there is no refusal with HTTP {http}; known: {statuses}{proxy}")
    return str(status)


REFUSAL_SHAPE: Final[Shape[str]] = Either(
    Choice({name: name for name in HTTP_REFUSALS}),
    Choice({name: str(status.id) for name, status in STATUS_BY_NAME.items()}),
    Record(
        _refusal,
        [
            Field("status", _STATUS, "Reject this recipient inside a 200 answer."),
            Field("http", Integer(100, 599), "Refuse the whole call: 400, 401, 403, 404, 429 or 500."),
        ],
        doc="A refusal: a status rejects one recipient inside a 200 answer, http refuses the whole call.",
    ),
)

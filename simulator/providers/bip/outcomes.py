"""
How BiP words outcomes: magic recipients, and what scenario files may say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

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
    Mapped,
    Reason,
    Record,
    Reply,
    Shape,
)
from simulator.providers.bip.codes import RESULTS, VERIFICATIONS

__all__ = ["FAILURE_SHAPE", "HTTP_REFUSALS", "REFUSAL_SHAPE", "catalogue", "magic", "refuses_call"]

_PREFIX: Final = "+90500"
"""A block of Turkish mobile numbers that no operator holds; our own choice, not BiP's."""

_BY_RESULT, _BY_VERIFICATION, _BY_FATE, _BY_HTTP = "0", "1", "2", "3"
_SOON: Final = ConstantDelay(1_000)


class _Named(NamedTuple):
    name: str
    meaning: str
    fate: Fate


_FATES: Final = {
    1: _Named("delivered", "delivered after a second, never read", Fate(after=_SOON)),
    2: _Named("read", "delivered, and read a second later", Fate(after=_SOON, read=_SOON)),
    3: _Named("silent", "accepted, and never heard of again", Fate(ending=Ending.SILENCE, after=_SOON)),
    4: _Named("late", "delivered after an hour", Fate(after=ConstantDelay(3_600_000))),
    5: _Named("expired", "cancelled when its ttl has run out", Fate(ending=Ending.EXPIRE)),
    6: _Named(
        "answered",
        'delivered and read, and the user answers "EVET"',
        Fate(after=_SOON, read=_SOON, replies=(Reply(text="EVET", after=ConstantDelay(2_000)),)),
    ),
}

HTTP_REFUSALS: Final = {
    401: "bad credentials",
    404: "nothing is served there",
    405: "wrong method",
    413: "the body is too large",
    500: "the service failed",
    503: "the service is unavailable",
}
"""Refusals below BiP's own protocol; none is documented."""


def refuses_call(code: str) -> bool:
    """Return True for what refuses a whole call: a verification code, or an HTTP status."""
    return code.startswith("http") or int(code) not in RESULTS


def magic(recipient: str) -> Behaviour | None:
    """Return what a magic recipient asks for, or None for any other number."""
    if not recipient.startswith(_PREFIX) or len(recipient) != len(_PREFIX) + 7:
        return None
    kind, number = recipient[len(_PREFIX)], int(recipient[-6:])
    if kind == _BY_RESULT and number in RESULTS:
        if number == 0:
            return Behaviour(fate=_FATES[1].fate)
        return Behaviour(answer=AnswerFault(refuse=str(number)))
    if kind == _BY_VERIFICATION and number in VERIFICATIONS:
        return Behaviour(answer=AnswerFault(refuse=str(number)))
    if kind == _BY_FATE and number in _FATES:
        return Behaviour(fate=_FATES[number].fate)
    if kind == _BY_HTTP and number in HTTP_REFUSALS:
        return Behaviour(answer=AnswerFault(refuse=f"http{number}"))
    return None


def _number(kind: str, number: int) -> str:
    return f"{_PREFIX.removeprefix('+')}{kind}{number:06d}"


def catalogue() -> Sequence[Code]:
    """Return every code and outcome with the number that triggers it."""
    rows = [
        Code(
            "result",
            str(row.code),
            row.name,
            row.meaning,
            _number(_BY_RESULT, row.code),
            "" if row.reachable else "no endpoint here leads to it by itself",
        )
        for row in RESULTS.values()
    ]
    rows += [
        Code("verification", str(row.code), row.name, row.meaning, _number(_BY_VERIFICATION, row.code))
        for row in VERIFICATIONS.values()
    ]
    rows += [
        Code("fate", str(number), row.name, row.meaning, _number(_BY_FATE, number), "chosen")
        for number, row in _FATES.items()
    ]
    rows += [
        Code("http", str(status), f"http{status}", meaning, _number(_BY_HTTP, status), "chosen")
        for status, meaning in HTTP_REFUSALS.items()
    ]
    return rows


# -- scenario files -----------------------------------------------------------------------------


def _failure(reason: Reason = Reason.NONE) -> Fate:
    return Fate(ending=Ending.FAIL, reason=reason)


FAILURE_SHAPE: Final[Shape[Fate]] = Record(
    _failure,
    [Field("reason", Choice({r.value: r for r in Reason if r}), "Why, for the journal.")],
    doc="A failure after acceptance.  BiP reports none: the integrator hears nothing.",
)

_CODES: Final = {row.name: str(row.code) for row in (*RESULTS.values(), *VERIFICATIONS.values()) if row.code}


def _refusal(code: int) -> str:
    if (code not in RESULTS and code not in VERIFICATIONS) or code == 0:
        raise ValueError(f"there is no refusal {code}; `simulator codes bip` lists them")
    return str(code)


def _http_refusal(http: int) -> str:
    if http not in HTTP_REFUSALS:
        statuses = ", ".join(map(str, HTTP_REFUSALS))
        raise ValueError(f"there is no refusal with HTTP {http}; known: {statuses}")
    return f"http{http}"


REFUSAL_SHAPE: Final[Shape[str]] = Either(
    Mapped(Integer(1, 9_999), _refusal),
    Choice(_CODES),
    Record(
        _http_refusal,
        [Field("http", Integer(400, 599), "Refuse the whole call with this status.", required=True)],
        doc="A refusal: a result code for one recipient, a verification code or HTTP status for the call.",
    ),
)

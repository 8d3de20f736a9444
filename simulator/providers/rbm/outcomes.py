"""
How RBM words outcomes: magic recipients, and what scenario files may say.
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
    Reason,
    Record,
    Reply,
    Shape,
    State,
)
from simulator.providers.rbm.errors import ERRORS

__all__ = [
    "BOTH",
    "DESPITE_REVOKE",
    "FAILURE_SHAPE",
    "OUTCOMES",
    "REFUSAL_SHAPE",
    "REVOKE_FAILED",
    "catalogue",
    "magic",
    "magic_refusal",
    "outranks",
]

BOTH: Final = "DELIVERED_AND_TTL_EXPIRATION_REVOKED"
DESPITE_REVOKE: Final = "DELIVERED_DESPITE_REVOKE"
REVOKE_FAILED: Final = "TTL_EXPIRATION_REVOKE_FAILED"

_PREFIX: Final = "+9992"
_BY_ERROR, _BY_OUTCOME = "0", "1"
_SOON: Final = ConstantDelay(1_000)
_LATER: Final = ConstantDelay(2_000)


_GIVEN_UP: Final = frozenset({State.EXPIRED, State.REVOKED})
_ARRIVED: Final = frozenset({State.DELIVERED, State.READ})


def outranks(earlier: State, later: State) -> bool:
    """Return True for a delivery after an expiry or a revocation: DELIVERED wins, in any order."""
    return earlier in _GIVEN_UP and later in _ARRIVED


class _Outcome(NamedTuple):
    number: int
    name: str
    meaning: str
    fate: Fate
    source: str = ""


def _doing(*acts: str) -> Fate:
    return Fate(after=_SOON, replies=tuple(Reply(kind=act, after=_LATER) for act in acts))


_ROWS: Final = (
    _Outcome(1, "DELIVERED", "delivered after a second", Fate(after=_SOON)),
    _Outcome(2, "READ", "delivered after a second, read two seconds later", Fate(after=_SOON, read=_LATER)),
    _Outcome(
        3,
        "NO_EVENT",
        "accepted, and never heard of again: no DELIVERED, no expiry",
        Fate(ending=Ending.SILENCE),
        "rare, documented",
    ),
    _Outcome(
        4,
        "TTL_EXPIRATION_REVOKED",
        "never delivered; expires when ttl or expireTime says, and is pulled back",
        Fate(ending=Ending.EXPIRE, code="TTL_EXPIRATION_REVOKED"),
    ),
    _Outcome(
        5,
        REVOKE_FAILED,
        "never delivered; expires, and whether it was pulled back is not known",
        Fate(ending=Ending.EXPIRE, code=REVOKE_FAILED),
    ),
    _Outcome(
        6,
        BOTH,
        "delivered, and told to have expired as well when its time is up",
        Fate(after=_SOON, code=BOTH),
        "rare, documented",
    ),
    _Outcome(
        7,
        DESPITE_REVOKE,
        "waits; a revoke is answered 200 and loses the race: DELIVERED follows",
        Fate(ending=Ending.SILENCE, code=DESPITE_REVOKE),
        "documented race",
    ),
    _Outcome(
        8,
        "FAILED",
        "fails for good after it was accepted; no event tells of it",
        Fate(ending=Ending.FAIL, after=_SOON),
    ),
    _Outcome(9, "IS_TYPING", "delivered, then the recipient types", _doing("types")),
    _Outcome(10, "UNSUBSCRIBE", "delivered, then the recipient unsubscribes", _doing("unsubscribes")),
    _Outcome(11, "SUBSCRIBE", "delivered, then the recipient subscribes", _doing("subscribes")),
    _Outcome(12, "TAP", "delivered, then the recipient taps the first suggestion", _doing("taps")),
    _Outcome(
        13,
        "TEXT",
        "delivered, then the recipient writes OK",
        Fate(after=_SOON, replies=(Reply(text="OK", after=_LATER),)),
    ),
    _Outcome(14, "LOCATION", "delivered, then the recipient shares a location", _doing("shares-location")),
    _Outcome(15, "FILE", "delivered, then the recipient sends a file", _doing("sends-file")),
)

OUTCOMES: Final = {row.name: row for row in _ROWS}
_BY_NUMBER: Final = {row.number: row for row in _ROWS}
_ERROR_BY_NUMBER: Final = {row.number: row for row in ERRORS.values()}


def _parts(recipient: str) -> tuple[str, int]:
    if not recipient.startswith(_PREFIX) or len(recipient) != len(_PREFIX) + 6:
        return "", 0
    return recipient[len(_PREFIX)], int(recipient[-5:])


def magic_refusal(recipient: str) -> str:
    """Return the name of the refusal that a magic recipient asks for, or an empty text."""
    kind, number = _parts(recipient)
    row = _ERROR_BY_NUMBER.get(number) if kind == _BY_ERROR else None
    return row.name if row is not None else ""


def magic(recipient: str) -> Behaviour | None:
    """Return what becomes of a message to a magic recipient, or None for any other number."""
    kind, number = _parts(recipient)
    if kind == _BY_OUTCOME and (row := _BY_NUMBER.get(number)) is not None:
        return Behaviour(fate=row.fate)
    refusal = magic_refusal(recipient)
    if refusal == "ALREADY_DELIVERED":
        # Only a revoke can be refused like this, so the message must get through first.
        return Behaviour(fate=Fate(after=_SOON))
    return Behaviour(answer=AnswerFault(refuse=refusal)) if refusal else None


def catalogue() -> Sequence[Code]:
    """Return every refusal and outcome with the number that triggers it."""
    rows = [
        Code(
            "error",
            str(row.http),
            row.name,
            f"{row.status}: {row.text}",
            f"{_PREFIX}{_BY_ERROR}{row.number:05d}",
            row.source or "wording chosen",
        )
        for row in ERRORS.values()
    ]
    rows += [
        Code("outcome", "", row.name, row.meaning, f"{_PREFIX}{_BY_OUTCOME}{row.number:05d}", row.source)
        for row in OUTCOMES.values()
    ]
    return rows


def _failure(outcome: Fate | None = None, reason: Reason = Reason.NONE) -> Fate:
    return outcome if outcome is not None else Fate(ending=Ending.FAIL, reason=reason)


_SCRIPTED: Final = {
    name: OUTCOMES[name].fate
    for name in ("NO_EVENT", "TTL_EXPIRATION_REVOKED", REVOKE_FAILED, BOTH, DESPITE_REVOKE, "FAILED")
}

FAILURE_SHAPE: Final[Shape[Fate]] = Record(
    _failure,
    [
        Field("outcome", Choice(_SCRIPTED), "What becomes of it; a silent failure, if not given."),
        Field("reason", Choice({r.value: r for r in Reason if r}), "Why, when no outcome is named."),
    ],
    doc="A message that does not simply arrive. RBM has no event for failures.",
)


def _refusal(http: int) -> str:
    for row in ERRORS.values():
        if row.http == http:
            return row.name
    statuses = ", ".join(sorted({str(row.http) for row in ERRORS.values()}))
    raise ValueError(f"there is no refusal with HTTP {http}; there are {statuses}")


REFUSAL_SHAPE: Final[Shape[str]] = Either(
    Choice({name: name for name in ERRORS}),
    Record(
        _refusal,
        [Field("http", Integer(100, 599), "The first refusal with this HTTP status.", required=True)],
        doc="A refusal by its HTTP status.",
    ),
)

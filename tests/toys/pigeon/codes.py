"""
What pigeons meet: failures, refusals, and the recipients that bring them about.
"""

from __future__ import annotations

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
    Mapped,
    Reason,
    Record,
    Shape,
)

__all__ = [
    "CALL_REFUSALS",
    "FAILURE_SHAPE",
    "FLOCK_FULL",
    "HUH",
    "LOFT_CLOSED",
    "NO_LOFT",
    "NO_PERCH",
    "REFUSAL_SHAPE",
    "catalogue",
    "failure",
    "magic",
]

NO_PERCH: Final = "NO_PERCH"
NO_LOFT: Final = "NO_LOFT"
FLOCK_FULL: Final = "FLOCK_FULL"
LOFT_CLOSED: Final = "LOFT_CLOSED"
HUH: Final = "HUH"
"""What a body that is no flock is answered with; no rule can want it."""

CALL_REFUSALS: Final = {FLOCK_FULL: 429, LOFT_CLOSED: 503}
"""Codes that refuse a whole flock, and the HTTP status each is answered with."""

_PERCH_REFUSALS: Final = (NO_PERCH, NO_LOFT)
_FAILURES: Final = {
    "HAWK": ("a hawk was faster", Reason.BLOCKED),
    "STORM": ("blown off course", Reason.NONE),
    "LOST": ("there is no such loft", Reason.UNKNOWN),
}
_PREFIX: Final = "+888000000"
_SOON: Final = ConstantDelay(1_000)


def failure(code: str) -> Fate:
    """Return the failing fate of *code*; when it fails is left open."""
    return Fate(ending=Ending.FAIL, code=code, reason=_FAILURES[code][1])


def _behaviours() -> dict[str, tuple[Code, Behaviour]]:
    table: dict[str, tuple[Code, Behaviour]] = {}
    for code, (meaning, reason) in _FAILURES.items():
        to = f"{_PREFIX}{len(table) + 1}"
        fate = Fate(ending=Ending.FAIL, after=_SOON, code=code, reason=reason)
        table[to] = (Code("failure", code, code, meaning, to), Behaviour(fate=fate))
    for code in (*_PERCH_REFUSALS, *CALL_REFUSALS):
        to = f"{_PREFIX}{len(table) + 1}"
        kind = "call" if code in CALL_REFUSALS else "recipient"
        table[to] = (Code(kind, code, code, "refused", to), Behaviour(answer=AnswerFault(refuse=code)))
    return table


_MAGIC: Final = _behaviours()


def magic(recipient: str) -> Behaviour | None:
    """Return what a magic recipient asks for, or None for any other."""
    found = _MAGIC.get(recipient)
    return found[1] if found is not None else None


def catalogue() -> Sequence[Code]:
    """Return every failure and refusal with its magic recipient."""
    return [code for code, _ in _MAGIC.values()]


_CODE: Final = Choice({code: code for code in _FAILURES})
FAILURE_SHAPE: Final[Shape[Fate]] = Either(
    Mapped(_CODE, failure),
    Record(failure, [Field("code", _CODE, "What befalls the bird.", required=True)], doc="It gets lost."),
)
REFUSAL_SHAPE: Final[Shape[str]] = Choice({code: code for code in (*_PERCH_REFUSALS, *CALL_REFUSALS)})

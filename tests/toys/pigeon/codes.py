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
    "ASTRAY",
    "CALL_REFUSALS",
    "FAILURE_SHAPE",
    "FLOCK_FULL",
    "HUH",
    "NO_LOFT",
    "NO_PERCH",
    "OWN_REFUSALS",
    "REFUSAL_SHAPE",
    "catalogue",
    "failure",
    "magic",
]

FLOCK_FULL: Final = "FLOCK_FULL"
NO_LOFT: Final = "NO_LOFT"
NO_PERCH: Final = "NO_PERCH"

# Code → what it means, and the same in the simulator's words.
_FAILURES: Final = {
    "HAWK": ("a hawk was faster", Reason.BLOCKED),
    "STORM": ("blown off course", Reason.NONE),
    "LOST": ("there is no such loft", Reason.UNKNOWN),
}
_BIRD_REFUSALS: Final = (NO_PERCH, NO_LOFT)
CALL_REFUSALS: Final = {FLOCK_FULL: 429, "LOFT_CLOSED": 503}
"""Codes that refuse a whole flock, and the HTTP status each is answered with."""

HUH: Final = "HUH"
ASTRAY: Final = "ASTRAY"
OWN_REFUSALS: Final = {HUH: 400, ASTRAY: 404}
"""What our own checks of a call find; a rule has no reason to want these."""


def failure(code: str) -> Fate:
    """Return the failing fate of *code*; when it fails is left open."""
    return Fate(ending=Ending.FAIL, code=code, reason=_FAILURES[code][1])


_CODE: Final = Choice({code: code for code in _FAILURES})
# A scenario says `fail: HAWK`, or `fail: {code: HAWK, after: 5s}`.
FAILURE_SHAPE: Final[Shape[Fate]] = Either(
    Mapped(_CODE, failure),
    Record(failure, [Field("code", _CODE, "What befalls the bird.", required=True)], doc="It gets lost."),
)
REFUSAL_SHAPE: Final[Shape[str]] = Choice({code: code for code in (*_BIRD_REFUSALS, *CALL_REFUSALS)})


def _magic_recipients() -> dict[str, tuple[Code, Behaviour]]:
    table: dict[str, tuple[Code, Behaviour]] = {}

    def add(kind: str, code: str, meaning: str, behaviour: Behaviour) -> None:
        recipient = f"+888000000{len(table) + 1}"
        table[recipient] = (Code(kind, code, code, meaning, recipient), behaviour)

    for code, (meaning, reason) in _FAILURES.items():
        fate = Fate(ending=Ending.FAIL, after=ConstantDelay(1_000), code=code, reason=reason)
        add("failure", code, meaning, Behaviour(fate=fate))
    for code in (*_BIRD_REFUSALS, *CALL_REFUSALS):
        kind = "call" if code in CALL_REFUSALS else "recipient"
        add(kind, code, "refused", Behaviour(answer=AnswerFault(refuse=code)))
    return table


_MAGIC: Final = _magic_recipients()


def magic(recipient: str) -> Behaviour | None:
    """Return what a magic recipient asks for, or None for any other."""
    row = _MAGIC.get(recipient)
    return row[1] if row is not None else None


def catalogue() -> Sequence[Code]:
    """Return every failure and refusal with its magic recipient."""
    return [code for code, _ in _MAGIC.values()]

"""
Fates: what becomes of a message, drawn once and laid out as timed steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

from msgspec import Struct

from simulator.kernel.model.chance import Draws
from simulator.kernel.model.lifecycle import Move
from simulator.kernel.model.submission import MessageKey, Reason
from simulator.kernel.model.units import ConstantDelay, Delay

__all__ = ["Ending", "Fate", "MoveStep", "Progress", "Reply", "Station", "drawn", "plan", "station"]

_STATIONS_MAX: Final = 4_096


class Ending(StrEnum):
    """
    How a message's journey ends, if nothing gets in the way.
    """

    DELIVER = "deliver"
    FAIL = "fail"
    EXPIRE = "expire"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """
    A station before the end: the provider's code for it, and when it is reached.
    """

    code: str = ""
    after: Delay


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """
    The recipient does something about a delivered message: writes, if nothing else is said.
    """

    text: str = ""
    after: Delay
    kind: str = "writes"
    data: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """
    What becomes of a message after it was accepted.

    None means that the provider's default fills the gap (`completed_by`).
    """

    ending: Ending = Ending.DELIVER
    after: Delay | None = None
    """From the start of sending to the end; None for an expiry: when the validity runs out."""
    code: str = ""
    reason: Reason = Reason.NONE
    progress: tuple[Progress, ...] | None = None
    read: Delay | None = None
    """From delivery to reading; None: never read."""
    read_share_bp: int = 10_000
    replies: tuple[Reply, ...] = ()

    def completed_by(self, default: Fate) -> Fate:
        """Return this fate with what it leaves open taken from *default*."""
        if self.after is not None and self.progress is not None:
            return self
        after = default.after if self.after is None and self.ending is not Ending.EXPIRE else self.after
        return replace(
            self, after=after, progress=default.progress if self.progress is None else self.progress
        )


class Station(Struct, frozen=True, gc=False):
    """
    A point on the way of many messages: what happens there.
    """

    move: Move
    code: str = ""
    reason: Reason = Reason.NONE
    number: int = 0
    """Which one of its message it is: several may be reached in one instant."""


class MoveStep(Struct, frozen=True, gc=False):
    """
    A move that falls due for one message.
    """

    key: MessageKey
    station: Station

    @property
    def move(self) -> Move:
        """The move."""
        return self.station.move

    @property
    def order(self) -> tuple[int | str, ...]:
        """After recipients have come and gone; by message, endings before deliveries."""
        key, station = self.key, self.station
        return (
            2,
            key.provider,
            key.recipient,
            key.ordinal,
            _RANK[station.move],
            station.number,
            station.code,
        )


@lru_cache(maxsize=_STATIONS_MAX)
def station(move: Move, code: str = "", reason: Reason = Reason.NONE, number: int = 0) -> Station:
    """Return what happens at a point of a message's way; one for all messages that come there."""
    return Station(move, code, reason, number)


# A message that is due to expire and to be delivered at one instant has expired.
_RANK = {
    Move.RELEASE: 0,
    Move.SEND: 1,
    Move.EXPIRE: 2,
    Move.FAIL: 3,
    Move.REVOKE: 4,
    Move.WAIT: 5,
    Move.DELIVER: 6,
    Move.READ: 7,
}

_ENDING_MOVES = {Ending.DELIVER: Move.DELIVER, Ending.FAIL: Move.FAIL, Ending.EXPIRE: Move.EXPIRE}


_END_LABELS = {ending: f"{ending.value}.after" for ending in Ending}


def drawn(delay: Delay, draws: Draws, label: str, number: int = 0) -> int:
    """Return how long *delay* is this time; a constant one costs no draw."""
    if isinstance(delay, ConstantDelay):
        return delay.ms
    return delay.draw(draws.unit(f"{label}.{number}" if number else label))


def plan(
    fate: Fate, key: MessageKey, draws: Draws, start_ms: int, expires_ms: int
) -> list[tuple[int, MoveStep]]:
    """
    Return the timed steps of a message whose sending starts at *start_ms*.

    The validity has the last word: what would happen at *expires_ms* or later
    gives way to the expiry.  A silent fate has no end, so it does not expire
    either.
    """
    steps: list[tuple[int, MoveStep]] = []
    at_ms = start_ms
    for number, stop in enumerate(fate.progress or ()):
        at_ms += drawn(stop.after, draws, "progress.after", number)
        if at_ms < expires_ms:
            steps.append((at_ms, MoveStep(key, station(Move.SEND, stop.code, Reason.NONE, number))))
    if fate.ending is Ending.SILENCE:
        return steps
    if fate.after is None:
        end_ms = expires_ms
    else:
        end_ms = max(at_ms, start_ms + drawn(fate.after, draws, _END_LABELS[fate.ending]))
    if end_ms < expires_ms:
        move = _ENDING_MOVES[fate.ending]
        steps.append((end_ms, MoveStep(key, station(move, fate.code, fate.reason))))
    else:
        code = fate.code if fate.ending is Ending.EXPIRE else ""
        steps.append((expires_ms, MoveStep(key, station(Move.EXPIRE, code, Reason.VALIDITY))))
    return steps

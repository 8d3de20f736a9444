"""
Two recorded runs of one scenario: where the integrator first did something else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby, takewhile, zip_longest
from operator import itemgetter
from typing import Final, NamedTuple

from simulator.kernel.model.scenario import ClockMode
from simulator.run.bundle import Attempted, Bundle, Called, Row
from simulator.run.replay import Divergence

__all__ = ["first_divergence"]

# UUIDs, and long runs of hexadecimal digits or of letters and digits mixed.
_MINTED: Final = re.compile(
    r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|\b(?=[0-9a-fA-F]*[0-9])(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{16,64}\b"
    r"|\b(?=\w*[0-9])(?=\w*[a-z])(?=\w*[A-Z])[A-Za-z0-9]{20,64}\b"
)


class _Act(NamedTuple):
    """Something the integrator did: what is compared, and how it is told."""

    at_ms: int
    same: str
    told: str


def _acts(bundle: Bundle) -> Iterator[_Act]:
    """
    Yield what the integrator did, by instant; within one, where things are under way together, sorted.

    Ids that look minted are told by a number each, in the order in which they turn
    up: a good build never mints the same ones twice, but uses each where it did before.
    """
    minted: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        return minted.setdefault(match[0], f"<id {len(minted) + 1}>")

    timed = ((row.at_ms, what) for row in bundle.rows() if (what := _what(row)))
    for at_ms, group in groupby(timed, key=itemgetter(0)):
        for what in sorted((what for _, what in group), key=_shape):
            yield _Act(at_ms, _MINTED.sub(named, what), f"+{at_ms} ms {what}")


def _shape(what: str) -> str:
    return _MINTED.sub("<id>", what)


def _what(row: Row) -> str:
    match row:
        case Called():
            query = "&".join(f"{name}={value}" for name, value in row.query)
            path = f"{row.path}?{query}" if query else row.path
            body = row.body.text or repr(row.body.base64)[2:-1]
            return f"{row.provider} {row.method} {path} {body}".rstrip()
        case Attempted():
            return f"answers {_outcome(row)} to webhook {row.id}, attempt {row.number}"
        case _:
            return ""


def _outcome(row: Attempted) -> str:
    if row.status:
        return str(row.status)
    # The words beside a known cause hold ports and times of the machine.
    return row.error if row.cause is None else row.cause.value


def first_divergence(recorded: Bundle, replayed: Bundle) -> Divergence | None:
    """
    Return where the integrator of a second run first differs from the first run's, or None.

    Compared are its calls and its answers to webhooks.  On virtual time their
    instants count, too; on a live clock no instant is the same twice, so there
    each only has to be found once in the other run, whatever its ids.  Of a record
    that breaks off, the last instant may lack something, and nothing later is known.
    """
    if recorded.about.mode is ClockMode.LIVE:
        return _unmatched(recorded, replayed)
    until_ms = None if recorded.about.complete else max(row.at_ms for row in recorded.rows())
    both = zip_longest(_until(_acts(recorded), until_ms), _until(_acts(replayed), until_ms))
    for number, (old, new) in enumerate(both, 1):
        if old is None or new is None or (old.at_ms, old.same) != (new.at_ms, new.same):
            return Divergence(f"act {number} of the integrator", _told(old), _told(new))
    return None


def _until(acts: Iterator[_Act], until_ms: int | None) -> Iterator[_Act]:
    """Yield the acts before an instant; None: all of them."""
    return acts if until_ms is None else takewhile(lambda act: act.at_ms < until_ms, acts)


def _unmatched(recorded: Bundle, replayed: Bundle) -> Divergence | None:
    left = Counter(_shape(what) for row in replayed.rows() if (what := _what(row)))
    for number, act in enumerate(_acts(recorded), 1):
        shape = _shape(act.told.partition(" ms ")[2])
        if not left[shape]:
            return Divergence(f"act {number} of the integrator", act.told, "nothing like it")
        left[shape] -= 1
    if not recorded.about.complete:
        return None
    for number, act in enumerate(_acts(replayed), 1):
        if left[_shape(act.told.partition(" ms ")[2])]:
            return Divergence(f"act {number} of the integrator", "nothing like it", act.told)
    return None


def _told(act: _Act | None) -> str:
    return act.told if act is not None else "nothing more"

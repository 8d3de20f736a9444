"""
The journal: every change of a space, one entry each.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from itertools import islice
from typing import Final, TypeAlias

from msgspec import Struct, structs

from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.turns import InTurns
from simulator.kernel.store.facts import Accepted, Called, EntryKind, Fact, Moved, RefusalLeftOut, SendRefused

__all__ = ["Entry", "Journal", "replay"]

_FAR: Final = 2**32 - 1
_PART_MAX: Final = 256
"""Entries of a part; which of its providers an entry names fits into a byte."""


class Entry(Struct, frozen=True, gc=False):
    """
    One fact, when it happened, and what it is about.
    """

    seq: int
    at_ms: int
    fact: Fact
    key: MessageKey | None = None
    ref: str = ""
    """The id of the message or webhook it is about."""
    provider: str = ""
    recipient: str = ""
    wall_unix_ms: int = 0
    """When it happened on the machine's own watch; for the reader only."""

    @property
    def kind(self) -> EntryKind:
        """What kind of fact it is."""
        return self.fact.kind

    @property
    def state(self) -> State | None:
        """The state that a message has since, if this says so."""
        fact = self.fact
        return fact.state if isinstance(fact, Accepted | Moved) else None

    @property
    def code(self) -> str:
        """The provider's code, if there is one."""
        fact = self.fact
        return fact.code if isinstance(fact, Moved | SendRefused | RefusalLeftOut | Called) else ""


_Row: TypeAlias = tuple[int, Fact, MessageKey | None, str, str, str, int]
"""What an entry says, but for its number."""


class _Instants:
    """
    Instants of a part, told by how far they lie behind the first one of them.
    """

    __slots__ = ("_first", "_later")

    def __init__(self, instants: Sequence[int]) -> None:
        self._first = first = min(instants)
        later = [instant - first for instant in instants]
        self._later = array("I" if max(later) <= _FAR else "Q", later)

    def __getitem__(self, place: int) -> int:
        return self._first + self._later[place]


class _Part:
    """
    Entries that follow each other, packed side by side; the only place that knows this form.

    An entry of its own weighs some 150 bytes with its numbers, a row of these columns 33, or
    41 where recipients are named besides.
    """

    __slots__ = (
        "_at_ms",
        "_facts",
        "_first_seq",
        "_keys",
        "_named",
        "_providers",
        "_recipients",
        "_refs",
        "_wall_unix_ms",
    )

    def __init__(self, first_seq: int, rows: Sequence[_Row]) -> None:
        columns = zip(*rows, strict=True)
        at_ms, self._facts, self._keys, self._refs, providers, recipients, wall_unix_ms = columns
        self._first_seq = first_seq
        self._at_ms = _Instants(at_ms)
        self._wall_unix_ms = _Instants(wall_unix_ms)
        places = {provider: place for place, provider in enumerate(dict.fromkeys(providers))}
        self._providers = tuple(places)
        """The providers that are named."""
        self._named = bytes(map(places.__getitem__, providers))
        """Which of them each entry names."""
        self._recipients = recipients if any(recipients) else ()
        """Whom each entry names, if any of them names anybody."""

    def __len__(self) -> int:
        return len(self._facts)

    def entries(self, place: int) -> Iterator[Entry]:
        """Yield the entries from that place on, as they were."""
        for within in range(place, len(self._facts)):
            yield Entry(
                self._first_seq + within,
                self._at_ms[within],
                self._facts[within],
                self._keys[within],
                self._refs[within],
                self._providers[self._named[within]],
                self._recipients[within] if self._recipients else "",
                self._wall_unix_ms[within],
            )


class Journal:
    """
    A bounded, append-only list of entries; the oldest give way and are counted.
    """

    __slots__ = ("_latest", "_lost", "_packed", "_parts", "_wall", "limit", "seq", "tell")

    def __init__(self, limit: int = 250_000, wall: Callable[[], int] | None = None) -> None:
        self._parts: deque[_Part] = deque()
        self._packed = 0
        """How many entries the parts have; some of the first part may have given way."""
        self._latest: list[_Row] = []
        """What came after them."""
        self._lost = 0
        """How many came before them."""
        self._wall = wall
        self.limit = limit
        self.seq = 0
        self.tell: Callable[[Entry], None] | None = None
        """Told of every entry as it is added, if somebody wants to know."""

    def __len__(self) -> int:
        return min(self.limit, self._packed + len(self._latest))

    def __iter__(self) -> Iterator[Entry]:
        return self._last(len(self))

    @property
    def dropped(self) -> int:
        """How many entries have given way."""
        return self._lost + max(0, self._packed + len(self._latest) - self.limit)

    def add(
        self,
        at_ms: int,
        fact: Fact,
        *,
        key: MessageKey | None = None,
        ref: str = "",
        provider: str = "",
        recipient: str = "",
    ) -> int:
        """Append an entry and return its number."""
        self.seq = seq = self.seq + 1
        wall = self._wall
        row = (at_ms, fact, key, ref, provider, recipient, wall() if wall is not None else 0)
        latest = self._latest
        latest.append(row)
        if len(latest) >= _PART_MAX:
            self._pack()
        if self.tell is not None:
            self.tell(Entry(seq, *row))
        return seq

    def _pack(self) -> None:
        latest, self._latest = self._latest, []
        self._parts.append(_Part(self.seq - len(latest) + 1, latest))
        self._packed += len(latest)
        while self._parts and self._packed - len(self._parts[0]) >= self.limit:
            oldest = self._parts.popleft()
            self._packed -= len(oldest)
            self._lost += len(oldest)

    def put(self, entries: Iterable[Entry]) -> None:
        """Hold *entries* alone, numbered as they are: those of a run that is over."""
        self.clear()
        for entry in entries:
            self._take(entry)

    def still(self) -> Journal:
        """Return a copy that does not grow; entries never change."""
        twin = copy(self)
        twin._parts, twin._latest = self._parts.copy(), self._latest.copy()
        return twin

    def keep(self, entry: Entry) -> None:
        """Append an entry of an earlier journal as it was; nobody is told of it."""
        if not self._parts and not self._latest:
            # What came before the first that is still there is known to be missing.
            self._lost = entry.seq - 1
        self._take(entry)

    def _take(self, entry: Entry) -> None:
        latest = self._latest
        if len(latest) >= _PART_MAX or (latest and entry.seq != self.seq + 1):
            # Within a part the numbers follow each other.
            self._pack()
        seq, *row = structs.astuple(entry)
        self._latest.append(tuple(row))
        self.seq = seq
        # An earlier journal is held whole, however long it is.
        self.limit = max(self.limit, self._packed + len(self._latest))

    def clear(self) -> None:
        """Forget everything, as if nothing had happened yet."""
        self._parts.clear()
        self._latest = []
        self._packed = self._lost = self.seq = 0

    def emptying(self) -> InTurns[None]:
        """Forget every entry, in turns."""
        while self._parts:
            self._parts.pop()
            yield
        self.clear()

    def after(self, seq: int, limit: int = 1_000_000) -> list[Entry]:
        """Return up to *limit* entries later than number *seq*, oldest first."""
        later = self.seq - max(seq, self.seq - len(self))
        return list(islice(self._last(later), limit)) if later > 0 else []

    def _last(self, count: int) -> Iterator[Entry]:
        """Yield the last so many entries; parts that lie before them are skipped whole."""
        place = self._packed + len(self._latest) - count
        latest = self._latest
        first_seq = self.seq - len(latest) + 1
        for part in tuple(self._parts):
            if place < len(part):
                yield from part.entries(place)
            place = max(0, place - len(part))
        for number, row in enumerate(islice(latest, place, None), first_seq + place):
            yield Entry(number, *row)


def replay(entries: Iterator[Entry] | Journal) -> dict[MessageKey, State]:
    """Return the state of every message, told from the entries alone."""
    states: dict[MessageKey, State] = {}
    for entry in entries:
        if entry.key is not None and entry.state is not None:
            states[entry.key] = entry.state
    return states

"""
The journal: every change of a space, one entry each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from itertools import islice

from msgspec import Struct

from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.turns import InTurns
from simulator.kernel.store.facts import Accepted, Called, EntryKind, Fact, Moved, RefusalLeftOut, SendRefused

__all__ = ["Entry", "Journal", "replay"]


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


class Journal:
    """
    A bounded, append-only list of entries; the oldest give way and are counted.
    """

    __slots__ = ("_entries", "_wall", "dropped", "limit", "seq", "tell")

    def __init__(self, limit: int = 250_000, wall: Callable[[], int] | None = None) -> None:
        self._entries: deque[Entry] = deque()
        self._wall = wall
        self.limit = limit
        self.dropped = 0
        self.seq = 0
        self.tell: Callable[[Entry], None] | None = None
        """Told of every entry as it is added, if somebody wants to know."""

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def add(
        self,
        at_ms: int,
        fact: Fact,
        *,
        key: MessageKey | None = None,
        ref: str = "",
        provider: str = "",
        recipient: str = "",
    ) -> Entry:
        """Append an entry and return it."""
        self.seq += 1
        wall = self._wall
        entry = Entry(self.seq, at_ms, fact, key, ref, provider, recipient, wall() if wall is not None else 0)
        entries = self._entries
        entries.append(entry)
        if len(entries) > self.limit:
            entries.popleft()
            self.dropped += 1
        if self.tell is not None:
            self.tell(entry)
        return entry

    def put(self, entries: Iterable[Entry]) -> None:
        """Hold *entries* alone, numbered as they are: those of a run that is over."""
        self._entries = deque(entries)
        self.seq = self._entries[-1].seq if self._entries else 0

    def still(self) -> Journal:
        """Return a copy that does not grow; entries never change."""
        twin = copy(self)
        twin._entries = self._entries.copy()
        return twin

    def keep(self, entry: Entry) -> None:
        """Append an entry of an earlier journal as it was; nobody is told of it."""
        if not self._entries:
            # What came before the first that is still there is known to be missing.
            self.dropped = entry.seq - 1
        self.seq = entry.seq
        self._entries.append(entry)

    def clear(self) -> None:
        """Forget everything, as if nothing had happened yet."""
        self._entries.clear()
        self.dropped = self.seq = 0

    def emptying(self) -> InTurns[None]:
        """Forget every entry, in turns."""
        while self._entries:
            self._entries.pop()
            yield

    def after(self, seq: int, limit: int = 1_000_000) -> list[Entry]:
        """Return up to *limit* entries later than number *seq*, oldest first."""
        entries = self._entries
        later = self.seq - max(seq, self.seq - len(entries))
        if later * 2 > len(entries):
            return list(islice(entries, len(entries) - later, len(entries) - later + limit))
        # From the nearer end: in the middle of a deque an index costs as much as its distance.
        newest = list(islice(reversed(entries), max(0, later - limit), max(0, later)))
        newest.reverse()
        return newest


def replay(entries: Iterator[Entry] | Journal) -> dict[MessageKey, State]:
    """Return the state of every message, told from the entries alone."""
    states: dict[MessageKey, State] = {}
    for entry in entries:
        if entry.key is not None and entry.state is not None:
            states[entry.key] = entry.state
    return states

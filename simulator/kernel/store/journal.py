"""
The journal: every change of a space, one entry each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import islice

from msgspec import Struct

from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.units import format_offset

__all__ = ["Entry", "EntryKind", "Journal", "narrative", "replay"]


class EntryKind(StrEnum):
    """
    What kind of fact an entry records.
    """

    ACCEPTED = "accepted"
    REFUSED = "refused"
    MOVED = "moved"
    LAPSED = "lapsed"
    CALL = "call"
    CIRCUMSTANCES = "circumstances"
    OWED = "owed"
    HELD = "held"
    RELEASED = "released"
    DROPPED = "dropped"
    ATTEMPT = "attempt"
    LOST = "lost"
    ACT = "act"
    SCENARIO = "scenario"
    CLOCK = "clock"
    SETTINGS = "settings"
    NOTE = "note"


class Entry(Struct, frozen=True, kw_only=True, gc=False):
    """
    One fact.  Empty fields do not apply to its kind.
    """

    seq: int
    at_ms: int
    kind: EntryKind
    key: MessageKey | None = None
    state: State | None = None
    what: str = ""
    """The fact in a few words, without time and subject."""
    why: str = ""
    """Which rung of the ladder and which rule caused it."""
    ref: str = ""
    """The id of the message or webhook it is about."""
    code: str = ""
    provider: str = ""
    recipient: str = ""
    wall_unix_ms: int = 0
    """When it happened on the machine's own watch; for the reader only."""


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
        kind: EntryKind,
        *,
        key: MessageKey | None = None,
        state: State | None = None,
        what: str = "",
        why: str = "",
        ref: str = "",
        code: str = "",
        provider: str = "",
        recipient: str = "",
    ) -> Entry:
        """Append an entry and return it."""
        self.seq += 1
        entry = Entry(
            seq=self.seq,
            at_ms=at_ms,
            kind=kind,
            key=key,
            state=state,
            what=what,
            why=why,
            ref=ref,
            code=code,
            provider=provider,
            recipient=recipient,
            wall_unix_ms=self._wall() if self._wall else 0,
        )
        entries = self._entries
        entries.append(entry)
        if len(entries) > self.limit:
            entries.popleft()
            self.dropped += 1
        if self.tell is not None:
            self.tell(entry)
        return entry

    def after(self, seq: int, limit: int = 1_000_000) -> list[Entry]:
        """Return up to *limit* entries later than number *seq*, oldest first."""
        entries = self._entries
        later = self.seq - max(seq, self.seq - len(entries))
        if later * 2 > len(entries):
            return list(islice(entries, len(entries) - later, len(entries) - later + limit))
        # From the nearer end: in the middle of a deque an index costs as much as its distance.
        found = list(islice(reversed(entries), max(0, later - limit), max(0, later)))
        found.reverse()
        return found


def replay(entries: Iterator[Entry] | Journal) -> dict[MessageKey, State]:
    """Return the state of every message, told from the entries alone."""
    states: dict[MessageKey, State] = {}
    for entry in entries:
        if entry.key is not None and entry.state is not None:
            states[entry.key] = entry.state
    return states


def narrative(entry: Entry) -> str:
    """
    Return an entry as one line for people.

    `+00:00:02.300 pigeon +905550000001 #1 delivered (rule "default")`
    """
    if entry.key is not None:
        subject = f"{entry.key} "
    else:
        subject = " ".join(part for part in (entry.provider, entry.recipient) if part)
        subject = f"{subject} " if subject else ""
    said = entry.what or (entry.state.value if entry.state else entry.kind.value)
    code = f" [{entry.code}]" if entry.code else ""
    why = f" ({entry.why})" if entry.why else ""
    return _printable(f"{format_offset(entry.at_ms)} {subject}{said}{code}{why}")


def _printable(text: str) -> str:
    # Addresses and texts come from outside: a control character must not reach a terminal.
    return text if text.isprintable() else "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)

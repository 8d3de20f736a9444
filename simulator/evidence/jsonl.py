"""
The journal as NDJSON, a line per entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec

from simulator.evidence.result import RunResult
from simulator.kernel.store.journal import Entry
from simulator.server.views import entry_view

__all__ = ["entry_line", "jsonl"]

_ENTRIES_PER_CHUNK = 1_000


def jsonl(result: RunResult) -> Iterator[bytes]:
    """
    Yield the journal of a run in chunks of whole lines, oldest entry first.

    The entries are those the journal holds when the first chunk is asked for.
    """
    encoder = msgspec.json.Encoder()
    entries = iter(list(result.space.simulation.journal))
    while chunk := list(islice(entries, _ENTRIES_PER_CHUNK)):
        yield encoder.encode_lines([entry_view(entry) for entry in chunk])


def entry_line(entry: Entry, space: str) -> bytes:
    """Return one entry of *space* as a line."""
    return msgspec.json.encode({"space": space, **entry_view(entry)}) + b"\n"

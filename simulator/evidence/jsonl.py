"""
The journal as NDJSON, a line per entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec

from simulator.evidence.result import RunResult
from simulator.explain.views import entry_view
from simulator.kernel.store.journal import Entry
from simulator.secrecy import Withholding

__all__ = ["entry_line", "jsonl"]

_ENTRIES_PER_CHUNK = 1_000


def jsonl(result: RunResult) -> Iterator[bytes]:
    """
    Yield the journal of a run in chunks of whole lines, oldest entry first.

    The entries are those the journal holds when the first chunk is asked for.
    """
    encoder = msgspec.json.Encoder()
    secrecy = Withholding(result.space.secrets())
    entries = iter(list(result.space.simulation.journal))
    while chunk := list(islice(entries, _ENTRIES_PER_CHUNK)):
        lines = encoder.encode_lines([entry_view(entry) for entry in chunk]).decode()
        # In whole chunks, for most of them hold no secret and a million lines are many.
        yield secrecy.text(lines).encode()


def entry_line(entry: Entry, space: str, secrecy: Withholding) -> bytes:
    """Return one entry of *space* as a line, without its secrets."""
    line = msgspec.json.encode({"space": space, **entry_view(entry)}).decode()
    return secrecy.text(line).encode() + b"\n"

"""
Entries and instants as plain JSON, for the control API, for logs and for evidence.
"""

from __future__ import annotations

import msgspec

from simulator.explain.narrative import narrative, what_of, why_of
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.store.journal import Entry

__all__ = ["entry_view", "instant"]


def instant(simulation: Simulation, at_ms: int) -> str:
    """Return an instant of a space as ISO 8601 with milliseconds."""
    return simulation.clock.datetime(at_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def entry_view(entry: Entry) -> dict[str, object]:
    """
    Return a journal entry; what does not apply is left out.

    `data` is the fact itself; `what`, `why` and `line` are words about it.
    """
    view: dict[str, object] = {
        "seq": entry.seq,
        "at_ms": entry.at_ms,
        "kind": entry.kind.value,
        "provider": entry.key.provider if entry.key else entry.provider,
        "recipient": entry.key.recipient if entry.key else entry.recipient,
        "ordinal": entry.key.ordinal if entry.key else None,
        "state": entry.state.value if entry.state else None,
        "what": what_of(entry.fact),
        "why": why_of(entry.fact),
        "ref": entry.ref,
        "code": entry.code,
        "data": msgspec.to_builtins(entry.fact),
        "wall_unix_ms": entry.wall_unix_ms,
        "line": narrative(entry),
    }
    return {name: value for name, value in view.items() if value not in ("", None)}

"""
Sends that were refused for good, and by which id the integrator knows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.store.facts import Called, Scope, SendRefused
from simulator.kernel.store.journal import Entry
from simulator.provider import Provider

__all__ = ["Refusal", "invalid_calls", "refused_for_good"]

_PERHAPS_LATER = frozenset({408, 409, 425, 429})


class Refusal(NamedTuple):
    """
    The last refusal of a send that no later one made good.
    """

    key: MessageKey
    id: str
    """Empty: the answer named none, and the call chose none."""
    entry: Entry


def refused_for_good(
    simulation: Simulation, providers: Mapping[str, Provider] | None = None
) -> list[Refusal]:
    """
    Return the refusals that were a clear no: inside an answer, or of a whole call by 4xx but 429.

    What was made good by a later send counts no more: one with the same id where
    there is one, else one to the same recipient.  *providers* say whose answers
    name ids for what they refuse; without them, all do.
    """
    last: dict[tuple[str, str], Refusal] = {}
    waiting: dict[str, list[Refusal]] = {}
    for entry in simulation.journal:
        fact, key = entry.fact, entry.key
        if isinstance(fact, SendRefused) and key is not None:
            named = providers is None or providers[key.provider].names_refused
            refused = simulation.refusals.get(key)
            id = (refused.submission.id if refused is not None else "") or (entry.ref if named else "")
            refusal = Refusal(key, id, entry)
            if fact.scope is Scope.RECIPIENT:
                last[key.provider, id or key.recipient] = refusal
            elif fact.scope is Scope.CALL:
                waiting.setdefault(key.provider, []).append(refusal)
        elif isinstance(fact, Called):
            # The answer of the call that they were made by says whether it was a clear no.
            calls = waiting.pop(entry.provider, ())
            clear = fact.status < 500 and fact.status not in _PERHAPS_LATER
            last.update(
                {
                    (refusal.key.provider, refusal.id or refusal.key.recipient): refusal
                    for refusal in calls
                    if clear
                }
            )
    return [refusal for refusal in last.values() if not _made_good(simulation, refusal)]


def _made_good(simulation: Simulation, refusal: Refusal) -> bool:
    key = refusal.key
    if refusal.id:
        return simulation.message(key.provider, refusal.id) is not None
    latest = simulation.state.numbering.last(key.provider, key.recipient)
    return any(replace(key, ordinal=n) in simulation.messages for n in range(key.ordinal + 1, latest + 1))


def invalid_calls(simulation: Simulation) -> list[Entry]:
    """Return the sends that the provider's own checks refused: wrong as they were, whatever else happens."""
    return [
        entry
        for entry in simulation.journal
        if isinstance(entry.fact, Called)
        and entry.fact.invalid_send
        and 400 <= entry.fact.status < 500
        and entry.fact.status not in _PERHAPS_LATER
    ]

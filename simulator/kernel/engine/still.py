"""
A simulation as it is now, for whoever reads it beside its work.
"""

from __future__ import annotations

from copy import copy

from simulator.kernel.engine.simulation import Simulation

__all__ = ["still"]


def still(simulation: Simulation) -> Simulation:
    """
    Return a copy whose collections do not grow or shrink while they are read.

    The records in them are shared, so the copy costs little, and what goes on meanwhile
    may show in some of them.  It may be read in another thread; nothing may be changed
    through it.
    """
    twin = copy(simulation)
    state = twin.state = copy(simulation.state)
    twin.clock = state.clock = copy(simulation.clock)
    twin.journal = state.journal = simulation.journal.still()
    twin.agenda = state.agenda = simulation.agenda.still()
    twin.directory = state.directory = simulation.directory.still()
    outbox = twin.outbox = state.outbox = copy(simulation.outbox)
    outbox.webhooks = dict(outbox.webhooks)
    store = state.store = copy(state.store)
    twin.messages = store.messages = dict(store.messages)
    twin.refusals = store.refusals = dict(store.refusals)
    return twin

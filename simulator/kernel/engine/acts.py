"""
Acts: what recipients do of their own accord.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulator.kernel.engine.account import ImpossibleAct
from simulator.kernel.engine.owing import owe_all
from simulator.kernel.engine.state import SimulationState
from simulator.kernel.model.rules import Act
from simulator.kernel.store.facts import Acted, ActImpossible
from simulator.kernel.webhooks.webhook import Report

__all__ = ["act_of", "try_act"]

_IMPOSSIBLE_MAX: Final = 100


def act_of(state: SimulationState, provider: str, recipient: str, act: Act) -> Sequence[Report]:
    """
    Let a recipient do something; return what the integrator is owed for it.

    Raises ImpossibleAct when this recipient cannot do that at *provider*.
    """
    key = state.take_key(provider, f"({recipient} acts)")
    reports = state.accounts[provider].act(recipient, act, state.chance.of(*key))
    fact = Acted(act.kind, act.text)
    state.journal.add(state.clock.now_ms, fact, provider=provider, recipient=recipient)
    owe_all(state, reports)
    return reports


def try_act(state: SimulationState, provider: str, recipient: str, act: Act, by: str) -> None:
    """Let a recipient do what the scenario wants, with names filled in; journal it when impossible."""
    # Nobody is there to be refused, and the other steps of this instant are not to blame.
    try:
        act_of(state, provider, recipient, state.people.act(act, recipient))
    except ImpossibleAct as refusal:
        if len(state.impossible_acts) < _IMPOSSIBLE_MAX:
            state.impossible_acts.append(f"{provider} {recipient}: {refusal}")
        fact = ActImpossible(act.kind, str(refusal), by)
        state.journal.add(state.clock.now_ms, fact, provider=provider, recipient=recipient)

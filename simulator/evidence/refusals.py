"""
What was refused, as far as anybody still knows.
"""

from __future__ import annotations

from typing import NamedTuple

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.message import Refused
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.store.facts import Scope, SendRefused

__all__ = ["Refusal", "refusals"]


class Refusal(NamedTuple):
    """
    A call, or one submission of it, that was refused.
    """

    at_ms: int
    key: MessageKey
    fact: SendRefused


def refusals(simulation: Simulation) -> list[Refusal]:
    """
    Return what was refused, oldest first.

    The journal tells of all until its oldest entries give way; the register has
    the last ones whatever else was journalled since.  Together they forget least.
    """
    journalled = [
        Refusal(entry.at_ms, entry.key, entry.fact)
        for entry in simulation.journal
        if isinstance(entry.fact, SendRefused) and entry.key is not None
    ]
    keys = {refusal.key for refusal in journalled}
    forgotten = [_from_register(refused) for key, refused in simulation.refusals.items() if key not in keys]
    return [*forgotten, *journalled]


def _from_register(refused: Refused) -> Refusal:
    # Only a cut connection has no code: nobody was there to hear one.
    scope = Scope.RECIPIENT if refused.code else Scope.CONNECTION
    fact = SendRefused(scope, refused.code, refused.rung, refused.rule, refused.why)
    return Refusal(refused.at_ms, refused.key, fact)

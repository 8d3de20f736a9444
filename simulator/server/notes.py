"""
What an answer says beyond the provider's own words, for people who wonder.
"""

from __future__ import annotations

from typing import Final

from msgspec import structs

from simulator.kernel.model.lifecycle import Move, State
from simulator.kernel.model.message import Message
from simulator.provider import Call
from simulator.runtime.space import Space

__all__ = ["note_of"]

_CALLS_NOTED_MAX: Final = 1_000
"""Whoever has called so often knows, and a load test does not pay for it."""


def note_of(space: Space, call: Call) -> str:
    """Return that reports about what *call* sent go nowhere, and the remedy; empty: nothing to say."""
    if space.exchange_count >= _CALLS_NOTED_MAX:
        return ""
    message = next((outcome for outcome in call.result.outcomes if isinstance(outcome, Message)), None)
    if message is None or message.reports or message.submission.signal:
        return ""
    provider = call.gateway.provider
    # What the integrator would be told if it were delivered now; asking changes nothing.
    delivered = structs.replace(message, state=State.DELIVERED)
    reports = call.gateway.account.reports_of(delivered, Move.DELIVER)
    if any(report.target for report in reports):
        return ""
    pulled = space.simulation.state.hooks[provider].told is not None and reports
    where = "are there to be pulled, and go nowhere else" if pulled else "go nowhere"
    return (
        f"reports about this message {where}: PUT /_sim/v1/spaces/{space.name}/providers/{provider} "
        f'{{"webhook":{{"url":"http://127.0.0.1:9000/{provider}"}}}} sends them to a receiver of yours'
    )

"""
The list of spaces.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from simulator.explain.narrative import clock_words
from simulator.kernel.model.units import format_offset
from simulator.kernel.webhooks.webhook import WebhookState
from simulator.server.inspector.frame import Visit, page
from simulator.server.spaces import DEFAULT_SPACE

__all__ = ["spaces_page"]

_ROWS_MAX: Final = 200
_COUNTED_MAX: Final = 50
"""In so many spaces webhooks are counted by their states."""


class Row(NamedTuple):
    """
    A space in one look.
    """

    name: str
    href: str
    here: bool
    clock: str
    now: str
    seed: int
    scenario: str
    messages: int
    webhooks: int
    lost: int
    settled: bool
    deletable: bool


def spaces_page(visit: Visit) -> str:
    """Return the list of spaces, the recorded ones first."""
    needle = visit.query.get("q", "")
    registry = visit.controller.registry
    recorded = [item.space for item in registry.recordings.values()]
    live = [space for space in registry.all() if space.name not in registry.recordings]
    spaces = [space for space in (*recorded, *live) if needle in space.name]
    rows = []
    for number, space in enumerate(spaces[:_ROWS_MAX]):
        simulation = space.simulation
        webhooks = simulation.outbox.webhooks
        states = (
            Counter(webhook.state for webhook in webhooks.values()) if number < _COUNTED_MAX else Counter()
        )
        rows.append(
            Row(
                name=space.name,
                href=f"{visit.root}_ui/{space.name}/messages",
                here=space is visit.space,
                clock="recorded" if space in recorded else clock_words(space.driver.mode, space.driver.rate),
                now=format_offset(simulation.clock.now_ms),
                seed=space.seed,
                scenario=simulation.scenario.name,
                messages=len(simulation.messages),
                webhooks=len(webhooks),
                lost=states[WebhookState.LOST],
                settled=simulation.settled,
                deletable=space.name != DEFAULT_SPACE and space not in recorded,
            )
        )
    return page(
        "spaces.html",
        visit,
        "spaces",
        "Spaces",
        rows=rows,
        total=len(spaces),
        query=needle,
        left=len(spaces) - len(rows),
    )

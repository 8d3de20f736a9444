"""
One stream of changes for a whole browser: which spaces are different from before, and how they stand.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec
from aiohttp import web

from simulator.runtime.space import Space
from simulator.server.spaces import SpaceRegistry

__all__ = ["stream"]

_LOOK_REAL_S: Final = 0.1
_ALIVE_LOOKS: Final = 150
"""After so many looks without a change something is sent all the same, to notice who has gone."""


class Standing(NamedTuple):
    """
    How a space stands; two that are equal look alike on every page.
    """

    seq: int
    now_ms: int
    in_flight: int
    webhooks: int
    settings: int
    waited_for: int


def _standing(space: Space) -> Standing:
    simulation = space.simulation
    return Standing(
        simulation.journal.seq,
        simulation.clock.now_ms,
        simulation.outbox.in_flight,
        len(simulation.outbox.webhooks),
        space.driver.advancing + 2 * space.exchange_count,
        len(space.driver.waited_for),
    )


async def stream(
    request: web.Request, registry: SpaceRegistry, headers: Mapping[str, str]
) -> web.StreamResponse:
    """
    Tell of changes until the browser goes away.

    It looks at all spaces a few times a second rather than being told by each of
    thousands: whoever sends pays nothing for those who look on.
    """
    response = web.StreamResponse(
        headers={**headers, "Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    sent: dict[str, Standing] = {}
    silent = 0
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        await response.write(b"retry: 500\n\n")
        while request.transport is not None and not request.transport.is_closing():
            spaces = registry.all()
            recorded = [item.space for item in registry.recordings.values()]
            standings = {space.name: _standing(space) for space in (*spaces, *recorded)}
            if not spaces:
                # The server is going down; the browser will ask again.
                break
            changed = {name: item.seq for name, item in standings.items() if sent.get(name) != item}
            gone = [name for name in sent if name not in standings]
            silent += 1
            if changed or gone:
                sent, silent = standings, 0
                seq = max(changed.values(), default=0)
                data = msgspec.json.encode({"changed": changed, "gone": gone})
                await response.write(b"id: %d\nevent: changed\ndata: %s\n\n" % (seq, data))
            elif silent >= _ALIVE_LOOKS:
                silent = 0
                await response.write(b": still here\n\n")
            await asyncio.sleep(_LOOK_REAL_S)
    return response

"""
aiohttp's server, as far as it is to be known before it is loaded.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

__all__ = ["Others"]


class Others(Protocol):
    """
    A server that takes over what another one does not read.
    """

    @property
    def count(self) -> int:
        """How many connections are open."""
        ...

    def connection(self) -> asyncio.Protocol:
        """Return the protocol of a connection that is served here from now on."""
        ...

    def sweep(self, late_s: float) -> None:
        """Close connections on which half a request has waited since before *late_s*."""
        ...

    def cut(self) -> None:
        """Break every connection off at once."""
        ...

    def close_idle(self) -> None:
        """Close what is not being served, and the rest after its answer."""
        ...

    async def close(self) -> None:
        """End every connection."""
        ...

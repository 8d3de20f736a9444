"""
Targets to which nothing will be sent: told when they are named, not when something is due there.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from simulator.runtime.guard import Guard

__all__ = ["Doubts"]

_REMEMBERED_MAX: Final = 1_000
_LOOK_UP_REAL_S: Final = 10.0


class Doubts:
    """
    Asks the guard about targets: at once about addresses, about names when they are looked up.

    What a name stands for is asked of the system once, beside all other work.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._reasons: dict[tuple[str, int], str] = {}
        self._lookups: dict[tuple[str, int], asyncio.Task[str]] = {}

    def why_not(self, url: str, tell: Callable[[str], None]) -> str:
        """
        Return why nothing will be sent to *url*; empty: it will, as far as is known by now.

        When that turns out later, for a name that is not known yet, *tell* is told.
        """
        place = _place(url)
        if place is None:
            return ""
        if place not in self._reasons and _is_address(place[0]):
            self._remember(place, self._guard.why_not(url))
        if place in self._reasons:
            return self._reasons[place]
        lookup = self._lookups.get(place)
        if lookup is None:
            lookup = self._lookups[place] = asyncio.create_task(self._look_up(place))
            lookup.add_done_callback(lambda _: self._lookups.pop(place, None))

        def told(done: asyncio.Task[str]) -> None:
            if not done.cancelled() and done.result():
                tell(done.result())

        lookup.add_done_callback(told)
        return ""

    async def known(self, within_real_s: float) -> None:
        """Return when all names that were asked about are looked up, or after so long."""
        if self._lookups:
            await asyncio.wait(list(self._lookups.values()), timeout=within_real_s)

    async def _look_up(self, place: tuple[str, int]) -> str:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_LOOK_UP_REAL_S):
                infos = await loop.getaddrinfo(*place, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError):
            # Nobody knows it now; somebody may when it is called.
            return ""
        addresses = dict.fromkeys(str(info[4][0]) for info in infos)
        refused = [address for address in addresses if not self._guard.allows(address)]
        reason = ""
        if refused and len(refused) == len(addresses):
            reason = f"{place[0]} is {refused[0]}: {self._guard.refusal(refused[0])}"
        self._remember(place, reason)
        return reason

    def _remember(self, place: tuple[str, int], reason: str) -> None:
        if len(self._reasons) >= _REMEMBERED_MAX:
            self._reasons.clear()
        self._reasons[place] = reason

    def close(self) -> None:
        """Look nothing up any more."""
        for lookup in list(self._lookups.values()):
            lookup.cancel()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


@lru_cache(maxsize=_REMEMBERED_MAX)
def _place(url: str) -> tuple[str, int] | None:
    """Return the name and port that *url* leads to; None: it leads nowhere."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        return None
    return (host, port) if host and parts.scheme in ("http", "https") else None

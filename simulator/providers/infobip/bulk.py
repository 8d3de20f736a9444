"""
What an account remembers of a scheduled bulk.
"""

from __future__ import annotations

from itertools import islice

from msgspec import Struct

from simulator.provider import MessageKey
from simulator.providers.infobip.wire import Item, SpeedLimit

__all__ = ["Bulk", "Bulks"]

_BULKS_MAX = 100_000
_BULKS_NAMED_MAX = 5


class Bulk(Struct, kw_only=True):
    """
    A request whose messages wait for their time.
    """

    id: str
    item: Item
    send_at_unix_ms: int
    keys: list[MessageKey]
    speed_limit: SpeedLimit | None = None
    alone: bool = True
    """The request had one message object, and no other one has this id."""
    paused: bool = False
    canceled: bool = False


class Bulks:
    """
    The scheduled bulks of an account, by id.
    """

    __slots__ = ("_by_id",)

    def __init__(self) -> None:
        self._by_id: dict[str, Bulk] = {}

    def get(self, bulk_id: str) -> Bulk | None:
        """Return the bulk of this id, or None."""
        return self._by_id.get(bulk_id)

    def words(self) -> str:
        """Return which ones there are, for people who asked for another."""
        latest = list(islice(reversed(self._by_id), _BULKS_NAMED_MAX))
        if not latest:
            return "there is none: a bulk is a send with a sendAt ahead"
        named = ", ".join(bulk_id[:100] for bulk_id in latest)
        return f"there {'is' if len(self._by_id) == 1 else 'are'} {named}" + (
            f" and {len(self._by_id) - len(latest)} earlier ones" if len(self._by_id) > len(latest) else ""
        )

    def add(self, bulk: Bulk) -> None:
        """Remember a bulk; one of the same id makes both of them fixed."""
        if bulk.id in self._by_id:
            bulk.alone = False
            bulk.keys = [*self._by_id.pop(bulk.id).keys, *bulk.keys]
        elif len(self._by_id) >= _BULKS_MAX:
            del self._by_id[next(iter(self._by_id))]
        self._by_id[bulk.id] = bulk

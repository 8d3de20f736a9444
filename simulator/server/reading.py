"""
Heads of requests that are served without aiohttp: what they ask for, and where that is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

from simulator.server.addressing import Address, AmbiguousPath
from simulator.server.edge import HttpRequest
from simulator.server.faces import CONTROL, PROBES, OwnCall
from simulator.server.heads import Fields, Target, read_fields, read_target

__all__ = ["Heads"]

_REMEMBERED_MAX: Final = 512


class Heads:
    """
    Reads heads; clients say the same again and again, and what was read once is looked up.
    """

    __slots__ = ("_address_of", "_fields", "_heads", "_targets")

    def __init__(self, address_of: Callable[[str, str], Address | None]) -> None:
        self._address_of = address_of
        self._heads: dict[bytes, tuple[HttpRequest | OwnCall, Fields]] = {}
        self._fields: dict[bytes, Fields] = {}
        self._targets: dict[tuple[bytes, str], tuple[Target, Address]] = {}

    def read(self, head: bytes) -> tuple[HttpRequest | OwnCall, Fields] | None:
        """Return what a head asks for, and its fields; None: it is not plain, or not for here."""
        read = self._heads.get(head)
        if read is None:
            line, _, block = head.partition(b"\r\n")
            fields = self._fields_of(block)
            request = self._request_of(line, fields) if fields is not None else None
            if fields is None or request is None:
                return None
            if len(self._heads) >= _REMEMBERED_MAX:
                self._heads.clear()
            read = self._heads[head] = (request, fields)
        return read

    def _fields_of(self, block: bytes) -> Fields | None:
        fields = self._fields.get(block)
        if fields is None:
            fields = read_fields(block)
            if fields is not None:
                if len(self._fields) >= _REMEMBERED_MAX:
                    self._fields.clear()
                self._fields[block] = fields
        return fields

    def _request_of(self, line: bytes, fields: Fields) -> HttpRequest | OwnCall | None:
        host = fields.host
        place = self._targets.get((line, host))
        if place is None:
            target = read_target(line)
            if target is None:
                return None
            path = unquote(target.path)
            try:
                address = self._address_of(host, path)
            except AmbiguousPath:
                return None
            if address is None:
                return _own_call(target, path, fields)
            if len(self._targets) >= _REMEMBERED_MAX:
                self._targets.clear()
            place = self._targets[line, host] = (target, address)
        (method, _, query), (provider, space, path, prefix) = place
        url = f"http://{host}{prefix}"
        return HttpRequest(method, path, query, fields.headers, url, provider, space, kept=True)


def _own_call(target: Target, path: str, fields: Fields) -> OwnCall | None:
    """Return a call that is answered here, or None: its answer may take as long as its client stays."""
    if not path.startswith(CONTROL) and path not in PROBES:
        return None
    call = OwnCall(target.method, path, target.query, fields.headers, fields.host)
    return None if call.lasts else call

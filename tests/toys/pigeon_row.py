"""
Pigeon post in the contract of all providers.
"""

from __future__ import annotations

from typing import Final

from simulator.testing import Request, Row

__all__ = ["ROW"]

_TYPE: Final = {"Content-Type": "text/x-coo"}


def _release(line: str) -> Request:
    return Request("POST", "/release", _TYPE, line.encode())


def _ringed(request: Request, ring: str) -> Request:
    return request._replace(headers={**request.headers, "Ring": ring})


ROW: Final = Row(
    send=lambda recipient, kind: _release(f"COO|{recipient}|hello"),
    number=lambda n: f"+90555{n:07d}",
    signed=_ringed,
    refused_credential="invalid-ring",
    malformed={"Ring": "?"},
    bad={
        "an empty flock": _release(""),
        "a bird of another feather": _release("CAW|+905550000001|hello"),
        "no text": _release("COO|+905550000001"),
        "an option that is not there": _release("COO|+905550000001|hello|speed=high"),
        "a ttl of letters": _release("COO|+905550000001|hello|ttl=long"),
        "no UTF-8": Request("POST", "/release", _TYPE, b"COO|+905550000001|\xff"),
        "an address of letters": _release("COO|rooftop|hello"),
        "a bird that is not there": Request("GET", "/birds/none"),
    },
)

"""
What the server itself refuses, and whom: problem details, and hosts that may use the control API.

Apart from that API, for a server starts and serves providers without it.
"""

from __future__ import annotations

import ipaddress

__all__ = ["Problem", "host_allowed"]


class Problem(Exception):
    """
    A refusal of the control API, as RFC 9457 problem details.
    """

    def __init__(self, status: int, title: str, detail: str, **more: object) -> None:
        super().__init__(detail)
        self.status = status
        self.headers: tuple[tuple[str, str], ...] = ()
        self.body: dict[str, object] = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": detail,
            **more,
        }


def host_allowed(host: str, also: frozenset[str]) -> bool:
    """
    Return True when a `Host` header may reach the control API.

    Literal addresses, localhost and bare names (of containers) may; a dotted name
    may not unless listed, since a web page can make its own name resolve to us.
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    name = name.strip("[]").rstrip(".").lower()
    if "." not in name and ":" not in name:
        return True
    if name in also or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

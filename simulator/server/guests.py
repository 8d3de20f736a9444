"""
Who may knock at a door: not the pages of other sites, which know no better than to use a browser.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Final

from simulator.server.problems import Problem, host_allowed

__all__ = ["Guests", "forbidden"]

_HOSTS_KEPT_MAX: Final = 1_024


class Guests:
    """
    Turns away what a browser sends on behalf of another site, and hosts that nobody has allowed.

    A page can make a browser send a simple request anywhere, and can let its own
    name lead to this machine; software under test does neither.
    """

    __slots__ = ("_allowed", "_hosts", "_is_providers")

    def __init__(self, allowed: frozenset[str], is_providers: Callable[[str], bool]) -> None:
        self._allowed = allowed
        self._is_providers = is_providers
        """Whether a host is the real one of a provider."""
        self._hosts: dict[str, bool] = {}

    def why_not(self, headers: Mapping[str, str]) -> str:
        """Return why a request with these headers is turned away; empty: it is not."""
        host = headers.get("Host", "")
        allowed = self._hosts.get(host)
        if allowed is None:
            allowed = host_allowed(host, self._allowed) or self._is_providers(host)
            if len(self._hosts) >= _HOSTS_KEPT_MAX:
                self._hosts.clear()
            self._hosts[host] = allowed
        if not allowed:
            return f"nothing is served to the host {host[:200]!r}; --allow-host permits it"
        origin = headers.get("Origin")
        if origin is not None and not _same_site(origin.partition("://")[2], host):
            return f"the call comes from a page of {origin[:200]!r}, which is another site"
        if _is_cross_site(headers):
            return "the call comes from a page of another site, as its Sec-Fetch-Site says"
        return ""


def forbidden(method: str, host: str, headers: Mapping[str, str], allowed: frozenset[str]) -> Problem | None:
    """Return why what is the simulator's own is not served to a request; None: it is."""
    if not host_allowed(host, allowed):
        detail = f"the control API is not served to {host!r}; --allow-host permits it"
        return Problem(403, "Forbidden host", detail)
    origin = headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != host:
        return Problem(403, "Forbidden origin", f"the control API is not served to pages of {origin[:200]!r}")
    # The page that has a link sees nothing of where people go who follow it.
    followed = method == "GET" and headers.get("Sec-Fetch-Mode") == "navigate"
    if _is_cross_site(headers) and not followed:
        detail = "the control API is not served to pages of another site, as Sec-Fetch-Site says"
        return Problem(403, "Forbidden site", detail)
    return None


def _is_cross_site(headers: Mapping[str, str]) -> bool:
    """Return True when a browser says that a page of another site has made it send this."""
    return headers.get("Sec-Fetch-Site", "").strip().lower() == "cross-site"


def _same_site(page: str, host: str) -> bool:
    name, other_name = _name(page), _name(host)
    return name == other_name or (_is_loopback(name) and _is_loopback(other_name))


def _name(host: str) -> str:
    """Return a host without its port."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name.strip("[]").rstrip(".").lower()


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False

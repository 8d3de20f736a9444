"""
The guard of outgoing webhooks: which addresses may be dialled at all.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

from aiohttp.connector import AddrInfoType

__all__ = ["ForbiddenTarget", "Guard"]

_AddressT = ipaddress.IPv4Address | ipaddress.IPv6Address
_NetworkT = ipaddress.IPv4Network | ipaddress.IPv6Network

# What counts as one's own network; Python's `is_private` also has documentation and reserved blocks.
_OWN: tuple[_NetworkT, ...] = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)


class ForbiddenTarget(OSError):
    """
    A webhook target lies outside the networks that may be dialled.
    """


class Guard:
    """
    Decides, for the address really dialled, whether a webhook may go there.

    It makes the sockets of the HTTP client (`socket_factory`), so it sees literal
    addresses and resolved names alike, after resolution and before the connection.
    """

    __slots__ = ("_allowed",)

    def __init__(self, also: Iterable[str] = ()) -> None:
        self._allowed = _OWN + tuple(ipaddress.ip_network(text, strict=False) for text in also)

    def allows(self, host: str) -> bool:
        """Return True when the literal address *host* may be dialled."""
        address: _AddressT = ipaddress.ip_address(host.partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if address.is_link_local:
            return False
        return any(address.version == network.version and address in network for network in self._allowed)

    def make_socket(self, info: AddrInfoType) -> socket.socket:
        """Return a socket for *info*, or raise ForbiddenTarget before anything is dialled."""
        family, kind, protocol, _, address = info
        host = str(address[0])
        if not self.allows(host):
            raise ForbiddenTarget(
                f"webhooks go to loopback and private networks only, not to {host}; "
                f"--allow-target permits more"
            )
        return socket.socket(family=family, type=kind, proto=protocol)

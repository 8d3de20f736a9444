"""
The guard of outgoing webhooks: which addresses may be dialled at all.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import Any, TypeAlias
from urllib.parse import urlsplit

__all__ = ["AddressInfo", "ForbiddenTarget", "Guard"]

AddressInfo: TypeAlias = tuple[socket.AddressFamily | int, socket.SocketKind | int, int, str, tuple[Any, ...]]
"""What `getaddrinfo` tells of one address."""

_AddressT = ipaddress.IPv4Address | ipaddress.IPv6Address
_NetworkT = ipaddress.IPv4Network | ipaddress.IPv6Network

# What counts as one's own network; Python's `is_private` also has documentation and reserved blocks.
_OWN: tuple[_NetworkT, ...] = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)


# Where clouds hand out credentials to whoever asks from inside, as their own pages on instance metadata say.
# Named one by one, they may be dialled all the same, by who tests against a stand-in.
_METADATA: frozenset[_AddressT] = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # AWS EC2, Google, Azure, Oracle, DigitalOcean, OpenStack
        "fd00:ec2::254",  # AWS EC2 over IPv6
        "169.254.170.2",  # AWS ECS, task credentials
        "169.254.170.23",  # AWS EKS, pod identity
        "fd00:ec2::23",  # the same over IPv6
        "fd20:ce::254",  # Google over IPv6
        "fe80::a9fe:a9fe",  # OpenStack over IPv6
        "fd00:c1::a9fe:a9fe",  # Oracle over IPv6
        "169.254.42.42",  # Scaleway
        "fd00:42::42",  # Scaleway over IPv6
        "fd00:a9fe:a9fe::1",  # Akamai over IPv6
        "169.254.0.23",  # Tencent Cloud
        "100.100.100.200",  # Alibaba Cloud
        "fd00:100::100:200",  # Alibaba Cloud over IPv6
        "192.0.0.192",  # Oracle Cloud, classic
        "168.63.129.16",  # Azure, the platform's own
    )
)
_LINK_LOCAL: tuple[_NetworkT, ...] = tuple(
    ipaddress.ip_network(text) for text in ("169.254.0.0/16", "fe80::/10")
)
# Whose last four bytes are an IPv4 address: NAT64 (RFC 6052, and RFC 8215 for local use), SIIT (RFC 2765),
# and addresses that are IPv4-compatible (RFC 4291), or ISATAP's (RFC 5214).
_HOLDING_IPV4: tuple[ipaddress.IPv6Network, ...] = tuple(
    ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96")
)
_ISATAP: frozenset[int] = frozenset({0x0000_5EFE, 0x0200_5EFE})


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

    __slots__ = ("_allowed", "_named")

    def __init__(self, also: Iterable[str] = ()) -> None:
        networks = tuple(_unmapped(_network(text)) for text in also)
        self._named = {network[0] for network in networks if network.num_addresses == 1} & _METADATA
        for network in networks:
            if _is_never_dialled(network) and network[0] not in self._named:
                raise ValueError(
                    f"--allow-target: link-local addresses are never dialled, so {network} cannot be "
                    "allowed; a cloud's metadata address can, named by itself"
                )
        self._allowed = _OWN + networks

    def allows(self, host: str) -> bool:
        """Return True when the literal address *host* may be dialled."""
        address: _AddressT = ipaddress.ip_address(host.partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if address in self._named:
            return True
        for real in _meant(address):
            if real.is_link_local or (real in _METADATA and real not in self._named):
                return False
        return any(address.version == network.version and address in network for network in self._allowed)

    def why_not(self, url: str) -> str:
        """
        Return why nothing will be sent to *url*, as far as that can be told without looking up a name.

        Empty: it may be dialled, or nobody knows before its name is resolved.
        """
        try:
            host = urlsplit(url).hostname or ""
            ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return ""
        return "" if self.allows(host) else _refusal(host)

    def refusal(self, host: str) -> str:
        """Return what is said of the address *host*, which may not be dialled."""
        return _refusal(host)

    def make_socket(self, info: AddressInfo) -> socket.socket:
        """Return a socket for *info*, or raise ForbiddenTarget before anything is dialled."""
        family, kind, protocol, _, address = info
        host = str(address[0])
        if not self.allows(host):
            raise ForbiddenTarget(_refusal(host))
        return socket.socket(family=family, type=kind, proto=protocol)


def _network(text: str) -> _NetworkT:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            "--allow-target: expected a network such as 192.0.2.0/24, or 0.0.0.0/0 for all of them, "
            f"got {text!r}"
        ) from None


def _refusal(host: str) -> str:
    return f"webhooks go to loopback and private networks only, not to {host}; --allow-target permits more"


def _unmapped(network: _NetworkT) -> _NetworkT:
    """Return the IPv4 network that an IPv6 one stands for, as the addresses in it do."""
    mapped = getattr(network[0], "ipv4_mapped", None)
    if mapped is None or network.prefixlen < 96:
        return network
    return ipaddress.ip_network((mapped, network.prefixlen - 96))


def _is_never_dialled(network: _NetworkT) -> bool:
    if any(_within(network, never) for never in _LINK_LOCAL):
        return True
    # A gateway on the way would make link-local addresses of them.
    return all(any(real.is_link_local for real in _meant(end)) for end in (network[0], network[-1]))


def _within(network: _NetworkT, outer: _NetworkT) -> bool:
    return network.version == outer.version and network[0] in outer and network[-1] in outer


def _meant(address: _AddressT) -> list[_AddressT]:
    """Return an address, and those that a gateway on the way would make of it."""
    meant: list[_AddressT] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        if address.sixtofour is not None:
            meant.append(address.sixtofour)
        if address.teredo is not None:
            meant += address.teredo
        isatap = int(address) >> 32 & 0xFFFF_FFFF in _ISATAP
        if isatap or any(address in network for network in _HOLDING_IPV4):
            meant.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return meant

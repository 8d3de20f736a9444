"""
The guard: which addresses webhooks may be sent to. No address here is ever dialled.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket

import pytest
from aiohttp import web
from aiohttp.connector import AddrInfoType
from hypothesis import given
from hypothesis import strategies as st

from harness import receiving, serving
from simulator.runtime.guard import ForbiddenTarget, Guard

OWN = [
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
]

METADATA = (
    "169.254.169.254", "169.254.170.2", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "100.100.100.200",
    "192.0.0.192", "168.63.129.16", "fd00:c1::a9fe:a9fe", "fd00:42::42", "169.254.42.42", "169.254.0.23",
    "fd00:a9fe:a9fe::1", "fd00:100::100:200",
)  # fmt: skip


class Nowhere(Guard):
    """
    A guard that allows nothing at all, not even loopback, and notes what it was asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def allows(self, host: str) -> bool:
        """Refuse."""
        self.asked.append(host)
        return False


def info(host: str) -> AddrInfoType:
    """Return what a resolver says about *host*."""
    if ":" in host:
        return (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, 9, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, 9))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.255.255.254",
        "::1",
        "10.0.0.7",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "fd00::1",
    ],
)
def test_own_networks__are_allowed(host: str) -> None:
    """
    Loopback and private networks may be called with no configuration.
    """
    made = Guard().make_socket(info(host))
    made.close()

    assert made.type == socket.SOCK_STREAM


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8",
        "172.15.255.255",
        "172.32.0.0",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "192.0.2.1",
        "100.64.0.1",
        "169.254.169.254",
        "fe80::1",
        "2001:4860:4860::8888",
        "::",
        "ff02::1",
        "::ffff:8.8.8.8",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
    ],
)
def test_everything_else__is_refused_before_a_socket_exists(host: str) -> None:
    """
    No socket is made for any other address, and the refusal says what would permit it.
    """
    with pytest.raises(ForbiddenTarget) as refusal:
        Guard().make_socket(info(host))

    assert str(refusal.value) == (
        f"webhooks go to loopback and private networks only, not to {host}; --allow-target permits more"
    )


def test_ipv4_in_ipv6__is_judged_as_ipv4() -> None:
    """
    An IPv4-mapped IPv6 address is what it maps to.
    """
    guard = Guard(["203.0.113.0/24"])

    judged = {
        host: guard.allows(host)
        for host in ("::ffff:127.0.0.1", "::ffff:203.0.113.9", "::ffff:203.0.114.9", "::ffff:169.254.1.1")
    }

    assert judged == {
        "::ffff:127.0.0.1": True,
        "::ffff:203.0.113.9": True,
        "::ffff:203.0.114.9": False,
        "::ffff:169.254.1.1": False,
    }


def test_link_local__is_refused_even_when_allowed() -> None:
    """
    Link-local addresses, where clouds keep their secrets, cannot be allowed at all.
    """
    guard = Guard(["0.0.0.0/0", "::/0"])

    judged = [guard.allows(host) for host in ("8.8.8.8", "169.254.169.254", "fe80::1%eth0", "2001:db8::1")]

    assert judged == [True, False, False, True]


@pytest.mark.parametrize("host", METADATA)
def test_metadata_address__is_refused_unless_it_is_named(host: str) -> None:
    """
    A cloud's own address is not dialled though all the world is allowed; by itself it may be named.
    """
    world = ["0.0.0.0/0", "::/0"]

    judged = [Guard(world).allows(host), Guard([*world, host]).allows(host), Guard([host]).allows(host)]

    assert judged == [False, True, True]


@pytest.mark.parametrize(
    "around",
    [
        "64:ff9b::{}",
        "64:ff9b:1::{}",
        "64:ff9b:1:7::{}",
        "2002:{}::1",
        "::ffff:0:{}",
        "::{}",
        "2001:db8::5efe:{}",
        "2001:db8::200:5efe:{}",
        "2001:0:{}::1",
    ],
)
def test_metadata_address__is_seen_behind_a_gateway(around: str) -> None:
    """
    Whatever leads from IPv6 to an IPv4 address leads to the one that it holds.
    """
    guard = Guard(["::/0", "0.0.0.0/0"])

    judged = [guard.allows(around.format(held)) for held in ("a9fe:a9fe", "6464:64c8", "808:808")]

    assert judged == [False, False, True]


def test_metadata_address__is_seen_behind_teredo() -> None:
    """
    Teredo writes the address of whom it leads to upside down.
    """
    guard = Guard(["::/0"])

    judged = [guard.allows(f"2001:0:808:808:0:0:{held}") for held in ("5601:5601", "f7f7:f7f7")]

    assert judged == [False, True]


@pytest.mark.parametrize(
    ("network", "named"),
    [
        ("169.254.0.0/16", "169.254.0.0/16"),
        ("169.254.1.1", "169.254.1.1/32"),
        ("fe80::/10", "fe80::/10"),
        ("fe80::1", "fe80::1/128"),
        ("::ffff:169.254.0.0/112", "169.254.0.0/16"),
        ("64:ff9b::a9fe:0/112", "64:ff9b::a9fe:0/112"),
        ("2002:a9fe::/32", "2002:a9fe::/32"),
    ],
)
def test_network_that_is_always_refused__cannot_be_allowed(network: str, named: str) -> None:
    """
    What would do nothing is refused itself, instead of being taken in silence.
    """
    with pytest.raises(ValueError) as refusal:
        Guard([network])

    assert str(refusal.value) == (
        f"--allow-target: link-local addresses are never dialled, so {named} "
        "cannot be allowed; a cloud's metadata address can, named by itself"
    )


@pytest.mark.parametrize("host", METADATA)
async def test_metadata_address__is_refused_before_it_is_dialled(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """
    Neither the address itself nor a name that resolves to it leads to a connection, or to a socket.
    """
    dialled: list[str] = []
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect

    async def dial(sock: socket.socket, address: tuple[str, int]) -> None:
        if address[0] != "127.0.0.1":
            dialled.append(address[0])
            raise OSError("a test never dials")
        await connect(sock, address)

    async def resolve(name: str, port: object, **_: object) -> object:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        where = (host, 9, 0, 0) if ":" in host else (host, 9)
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where)]

    async with serving() as bench:
        monkeypatch.setattr(loop, "sock_connect", dial)
        monkeypatch.setattr(loop, "getaddrinfo", resolve)
        literal = f"[{host}]" if ":" in host else host
        for target in (f"http://{literal}:9/", "http://metadata.invalid:9/"):
            await bench.configure(webhook={"url": target, "retry": "none"}, deliver_after="1s")
            await bench.send()
            await bench.space.driver.advance(None)
        attempts = bench.attempts()
        monkeypatch.undo()

    assert dialled == []
    assert [(status, f"not to {host};" in error) for _, status, error in attempts] == [(0, True), (0, True)]


def test_allowed_network__may_be_one_address() -> None:
    """
    A further network is a network or a single address; nothing beside it is opened.
    """
    guard = Guard(["203.0.113.7", "2001:db8::/32"])

    judged = [guard.allows(h) for h in ("203.0.113.7", "203.0.113.8", "2001:db8:1::1", "2001:db9::1")]

    assert judged == [True, False, True, False]


@given(st.ip_addresses())
def test_any_address__is_allowed_exactly_when_it_is_ones_own(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """
    Whatever the address: it is dialled only when it lies in a network of one's own.
    """
    plain = address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address
    own = any(plain.version == network.version and plain in network for network in OWN)

    assert Guard().allows(str(address)) == (own and not plain.is_link_local and str(plain) not in METADATA)


@given(st.sampled_from(OWN), st.data())
def test_own_address__is_allowed_in_any_spelling(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network, data: st.DataObject
) -> None:
    """
    Addresses of one's own networks pass, mapped into IPv6 as well.
    """
    address = data.draw(st.ip_addresses(network=network))

    assert Guard().allows(str(address)) == (str(address) not in METADATA)
    if isinstance(address, ipaddress.IPv4Address):
        assert Guard().allows(f"::ffff:{address}")


async def test_forbidden_target__is_recorded_and_never_connected_to() -> None:
    """
    The attempt says why nothing was sent, and the target sees no connection at all.
    """
    connections: list[object] = []
    listener = await asyncio_server(connections)
    port = listener.sockets[0].getsockname()[1]
    guard = Nowhere()
    async with serving(guard=guard) as bench:
        await bench.configure(
            webhook={"url": f"http://127.0.0.1:{port}/dlr", "retry": "none"}, deliver_after="1s"
        )
        await bench.send()

        await bench.space.driver.advance(None)

        assert bench.attempts() == [
            (
                1_000,
                0,
                "webhooks go to loopback and private networks only, not to 127.0.0.1; "
                "--allow-target permits more",
            )
        ]
        # When it was set, and when it was to be dialled.
        assert guard.asked == ["127.0.0.1", "127.0.0.1"]
        assert connections == []
    listener.close()
    await listener.wait_closed()


async def test_name__is_judged_by_what_it_resolves_to() -> None:
    """
    A host name does not get around the guard: the address behind it is what counts.
    """
    connections: list[object] = []
    listener = await asyncio_server(connections)
    port = listener.sockets[0].getsockname()[1]
    guard = Nowhere()
    async with serving(guard=guard) as bench:
        await bench.configure(
            webhook={"url": f"http://localhost:{port}/", "retry": "none"}, deliver_after="1s"
        )
        await bench.send()

        await bench.space.driver.advance(None)

        assert set(guard.asked) <= {"127.0.0.1", "::1"}
        assert guard.asked
        assert connections == []
    listener.close()
    await listener.wait_closed()


async def test_redirect__is_not_followed() -> None:
    """
    A receiver cannot send the dispatcher elsewhere: a redirect is an answer like any other.
    """
    async with receiving() as receiver, receiving() as elsewhere, serving() as bench:

        async def redirect(request: web.Request) -> web.Response:
            return web.Response(status=307, headers={"Location": f"{elsewhere.url}/"})

        receiver.answer = redirect
        await bench.configure(webhook={"url": receiver.url, "retry": "none"}, deliver_after="1s")
        await bench.send()

        await bench.space.driver.advance(None)

        assert bench.attempts() == [(1_000, 307, "")]
        assert elsewhere.received == []


async def asyncio_server(connections: list[object]) -> asyncio.Server:
    """Return a listener on loopback that notes every connection."""

    def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer.get_extra_info("peername"))
        writer.close()

    return await asyncio.start_server(note, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("http://169.254.169.254/x", True),
        ("http://user:secret@[fd00:ec2::254]:80/", True),
        ("https://[::ffff:169.254.169.254]/", True),
        ("http://127.0.0.1:9000/", False),
        ("http://[::1]/", False),
        ("http://a.name.that.nobody.has/", False),
        ("http://[broken/", False),
        ("", False),
    ],
)
def test_literal_addresses__are_told_before_anything_is_sent(url: str, refused: bool) -> None:
    """
    What an address itself says is known when it is named; a name is looked up only when it is called.
    """
    reason = Guard().why_not(url)

    assert bool(reason) == refused
    assert "secret" not in reason


def test_what_is_no_network_is_refused_with_an_example() -> None:
    """
    Whoever wants all of them reads how that is written.
    """
    expected = (
        "--allow-target: expected a network such as 192.0.2.0/24, or 0.0.0.0/0 for all of them, got 'all'"
    )

    with pytest.raises(ValueError, match=re.escape(expected)):
        Guard(["all"])


def test_network_in_its_ipv6_spelling_is_allowed_like_the_ipv4_one() -> None:
    """
    Addresses are judged by what they stand for, and so are networks.
    """
    guard = Guard(["::ffff:203.0.113.0/120"])

    assert [guard.allows(host) for host in ("203.0.113.7", "::ffff:203.0.113.7", "203.0.114.7")] == [
        True,
        True,
        False,
    ]

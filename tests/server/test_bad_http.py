"""
Odd and broken HTTP: one plain answer, no trace, and the server goes on.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
from collections.abc import Iterator

import pytest

from house import KEY, House, in_shape, open_house
from simulator.thread import ServerThread

SEND = "/infobip/sms/2/text/advanced"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Yield a server that runs for all tests of this module."""
    with open_house() as opened:
        yield opened


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"])
@pytest.mark.parametrize("path", ["/sms/2/text/advanced", "/nothing", "", "/", "/sms/3/nothing"])
def test_unknown_path_or_method__is_the_providers_404(house: House, method: str, path: str) -> None:
    """
    What is not served gets the provider's own not-found body, whatever the method.
    """
    status, kind, body = house.call(method, f"/infobip{path}")

    assert status == 404
    if method != "HEAD":
        in_shape(status, kind, body, modern=False)
    house.is_well()


@pytest.mark.parametrize(
    "path",
    [
        "/infobip//sms//2/text/advanced",
        "/infobip/sms%2F2%2Ftext%2Fadvanced%00",
        "/infobip/../_sim/v1/spaces",
        "/infobip/%2e%2e/_sim/v1/spaces",
        "/infobip/sms/2/text/advanced;x=1",
        "/infobip/%ff%fe",
        "/infobip/%",
        "/s//infobip/x",
        "/s/infobip",
        "/s",
        "/_sim",
        "/_sim/v1/spaces/%2e%2e/clock",
        "/_sim/v1//spaces",
        "//",
        "/INFOBIP/sms/2/text/advanced",
    ],
)
def test_odd_path__is_not_found(house: House, path: str) -> None:
    """
    Doubled slashes, dots, encoded slashes and broken escapes lead nowhere, and never to the control API.
    """
    status, _, body = house.call("POST", path, b"{}")

    assert status in (404, 405)
    assert b"Traceback" not in body
    house.is_well()


def test_gzip_body__is_read_or_refused(house: House) -> None:
    """
    A compressed body is understood; a false claim of compression, or one that unfolds hugely, is refused.
    """
    good = json.dumps({"messages": [{"destinations": [{"to": "41793026727"}], "text": "x"}]}).encode()
    headers = {**KEY, "Content-Encoding": "gzip"}

    statuses = [
        house.call("POST", SEND, body, headers)[0]
        for body in (gzip.compress(good), good, gzip.compress(b" " * 50_000_000), b"")
    ]

    assert statuses == [200, 400, 400, 400]
    house.is_well()


GOOD = b'{"messages":[{"destinations":[{"to":"41793026727"}],"text":"x"}]}'
HEAD = (
    b"POST /infobip/sms/2/text/advanced HTTP/1.1\r\nHost: localhost\r\nAuthorization: App k\r\n"
    b"Content-Type: application/json\r\n"
)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD, b"200"),
        (
            HEAD
            + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(GOOD)
            + GOOD,
            b"100",
        ),
        (HEAD + b"Connection: close\r\nExpect: miracles\r\nContent-Length: 2\r\n\r\n{}", b"417"),
        (
            HEAD
            + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
            % (len(GOOD), GOOD),
            b"200",
        ),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", b"400"),
        (HEAD + b"Content-Length: -5\r\n\r\n", b"400"),
        (HEAD + b"Content-Length: x\r\n\r\n", b"400"),
        (b"POST\r\n\r\n", b"400"),
        (b"BREW /infobip/x HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
        (b"GET / HTTP/9.9\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nBad Header : x\r\n\r\n", b"400"),
        # Without a Host; the oldest aiohttp that we admit lets it through, to where there is nothing.
        (b"GET /infobip/x HTTP/1.1\r\nAuthorization: App k\r\nConnection: close\r\n\r\n", b"40"),
        (
            b"GET http://evil.example/_sim/v1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            b"403",
        ),
        (b"GET //evil.example/_sim HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
        (b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
    ],
)
def test_odd_http__is_answered_without_a_trace(house: House, sent: bytes, status: bytes) -> None:
    """
    Malformed and unusual HTTP gets one status line, and nothing is logged.
    """
    answer = house.raw(sent)

    assert answer.startswith((b"HTTP/1.1 " + status, b"HTTP/1.0 " + status)), answer[:300]
    assert b"Traceback" not in answer
    house.is_well()


@pytest.mark.parametrize("cut", [1, 20, 60, len(HEAD), len(HEAD) + 20, len(HEAD) + 40])
def test_half_sent_request__does_nothing(house: House, cut: int) -> None:
    """
    A client that hangs up in the middle of a request has sent nothing.
    """
    before = house.messages()
    whole = HEAD + b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD

    house.raw(whole[:cut], hang_up=True)

    assert house.messages() == before
    house.is_well()


def test_connections__are_capped_and_freed() -> None:
    """
    Half-sent requests cannot take every connection there is; when they go, others may come.
    """
    with ServerThread(connections_max=3) as server:
        port = int(server.url.rpartition(":")[2])
        idle = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(3)]
        for wire in idle:
            wire.sendall(HEAD)
        with socket.create_connection(("127.0.0.1", port), timeout=5) as refused:
            answer = refused.recv(100)
        for wire in idle:
            wire.close()
        for _ in range(200):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
                wire.sendall(b"GET /_sim/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                with contextlib.suppress(ConnectionError):
                    if status := wire.recv(12):
                        break

    assert answer == b""
    assert status == b"HTTP/1.1 200"

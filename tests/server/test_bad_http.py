"""
Odd and broken HTTP: one plain answer, no trace, and the server goes on.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import zlib
from collections.abc import Iterator
from urllib.parse import urlencode
from urllib.request import urlopen

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
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nBad Header : x\r\n\r\n", b"400"),
        (b"GET /infobip/x HTTP/1.1\r\nAuthorization: App k\r\nConnection: close\r\n\r\n", b"400"),
        (
            b"GET /infobip/x HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nAuthorization: App k\r\n"
            b"Connection: close\r\n\r\n",
            b"400",
        ),
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


@pytest.mark.parametrize("provider", ["infobip", "rbm", "bip", "bitel"])
@pytest.mark.parametrize("tail", ["/x%0Ay", "/%0A", "%0A"])
def test_line_feed_in_a_path__is_the_providers_404(house: House, provider: str, tail: str) -> None:
    """
    A path may hold an escaped line feed; it leads to the provider's own not-found body, and says why.
    """
    answer = house.raw(
        f"GET /{provider}{tail} HTTP/1.1\r\nHost: localhost\r\nTE: x\r\nConnection: close\r\n\r\n".encode()
    )

    assert answer.startswith(b"HTTP/1.1 404")
    assert tail == "%0A" or b"X-Simulator-Reason: " in answer
    assert b"404: Not Found" not in answer
    house.is_well()


def test_line_feed_in_a_path__of_the_control_api_is_a_problem(house: House) -> None:
    """
    Nothing is there, which is a problem like every other.
    """
    status, kind, _ = house.call("GET", "/_sim/v1/spaces/a%0Ab")

    assert (status, kind) == (404, "application/problem+json")
    house.is_well()


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "x"])
def test_unknown_packing__is_refused_in_the_providers_shape(house: House, encoding: str) -> None:
    """
    A body that is packed in a way nobody here knows is refused as any other that cannot be read.
    """
    headers = {**KEY, "Content-Encoding": encoding}

    status, kind, body = house.call("POST", SEND, GOOD, headers)
    control_status, control_kind, _ = house.call("POST", "/_sim/v1/spaces", b"{}", headers)

    in_shape(status, kind, body, modern=False)
    assert (control_status, control_kind) == (400, "application/problem+json")
    house.is_well()


@pytest.mark.parametrize("kind", ["gzip", "zlib", "raw deflate", "two members"])
def test_packed_body__is_read(house: House, kind: str) -> None:
    """
    Bodies may be packed by gzip and deflate, wrapped or not, and in several members.
    """
    raw = zlib.compressobj(wbits=-15)
    body = {
        "gzip": gzip.compress(GOOD),
        "two members": gzip.compress(GOOD[:9]) + gzip.compress(GOOD[9:]),
        "zlib": zlib.compress(GOOD),
        "raw deflate": raw.compress(GOOD) + raw.flush(),
    }[kind]
    encoding = "gzip" if kind in ("gzip", "two members") else "deflate"

    status, _, _ = house.call("POST", SEND, body, {**KEY, "Content-Encoding": encoding})

    assert status == 200
    house.is_well()


def test_longest_text_in_a_query__is_sent(house: House) -> None:
    """
    The longest text that a query may send, each of its letters escaped, is no line too long.
    """
    text = "\N{CYRILLIC SMALL LETTER ZHE}" * (67 * 25)
    query = urlencode({"username": "u", "password": "p", "to": "41793026727", "text": text})

    status, _, body = house.call("GET", f"/infobip/sms/1/text/query?{query}", headers={})

    assert (status, json.loads(body)["messages"][0]["smsCount"]) == (200, 25)
    house.is_well()


def test_what_is_no_http__is_a_problem_and_counted(house: House) -> None:
    """
    What cannot be read is answered as a problem, counted, and noted in the journal with the reason.
    """
    before = house.server.control.call("GET", "/spaces/default/journal", query={"limit": "100000"})

    answer = house.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nBad Header : x\r\n\r\n")
    after = house.server.control.call("GET", "/spaces/default/journal", query={"limit": "100000"})
    metrics = house.call("GET", "/_sim/metrics")[2].decode()

    assert b"application/problem+json" in answer
    assert len(after) == len(before) + 1
    assert "a request was no HTTP/1.1" in json.dumps(after[-1])
    assert "simulator_unreadable_requests_total 0.0" not in metrics
    house.is_well()


@pytest.mark.parametrize("http", ["own", "aiohttp"])
@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        (HEAD + b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD, 1),
        (HEAD + b"TE: x\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD, 1),
        ((HEAD + b"TE: x\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD) * 3, 3),
        (b"GET /_sim/v1/spaces HTTP/1.1\r\nHost: localhost\r\n\r\n", 1),
        (b"GET /_sim/v1/spaces/default/wait?within=50ms HTTP/1.1\r\nHost: localhost\r\n\r\n", 1),
        (HEAD + b"TE: x\r\nContent-Length: 9\r\n\r\n{", 1),
        (HEAD + b"Content-Length: 9\r\n\r\n{", 1),
        (HEAD + b"TE: x\r\n", 0),
        (b"", 0),
    ],
)
def test_client_that_has_said_all__gets_its_answers(sent: bytes, statuses: int, http: str) -> None:
    """
    After its last byte a client may close its side, and reads every answer, and then the end.
    """
    with ServerThread(http=http) as server, socket.create_connection(("127.0.0.1", port_of(server))) as wire:
        wire.settimeout(20)
        wire.sendall(sent)
        wire.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := wire.recv(65_536):
            answer += chunk

    assert answer.count(b"HTTP/1.1 ") == statuses


@pytest.mark.parametrize("http", ["own", "aiohttp"])
@pytest.mark.parametrize(
    "sent",
    [
        HEAD,
        HEAD + b"Content-Length: 9\r\n\r\n{",
        HEAD + b"TE: x\r\n",
        HEAD + b"TE: x\r\nContent-Length: 9\r\n\r\n{",
        b"POST /_sim/v1/spaces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
    ],
)
def test_request_whose_rest_does_not_come__gives_its_place_back(sent: bytes, http: str) -> None:
    """
    Head and body have a time-out, and what it ends is counted; an answer that is waited for has none.
    """
    with ServerThread(patience_real_s=0.05, http=http) as server:
        port = port_of(server)
        with socket.create_connection(("127.0.0.1", port)) as patient:
            patient.settimeout(20)
            patient.sendall(b"GET /_sim/v1/spaces/default/wait?within=1s HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with socket.create_connection(("127.0.0.1", port)) as wire:
                wire.settimeout(20)
                wire.sendall(sent)
                while wire.recv(65_536):
                    pass
            waited = patient.recv(20)
        metrics = urlopen(f"{server.url}/_sim/metrics", timeout=5).read().decode()

    assert waited.startswith(b"HTTP/1.1 408")
    assert "simulator_connections_timed_out_total 1.0" in metrics


def port_of(server: ServerThread) -> int:
    """Return where a server listens."""
    return int(server.url.rpartition(":")[2])


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
        metrics = b""
        for _ in range(200):
            with (
                contextlib.suppress(ConnectionError),
                socket.create_connection(("127.0.0.1", port), timeout=5) as wire,
            ):
                wire.sendall(b"GET /_sim/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                while piece := wire.recv(65_536):
                    metrics += piece
            if metrics:
                break

    assert answer == b""
    assert metrics.startswith(b"HTTP/1.1 200")
    assert b"simulator_connections_refused_total 0.0" not in metrics

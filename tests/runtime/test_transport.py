"""
What every transport promises, asked of the simulator's own client and of aiohttp's.

Some promises only the own client keeps; they stand at the end.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest
from aiohttp import ClientPayloadError, ServerDisconnectedError
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import until
from raw import OK, Line, answering, raw
from simulator.kernel.model.causes import Cause
from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.runtime.guard import ForbiddenTarget, Guard
from simulator.runtime.transport import seam
from simulator.runtime.transport.by_aiohttp import AiohttpTransport, reply_for
from simulator.runtime.transport.client import open_client
from simulator.runtime.transport.connection import Connection
from simulator.runtime.transport.own import OwnTransport
from simulator.runtime.transport.redirects import followed
from simulator.runtime.transport.seam import CUT, ENDED_EARLY, Reply, Terms, Transport

Make = Callable[..., Transport]
BOTH = pytest.mark.parametrize("make", [OwnTransport, AiohttpTransport], ids=["own", "aiohttp"])
MORE = "more came than the answer may hold"
RESET = Reply(0, error="the connection was reset before an answer", cause=Cause.RESET)


async def answered(transport: Transport, request: WebhookRequest, terms: Terms) -> Reply:
    """Return the reply to a request, but for the head of the answer."""
    return (await seam.answered(transport, request, terms))._replace(head=b"")


def post(url: str, body: bytes = b"{}", **rest: object) -> WebhookRequest:
    """Return a request with a body."""
    return WebhookRequest(url=url, body=body, headers=(("X-Sign", "abc"),), **rest)  # type: ignore[arg-type]


class Given(NamedTuple):
    """
    An answer as it goes over the wire, and what is to be made of it.
    """

    name: str
    pieces: tuple[bytes, ...]
    reply: Reply
    close: bool = False


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
ANSWERS = [
    Given("plain", (OK,), Reply(200, b"ok")),
    Given("byte by byte", tuple(bytes([byte]) for byte in OK), Reply(200, b"ok")),
    Given("chunked", (CHUNKED,), Reply(200, b"ok")),
    Given("chunked byte by byte", tuple(bytes([byte]) for byte in CHUNKED), Reply(200, b"ok")),
    Given("closed at the end", (b"HTTP/1.1 200 OK\r\n\r\n", b"ok"), Reply(200, b"ok"), close=True),
    Given("http 1.0", (b"HTTP/1.0 200 OK\r\n\r\nok",), Reply(200, b"ok"), close=True),
    Given("line feeds only", (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",), Reply(200, b"ok")),
    Given("no reason", (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",), Reply(200, b"ok")),
    Given("blank reason", (b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok",), Reply(200, b"ok")),
    Given("continue first", (b"HTTP/1.1 100 Continue\r\n\r\n" + OK,), Reply(200, b"ok")),
    Given("hints first", (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", OK), Reply(200, b"ok")),
    Given("nothing to say", (b"HTTP/1.1 204 No Content\r\n\r\n",), Reply(204)),
    Given("refusal", (b"HTTP/1.1 503 Busy\r\nContent-Length: 3\r\n\r\nnot",), Reply(503, b"not")),
    Given(
        "redirect",
        (b"HTTP/1.1 302 Found\r\nlocation:  /there \r\nContent-Length: 0\r\n\r\n",),
        Reply(302, location="/there"),
    ),
    Given(
        "redirect without a place",
        (b"HTTP/1.1 302 Found\r\nContent-Length: 17\r\n\r\n\nLocation: /there",),
        Reply(302, b"\nLocation: /there"),
    ),
    Given(
        "redirect after hints",
        (
            b"HTTP/1.1 103 Early Hints\r\nLocation: /early\r\n\r\n",
            b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
        ),
        Reply(302, location="/there"),
    ),
    Given(
        "neither length nor chunks",
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nok",),
        Reply(200, b"ok"),
        close=True,
    ),
    Given(
        "shorter than announced",
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",),
        Reply(200, b"ok", note=ENDED_EARLY),
        close=True,
    ),
    Given(
        "chunks broken off",
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",),
        Reply(200, b"ok", note=ENDED_EARLY),
        close=True,
    ),
    Given(
        "longer than kept",
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x" * 900),
        Reply(200, b"x" * 512),
    ),
]


def named(case: Given) -> str:
    """Return the name of a case."""
    return case.name


@BOTH
@pytest.mark.parametrize("case", ANSWERS, ids=named)
async def test_answer__is_read(make: Make, case: Given) -> None:
    """
    Any answer that can be read is, twice in a row.
    """
    async with raw(answering(*case.pieces, close=case.close)) as receiver, make(Guard()) as transport:
        replies = [await answered(transport, post(receiver.url), Terms()) for _ in range(2)]

        assert replies == [case.reply, case.reply]


@BOTH
async def test_answer_that_came_before__is_read_by_the_terms_of_each_request(make: Make) -> None:
    """
    What was kept of an answer says nothing about what is to be kept of the next one like it.
    """
    keep = (512, 1, 512, 0, 1)
    async with raw(answering(OK)) as receiver, make(Guard()) as transport:
        replies = [
            await seam.answered(transport, post(receiver.url), Terms(keep_bytes_max=most)) for most in keep
        ]

        assert [reply.body for reply in replies] == [b"ok"[:most] for most in keep]
        assert {tuple(reply.headers) for reply in replies} == {tuple(replies[0].headers)}
        assert [len(line.requests) for line in receiver.lines] == [5]


async def test_answer_in_two_pieces_alike__is_not_taken_for_one() -> None:
    """
    A body that says what its head said is read to its end each time, and never as the next answer.
    """
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 39\r\n\r\n"
    refusal = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"

    async def handle(line: Line) -> None:
        for number in range(1, 3):
            await line.take()
            await line.say(head)
            await until(lambda number=number: len(readings) == 2 * number - 1)  # type: ignore[misc]
            await line.say(head)
        await line.take()
        await line.say(refusal)

    readings: list[int] = []
    update = Connection.buffer_updated

    def noting(connection: Connection, nbytes: int) -> None:
        readings.append(nbytes)
        update(connection, nbytes)

    async with raw(handle) as receiver, OwnTransport(Guard()) as transport:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Connection, "buffer_updated", noting)
            replies = [await answered(transport, post(receiver.url), Terms()) for _ in range(3)]

    assert [reply.status for reply in replies] == [200, 200, 500]
    assert len(receiver.lines) == 1


@BOTH
async def test_headers_of_an_answer__are_those_of_the_last_head(make: Make) -> None:
    """
    They are told as they came, each by itself, without those of an interim answer.
    """
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After:  7 \r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 3\r\n\r\nnot"
    async with raw(answering(interim, busy)) as receiver, make(Guard()) as transport:
        reply = await seam.answered(transport, post(receiver.url), Terms())

        assert reply.headers == [("Retry-After", "7"), ("X-A", "1"), ("X-A", "2"), ("Content-Length", "3")]


@BOTH
async def test_request__arrives_as_it_was_given(make: Make) -> None:
    """
    Path, query, headers and body are on the wire what they are in the request; nothing is quoted anew.
    """
    async with raw(answering(OK)) as receiver, make(Guard()) as transport:
        path = "/r/../s/%41%2f?token=a%2Fb%3D%3D&x=[1]&to=%2B41&%zz"

        await answered(transport, post(receiver.url + path + "#here", b'{"a":1}'), Terms())

        head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        assert first == f"POST {path} HTTP/1.1"
        assert {f"Host: {receiver.where}", "X-Sign: abc", "Content-Length: 7"} <= set(lines)
        assert body == b'{"a":1}'
        assert sorted(line.partition(":")[0] for line in lines) == [
            "Accept",
            "Content-Length",
            "Host",
            "User-Agent",
            "X-Sign",
        ]


@BOTH
async def test_user_of_the_address__is_authorised(make: Make) -> None:
    """
    User and password of an address go into a header, not into the request line.
    """
    async with raw(answering(OK)) as receiver, make(Guard()) as transport:
        await answered(transport, post(f"http://me:p%40ss@{receiver.where}/x"), Terms())

        lines = receiver.requests[0].split(b"\r\n")
        assert lines[0] == b"POST /x HTTP/1.1"
        assert b"Authorization: Basic bWU6cEBzcw==" in lines


@BOTH
async def test_ipv6__is_dialled_and_named(make: Make) -> None:
    """
    An address in brackets is called, and its brackets stay in the Host header.
    """
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    async with raw(answering(OK), host="::1") as receiver, make(Guard()) as transport:
        reply = await answered(transport, post(f"http://[::1]:{receiver.port}/"), Terms())

        assert reply == Reply(200, b"ok")
        assert f"Host: [::1]:{receiver.port}".encode() in receiver.requests[0].split(b"\r\n")


@BOTH
async def test_connection__is_used_again(make: Make) -> None:
    """
    One after the other, requests share a connection.
    """
    async with raw(answering(OK)) as receiver, make(Guard()) as transport:
        for _ in range(5):
            await answered(transport, post(receiver.url), Terms())

        assert [len(line.requests) for line in receiver.lines] == [5]


@BOTH
async def test_connections__are_limited_per_target(make: Make) -> None:
    """
    No more connections to one target are open than allowed, and all requests get their turn.
    """
    gate = asyncio.Event()

    async def hesitate(line: Line) -> None:
        while await line.take():
            await gate.wait()
            await line.say(OK)

    async with raw(hesitate) as receiver, make(Guard(), 3) as transport:
        waiting = asyncio.gather(*(answered(transport, post(receiver.url), Terms()) for _ in range(20)))
        await until(lambda: len(receiver.requests) == 3)
        gate.set()

        replies = await waiting

        assert [reply.status for reply in replies] == [200] * 20
        assert receiver.open_most == 3


@BOTH
async def test_nobody_listens__is_said_so(make: Make) -> None:
    """
    A port where nobody listens is a failure with a cause and words for people.
    """
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        async with make(Guard()) as transport:
            reply = await answered(transport, post(f"http://127.0.0.1:{port}/x"), Terms())

    assert reply == Reply(0, error=f"nobody listens at 127.0.0.1:{port}", cause=Cause.REFUSED)


@BOTH
async def test_forbidden_address__is_not_dialled(make: Make) -> None:
    """
    What the guard forbids is refused before a connection is tried, a name by what is behind it.
    """

    class Nowhere(Guard):
        def allows(self, host: str) -> bool:
            return False

    async with raw(answering(OK)) as receiver, make(Nowhere()) as transport:
        replies = [
            await answered(transport, post(f"http://{host}:{receiver.port}/"), Terms())
            for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]")
        ]

        assert [reply.cause for reply in replies] == [Cause.FORBIDDEN] * 3
        assert replies[0].error == (
            "webhooks go to loopback and private networks only, not to 127.0.0.1; --allow-target permits more"
        )
        assert receiver.lines == []


@BOTH
@pytest.mark.parametrize(
    "url", ["", "x", "ftp://127.0.0.1/", "http://", "http:///x", "http://127.0.0.1:99999/", "http://[::1/"]
)
async def test_what_is_no_url__is_unsendable(make: Make, url: str) -> None:
    """
    An address that cannot be called is a failure like any other.
    """
    async with make(Guard()) as transport:
        reply = await answered(transport, post(url), Terms())

    assert (reply.status, reply.cause) == (0, Cause.UNSENDABLE)
    assert reply.error


@BOTH
async def test_header_with_a_line_break__is_not_sent(make: Make) -> None:
    """
    Nothing of a request is sent whose headers would become other ones on the wire.
    """
    async with raw(answering(OK)) as receiver, make(Guard()) as transport:
        request = WebhookRequest(url=receiver.url, body=b"", headers=(("X", "a\r\nY: b"),))

        reply = await answered(transport, request, Terms())

        assert (reply.status, reply.cause) == (0, Cause.UNSENDABLE)
        assert reply.error
        assert receiver.requests == []


@BOTH
async def test_end_before_an_answer__is_a_reset(make: Make) -> None:
    """
    Whether closed in order or cut: no answer came, and nothing is repeated on a fresh connection.
    """
    for end in (Line.close, Line.reset):

        async def hang_up(line: Line, end: Callable[[Line], None] = end) -> None:
            await line.take()
            end(line)

        async with raw(hang_up) as receiver, make(Guard()) as transport:
            reply = await answered(transport, post(receiver.url), Terms())

            assert reply == RESET
            assert len(receiver.requests) == 1


@BOTH
async def test_what_is_not_http__is_unreadable(make: Make) -> None:
    """
    Garbage is no answer.
    """
    async with (
        raw(answering(b"\x00\xff not http at all\r\n\r\n", close=True)) as receiver,
        make(Guard()) as transport,
    ):
        reply = await answered(transport, post(receiver.url), Terms())

        assert (reply.status, reply.cause) == (0, Cause.UNREADABLE)
        assert reply.error.startswith("the answer is not HTTP")


@BOTH
async def test_endless_body__is_cut(make: Make) -> None:
    """
    An answer without end costs a bounded read; the receiver is told by the end of the connection.
    """
    poured = 0

    async def pour(line: Line) -> None:
        nonlocal poured
        await line.take()
        await line.say(b"HTTP/1.1 200 OK\r\n\r\n")
        while poured < 500_000_000:
            await line.say(b"x" * 65_536)
            poured += 65_536

    async with raw(pour) as receiver, make(Guard()) as transport:
        reply = await answered(transport, post(receiver.url), Terms())

        assert reply == Reply(200, b"x" * 512, note=CUT)
        assert poured < 100_000_000


async def stay_silent(line: Line) -> None:
    """Take a request and say nothing."""
    await line.take()
    await line.end()


async def say_half(line: Line) -> None:
    """Answer, but never to the end."""
    await line.take()
    await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
    await line.end()


@BOTH
@pytest.mark.parametrize("handle", [stay_silent, say_half], ids=["waiting", "reading"])
async def test_time_out__is_for_all_of_it(make: Make, handle: Callable[[Line], Awaitable[None]]) -> None:
    """
    Waited for in vain or answered in part: when the time is over there was no answer, and the line is cut.
    """
    async with raw(handle) as receiver, make(Guard()) as transport:
        reply = await answered(transport, post(receiver.url), Terms(timeout_real_ms=60))

        assert reply == Reply(0, error="timed out after 0.06 s", cause=Cause.TIMED_OUT)
        await until(lambda: receiver.open == 0)


@BOTH
async def test_time_out__while_connecting(make: Make) -> None:
    """
    A receiver that does not even take the connection ends with the time-out, too.
    """
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        fillers = []
        try:
            for _ in range(3):
                filler = socket.socket()
                filler.setblocking(False)
                fillers.append(filler)
                filler.connect_ex(busy.getsockname())
            tasks = asyncio.all_tasks()
            async with make(Guard()) as transport:
                url = f"http://127.0.0.1:{busy.getsockname()[1]}/"

                reply = await answered(transport, post(url), Terms(timeout_real_ms=60))

                assert reply.cause is Cause.TIMED_OUT
                await until(lambda: asyncio.all_tasks() == tasks)
        finally:
            for filler in fillers:
                filler.close()


@BOTH
async def test_cancelled__ends_the_connection_and_leaves_nothing(make: Make) -> None:
    """
    Whoever does not want the answer any more is not told, and no task or connection stays.
    """
    async with raw(stay_silent) as receiver, make(Guard()) as transport:
        told: list[Reply] = []
        tasks = asyncio.all_tasks()
        sending = transport.send(post(receiver.url), Terms(), lambda _, reply: told.append(reply), None)
        await until(lambda: len(receiver.requests) == 1)

        sending.cancel()

        await until(lambda: receiver.open == 0)
        await until(lambda: asyncio.all_tasks() == tasks)
        assert told == []


@BOTH
async def test_close__tells_whoever_waits(make: Make) -> None:
    """
    What is on its way and what waits for a connection ends with the transport; nothing stays open.
    """
    async with raw(stay_silent) as receiver:
        tasks = asyncio.all_tasks()
        transport = make(Guard(), 2)
        replies: list[Reply] = []
        for _ in range(5):
            transport.send(post(receiver.url), Terms(), lambda _, reply: replies.append(reply), None)
        await until(lambda: len(receiver.requests) == 2)

        await transport.close()

        await until(lambda: receiver.open == 0)
        assert [reply.cause for reply in replies] == [Cause.BROKEN_OFF] * 5
        await until(lambda: asyncio.all_tasks() <= tasks)


@BOTH
async def test_slow_body__goes_out_in_pieces(make: Make) -> None:
    """
    A body that is to be slow takes its time and arrives whole.
    """
    pieces: list[bytes] = []

    async def watch(line: Line) -> None:
        while b"0123456789" * 3 not in b"".join(pieces):
            pieces.append(await line.read())
        await line.say(OK)
        await line.end()

    async with raw(watch) as receiver, make(Guard()) as transport:
        request = post(receiver.url, b"0123456789" * 3, slow_real_ms=50)

        reply = await answered(transport, request, Terms())

        assert reply == Reply(200, b"ok")
        assert len(pieces) > 2
        assert b"Content-Length: 30\r\n" in b"".join(pieces)


@BOTH
async def test_done__that_fails_harms_nobody_else(make: Make) -> None:
    """
    A failure of whoever is told is the event loop's to report; the next answer comes.
    """
    troubles: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: troubles.append(str(context["exception"])))

    def fail(tag: str, reply: Reply) -> None:
        raise RuntimeError(f"{tag} {reply.status}")

    async with raw(answering(OK)) as receiver, make(Guard()) as transport:
        transport.send(post(receiver.url), Terms(), fail, "mine")
        await until(lambda: troubles != [])

        reply = await answered(transport, post(receiver.url), Terms())

        assert reply.status == 200
        assert troubles == ["mine 200"]


@BOTH
async def test_redirects__are_followed_by_those_who_want_it(make: Make) -> None:
    """
    A call follows where it is sent, 303 with GET and 307 as it was.
    """

    async def handle(line: Line) -> None:
        while request := await line.take():
            if b" /a " in request:
                await line.say(b"HTTP/1.1 307 There\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")
            elif b" /b " in request:
                await line.say(b"HTTP/1.1 303 There\r\nLocation: c?d\r\nContent-Length: 0\r\n\r\n")
            else:
                await line.say(OK)

    async with raw(handle) as receiver, make(Guard()) as transport:
        reply = await followed(transport, post(f"{receiver.url}/a"), Terms())

        assert reply._replace(head=b"") == Reply(200, b"ok")
        assert [request.split(b" HTTP")[0] for request in receiver.requests] == [
            b"POST /a",
            b"POST /b",
            b"GET /c?d",
        ]


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (ServerDisconnectedError(), Cause.RESET),
        (ConnectionRefusedError(111, "no"), Cause.REFUSED),
        (ExceptionGroup("several", [ConnectionResetError(104, "gone")]), Cause.RESET),
        (socket.gaierror(-2, "unknown"), Cause.NAME_NOT_FOUND),
        (ssl.SSLCertVerificationError("untrusted"), Cause.UNTRUSTED),
        (ForbiddenTarget("not there"), Cause.FORBIDDEN),
        (ValueError("odd"), Cause.UNSENDABLE),
        (RuntimeError("odd"), Cause.UNREACHABLE),
    ],
    ids=lambda value: str(value),
)
def test_cause_of_a_failure(failure: Exception, cause: Cause) -> None:
    """
    The usual failures have a cause of their own, on their own or inside another one.
    """
    outer = ClientPayloadError("outside")
    outer.__cause__ = failure

    assert (reply_for(failure).cause, reply_for(outer).cause) == (cause, cause)


# -- what only the simulator's own client does --------------------------------------------------------

BLOATED = b"HTTP/1.1 200 OK\r\nSet-Cookie: " + b"x" * 20_000 + b"\r\nContent-Length: 2\r\n\r\nok"
OWN_ANSWERS = [
    Given(
        "204 with a body",
        (b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\nOK",),
        Reply(204, note=MORE),
        close=True,
    ),
    Given(
        "204 that announces a body",
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", b"OK"),
        Reply(204, note=MORE),
    ),
    Given(
        "data after the end",
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok, bye",),
        Reply(200, b"ok", note=MORE),
        close=True,
    ),
    Given("a second answer", (OK + OK,), Reply(200, b"ok", note=MORE)),
    Given("garbage after the answer", (OK + b"\x00garbage",), Reply(200, b"ok", note=MORE)),
    Given("large cookie", (BLOATED,), Reply(200, b"ok")),
    Given(
        "half a head", (b"HTTP/1.1 202 Accepted\r\nContent-Len",), Reply(202, note=ENDED_EARLY), close=True
    ),
    Given("half a status line", (b"HTTP/1.1 20",), RESET, close=True),
    Given("only an interim answer", (b"HTTP/1.1 100 Continue\r\n\r\n",), RESET, close=True),
]


@pytest.mark.parametrize("case", OWN_ANSWERS, ids=named)
async def test_status_line__decides(case: Given) -> None:
    """
    Once the status line has come the request is answered, however odd the rest; without it, it is not.
    """
    async with raw(answering(*case.pieces, close=case.close)) as receiver, OwnTransport(Guard()) as own:
        replies = [await answered(own, post(receiver.url), Terms()) for _ in range(2)]

        assert replies == [case.reply, case.reply]


async def test_head_that_cannot_be_read__leaves_the_status() -> None:
    """
    A broken header after a good status line is noted; the connection is not used again.
    """
    broken = b"HTTP/1.1 201 Created\r\nContent-Length: many\r\n\r\n"
    async with raw(answering(broken)) as receiver, OwnTransport(Guard()) as own:
        reply = await answered(own, post(receiver.url), Terms())

        assert reply.status == 201
        assert reply.note.startswith("the rest of the answer cannot be read")
        await until(lambda: receiver.open == 0)


async def test_endless_head__is_cut() -> None:
    """
    Headers without end are read to a limit.
    """

    async def pour(line: Line) -> None:
        await line.take()
        await line.say(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100_000):
            await line.say(b"X: " + b"y" * 1_000 + b"\r\n")

    async with raw(pour) as receiver, OwnTransport(Guard()) as own:
        reply = await answered(own, post(receiver.url), Terms())

        assert reply.status == 200
        assert reply.note == (
            "the rest of the answer cannot be read: the head of the answer is longer than 65536 bytes"
        )


@pytest.mark.parametrize("end", [Line.close, Line.reset], ids=["closed", "reset"])
async def test_used_connection_that_ends_before_an_answer__is_replaced(end: Callable[[Line], None]) -> None:
    """
    A receiver that let go of a kept connection gets the request again at once, over a new one.
    """

    async def once(line: Line) -> None:
        await line.take()
        await line.say(OK)
        await line.take()
        end(line)

    async with raw(once) as receiver, OwnTransport(Guard()) as own:
        replies = [await answered(own, post(receiver.url), Terms()) for _ in range(4)]

        assert [reply.status for reply in replies] == [200] * 4
        assert [len(line.requests) for line in receiver.lines] == [2, 2, 2, 1]


async def test_used_connection_that_breaks_within_an_answer__is_not_replaced() -> None:
    """
    Once a byte of the answer has come nothing is repeated.
    """

    async def once(line: Line) -> None:
        await line.take()
        await line.say(OK)
        await line.take()
        await line.say(b"HT")
        line.reset()

    async with raw(once) as receiver, OwnTransport(Guard()) as own:
        replies = [await answered(own, post(receiver.url), Terms()) for _ in range(2)]

        assert replies == [Reply(200, b"ok"), RESET]
        assert len(receiver.lines) == 1


async def test_replaced_connection_that_ends_as_well__is_a_failure() -> None:
    """
    It is repeated once: a new connection that ends without an answer is the receiver's failure.
    """

    async def first_only(line: Line) -> None:
        await line.take()
        if line.number == 1:
            await line.say(OK)
            await line.take()
        line.reset()

    async with raw(first_only) as receiver, OwnTransport(Guard()) as own:
        replies = [await answered(own, post(receiver.url), Terms()) for _ in range(2)]

        assert replies == [Reply(200, b"ok"), RESET]
        assert [len(line.requests) for line in receiver.lines] == [2, 1]


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=200)
    | st.builds(lambda cut, more: OK[:cut] + more + OK[cut:], st.integers(0, len(OK)), st.binary(max_size=9)),
    st.integers(1, 40),
    st.booleans(),
)
def test_any_bytes__are_one_reply(answer: bytes, length: int, close: bool) -> None:
    """
    Whatever a receiver says, and in whatever pieces, there is one reply and nothing breaks.
    """
    pieces = [answer[place : place + length] for place in range(0, len(answer), length)]
    troubles: list[object] = []

    async def run() -> Reply:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
        async with raw(answering(*pieces, close=close)) as receiver, OwnTransport(Guard()) as own:
            return await answered(own, post(receiver.url), Terms(timeout_real_ms=40))

    reply = asyncio.run(run())

    assert (reply.status == 0) == (reply.cause is not None) == (reply.error != "")
    assert troubles == []


async def test_time_out__while_waiting_for_a_connection() -> None:
    """
    What did not get its turn in time is not sent any more, and the next one is.
    """
    silent = True

    async def hesitate(line: Line) -> None:
        await line.take()
        await (line.end() if silent else line.say(OK))

    async with raw(hesitate) as receiver, OwnTransport(Guard(), 2) as own:
        # Two hold the connections for longer than the others wait for one.
        patience_ms = [600] * 2 + [20] * 48
        waits = (answered(own, post(receiver.url), Terms(timeout_real_ms=ms)) for ms in patience_ms)
        replies = await asyncio.gather(*waits)
        silent = False
        last = await answered(own, post(f"{receiver.url}/last"), Terms())

        assert [reply.cause for reply in replies] == [Cause.TIMED_OUT] * 50
        assert last == Reply(200, b"ok")
        assert [request.split(b" ")[1] for request in receiver.requests] == [b"/", b"/", b"/last"]


async def test_name_without_an_address__is_said_so() -> None:
    """
    A name that cannot be resolved is told by name; this one is refused before anybody is asked.
    """
    async with OwnTransport(Guard()) as own:
        reply = await answered(own, post("http://a..b/"), Terms())

    assert reply == Reply(0, error="no address is known for the name a..b", cause=Cause.NAME_NOT_FOUND)


async def test_blanks_and_letters__are_all_that_is_quoted() -> None:
    """
    What a request line cannot hold is percent-encoded, and nothing else.
    """
    async with raw(answering(OK)) as receiver, OwnTransport(Guard()) as own:
        await answered(own, post(f"{receiver.url}/ä b?c=%C3%a4"), Terms())

        assert receiver.requests[0].startswith(b"POST /%C3%A4%20b?c=%C3%a4 HTTP/1.1\r\n")


async def test_ended_connections__are_not_kept_in_memory() -> None:
    """
    A receiver that closes after each answer leaves nothing behind.
    """
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    async with raw(answering(closing, close=True)) as receiver, OwnTransport(Guard()) as own:
        for _ in range(20):
            await answered(own, post(receiver.url), Terms())
        await until(lambda: receiver.open == 0)

        gc.collect()
        kept = [each for each in gc.get_objects() if type(each).__name__ == "Connection"]
        assert len(kept) <= 1


async def test_client__sends_http_itself_and_https_by_aiohttp() -> None:
    """
    The scheme decides; https to somebody who does not speak it is told as that.
    """
    async with (
        raw(answering(b"nothing of TLS\r\n\r\n", close=True)) as receiver,
        open_client(Guard()) as client,
    ):
        plain = await answered(client, post(f"{receiver.url}/x"), Terms())
        secure = await answered(client, post(f"https://{receiver.where}/x"), Terms(timeout_real_ms=5_000))

        assert plain.cause is Cause.UNREADABLE
        assert secure.cause in (Cause.UNTRUSTED, Cause.TIMED_OUT, Cause.RESET)


async def test_client__answers_head_without_waiting_for_a_body() -> None:
    """
    The answer to HEAD has no body, whatever it announces.
    """
    async with (
        raw(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")) as receiver,
        open_client(Guard()) as client,
    ):
        request = WebhookRequest(url=receiver.url, body=b"", method="HEAD")

        reply = await answered(client, request, Terms())

        assert reply == Reply(200)

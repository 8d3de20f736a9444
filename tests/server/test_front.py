"""
The simulator's own HTTP server: what it answers, whom it hands over, and connections with habits.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Final, Literal

import pytest

from harness import Bench, receiving, serving, until
from simulator.server.front import Front
from simulator.server.heads import ReplyHeads
from simulator.server.takeover import TakenOver

GOOD: Final = b'{"messages":[{"destinations":[{"to":"41793026727"}],"text":"x"}]}'
SEND: Final = "/infobip/sms/2/text/advanced"


def request(
    path: str = SEND, body: bytes = GOOD, *, method: str = "POST", version: str = "1.1", **fields: str
) -> bytes:
    """Return the bytes of a request; *fields* have underscores for dashes."""
    headers = {"Host": "127.0.0.1", "Authorization": "App key", "Content-Type": "application/json"}
    headers |= {name.replace("_", "-"): value for name, value in fields.items()}
    lines = [
        f"{method} {path} HTTP/{version}",
        *(f"{name}: {value}" for name, value in headers.items() if value),
    ]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def control(method: str, path: str, body: object = None, **fields: str) -> bytes:
    """Return the bytes of a call of the control API, the last of its connection."""
    content = json.dumps(body).encode() if body is not None else b""
    fields = {"Connection": "close", "Authorization": "", **fields}
    return request(f"/_sim/v1/spaces{path}", content, method=method, **fields)


async def exchange(bench: Bench, *pieces: bytes, half_close: bool = False) -> bytes:
    """Send pieces one after the other; return all that comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.server.ports[""])
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if half_close:
            writer.write_eof()
        async with asyncio.timeout(20):
            return await reader.read()
    finally:
        writer.close()


def statuses(answers: bytes) -> list[str]:
    """Return the status of each answer."""
    return re.findall(r"HTTP/1\.[01] (\d{3})", answers.decode("latin-1"))


def without_date(answer: bytes) -> bytes:
    """Return an answer without the machine's own time."""
    return re.sub(rb"\r\nDate: [^\r]*", b"", answer)


@pytest.mark.parametrize(
    "sent",
    [
        request(Connection="close"),
        request(connection="Close", Content_Type="application/json; charset=utf-8"),
        request(Connection="close", content_type="text/plain"),
        request(Connection="close", Accept="application/xml"),
        request(Connection="close", Authorization=""),
        request(Connection="close", Authorization="App invalid"),
        request(Connection="close", body=b""),
        request(Connection="close", body=b"{"),
        request(Connection="close", body=b'{"messages":[{"destinations":[],"validityPeriod":-1}]}'),
        request(Connection="close", body=b" " * 2_000_000),
        request(Connection="close", path=SEND.replace("/sms", "/nothing")),
        request(Connection="close", path="/s/nowhere" + SEND),
        request(Connection="close", path=SEND, X_Simulator_Space="nowhere"),
        request(Connection="close", path="/infobip/sms/2/text%2Fadvanced"),
        request(Connection="close", path="/infobip/%ff%fe?x=%ff&y=%C5%9F&y=+1&z"),
        request(Connection="close", path=SEND.removeprefix("/infobip")),
        request(Connection="close", path="/infobip/sms/1/reports?limit=x&limit=2", body=b"", method="GET"),
        request(Connection="close", path="/infobip/account/1/balance", body=b"", method="GET"),
        request(Connection="close", path="/infobip/account/1/balance", body=b"", method="HEAD"),
        request(Connection="close", method="PATCH"),
        request(Connection="close", path="/bip/nothing"),
        request(Connection="close", path="/bip/tes/rest/spi/sendmsgserv", Authorization="Basic dTpw"),
        request(Connection="close", path="/bitel/api/v2/sms/single", Authorization="Bearer k"),
        request(Connection="close", path="/rbm/v1/phones/+41793026727/files", Authorization="Bearer k"),
        request(Connection="close", version="1.0"),
        request(version="1.0"),
        request(Connection="close", path="/_sim/health", body=b"", method="GET"),
        request(Connection="close", X_Long="x" * 9_000),
        request(Connection="close", path="/_sim/ready", Host="any.example"),
        control("GET", ""),
        control("POST", "", {"name": "a", "scenario": {"rules": []}}),
        control("POST", "", {"nmae": "a"}),
        control("POST", "", {"name": "default"}),
        control("POST", "", {}, Host="evil.example"),
        control("POST", "", {}, Origin="http://evil.example"),
        control("POST", "", {}, Origin="http://127.0.0.1"),
        control("POST", "", {}, Content_Encoding="gzip"),
        control("PUT", ""),
        control("GET", "/default"),
        control("GET", "/nowhere"),
        control("GET", "/default/"),
        control("GET", "/default/no%20thing"),
        control("GET", "/default/messages?limit=1&limit=2&state=%C5%9F"),
        control("GET", "/default/messages?unknown=%ff+1&unknown"),
        control("GET", "/default/journal?after=9"),
        control("GET", "/default/journal?follow=1&after=x"),
        control("GET", "/default/wait?within=0s"),
        control("GET", "/default/wait/?within=0s"),
        control("GET", "/default/report?format=junit"),
        control("DELETE", "/default"),
        control("PATCH", "/default/recipients/+41790000001", {"reachable": False}),
    ],
)  # fmt: skip
async def test_answer__is_the_same_as_through_aiohttp(sent: bytes) -> None:
    """
    To the byte, but for the date: whoever serves a call, a client cannot tell.
    """
    answers = []
    for http in ("own", "aiohttp"):
        async with serving(http=http) as bench:
            rule = {
                "name": "no",
                "when": {"provider": "infobip"},
                "then": {"answer": {"refuse": "REJECTED_PREFIX_MISSING"}},
            }
            await bench.load({"rules": [rule]} if b"charset" in sent else {})
            answers.append(without_date(await exchange(bench, sent)))

    own, aiohttp = answers

    assert own == aiohttp
    assert own.startswith(b"HTTP/1.")


async def test_pipelined_requests__are_answered_in_order() -> None:
    """
    Requests that come in one piece are answered one by one, those beyond a turn's worth as well.
    """
    sent = [request(), request(Authorization=""), request("/infobip/nothing")] * 40

    async with serving(http="own") as bench:
        answers = await exchange(bench, b"".join([*sent, request(Connection="close")]), request())

    assert statuses(answers) == ["200", "401", "404"] * 40 + ["200"]


async def test_calls_of_the_control_api__take_their_turn() -> None:
    """
    What is pipelined behind a call of the control API is served after it, and sees what it did.
    """
    create = request("/_sim/v1/spaces", b'{"name":"mine"}')
    send = request("/s/mine" + SEND)
    look = request("/_sim/v1/spaces/mine/messages", b"", method="GET")
    wait = request("/_sim/v1/spaces/mine/wait?within=0s", b"", method="GET")
    end = control("DELETE", "/mine")

    async with serving(http="own") as bench:
        answers = await exchange(bench, create + send + look + wait + send + end)

    assert statuses(answers) == ["201", "200", "200", "200", "200", "204"]
    # Listed, and waited for; the second one came after both.
    assert answers.count(b'"recipient":"+41793026727"') == 2


async def test_long_answer__waits_for_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An answer in pieces goes on as its client reads, and ends with a client that leaves.
    """
    monkeypatch.setattr("simulator.server.replies._PIECE_BYTES", 1_000)
    look = request("/_sim/v1/spaces/default", b"", method="GET")

    async with serving(http="own") as bench:
        front: Front = bench.server.fronts[0]
        reads, leaves = _Wire(), _Wire()
        for wire in (reads, leaves):
            connection = front()
            connection.connection_made(wire)
            feed(connection, look + look)
            connection.pause_writing()
            await until(lambda wire=wire: len(wire.written) == 2)  # type: ignore[misc]
            if wire is leaves:
                connection.connection_lost(None)
            else:
                connection.resume_writing()
        await until(lambda: not front.own_tasks)
        answers = b"".join(reads.written)

    assert statuses(answers) == ["200", "200"]
    assert answers.endswith(b"}")
    assert len(leaves.written) == 2


async def test_client_that_floods__is_not_read_from() -> None:
    """
    What comes behind a call that takes its time is taken once, and no more until that is answered.
    """
    async with serving(http="own") as bench:
        front: Front = bench.server.fronts[0]
        connection, wire = front(), _Wire()
        connection.connection_made(wire)
        feed(connection, request("/_sim/v1/spaces", b"{}"))
        calm = wire.reading
        feed(connection, request())
        flooded = wire.reading
        await until(lambda: len(wire.written) == 2)
        answered = wire.reading

    assert (calm, flooded, answered) == (True, False, True)


async def test_request__may_come_in_any_pieces() -> None:
    """
    Where the network cuts a request makes no difference, nor where one ends and the next begins.
    """
    sent = request() + request(body=b"{") + request(Connection="close")

    async with serving(http="own") as bench:
        one_by_one = await exchange(bench, *(sent[place : place + 1] for place in range(len(sent))))
        by_seven = await exchange(bench, *(sent[place : place + 7] for place in range(0, len(sent), 7)))

    assert statuses(one_by_one) == statuses(by_seven) == ["200", "400", "200"]


async def test_connection__goes_on_with_aiohttp_once_a_request_is_not_plain() -> None:
    """
    A connection that was handed over serves the request that was not plain, and all that follow.
    """
    chunked = request(body=b"", Transfer_Encoding="chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)

    async with serving(http="own") as bench:
        answers = await exchange(bench, request() + chunked + request() + request(Connection="close"))
        messages = len(bench.space.simulation.messages)

    assert statuses(answers) == ["200"] * 4
    assert messages == 4


async def test_half_closed_connection__still_gets_its_answers() -> None:
    """
    A client that has said all that it wants may shut its side; what it asked is answered, late or not.
    """
    async with serving(http="own") as bench:
        at_once = await exchange(bench, request(), half_close=True)
        await bench.load({"rules": [{"name": "slow", "when": {}, "then": {"answer": {"stall": "20ms"}}}]})
        late = await exchange(bench, request() + request(), half_close=True)

    assert statuses(at_once) == ["200"]
    assert statuses(late) == ["200", "200"]


CHUNKED: Final = request(body=b"", Transfer_Encoding="chunked")
CHUNKS: Final = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)
STALL: Final = {"rules": [{"name": "slow", "when": {}, "then": {"answer": {"stall": "50ms"}}}]}


@pytest.mark.parametrize("http", ["own", "aiohttp"])
@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        (CHUNKED + CHUNKS, ["200", "200"]),
        (CHUNKED + CHUNKS[:20], ["200", "400"]),
        (request()[:-5], ["200", "400"]),
        (request()[:25], ["200"]),
    ],
)
async def test_half_closed_connection__ends_after_what_is_not_plain(
    behind: bytes, expected: list[str], http: Literal["own", "aiohttp"]
) -> None:
    """
    What came behind a call that takes its time is answered after the client's end, and then all ends.
    """
    async with serving(http=http) as bench:
        await bench.load(STALL)
        answers = await exchange(bench, request() + behind, half_close=True)

    assert statuses(answers) == expected


async def test_request_that_is_not_plain__may_come_in_parts_behind_a_stalled_answer() -> None:
    """
    A connection from which nothing was read meanwhile is read from again by who takes it over.
    """
    async with serving(http="own") as bench:
        await bench.load(STALL)
        front: Front = bench.server.fronts[0]
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.server.ports[""])
        writer.write(request())
        await until(lambda: len(front.tasks) == 1)
        writer.write(CHUNKED)
        async with asyncio.timeout(20):
            answers = await reader.readuntil(b"\r\n\r\n")
            writer.write(CHUNKS + request(Connection="close"))
            answers += await reader.read()
        writer.close()

    assert statuses(answers) == ["200"] * 3


async def test_what_comes_after_the_last_request__is_not_served() -> None:
    """
    A client that wants the connection to end is not served any more, and still reads its last answer.
    """
    last = request(Connection="close")

    async with serving(http="own") as bench:
        front: Front = bench.server.fronts[0]
        at_once = await exchange(bench, last + request())
        await bench.load(STALL)
        connection, wire = front(), _Wire()
        connection.connection_made(wire)
        feed(connection, last)
        feed(connection, request())
        reading = wire.reading
        await until(lambda: wire.closed)
        messages = len(bench.space.simulation.messages)

    assert statuses(at_once) == statuses(b"".join(wire.written)) == ["200"]
    assert reading
    assert messages == 2


async def test_aiohttp_that_is_another_inside__serves_as_it_does_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    Where aiohttp names its insides otherwise, half-closed connections end as ever, and all else is served.
    """
    assert TakenOver.looks_inside, "this aiohttp names its insides otherwise: see takeover.py"
    monkeypatch.setattr(TakenOver, "looks_inside", False)

    async with serving(http="aiohttp") as bench:
        plain = await exchange(bench, request() + request(), request(Connection="close"))
        half_closed = await exchange(bench, request(), half_close=True)
        await until(lambda: not any(front.count for front in bench.server.fronts))

    assert statuses(plain) == ["200"] * 3
    assert statuses(half_closed) in ([], ["200"])


async def test_stalled_answer__holds_up_its_own_connection_alone() -> None:
    """
    What is pipelined behind a stalled answer waits for it; other connections do not.
    """
    rule = {"name": "slow", "when": {"recipient": "+41790000001"}, "then": {"answer": {"stall": "50ms"}}}
    slow = GOOD.replace(b"41793026727", b"41790000001")

    async with serving(http="own") as bench:
        await bench.load({"rules": [rule]})
        waiting = asyncio.create_task(exchange(bench, request(body=slow) + request(Connection="close")))
        await asyncio.sleep(0)
        other = await exchange(bench, request(Connection="close"))
        before = waiting.done()
        answers = await waiting

    assert (statuses(other), before) == (["200"], False)
    assert statuses(answers) == ["200", "200"]


async def test_server_that_stops__ends_stalled_calls_and_idle_connections() -> None:
    """
    Stopping does not wait for a stalled answer, nor for a client that keeps its connection.
    """
    async with serving(http="own") as bench:
        await bench.load({"rules": [{"name": "slow", "when": {}, "then": {"answer": {"stall": "60s"}}}]})
        stalled = asyncio.create_task(exchange(bench, request()))
        idle = asyncio.create_task(exchange(bench, request("/infobip/nothing")))
        await until(lambda: bench.space.driver.calls_in_flight == 1)
        await until(lambda: any("POST /nothing" in line for line in bench.lines()))
        await bench.server.stop()
        answers = await stalled, await idle

    assert [statuses(answer) for answer in answers] == [[], ["404"]]


class _Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.reading = True
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


def feed(connection: asyncio.BufferedProtocol, data: bytes) -> None:
    """
    Let a connection receive *data*, as an event loop does it.
    """
    memoryview(connection.get_buffer(-1))[: len(data)] = data
    connection.buffer_updated(len(data))


async def test_client_that_does_not_read__is_not_read_from() -> None:
    """
    While answers pile up nothing is served and nothing is read; afterwards all of it is.
    """
    async with serving(http="own") as bench:
        front: Front = bench.server.fronts[0]
        connection, wire = front(), _Wire()
        connection.connection_made(wire)
        connection.pause_writing()
        feed(connection, request() + request())
        paused = len(wire.written), wire.reading
        connection.resume_writing()

    assert paused == (0, False)
    assert (len(wire.written), wire.reading) == (2, True)


async def test_idle_connection__is_closed_after_an_hour() -> None:
    """
    A connection that says nothing for so long is closed; one that speaks is kept.
    """
    async with serving(http="own") as bench:
        front: Front = bench.server.fronts[0]
        front.idle_real_s = 0.0
        silent, speaking = _Wire(), _Wire()
        quiet, busy = front(), front()
        quiet.connection_made(silent)
        busy.connection_made(speaking)
        for _ in range(100):
            feed(busy, request())
            front.sweep()
        closed = silent.closed, speaking.closed

    assert closed == (True, False)


async def test_header_of_several_lines__is_never_sent() -> None:
    """
    A provider that puts a line break into a header fails inside the simulator, and splits no answer.
    """
    with pytest.raises(ValueError, match="one line"):
        ReplyHeads().head(200, (("X-A", "b\r\nX-C: d"),), 0, False)


async def test_head_that_was_let_in__finds_its_way_anew_when_spaces_or_credentials_change() -> None:
    """
    The same bytes go to whoever owns their credential now, and stay out once it is taken back.
    """
    async with serving(http="own") as bench:
        front: Front = bench.server.fronts[0]
        connection, wire = front(), _Wire()
        connection.connection_made(wire)
        registry = bench.server.registry

        def sent() -> tuple[list[str], dict[str, int]]:
            wire.written.clear()
            feed(connection, request())
            counts = {space.name: len(space.simulation.messages) for space in registry.all()}
            return statuses(b"".join(wire.written)), counts

        first = sent()
        registry.create("own").simulation.configure("infobip", {"credentials": ["key"]})
        owned = sent()
        await registry.delete("own")
        back = sent()
        registry.get("default").simulation.configure("infobip", {"credentials": ["another"]})
        refused = sent()

    assert first == (["200"], {"default": 1})
    assert owned == (["200"], {"default": 1, "own": 1})
    assert back == (["200"], {"default": 2})
    assert refused == (["401"], {"default": 2})


async def test_webhook_of_a_call__starts_after_its_answer() -> None:
    """
    A report that is due at once never overtakes the answer of the call that caused it.
    """
    async with receiving() as receiver, serving(http="own") as bench:
        await bench.configure(webhook={"url": receiver.url}, deliver_after="0s")
        front: Front = bench.server.fronts[0]
        connection, wire = front(), _Wire()
        connection.connection_made(wire)
        feed(connection, request())
        answered = len(wire.written)
        await bench.space.driver.advance(None)
        await until(lambda: len(receiver.received) == 1)

    assert answered == 1
    assert json.loads(wire.written[0].partition(b"\r\n\r\n")[2])["messages"]

"""
Webhooks as receivers see them: the address as given, the status line decides, no failure that is none.
"""

from __future__ import annotations

import pytest
from aiohttp import ClientConnectionError, ClientSession
from hypothesis import given
from hypothesis import strategies as st

from harness import Bench, serving
from raw import OK, Line, answering, raw
from simulator.runtime.transport.target import header_lines, target_of


async def attempts(bench: Bench) -> list[tuple[int, str, str, bool]]:
    """Return status, error, note and whether it counts, of every attempt in the ledger."""
    _, ledger = await bench.control("GET", "/spaces/default/webhooks")
    return [
        (attempt["status"], attempt["error"], attempt["note"], attempt["acknowledged"])
        for webhook in ledger["items"]
        for attempt in webhook["attempts"]
    ]


async def point(bench: Bench, url: str, **webhook: object) -> None:
    """Send the default space's reports to *url*, one second after each send."""
    await bench.configure(webhook={"url": url, **webhook}, deliver_after="1s")


async def test_receiver_that_lets_go_of_connections__costs_no_attempt() -> None:
    """
    A kept connection that the receiver has closed is the simulator's to replace, not the receiver's failure.
    """

    async def answer_once(line: Line) -> None:
        await line.take()
        await line.say(OK)
        # The next request has already been sent when the end of the connection shows.
        await line.take()
        line.reset()

    async with raw(answer_once) as receiver, serving() as bench:
        await point(bench, f"{receiver.url}/dlr", in_flight=1, retry="none")
        await bench.send([f"4179000{n:04}" for n in range(10)])

        await bench.space.driver.advance(None)

        assert await attempts(bench) == [(200, "", "", True)] * 10


async def test_204_with_a_body__is_an_acknowledgement_with_a_note() -> None:
    """
    Frameworks that put a body where none may be have received the report all the same.
    """
    answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\nContent-Length: 2\r\n\r\nOK"
    async with raw(answering(answer, close=True)) as receiver, serving() as bench:
        await point(bench, receiver.url, retry="none")
        await bench.send()

        await bench.space.driver.advance(None)

        assert await attempts(bench) == [(204, "", "more came than the answer may hold", True)]


async def test_body_shorter_than_announced__is_an_acknowledgement_with_a_note() -> None:
    """
    The status line was there; what is missing of the body is noted.
    """
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nOK"
    async with raw(answering(answer, close=True)) as receiver, serving() as bench:
        await point(bench, receiver.url, retry="none")
        await bench.send()

        await bench.space.driver.advance(None)

        assert await attempts(bench) == [(200, "", "the connection ended before the answer did", True)]


async def test_address__is_on_the_wire_what_it_is_in_the_journal() -> None:
    """
    A receiver that signs or compares its address sees the one it registered, byte for byte.
    """
    async with raw(answering(OK)) as receiver, serving() as bench:
        path = "/a/../r/%41%2f?token=a%2Fb%3D%3D&to=%2B41&x=[1]&%zz"
        await point(bench, receiver.url + path)
        await bench.send()

        await bench.space.driver.advance(None)

        _, ledger = await bench.control("GET", "/spaces/default/webhooks")
        assert receiver.requests[0].split(b"\r\n")[0].decode() == f"POST {path} HTTP/1.1"
        assert [webhook["target"] for webhook in ledger["items"]] == [receiver.url + path]


async def test_patched_http_client__does_not_swallow_webhooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A test that replaces aiohttp's client in its own process still gets the simulator's webhooks.
    """

    async def refuse(*_: object, **__: object) -> None:
        raise ClientConnectionError("Connection refused")

    async with raw(answering(OK)) as receiver, serving() as bench:
        await point(bench, receiver.url)
        await bench.send()
        monkeypatch.setattr(ClientSession, "_request", refuse)

        await bench.space.driver.advance(None)

        assert bench.attempts() == [(1_000, 200, "")]
        assert len(receiver.requests) == 1


@given(st.text() | st.from_regex(r"http://[^/]*(/.*)?", fullmatch=True))
def test_any_address__is_one_request_line_or_none(url: str) -> None:
    """
    Nothing in an address can begin a second line of the request.
    """
    target = target_of("POST", url)

    if target is not None:
        assert target.head.count(b"\r\n") == 2
        assert target.head.count(b"\n") == 2
        assert target.request_line.count(b" ") == 2
        assert target.head.isascii()
        assert 0 < target.port < 65_536


@given(st.text(), st.text())
def test_any_header__is_one_line_or_none(name: str, value: str) -> None:
    """
    Nothing in a header can begin another one.
    """
    target = target_of("POST", "http://127.0.0.1/")
    assert target is not None

    head = header_lines(target, [(name, value)])

    if head is not None:
        own = {"host", "accept", "user-agent"} & {name.lower()}
        lines = 5 - bool(own) - (name.lower() in ("content-length", "transfer-encoding"))
        assert head.count(b"\r\n") == head.count(b"\n") == lines

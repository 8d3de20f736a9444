"""
Answers that nobody reads: the server notices that whoever called was gone, and says so.
"""

from __future__ import annotations

import asyncio
import socket

import pytest

from harness import Bench, serving, until
from simulator.explain.narrative import narrative
from simulator.scenario.loader import load_run

PLAIN = b'{"messages":[{"destinations":[{"to":"41793026727"}],"text":"x"}]}'
SEND = (
    b"POST /infobip/sms/2/text/advanced HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: App key\r\n"
    b"Content-Type: application/json\r\n"
)
CALLS = {
    "the simulator's own server": SEND + b"Content-Length: %d\r\n\r\n%s" % (len(PLAIN), PLAIN),
    # A chunked body is not plain, so the connection goes on to aiohttp.
    "aiohttp": SEND + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(PLAIN), PLAIN),
}
STALLED = "rules: [{when: {operation: send}, then: {answer: {stall: 100ms}}}]"


def unread(bench: Bench) -> list[str]:
    """Return what the journal says of answers that nobody read."""
    return [line for entry in bench.space.simulation.journal if "not read" in (line := narrative(entry))]


async def called(bench: Bench, call: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection on which *call* was made."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.server.ports[""])
    writer.write(call)
    return reader, writer


def load(bench: Bench, text: str) -> None:
    """Load a scenario into the default space."""
    providers = bench.server.registry.providers
    bench.space.simulation.load(load_run(text, "test.yaml", providers).scenario)


@pytest.mark.parametrize("text", ["{}", STALLED], ids=["at once", "stalled"])
@pytest.mark.parametrize("door", CALLS)
async def test_caller_that_is_gone_before_the_answer__is_noted(door: str, text: str) -> None:
    """
    A process that ended with a call under way never hears what became of it, whichever server takes the call.
    """
    async with serving() as bench:
        load(bench, text)

        _, writer = await called(bench, CALLS[door])
        await writer.drain()
        writer.close()
        await until(lambda: unread(bench) != [])

        (message,) = bench.space.simulation.messages.values()
        assert (message.answer_lost, message.id_unknown) == (True, True)
        assert unread(bench) == [
            "+00:00:00.000 infobip +41793026727 #1 answer was not read: the caller's connection broke"
        ]


@pytest.mark.parametrize("door", CALLS)
async def test_caller_that_ends_with_the_answer_unread__is_noted(door: str) -> None:
    """
    An answer that had arrived, and was lost with the process that was to read it, was not read either.
    """
    async with serving() as bench:
        loop = asyncio.get_running_loop()
        with socket.create_connection(("127.0.0.1", bench.server.ports[""])) as connection:
            connection.setblocking(False)
            await loop.sock_sendall(connection, CALLS[door])
            await until(lambda: bool(bench.space.exchange_count))
            peeked = await loop.run_in_executor(None, _first_byte, connection)
        await until(lambda: unread(bench) != [])

        assert peeked == b"H"


def _first_byte(connection: socket.socket) -> bytes:
    """Return the first byte of what has arrived, and leave it there."""
    connection.settimeout(20)
    return connection.recv(1, socket.MSG_PEEK)


@pytest.mark.parametrize("half_closed", [False, True])
@pytest.mark.parametrize("door", CALLS)
async def test_caller_that_reads_the_answer__knows_it(door: str, half_closed: bool) -> None:
    """
    Who reads and then closes, or said before that nothing more would come, was told all there is.
    """
    async with serving() as bench:
        reader, writer = await called(bench, CALLS[door])
        if half_closed:
            writer.write_eof()
        answer = await reader.readuntil(b"}]}")
        writer.close()
        await writer.wait_closed()
        await until(lambda: not bench.server.fronts[0].count)

        assert answer.startswith(b"HTTP/1.1 200")
        assert unread(bench) == []
        (message,) = bench.space.simulation.messages.values()
        assert not message.answer_lost


async def test_thousands_whose_answer_nobody_read__are_all_noted() -> None:
    """
    What is noted in turns is noted to its end, and the messages are let go all the same.
    """
    destinations = b",".join(b'{"to":"4179%07d"}' % number for number in range(3_000))
    body = b'{"messages":[{"destinations":[%s],"text":"x"}]}' % destinations
    async with serving() as bench:
        _, writer = await called(bench, SEND + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()
        await until(lambda: len(unread(bench)) == 3_000)

        messages = bench.space.simulation.messages
        assert len(messages) == 3_000
        assert all(message.answer_lost and not message.unanswered for message in messages.values())

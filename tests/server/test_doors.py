"""
The ports that providers have for themselves: they close and open as a timeline says.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from harness import KEY, Bench, serving
from simulator.provider import built_in
from simulator.scenario.loader import load
from simulator.server.app import Server, ServerConfig

ALONE = {"infobip": 0, "rbm": 0}
BALANCE = f"GET /account/1/balance HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY['Authorization']}\r\n\r\n"


def outage(down: str = "1s", up: str = "20s", provider: str = "infobip") -> dict[str, Any]:
    """Return a scenario in which the server of a provider is down for a while."""
    return {
        "timeline": [
            {"at": down, "provider": provider, "server": "down"},
            {"at": up, "provider": provider, "server": "up"},
        ]
    }


async def ask(port: int) -> int:
    """Return the status of a call to Infobip's own port; raises ConnectionRefusedError."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(BALANCE.encode())
        return int((await reader.readuntil(b"\r\n")).split()[1])
    finally:
        writer.close()


async def refused(port: int) -> bool:
    """Tell whether connections to *port* are refused."""
    try:
        await ask(port)
    except ConnectionRefusedError:
        return True
    return False


async def advance(bench: Bench, by: str, space: str = "default") -> None:
    """Let the clock of *space* move on."""
    status, body = await bench.control("POST", f"/spaces/{space}/clock/advance", {"by": by})
    assert status == 200, body


@pytest.mark.parametrize("http", ["own", "aiohttp"])
async def test_server_is_down__its_port_refuses_and_all_others_answer(http: str) -> None:
    """
    From down to up a provider's own port refuses connections and ends those it had; the shared one does not.
    """
    async with serving(listen=ALONE, http=http) as bench:
        await bench.load(outage())
        port = bench.server.ports["infobip"]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(BALANCE.encode())
        before = await reader.readuntil(b"\r\n")
        # What is read of the answer does not matter; that nothing more comes does.

        await advance(bench, "2s")
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readuntil(b"never to come")
        writer.close()
        down = await refused(port)
        other = await refused(bench.server.ports["rbm"])
        shared, _ = await bench.send()
        await advance(bench, "30s")
        after = await ask(port)

    assert before == b"HTTP/1.1 200 OK\r\n"
    assert (down, other, shared, after) == (True, False, 200, 200)


async def test_journal_and_story__say_when_the_server_was_down() -> None:
    """
    Both turns are facts, and stand in the story of a message that was sent after them.
    """
    async with serving(listen=ALONE) as bench:
        await bench.load(outage())
        await advance(bench, "30s")
        _, answer = await bench.send()
        (message,) = answer["messages"]
        _, story = await bench.control("GET", f"/spaces/default/messages/{message['messageId']}/explain")

        lines = bench.lines()

    assert lines[1:3] == [
        "server is down: its own port refuses connections, and those that were open are cut",
        "server is up: its own port takes connections again",
    ]
    told = [line for line in story["story"] if "server is" in line]
    assert [line.partition(" server is")[0] for line in told] == [
        "+00:00:01.000 infobip",
        "+00:00:20.000 infobip",
    ]
    assert story["story"][0].startswith("infobip +41793026727 #1 is accepted")
    assert any(line.startswith("answer: ") for line in story["story"])


async def test_turns_in_one_instant__the_last_counts() -> None:
    """
    A port that is down, up and down again at one instant is down, and up after all of them it is up.
    """
    async with serving(listen=ALONE) as bench:
        port = bench.server.ports["infobip"]
        turns = [{"at": "1s", "provider": "infobip", "server": turn} for turn in ("down", "up", "down")]
        await bench.load({"timeline": [*turns, {"at": "2s", "provider": "infobip", "server": "up"}]})

        await advance(bench, "1s")
        down = await refused(port)
        await advance(bench, "1s")
        up = await ask(port)

    assert (down, up) == (True, 200)


async def test_spaces_share_a_port__it_is_up_when_none_keeps_it_down() -> None:
    """
    What one space shut opens when that space opens it, takes another scenario, or is deleted: and no other.
    """
    async with serving(listen=ALONE) as bench:
        port = bench.server.ports["infobip"]
        for name in ("first", "second"):
            await bench.control("POST", "/spaces", {"name": name, "scenario": outage(up="5h")})
            await advance(bench, "2s", name)

        states = [await refused(port)]
        await bench.control("DELETE", "/spaces/first")
        states.append(await refused(port))
        await bench.load({}, "second")
        states.append(await refused(port))

    assert states == [True, True, False]


async def test_scenario_without_that_port__is_refused_with_the_flag_that_opens_it() -> None:
    """
    A server that would have to close the shared port says so, over the control API and at its start.
    """
    expected = "timeline: server down: bip has no port of its own here that could close: --listen bip=8081"
    async with serving(listen=ALONE) as bench:
        replaced = await bench.control("PUT", "/spaces/default/scenario", outage(provider="bip"))
        created = await bench.control("POST", "/spaces", {"scenario": outage(provider="bip")})
    scenario = load("timeline: [{at: 1s, provider: bip, server: down}]", "x", built_in())
    with pytest.raises(ValueError, match="bip has no port of its own") as refusal:
        Server(ServerConfig(port=0, scenario=scenario))

    assert [(status, body["detail"]) for status, body in (replaced, created)] == [(422, expected)] * 2
    assert str(refusal.value) == expected


async def test_stop_while_down__leaves_nothing_open() -> None:
    """
    A server that is stopped while one of its ports is down gives that port back.
    """
    async with serving(listen=ALONE) as bench:
        port = bench.server.ports["infobip"]
        await bench.load(outage(up="5h"))
        await advance(bench, "2s")

    again = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
    again.close()
    await again.wait_closed()

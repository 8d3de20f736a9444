"""
Before a run: software that is not up yet, and software that kept the data of the last run.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, web

from harness import KEY
from simulator.evidence.result import RunResult
from simulator.provider import built_in
from simulator.run.runner import IntegratorUnreachable, RunOptions, run
from simulator.scenario.loader import load_run
from simulator.server.app import Server, ServerConfig

DRIVE = 'drive: [{call: "POST http://127.0.0.1:PORT/send", count: 3, body: {to: "{recipient}"}}]\n'
RESET = 'reset: "POST http://127.0.0.1:PORT/reset"\n'


class Keeper:
    """
    Sends, and keeps the id of each message in a table with a unique index, over all runs.
    """

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.simulator = ""
        self.known = asyncio.Event()
        """It knows where the simulator is."""
        self.resets = 0
        self.broken = False
        """It fails before it sends anything."""

    async def send(self, request: web.Request) -> web.Response:
        """Take an order."""
        if self.broken:
            return web.Response(status=500)
        message = {"destinations": [{"to": (await request.json())["to"]}], "text": "hello"}
        url = f"{self.simulator}/infobip/sms/2/text/advanced"
        async with self._client.post(url, json={"messages": [message]}, headers=KEY) as answer:
            (sent,) = (await answer.json())["messages"]
        if sent["messageId"] in self.ids:
            return web.Response(status=500, text="UNIQUE constraint failed: sms.id")
        self.ids.add(sent["messageId"])
        return web.Response(status=202)

    async def reset(self, _: web.Request) -> web.Response:
        """Forget everything."""
        self.resets += 1
        self.ids.clear()
        return web.Response(status=204)

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[int]:
        """Yield the port where it takes orders."""
        app = web.Application()
        app.router.add_post("/send", self.send)
        app.router.add_post("/reset", self.reset)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        async with ClientSession() as self._client:
            yield runner.addresses[0][1]
        await runner.cleanup()


async def carry_out(text: str, port: int, keeper: Keeper) -> RunResult:
    """Carry out a file against *keeper*."""
    plan = load_run(text.replace("PORT", str(port)), "kept", built_in())
    server = Server(ServerConfig(port=0, seed=7, scenario=plan.scenario, providers=built_in()))
    await server.start()
    try:
        keeper.simulator = server.url
        keeper.known.set()
        return await run(server, plan, RunOptions())
    finally:
        await server.stop()


def free_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def driven(result: RunResult) -> tuple[bool, tuple[str, ...]]:
    """Return whether all calls succeeded, and what is said about the first that did not."""
    (check,) = [check for check in result.checks if check.name.startswith("drive: every call")]
    return check.passed, check.lines


async def test_second_run_against_kept_data__is_told_why_and_reset_helps() -> None:
    """
    A clash of ids names what to do about it; with `reset:` there is none.
    """
    keeper = Keeper()
    async with keeper.listening() as port:
        first = await carry_out(DRIVE, port, keeper)
        second = await carry_out(DRIVE, port, keeper)
        emptied = await carry_out(RESET + DRIVE, port, keeper)

    assert driven(first) == (True, ())
    passed, lines = driven(second)
    assert (passed, len(lines)) == (False, 2)
    assert lines[0].endswith("answered 500: UNIQUE constraint failed: sms.id")
    assert lines[1] == (
        "its message was accepted here; if your software kept its data, it has the id already, for the ids "
        "are those of the last run of seed 7: empty the database (reset: in the file calls your software "
        "before each run), or take another --seed"
    )
    assert driven(emptied) == (True, ())
    assert keeper.resets == 1


async def test_software_that_fails_before_it_sends__is_not_told_about_ids() -> None:
    """
    Where nothing was accepted, no id can have clashed.
    """
    keeper = Keeper()
    keeper.broken = True
    async with keeper.listening() as port:
        result = await carry_out(DRIVE, port, keeper)

    passed, lines = driven(result)
    assert (passed, len(lines)) == (False, 1)


async def test_reset_that_fails__ends_the_run_before_it_begins() -> None:
    """
    A run on data that was to be emptied and is not would judge something else.
    """
    keeper = Keeper()
    async with keeper.listening() as port:
        with pytest.raises(IntegratorUnreachable) as ended:
            await carry_out(RESET.replace("/reset", "/rest") + DRIVE, port, keeper)

    assert str(ended.value) == f"reset: POST http://127.0.0.1:{port}/rest answers 404"


async def test_software_that_starts_a_moment_later__is_waited_for() -> None:
    """
    A run that begins while the software is still starting makes no call in vain.
    """
    keeper, port = Keeper(), free_port()
    running = asyncio.create_task(carry_out(DRIVE, port, keeper))
    await keeper.known.wait()
    async with keeper.listening(port):
        result = await running

    assert driven(result) == (True, ())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_software_that_does_not_start__is_told_in_one_line(host: str) -> None:
    """
    Where nobody listens the run ends with the remedy, and not with a failure for each call.
    """
    port = free_port()

    with pytest.raises(IntegratorUnreachable) as ended:
        await carry_out(DRIVE.replace("127.0.0.1", host), port, Keeper())

    assert str(ended.value) == (
        f"nobody listens at {host}:{port}, where drive: calls your software: start it first, let the run "
        "begin it (--start COMMAND) or wait for it (--wait-for URL)"
    )

"""
Runs in which the provider's server is down for a while: connections to its own port are refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import ClientConnectorError, ClientSession, web

from harness import KEY
from simulator.evidence.result import RunResult
from simulator.kernel.model.scenario import ClockMode, ClockSpec
from simulator.provider import built_in
from simulator.run.runner import RunOptions, run
from simulator.scenario.loader import load_run
from simulator.server.app import Server, ServerConfig

PLAN = """
timeline:
  - {at: 5s, provider: infobip, server: down}
  - {at: 15s, provider: infobip, server: up}
drive: [{call: "POST http://INTEGRATOR/send", count: 20, rate: 1/s, body: {to: "{recipient}"}}]
expect: {messages: {final: 100%, at_least: 20}}
"""
_APART_REAL_S = 0.05


class Sender:
    """
    Sends to Infobip's own port; where nobody listens it tries again behind its answer, or gives up.
    """

    def __init__(self, *, patient: bool) -> None:
        self.patient = patient
        self.refused = 0
        self.url = ""

    async def send(self, request: web.Request) -> web.Response:
        """Take an order."""
        order = await request.json()
        try:
            await self._try(order["to"])
        except ClientConnectorError:
            self.refused += 1
            if self.patient:
                self._tasks.append(asyncio.create_task(self._insist(order["to"])))
        return web.Response(status=202)

    async def _insist(self, to: str) -> None:
        while True:
            await asyncio.sleep(_APART_REAL_S)
            try:
                await self._try(to)
            except ClientConnectorError:
                continue
            return

    async def _try(self, to: str) -> None:
        message = {"destinations": [{"to": to}], "text": "hello"}
        url = f"{self.url}/sms/2/text/advanced"
        async with self._client.post(url, json={"messages": [message]}, headers=KEY) as answer:
            assert answer.status == 200

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Yield where it takes orders."""
        app = web.Application()
        app.router.add_post("/send", self.send)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._tasks: list[asyncio.Task[None]] = []
        async with ClientSession() as self._client:
            yield f"127.0.0.1:{runner.addresses[0][1]}"
            for task in self._tasks:
                task.cancel()
        await runner.cleanup()


async def carry_out(sender: Sender, clock: ClockSpec) -> RunResult:
    """Let *sender* send through the outage."""
    async with sender.listening() as place:
        plan = load_run(PLAN.replace("INTEGRATOR", place), "outage", built_in())
        plan = replace(plan, scenario=replace(plan.scenario, clock=clock))
        server = Server(
            ServerConfig(
                port=0, listen={"infobip": 0}, scenario=plan.scenario, clock=clock, providers=built_in()
            )
        )
        await server.start()
        try:
            sender.url = server.alone_urls["infobip"]
            return await run(server, plan, RunOptions())
        finally:
            await server.stop()


@pytest.mark.parametrize(
    "clock", [ClockSpec(), ClockSpec(mode=ClockMode.LIVE, rate=100)], ids=["frozen", "live"]
)
async def test_sender_that_tries_again__passes_and_one_that_gives_up_does_not(clock: ClockSpec) -> None:
    """
    The run goes on until messages that met the outage are there, and misses them where nobody tried again.
    """
    patient, hasty = Sender(patient=True), Sender(patient=False)

    good = await carry_out(patient, clock)
    broken = await carry_out(hasty, clock)

    assert [check.name for check in good.checks if not check.passed] == []
    assert patient.refused
    assert len(good.space.simulation.messages) == 20
    assert hasty.refused
    assert len(broken.space.simulation.messages) == 20 - hasty.refused
    assert [check.name for check in broken.checks if not check.passed] == ["messages.at_least: 20"]

"""
Nothing that may be asked holds up everybody else: long work goes on in slices, or beside the loop.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest

from harness import KEY, Bench, serving
from simulator.kernel.model.submission import Submission

MANY = 20_000


class Turns:
    """
    Counts how often the loop comes round.
    """

    def __init__(self) -> None:
        self.count = 0
        self.task = asyncio.create_task(self._count())

    async def _count(self) -> None:
        while True:
            self.count += 1
            await asyncio.sleep(0)


class Hands(ThreadPoolExecutor):
    """
    The threads beside the loop, counting what they are given.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def submit(self, *arguments: Any, **more: Any) -> Future[Any]:
        """Count, and do it."""
        self.count += 1
        return super().submit(*arguments, **more)


async def handed_over(work: Callable[[], Awaitable[Any]]) -> int:
    """Return how many pieces of *work* were done beside the loop."""
    hands = Hands()
    asyncio.get_running_loop().set_default_executor(hands)
    await work()
    return hands.count


async def turns_during(work: Callable[[], Awaitable[Any]]) -> int:
    """Return how often the loop came round between the beginning and the end of *work*."""
    turns = Turns()
    await asyncio.sleep(0)
    before = turns.count
    try:
        await work()
        return turns.count - before
    finally:
        turns.task.cancel()


@asynccontextmanager
async def full() -> AsyncIterator[Bench]:
    """Run a server whose default space has thousands of messages that were delivered."""
    async with serving() as bench:
        for number in range(MANY // 5_000):
            submissions = [
                Submission(provider="infobip", recipient=f"+4179{number}{n:06}", text="hello")
                for n in range(5_000)
            ]
            account = bench.space.gateways["infobip"].account
            made = [account.compose(each.recipient, each.text) for each in submissions]
            bench.space.simulation.submit(made)
        yield bench


QUESTIONS = (
    "/messages?limit=10",
    "/messages?q=nothing-like-it",
    "/messages?name=nobody",
    "/journal",
    "/report?format=html",
    "/report?format=jsonl",
    "/report?format=har",
    "/messages/nobody/explain",
)


async def test_questions_about_a_large_space_hold_nobody_up() -> None:
    """
    While a large space is read, rendered or searched, others are served.
    """
    async with full() as bench:
        space = bench.space

        def ask(path: str) -> Callable[[], Awaitable[object]]:
            async def answered() -> None:
                async with bench.http.get(f"{bench.url}{path}") as answer:
                    assert answer.status in (200, 404), await answer.text()
                    while await answer.content.readany():
                        pass

            return answered

        for path in QUESTIONS:
            assert await handed_over(ask(f"/_sim/v1/spaces/default{path}")) > 0, path
        for page in ("messages", "phones", "webhooks", "scenario", "run"):
            assert await handed_over(ask(f"/_ui/default/{page}")) > 0, page
        assert len(space.simulation.messages) == MANY


@pytest.mark.parametrize("kind", ["rules", "recipients"])
async def test_long_scenario_is_read_beside_the_loop(kind: str) -> None:
    """
    While thousands of rules or recipients are read, others are served.
    """
    rule = {"when": {"provider": "infobip"}, "then": {"fate": "silence"}}
    scenario: dict[str, Any] = {
        "rules": {"rules": [{"name": f"r{n}", **rule} for n in range(2_000)]},
        "recipients": {"recipients": {f"+4179{n:07}": {"reachable": False} for n in range(10_000)}},
    }[kind]

    async with serving() as bench:

        async def put() -> None:
            await bench.load(scenario)

        async def create() -> None:
            status, body = await bench.control("POST", "/spaces", {"name": "x", "scenario": scenario})
            assert status == 201, body

        assert await handed_over(put) > 0
        assert await handed_over(create) > 0
        in_force = bench.space.simulation.scenario
        assert len(in_force.rules) + len(in_force.recipients) in (2_000, 10_000)


async def test_send_to_thousands_lets_others_have_their_turn() -> None:
    """
    A call with ten thousand destinations is dealt with in slices, all or none as ever.
    """
    async with serving() as bench:
        numbers = [f"4179{n:07}" for n in range(10_000)]
        small = asyncio.create_task(asyncio.sleep(0))
        await small

        async def send() -> None:
            status, body = await bench.send(numbers)
            assert (status, len(body["messages"])) == (200, 10_000)

        assert await turns_during(send) > 100
        keys = [key.recipient for key in bench.space.simulation.messages]
        assert keys == [f"+{number}" for number in numbers]


async def test_advance_over_thousands_of_instants_lets_others_have_their_turn() -> None:
    """
    Quiet instants, of which nothing is told, are passed in slices of real time, too.
    """
    async with full() as bench:

        async def settle() -> None:
            await bench.space.driver.advance(None)

        assert await turns_during(settle) > 20
        assert bench.space.simulation.settled


async def test_wait_beside_a_large_space_sees_what_happens_while_it_looks() -> None:
    """
    A wait looks in slices; what comes between two of them is not missed.
    """
    async with full() as bench:
        path = "/spaces/default/wait?recipient=%2B41799999999&within=20s"
        waiting = asyncio.create_task(bench.control("GET", path))
        async with bench.http.post(
            f"{bench.url}/infobip/sms/2/text/advanced",
            data=json.dumps({"messages": [{"text": "x", "destinations": [{"to": "41799999999"}]}]}),
            headers={**KEY, "Content-Type": "application/json"},
        ) as answer:
            assert answer.status == 200

        status, body = await waiting

    assert (status, body["total"]) == (200, 1)

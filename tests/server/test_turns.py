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
SERVICE = {"Authorization": "Basic c2VydmljZTpzZWNyZXQ="}


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


@pytest.fixture
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Let a turn be over as soon as it has begun, so that turns tell how finely work is divided.
    """
    monkeypatch.setattr("simulator.provider.calls.TURN_REAL_NS", 0)
    monkeypatch.setattr("simulator.runtime.turns.TURN_REAL_NS", 0)


@pytest.mark.usefixtures("short_turns")
async def test_send_to_thousands_lets_others_have_their_turn() -> None:
    """
    A call with ten thousand destinations is dealt with in turns, all or none as ever.
    """
    async with serving() as bench:
        numbers = [f"4179{n:07}" for n in range(10_000)]
        small = asyncio.create_task(asyncio.sleep(0))
        await small

        async def send() -> None:
            status, body = await bench.send(numbers)
            assert (status, len(body["messages"])) == (200, 10_000)

        assert await turns_during(send) > 10_000
        keys = [key.recipient for key in bench.space.simulation.messages]
        assert keys == [f"+{number}" for number in numbers]


LISTED = 20_000


@pytest.mark.usefixtures("short_turns")
async def test_list_of_thousands_is_decided_and_worked_off_in_turns() -> None:
    """
    A call that is answered before its work is done in turns, and so is the work; its report tells all.
    """
    async with serving() as bench:
        numbers = [f"90532{n:07}" for n in range(LISTED)]
        receivers = [{"type": 2, "address": number} for number in numbers]
        composition = {"list": [{"type": 0, "message": "hello"}]}
        body = {"txnid": "t-1", "receivers": receivers, "composition": composition}

        async def send() -> None:
            status, answer = await bench.post("/bip/tes/rest/spi/sendmsgservlist", body, headers=SERVICE)
            assert (status, answer) == (200, {"txnid": "t-1", "resultcode": 0})

        async def work() -> None:
            await bench.space.driver.advance(1_000)

        assert await turns_during(send) > LISTED
        assert not bench.space.simulation.messages
        assert await turns_during(work) > 2 * LISTED
        messages = bench.space.simulation.messages
        assert [key.recipient for key in messages] == [f"+{number}" for number in numbers]
        entries = [entry for entry in bench.space.simulation.journal if entry.key is not None]
        assert [entry.key for entry in entries[:LISTED]] == list(messages)


@pytest.mark.usefixtures("short_turns")
async def test_batch_of_thousands_is_checked_and_sent_in_turns() -> None:
    """
    A batch is checked number by number and answered as a whole, with turns in between.
    """
    async with serving() as bench:
        await bench.load({"providers": {"bitel": {"recipients_max": LISTED, "duplicate_numbers": "refuse"}}})
        numbers = [f"0912{n:07}" for n in range(LISTED)]

        async def send() -> None:
            body = {"message": "hello", "phoneNumbers": numbers}
            status, answer = await bench.post(
                "/bitel/api/v2/sms/batch", body, headers={"Authorization": "Bearer token"}
            )
            assert (status, len(answer["result"])) == (200, LISTED)

        assert await turns_during(send) > 3 * LISTED


@pytest.mark.usefixtures("short_turns")
async def test_thousands_come_back_in_turns() -> None:
    """
    Whoever is back is looked for, put in order and given what waits, with turns in between.
    """
    async with serving() as bench:
        await bench.load({"recipients": {"*": {"reachable": False}}})
        account = bench.space.gateways["infobip"].account
        made = [account.compose(f"+4179{n:07}", "hello") for n in range(5_000)]
        bench.space.simulation.submit(made)
        await bench.space.driver.advance(60_000)

        async def come_back() -> None:
            status, _ = await bench.control("PATCH", "/spaces/default/recipients/%2B41*", {"reachable": True})
            assert status == 200

        assert await turns_during(come_back) > 1_000
        await bench.space.driver.advance(61_000)
        states = {message.state.value for message in bench.space.simulation.messages.values()}
        assert states == {"delivered"}


@pytest.mark.usefixtures("short_turns")
async def test_followed_journal_lets_others_have_their_turn() -> None:
    """
    Whoever follows a long journal, and reads fast, is served a piece at a time.
    """
    async with full() as bench:
        count = len(bench.space.simulation.journal)

        async def follow() -> None:
            path = f"{bench.url}/_sim/v1/spaces/default/journal?follow=1"
            async with bench.http.get(path) as answer:
                for _ in range(count):
                    assert await answer.content.readline()

        assert await turns_during(follow) > count // 500


async def test_long_body_is_read_beside_the_loop() -> None:
    """
    What takes long to read holds nobody up: not to a provider, not to the control API.
    """
    numbers = [f"4179{n:07}" for n in range(10_000)]
    async with serving() as bench:

        async def send() -> None:
            status, _ = await bench.send(numbers)
            assert status == 200

        async def resend() -> None:
            ids = {"ids": [f"wh_{n:016x}" for n in range(1_000)]}
            status, _ = await bench.control("POST", "/spaces/default/webhooks/resend", ids)
            assert status == 404

        assert await handed_over(send) > 0
        assert await handed_over(resend) > 0


async def test_body_that_is_longer_than_any_that_makes_sense_is_refused() -> None:
    """
    Commands about one thing take no more than 64 KiB.
    """
    async with serving() as bench:
        long = {"reachable": True, "operator": "2" * 70_000}
        status, body = await bench.control("PATCH", "/spaces/default/recipients/+41790000001", long)

    assert (status, body["title"]) == (413, "Too large")


async def test_space_that_is_gone_lets_go_of_what_it_held() -> None:
    """
    A deleted space is emptied in turns: nothing is left for the collector to free at once.
    """
    async with full() as bench:
        space = bench.space
        await space.close()

        assert await turns_during(space.dissolved) > 1
        assert not space.simulation.messages
        assert len(space.simulation.journal) == 0


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

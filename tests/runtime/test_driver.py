"""
The pulse: advancing drains, live clocks run, autojump clocks jump.
"""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from harness import Bench, receiving, serving, until
from simulator.kernel.model.scenario import ClockMode, ClockSpec
from simulator.runtime.driver import AdvanceBusy, AdvanceEnded

FAST = {"deliver_after": "1s"}


async def ready_bench(bench: Bench, url: str, **settings: object) -> None:
    """Point the default space's reports at *url* and make deliveries take one second."""
    webhook = {"url": url, **settings}
    await bench.configure(webhook=webhook, **FAST)


async def test_advance__drains_instant_by_instant() -> None:
    """
    Each report is received while the clock stands at the instant it is about.
    """
    async with receiving() as receiver, serving() as bench:
        await ready_bench(bench, receiver.url)
        seen: list[int] = []

        async def look(request: web.Request) -> web.Response:
            seen.append(bench.space.simulation.clock.now_ms)
            return web.Response()

        receiver.answer = look
        await bench.send("41790000001")
        await bench.space.driver.advance(500)
        await bench.send("41790000002")

        fired = await bench.space.driver.advance(10_000)

        assert seen == [1_000, 1_500]
        assert fired >= 2
        assert bench.space.simulation.clock.now_ms == 10_000


async def test_advance__waits_for_answers_before_time_moves_on() -> None:
    """
    As long as a webhook of an instant is unanswered, the clock stays there.
    """
    async with receiving() as receiver, serving() as bench:
        await ready_bench(bench, receiver.url)
        let_go = asyncio.Event()

        async def hesitate(request: web.Request) -> web.Response:
            if len(receiver.received) == 1:
                await let_go.wait()
            return web.Response()

        receiver.answer = hesitate
        await bench.send("41790000001")
        await bench.space.driver.advance(500)
        await bench.send("41790000002")
        advance = asyncio.create_task(bench.space.driver.advance(10_000))
        await until(lambda: len(receiver.received) == 1)
        for _ in range(20):
            await asyncio.sleep(0)
        held_at = bench.space.simulation.clock.now_ms

        let_go.set()
        await advance

        assert held_at == 1_000
        assert [number for number, _ in receiver.told()] == ["41790000001", "41790000002"]


async def test_follow_up_calls__land_at_the_virtual_instant_of_their_webhook() -> None:
    """
    What the integrator sends while it handles a webhook is accepted at that webhook's instant.
    """
    async with receiving() as receiver, serving() as bench:
        await ready_bench(bench, receiver.url)

        async def follow_up(request: web.Request) -> web.Response:
            if len(receiver.received) == 1:
                await bench.send("41790000002")
            return web.Response()

        receiver.answer = follow_up
        await bench.send("41790000001")

        await bench.space.driver.advance(3_600_000)

        accepted = [m.accepted_ms for m in bench.space.simulation.messages.values()]
        assert accepted == [0, 1_000]
        assert [number for number, _ in receiver.told()] == ["41790000001", "41790000002"]


@pytest.mark.parametrize(("grace", "accepted"), [(1_000, [0, 1_000]), (0, [0, 3_600_000])])
async def test_follow_up_calls__from_a_queue_land_there_within_the_grace(
    grace: int, accepted: list[int]
) -> None:
    """
    What the integrator sends only after it has answered finds the clock where it was, if there is a grace.
    """
    async with receiving() as receiver, serving() as bench:
        await ready_bench(bench, receiver.url)
        driver = bench.space.driver
        driver.set_mode(ClockSpec(grace_real_ms=grace))
        later: list[asyncio.Task[object]] = []
        over = asyncio.Event()

        async def follow_up() -> None:
            await until(lambda: driver.dispatcher.idle)
            if not grace:
                await over.wait()
            await bench.send("41790000002")

        async def queue(request: web.Request) -> web.Response:
            if len(receiver.received) == 1:
                later.append(asyncio.create_task(follow_up()))
            return web.Response()

        receiver.answer = queue
        await bench.send("41790000001")

        await driver.advance(3_600_000)
        over.set()
        await asyncio.gather(*later)

        assert [m.accepted_ms for m in bench.space.simulation.messages.values()] == accepted


async def test_grace__ends_though_calls_keep_coming() -> None:
    """
    An integrator that polls for ever does not hold the clock for ever.
    """
    async with receiving() as receiver, serving() as bench:
        await ready_bench(bench, receiver.url)
        driver = bench.space.driver
        driver.set_mode(ClockSpec(grace_real_ms=20))
        polling: list[asyncio.Task[None]] = []

        async def poll() -> None:
            while True:
                await bench.send("41790000002")

        async def answer(request: web.Request) -> web.Response:
            if not polling:
                polling.append(asyncio.create_task(poll()))
            return web.Response()

        receiver.answer = answer
        await bench.send("41790000001")

        await driver.advance(1_500)
        polling[0].cancel()

        assert driver.simulation.clock.now_ms == 1_500


async def test_follow_up_calls__made_after_the_webhook_was_answered_still_land_there() -> None:
    """
    A call under way when the last webhook was answered holds the clock as well.
    """
    async with receiving() as receiver, serving() as bench:
        await ready_bench(bench, receiver.url)
        rules = [{"when": {"recipient": "+41790000002"}, "then": {"answer": {"stall": "30ms"}}}]
        await bench.load({"rules": rules})
        later: list[asyncio.Task[object]] = []

        async def follow_up(request: web.Request) -> web.Response:
            if len(receiver.received) == 1:
                later.append(asyncio.create_task(bench.send("41790000002")))
                await until(lambda: bench.space.driver.calls_in_flight == 1)
            return web.Response()

        receiver.answer = follow_up
        await bench.send("41790000001")

        await bench.space.driver.advance(3_600_000)
        await asyncio.gather(*later)

        states = [(m.accepted_ms, m.state.value) for m in bench.space.simulation.messages.values()]
        assert states == [(0, "delivered"), (1_000, "delivered")]


async def test_second_advance__is_refused() -> None:
    """
    Two advances at once would be no story: the second gets 409, the first goes on.
    """
    async with receiving() as receiver, serving() as bench:
        await ready_bench(bench, receiver.url)
        let_go = asyncio.Event()

        async def hesitate(request: web.Request) -> web.Response:
            await let_go.wait()
            return web.Response()

        receiver.answer = hesitate
        await bench.send()
        first = asyncio.create_task(bench.space.driver.advance(2_000))
        await until(lambda: receiver.running == 1)

        status, problem = await bench.control("POST", "/spaces/default/clock/advance", {"by": "1h"})
        with pytest.raises(AdvanceBusy):
            await bench.space.driver.advance(9_000)
        let_go.set()
        await first

        assert (status, problem["title"]) == (409, "Advancing already")
        assert bench.space.simulation.clock.now_ms == 2_000


async def test_silent_receiver__cannot_hang_an_advance() -> None:
    """
    A receiver that never answers costs its real time-out, which is recorded in the attempt.
    """
    async with receiving() as receiver, serving() as bench:
        await ready_bench(bench, receiver.url, timeout="50ms", retry="none")

        async def never(request: web.Request) -> web.Response:
            await asyncio.Event().wait()
            raise AssertionError

        receiver.answer = never
        await bench.send()

        await bench.space.driver.advance(60_000)

        assert bench.attempts() == [(1_000, 0, "timed out after 0.05 s")]
        assert [w.state.value for w in bench.space.simulation.outbox.webhooks.values()] == ["lost"]


@pytest.mark.parametrize("written", ["0s", "11m"])
async def test_silent_receiver__always_has_a_time_out(written: str) -> None:
    """
    No time-out at all, or one of hours, would hang an advance: settings refuse both.
    """
    async with serving() as bench:
        status, problem = await bench.control(
            "PUT", "/spaces/default/providers/infobip", {"webhook": {"timeout": written}}
        )

        assert (status, problem["title"]) == (422, "Not settings")
        assert "webhook.timeout" in problem["detail"]


async def test_advance__backwards_is_refused() -> None:
    """
    The clock never goes back, and says so.
    """
    async with serving() as bench:
        await bench.space.driver.advance(5_000)

        with pytest.raises(ValueError) as refusal:
            await bench.space.driver.advance(4_000)

        assert str(refusal.value) == "the clock stands at 5000 ms and cannot go back to 4000 ms"
        assert await bench.space.driver.advance(5_000) == 0


async def test_settling__leaves_nothing_due() -> None:
    """
    Advancing until settled ends when nothing is due and nothing is in flight.
    """
    async with receiving() as receiver, serving() as bench:
        await ready_bench(bench, receiver.url)
        await bench.send([f"4179000{n:04}" for n in range(100)])

        await bench.space.driver.advance(None)

        assert bench.space.simulation.settled
        assert len(receiver.received) == 100


async def test_live_clock__fires_by_itself_and_in_order() -> None:
    """
    A live clock at a high rate delivers without anyone asking, in the order of the instants.
    """
    live = ClockSpec(mode=ClockMode.LIVE, rate=1_000)
    async with receiving() as receiver, serving(clock=live) as bench:
        await bench.configure(webhook={"url": receiver.url}, deliver_after="5s")
        for number in range(5):
            await bench.send(f"4179000000{number}")

        await until(lambda: len(receiver.received) == 5)

        changes = [m.changed_ms - m.accepted_ms for m in bench.space.simulation.messages.values()]
        assert changes == [5_000] * 5
        at_ms = [entry.at_ms for entry in bench.space.simulation.journal]
        assert at_ms == sorted(at_ms)


async def test_live_clock__at_another_rate_is_not_late() -> None:
    """
    What is due in an hour is due in less than a second when time begins to pass faster.
    """
    async with serving(clock=ClockSpec(mode=ClockMode.LIVE)) as bench:
        await bench.configure(deliver_after="1h")
        await bench.send()
        bench.space.driver.set_mode(ClockSpec(mode=ClockMode.LIVE, rate=1_000_000))

        await until(lambda: bench.space.simulation.next_due() is None)

        assert {m.state.value for m in bench.space.simulation.messages.values()} == {"delivered"}


async def test_live_clock__catches_up_in_slices_without_keeping_the_loop() -> None:
    """
    A backlog that fell due at once is worked off without keeping the loop all the while.
    """
    async with serving() as bench:
        await bench.configure(deliver_after="1s")
        await bench.send([f"41790{n:06}" for n in range(20_000)])
        turns = 0

        async def count_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count_turns())
        bench.space.driver.set_mode(ClockSpec(mode=ClockMode.LIVE, rate=1_000_000))
        await until(lambda: bench.space.simulation.next_due() is None)
        counting.cancel()

        states = {m.state.value for m in bench.space.simulation.messages.values()}
        assert states == {"delivered"}
        assert turns > 4


async def test_live_clock__jump_of_the_past_is_not_counted_after_an_advance() -> None:
    """
    Advancing a live clock moves it on at once, and it runs on from there.
    """
    live = ClockSpec(mode=ClockMode.LIVE)
    async with serving(clock=live) as bench:
        await bench.send()

        await bench.space.driver.advance(bench.space.simulation.clock.now_ms + 7_200_000)
        bench.space.driver.sync()

        now_ms = bench.space.simulation.clock.now_ms
        assert 7_200_000 <= now_ms < 7_800_000


async def test_autojump_clock__jumps_when_nothing_is_in_flight() -> None:
    """
    An autojump clock skips the wait: a report due in two days comes now.
    """
    jumping = ClockSpec(mode=ClockMode.AUTOJUMP)
    async with receiving() as receiver, serving(clock=jumping) as bench:
        await bench.configure(webhook={"url": receiver.url}, deliver_after="47h")
        await bench.send()

        await until(lambda: len(receiver.received) == 1)

        assert bench.space.simulation.clock.now_ms == 47 * 3_600_000


async def test_autojump_clock__stays_while_a_call_is_under_way() -> None:
    """
    A call that is not answered yet holds an autojump clock.
    """
    jumping = ClockSpec(mode=ClockMode.AUTOJUMP)
    async with receiving() as receiver, serving(clock=jumping) as bench:
        await ready_bench(bench, receiver.url)
        await bench.load(
            {"rules": [{"when": {"recipient": "+41790000002"}, "then": {"answer": {"stall": "100ms"}}}]}
        )
        stalled = asyncio.create_task(bench.send("41790000002"))
        await until(lambda: bench.space.driver.calls_in_flight == 1)
        await bench.send("41790000001")

        await stalled
        at_answer = bench.space.simulation.clock.now_ms
        await until(lambda: len(receiver.received) == 2)

        assert at_answer == 0
        assert bench.space.simulation.clock.now_ms == 1_000


async def test_autojump_clock__is_not_starved_by_calls_that_keep_coming() -> None:
    """
    Calls that come more often than the grace period lasts do not keep the clock from ever jumping.
    """
    jumping = ClockSpec(mode=ClockMode.AUTOJUMP)
    async with receiving() as receiver, serving(clock=jumping) as bench:
        await ready_bench(bench, receiver.url)
        await bench.send()

        for _ in range(5_000):
            await bench.http.get(f"{bench.url}/infobip/sms/1/reports", headers={"Authorization": "App key"})
            if receiver.received:
                break

        assert [number for number, _ in receiver.told()] == ["41793026727"]


async def test_mode__changes_in_the_middle_of_a_run() -> None:
    """
    Frozen, then autojump, then frozen again: messages sent before and after end up in one story.
    """
    async with receiving() as receiver, serving() as bench:
        await ready_bench(bench, receiver.url)
        await bench.send("41790000001")

        await bench.control("PUT", "/spaces/default/clock", {"mode": "autojump"})
        await until(lambda: len(receiver.received) == 1)
        status, clock = await bench.control("PUT", "/spaces/default/clock", {"mode": "frozen"})
        await bench.send("41790000002")
        frozen_at = bench.space.simulation.clock.now_ms
        await bench.space.driver.advance(None)

        assert (status, clock["mode"]) == (200, "frozen")
        assert frozen_at == 1_000
        assert bench.space.simulation.clock.now_ms == 2_000
        assert [number for number, _ in receiver.told()] == ["41790000001", "41790000002"]


async def test_closed_space__ends_an_advance() -> None:
    """
    Deleting a space in the middle of an advance ends that advance.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.control("POST", "/spaces", {"name": "gone"})
        await bench.configure("gone", webhook={"url": receiver.url, "timeout": "30s"})
        silent = asyncio.Event()

        async def never(request: web.Request) -> web.Response:
            await silent.wait()
            return web.Response()

        receiver.answer = never
        await bench.send(base="/s/gone/infobip")
        space = bench.server.registry.get("gone")
        advance = asyncio.create_task(space.driver.advance(3_600_000))
        await until(lambda: receiver.running == 1)

        status, _ = await bench.control("DELETE", "/spaces/gone")
        with pytest.raises(AdvanceEnded):
            await asyncio.wait_for(advance, 5)
        silent.set()

        assert status == 204
        assert len(receiver.received) == 1


@pytest.mark.parametrize("mode", ClockMode)
async def test_space_rests__while_nothing_happens_by_itself(mode: ClockMode) -> None:
    """
    What takes long and has time is done while every space rests: no step or webhook is late because of it.
    """
    async with serving() as bench:
        await bench.configure(deliver_after="1h")
        driver = bench.space.driver
        empty = driver.rests(7_200.0)
        await bench.send("41790000001")
        await driver.advance(1_000)
        waiting = driver.rests(7_200.0)
        driver.set_mode(ClockSpec(mode=mode))

        assert (empty, waiting) == (True, True)
        assert driver.rests(7_200.0) is (mode is ClockMode.FROZEN)
        assert driver.rests(60.0) is (mode is not ClockMode.AUTOJUMP)

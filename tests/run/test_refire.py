"""
Recorded webhooks as load, and a run compared with a recorded one.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from harness import receiving
from recording import recording
from simulator.run.bundle import Bundle, read_bundle
from simulator.run.compare import first_divergence
from simulator.run.refire import plan_of_load, refire

SCENARIO = """
providers: {infobip: {webhook: {url: RECEIVER/reports?token=abc, headers: {X-Key: hidden}}}}
rules: [{then: {fate: {deliver: {after: 0s..2s}}}}]
"""


async def _recorded(folder: Path, *texts: str, ids: str = "", fails: int = 0, clock: str = "") -> Bundle:
    """Record a run in which *texts* are sent, to one recipient each, and *fails* webhooks are refused."""
    async with recording(folder, f"{SCENARIO}\n{clock}") as run:
        left = fails

        async def answer(_: web.Request) -> web.StreamResponse:
            nonlocal left
            left -= 1
            return web.Response(status=503 if left >= 0 else 200)

        run.receiver.answer = answer
        for number, text in enumerate(texts):
            destination = {"to": f"4179302{number:04d}"} | (
                {"messageId": f"{ids}{number:04d}"} if ids else {}
            )
            await run.post(
                "/infobip/sms/2/text/advanced", {"messages": [{"destinations": [destination], "text": text}]}
            )
        await run.settle()
    return read_bundle(folder)


async def test_webhooks_are_fired_again_at_another_receiver(tmp_path: Path) -> None:
    """
    Every recorded attempt arrives with its path and body, and without withheld headers.
    """
    bundle = await _recorded(tmp_path, *(["hello"] * 30))
    seen: list[tuple[str, str | None, str | None]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append((request.path, request.headers.get("X-Key"), request.headers.get("X-Mine")))
        return web.Response(status=202)

    async with receiving() as receiver:
        receiver.answer = answer
        report = await refire(bundle, receiver.url, 100, headers=(("X-Mine", "1"),))

    assert report.sent == 30
    assert report.statuses == {202: 30}
    assert seen == [("/reports", None, "1")] * 30
    assert len(report.latencies_us) == 30
    assert report.lines()[0] == "30 webhooks sent: 30 × 202"
    assert report.lines()[-1] == f"at worst {report.lag_max_ms} ms behind schedule"


async def test_load_does_not_leave_private_networks(tmp_path: Path) -> None:
    """
    The guard of webhooks holds for fired ones, too: nothing is dialled.
    """
    bundle = await _recorded(tmp_path, "hello")

    report = await refire(bundle, "http://192.0.2.1:9", 1000)

    assert (report.statuses, report.failures) == ({}, {"forbidden": 1})
    assert report.lines()[1] == (
        "forbidden: webhooks go to loopback and private networks only, not to 192.0.2.1; "
        "--allow-target permits more"
    )


async def test_webhook_that_was_taken_and_is_not_now__is_told(tmp_path: Path) -> None:
    """
    What was refused in the record may be refused again; what was acknowledged may not.
    """
    bundle = await _recorded(tmp_path, *(["hello"] * 5), fails=2)

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    async with receiving() as receiver:
        receiver.answer = answer
        report = await refire(bundle, receiver.url, 1_000)
        receiver.answer = None
        good = await refire(bundle, receiver.url, 1_000)
    gone = await refire(bundle, receiver.url, 1_000)

    assert (report.sent, report.worse, good.worse, gone.worse) == (7, 5, 0, 5)
    assert report.lines()[:2] == [
        "7 webhooks sent: 7 × 500",
        "5 webhooks that were answered 2xx in the record were not answered 2xx now",
    ]


async def test_slow_receiver_shows_as_lag_and_latency(tmp_path: Path) -> None:
    """
    Only so many are under way at once; latency counts from when each was due.
    """
    from asyncio import sleep

    bundle = await _recorded(tmp_path, *(["hello"] * 8))

    async with receiving() as receiver:

        async def answer(_: web.Request) -> web.StreamResponse:
            await sleep(0.05)
            return web.Response()

        receiver.answer = answer
        report = await refire(bundle, receiver.url, 1_000, at_once_max=2)
        most = receiver.running_most

    assert most == 2
    assert report.lag_max_ms > 0
    assert max(report.latencies_us) > 100_000


async def test_same_integrator_does_the_same(tmp_path: Path) -> None:
    """
    Random ids that a client mints anew are no divergence as long as each is used where it was.
    """
    first = await _recorded(tmp_path / "a", "one", "two", ids="5f1e8a30-aaaa-4bbb-8ccc-000000d0")
    second = await _recorded(tmp_path / "b", "one", "two", ids="77777777-aaaa-4bbb-8ccc-000000e0")

    assert first_divergence(first, second) is None


@pytest.mark.parametrize("clock", ["", "clock: {mode: live, rate: 1000}"])
async def test_another_text_is_named(tmp_path: Path, clock: str) -> None:
    """
    The first call that is not the recorded one is named with both versions.
    """
    first = await _recorded(tmp_path / "a", "one", "two", "three", clock=clock)
    second = await _recorded(tmp_path / "b", "one", "zwei", "three", clock=clock)

    found = first_divergence(first, second)

    assert found is not None
    assert '"text": "two"' in found.recorded
    assert ('"text": "zwei"' in found.replayed) if not clock else (found.replayed == "nothing like it")


async def test_missing_and_further_calls_are_named(tmp_path: Path) -> None:
    """
    An integrator that sends less or more than it did is told so.
    """
    less = await _recorded(tmp_path / "a", "one")
    more = await _recorded(tmp_path / "b", "one", "two")

    forgotten, new = first_divergence(more, less), first_divergence(less, more)

    assert forgotten is not None
    assert '"text": "two"' in forgotten.recorded
    assert new is not None
    assert '"text": "two"' in new.replayed


async def test_another_answer_to_a_webhook_is_named(tmp_path: Path) -> None:
    """
    A receiver that now refuses what it took has diverged, though its calls are the same.
    """
    first = await _recorded(tmp_path / "a", "one")
    second = await _recorded(tmp_path / "b", "one", fails=1)

    found = first_divergence(first, second)

    assert found is not None
    assert "answers 200 to webhook" in found.recorded
    assert "answers 503 to webhook" in found.replayed


async def test_webhooks_of_a_bundle_are_in_order_of_their_instants(tmp_path: Path) -> None:
    """
    What is fired again is fired in the order in which it was.
    """
    bundle = await _recorded(tmp_path, *(["hello"] * 20))

    instants = [row.at_ms for row in bundle.attempts()]

    assert instants == sorted(instants)
    assert msgspec.to_builtins(bundle.about)["mode"] == "frozen"


async def test_plan__says_how_long_the_load_takes(tmp_path: Path) -> None:
    """
    Before anything is sent it is known how much that is and how long it takes; long pauses can be cut short.
    """
    # Two refused attempts are repeated by the provider's schedule, a minute later.
    bundle = await _recorded(tmp_path, "hello", "hello", fails=2)

    whole = plan_of_load(bundle, 10)
    cut = plan_of_load(bundle, 10, gap_real_ms=100)
    heard: list[int] = []
    async with receiving() as receiver:
        await refire(bundle, receiver.url, 10, gap_real_ms=0, progress=heard.append)

    assert whole.webhooks == 4
    assert whole.recorded_ms >= 60_000
    assert whole.takes_ms == whole.recorded_ms // 10
    assert cut.takes_ms <= 300
    assert heard == [0, 1, 2, 3]

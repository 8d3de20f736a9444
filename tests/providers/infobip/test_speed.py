"""
Speed limits: messages of one request, spread on the clock.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.infobip.bench import bench
from simulator.kernel.model.clock import Clock
from simulator.providers.infobip.timing import Pacer
from simulator.providers.infobip.wire import Item, SpeedLimit

MINUTE = 60_000


def to(count: int) -> list[dict[str, str]]:
    """Return so many destinations."""
    return [{"to": f"4179302{n:04d}"} for n in range(count)]


@pytest.mark.parametrize(
    ("limit", "gap_ms"),
    [
        ({"amount": 10}, 6_000),
        ({"amount": 10, "timeUnit": "MINUTE"}, 6_000),
        ({"amount": 60, "timeUnit": "HOUR"}, MINUTE),
        ({"amount": 24, "timeUnit": "DAY"}, 60 * MINUTE),
    ],
)
async def test_messages_leave_at_even_distances(limit, gap_ms):
    """
    The first leaves at once, each further one after its share of the unit.
    """
    async with bench() as run:
        await run.send(
            {"messages": [{"destinations": to(4), "text": "x"}], "sendingSpeedLimit": limit},
            "/sms/2/text/advanced",
        )
        held = [message.submission.hold_until_ms for message in run.space.simulation.messages.values()]

    assert held == [0, gap_ms, 2 * gap_ms, 3 * gap_ms]


async def test_v3__in_its_schedule():
    """
    v3 writes the limit into the schedule; it counts from sendAt.
    """
    body = {
        "messages": [{"destinations": to(3), "content": {"text": "x"}}],
        "options": {
            "schedule": {
                "sendAt": "2026-01-05T10:00:00.000+0000",
                "sendingSpeedLimit": {"amount": 1, "timeUnit": "MINUTE"},
            }
        },
    }

    async with bench(deliver_after="0s") as run:
        await run.send(body, "/sms/3/messages")
        await run.settle()
        reports = await run.get("/sms/3/reports")

    sent = sorted(report["sentAt"] for report in reports["results"])
    assert sent == [f"2026-01-05T10:0{n}:00.000+0000" for n in range(3)]


async def test_inside_a_window():
    """
    A window that closes pauses the bulk; it goes on at the same speed when it opens again.
    """
    window = {
        "days": ["MONDAY", "TUESDAY"],
        "from": {"hour": 8, "minute": 0},
        "to": {"hour": 10, "minute": 0},
    }
    body = {
        "messages": [{"destinations": to(4), "text": "x", "deliveryTimeWindow": window}],
        "sendingSpeedLimit": {"amount": 2, "timeUnit": "HOUR"},
    }

    async with bench() as run:
        await run.send(body, "/sms/2/text/advanced")
        held = [message.submission.hold_until_ms for message in run.space.simulation.messages.values()]

    assert held == [0, 30 * MINUTE, 23 * 60 * MINUTE, (23 * 60 + 30) * MINUTE]


@pytest.mark.parametrize(
    ("limit", "path", "text"),
    [
        ({}, "sendingSpeedLimit.amount", "must not be null"),
        ({"amount": 0}, "sendingSpeedLimit.amount", "must be greater than 0"),
        (
            {"amount": 1, "timeUnit": "SECOND"},
            "sendingSpeedLimit.timeUnit",
            "must be one of MINUTE, HOUR, DAY, got 'SECOND'",
        ),
    ],
)
async def test_400__what_is_no_limit(limit, path, text):
    """
    A limit that cannot be kept is refused.
    """
    async with bench() as run:
        answer = await run.call(
            "POST",
            "/sms/2/text/advanced",
            {"messages": [{"destinations": to(1), "text": "x"}], "sendingSpeedLimit": limit},
        )

    assert answer.plain["requestError"]["serviceException"]["validationErrors"] == {path: [text]}


@given(amount=st.integers(1, 10_000), unit=st.sampled_from([MINUTE, 60 * MINUTE]), count=st.integers(1, 200))
def test_pacer__never_exceeds_its_limit(amount, unit, count):
    """
    In any unit of time that begins with a message, no more messages leave than the limit says.
    """
    pacer = Pacer(SpeedLimit(amount, unit), Clock())
    item = Item()

    times = [pacer.next(item, 0) for _ in range(count)]

    assert times == sorted(times)
    for number, at_ms in enumerate(times[amount:]):
        assert at_ms - times[number] >= unit

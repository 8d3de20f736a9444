"""
sendAt, delivery time windows, validity and intermediate reports on the space's clock.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.infobip.bench import MONDAY, bench, one
from simulator.providers.infobip.timing import next_in_window
from simulator.providers.infobip.wire import Window

HOUR = 3_600_000
EVERY_DAY = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]


def window(days: list[str], start: str = "", end: str = "") -> dict[str, object]:
    """Return a delivery time window, `06:00` to `15:30`."""
    found: dict[str, object] = {"days": days}
    for name, text in (("from", start), ("to", end)):
        if text:
            hour, _, minute = text.partition(":")
            found[name] = {"hour": int(hour), "minute": int(minute)}
    return found


async def held_for_ms(**message: object) -> int:
    """Return for how long a message sent on Monday at 09:00 is held."""
    async with bench() as run:
        await run.send(one(**message))
        (kept,) = run.space.simulation.messages.values()
        return kept.submission.hold_until_ms


@pytest.mark.parametrize(
    ("send_at", "held_ms"),
    [
        ("2026-01-05T10:00:00.000+0000", HOUR),
        ("2026-01-05T10:00:00Z", HOUR),
        ("2026-01-05T11:00:00.000+01:00", HOUR),
        ("2026-01-05T07:00:00.123456-0300", HOUR + 123),
        ("2026-01-05T08:00:00.000+0000", 0),
        ("2020-01-01T00:00:00.000+0000", 0),
        ("2026-07-04T09:00:00.000+0000", 180 * 24 * HOUR),
    ],
)
async def test_send_at(send_at, held_ms):
    """
    A message waits for its sendAt, in whatever form the date comes; a past one is sent now.
    """
    assert await held_for_ms(sendAt=send_at) == held_ms


@pytest.mark.parametrize(
    ("opening", "held_ms"),
    [
        (window(EVERY_DAY, "06:00", "15:30"), 0),
        (window(EVERY_DAY, "09:00", "10:00"), 0),
        (window(EVERY_DAY, "06:00", "09:00"), 21 * HOUR),
        (window(EVERY_DAY, "10:30", "12:00"), HOUR + HOUR // 2),
        (window(["TUESDAY"], "10:30", "12:00"), 25 * HOUR + HOUR // 2),
        (window(["SUNDAY"], "22:00", "11:00"), 0),
        (window(["MONDAY"], "22:00", "08:00"), 13 * HOUR),
        (window(["MONDAY"], "06:00", "08:00"), (7 * 24 - 3) * HOUR),
        (window(["MONDAY"]), 0),
        (window(["TUESDAY"]), 15 * HOUR),
        (window(["SUNDAY"]), (6 * 24 - 9) * HOUR),
    ],
)
async def test_delivery_time_window(opening, held_ms):
    """
    A message waits for the next opening; a window over midnight belongs to the day on which it opens.
    """
    assert await held_for_ms(deliveryTimeWindow=opening) == held_ms


async def test_send_at_before_a_window():
    """
    Where both are given, sendAt is the earliest instant and the window decides from then on.
    """
    held = await held_for_ms(
        sendAt="2026-01-05T16:00:00.000+0000", deliveryTimeWindow=window(EVERY_DAY, "06:00", "15:30")
    )

    assert held == 21 * HOUR


@given(
    unix_ms=st.integers(0, 4_000_000_000_000),
    days=st.sets(st.integers(0, 6), min_size=1),
    start=st.integers(0, 1_439),
    length=st.integers(60, 1_380),
)
def test_next_in_window__is_open_and_the_earliest(unix_ms, days, start, length):
    """
    The instant found is open by the calendar, and the minute before it was not, unless it is now.
    """
    opening = Window(tuple(sorted(days)), start, (start + length) % 1_440)

    found = next_in_window(opening, unix_ms)

    assert found >= unix_ms
    assert _open(opening, found, length)
    assert found == unix_ms or not _open(opening, found - 1, length)


def _open(opening: Window, unix_ms: int, length: int) -> bool:
    moment = datetime.fromtimestamp(unix_ms // 1000, UTC)
    minute = moment.hour * 60 + moment.minute
    today = moment.weekday() in opening.days and opening.from_minute <= minute < opening.from_minute + length
    yesterday = (moment.weekday() - 1) % 7 in opening.days and minute + 1_440 < opening.from_minute + length
    return today or yesterday


async def test_scheduled_message__is_reported_as_sent_at_its_time():
    """
    `sentAt` of the report of a scheduled message is when it was sent, not when it was asked for.
    """
    async with bench() as run:
        await run.send(one(sendAt="2026-01-05T10:00:00.000+0000"))
        await run.advance("59m")
        early = await run.get("/sms/1/reports")
        await run.settle()
        (report,) = (await run.get("/sms/1/reports"))["results"]

    assert early == {"results": []}
    assert report["sentAt"] == "2026-01-05T10:00:00.000+0000"
    assert "2026-01-05T10:00:01" <= report["doneAt"] <= "2026-01-05T10:00:04.001"


@pytest.mark.parametrize(
    ("given", "minutes"),
    [(None, 2_880), (1, 1), (720, 720), (2_880, 2_880), (2_881, 2_880), (86_400_000, 2_880)],
)
async def test_validity(given, minutes):
    """
    validityPeriod counts minutes; none or more than 48 hours is 48 hours.
    """
    async with bench() as run:
        run.load({"recipients": {"+41793026727": {"reachable": False}}})
        await run.send(one(validityPeriod=given))
        await run.settle()
        (report,) = (await run.get("/sms/1/reports"))["results"]
        now_ms = run.space.simulation.clock.now_ms

    assert now_ms == minutes * 60_000
    assert (report["status"]["id"], report["error"]["id"]) == (15, 4101)


@pytest.mark.parametrize(
    ("period", "ms"),
    [
        ({"amount": 30, "timeUnit": "SECONDS"}, 30_000),
        ({"amount": 30}, 30 * 60_000),
        ({"amount": 3, "timeUnit": "HOURS"}, 3 * HOUR),
        ({"amount": 720, "timeUnit": "HOURS"}, 48 * HOUR),
    ],
)
async def test_validity__v3_has_units(period, ms):
    """
    v3 writes the validity with a unit, minutes unless told; beyond 48 hours it is 48 hours.
    """
    message = {
        "destinations": [{"to": "41793026727"}],
        "content": {"text": "hi"},
        "options": {"validityPeriod": period},
    }

    async with bench() as run:
        await run.send({"messages": [message]}, "/sms/3/messages")
        (kept,) = run.space.simulation.messages.values()

    assert kept.submission.validity_ms == ms


async def test_intermediate_reports__on_request_only():
    """
    Without intermediateReport there is one report; with it, each station on the way has its own.
    """
    async with bench() as run:
        await run.send(one(notifyUrl=run.integrator.url))
        await run.settle()
        plain = [report["status"]["id"] for report in run.integrator.results]
        run.integrator.pushes.clear()
        await run.send(one(notifyUrl=run.integrator.url, intermediateReport=True))
        await run.settle()
        detailed = [report["status"]["id"] for report in run.integrator.results]

    assert plain == [5]
    assert detailed == [3, 2, 5]


async def test_intermediate_report__of_a_phone_that_is_off():
    """
    A phone that is off gives an intermediate report with the transient error, then the final one.
    """
    async with bench() as run:
        run.load({"recipients": {"+41793026727": {"reachable": {"from": "0s", "until": "2h", "is": False}}}})
        await run.send(one(notifyUrl=run.integrator.url, intermediateReport=True))
        await run.settle()
        told = [(r["status"]["id"], r["error"]["id"]) for r in run.integrator.results]

    assert told == [(3, 0), (2, 0), (3, 27), (5, 0)]
    assert run.integrator.pushes[-1].at_ms == 2 * HOUR


@pytest.mark.parametrize("webhooks", [{}, {"early": True}], ids=["prompt", "early"])
async def test_intermediate_reports__of_one_instant(webhooks):
    """
    When everything happens at once, its reports still come in the order in which it happened.
    """
    async with bench() as run:
        then = {"fate": {"deliver": {"after": "0s"}}, **({"webhooks": webhooks} if webhooks else {})}
        run.load({"rules": [{"then": then}]})
        await run.send(one(notifyUrl=run.integrator.url, intermediateReport=True))
        await run.settle()
        names = [result["status"]["name"] for result in run.integrator.results]

    assert names == ["PENDING_WAITING_DELIVERY", "DELIVERED_TO_OPERATOR", "DELIVERED_TO_HANDSET"]


async def test_notify_false_suppresses_reports():
    """
    `notify: false` means no report at all, neither pushed nor kept for pulling.
    """
    async with bench(webhook={"url": "http://127.0.0.1:9"}) as run:
        await run.send(one(notify=False))
        await run.settle()
        pulled = await run.get("/sms/1/reports")
        owed = len(run.space.simulation.outbox.webhooks)

    assert pulled == {"results": []}
    assert owed == 0


async def test_notify_false__on_v3():
    """
    On v3 the same is said inside the webhooks of a message.
    """
    message = {
        "destinations": [{"to": "41793026727"}],
        "content": {"text": "hi"},
        "webhooks": {"delivery": {"url": "http://127.0.0.1:9", "notify": False}},
    }

    async with bench() as run:
        await run.send({"messages": [message]}, "/sms/3/messages")
        await run.settle()
        pulled = await run.get("/sms/3/reports")
        owed = len(run.space.simulation.outbox.webhooks)

    assert (pulled, owed) == ({"results": []}, 0)


def test_the_bench_starts_on_a_monday():
    """
    The cases above count from Monday, 09:00.
    """
    assert f"{datetime.fromtimestamp(MONDAY // 1000, UTC):%A %H:%M}" == "Monday 09:00"

"""
Calls that make the integrator send: on schedule, in order, filled in.
"""

from __future__ import annotations

import asyncio
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import Received, Receiver
from simulator.kernel.model.arrivals import Constant, Poisson, Ramp, Stage, Steps, offsets_us
from simulator.kernel.model.chance import Chance
from simulator.kernel.model.people import People, Person
from simulator.kernel.model.units import Rate
from simulator.provider import discover
from simulator.run.driving import Driven, DriveReport, arrivals, make_call
from simulator.runtime.guard import Guard
from simulator.runtime.transport.client import open_client
from simulator.scenario.goals import Drive
from simulator.scenario.loader import load_run

CHANCE = Chance(1)
NOBODY = People((), CHANCE)
RATES = st.builds(Rate, st.integers(1, 50), st.integers(1, 5_000))
ARRIVALS = (
    st.none()
    | st.builds(Constant, RATES)
    | st.builds(Poisson, RATES)
    | st.builds(Ramp, RATES, RATES, st.just(40))
    | st.builds(
        lambda rates: Steps((*(Stage(rate, 700) for rate in rates), Stage(rates[0]))),
        st.lists(RATES, min_size=1, max_size=3),
    )
)
DRIVES = st.lists(
    st.builds(
        Drive,
        method=st.just("POST"),
        url=st.just("http://127.0.0.1:9/"),
        at_ms=st.integers(0, 5_000),
        count=st.integers(1, 40),
        arrivals=ARRIVALS,
    ),
    max_size=4,
)


def order(driven: Driven) -> tuple[int, int, int]:
    """
    Return what calls are ordered by.
    """
    return driven.at_ms, driven.order, driven.number


@given(DRIVES)
def test_calls_come_in_the_order_of_their_instants(drives: list[Drive]) -> None:
    """
    Several drives are one stream: by instant, then by place in the file, then by number; none is missing.
    """
    calls = list(arrivals(tuple(drives), CHANCE))

    assert [order(call) for call in calls] == sorted(order(call) for call in calls)
    assert len(calls) == sum(drive.count for drive in drives)


def test_calls_of_one_drive_keep_its_rate() -> None:
    """
    Four a second are a quarter of a second apart, from the first instant on.
    """
    drive = Drive(
        method="GET", url="http://127.0.0.1:9/", at_ms=100, count=4, arrivals=Constant(Rate(4, 1_000))
    )

    assert [call.at_ms for call in arrivals((drive,), CHANCE)] == [100, 350, 600, 850]


@pytest.mark.parametrize(
    "schedule", ["{ramp: {from: 5/s, to: 50/s}}", "{steps: [{rate: 5/s, for: 1s}, {rate: 50/s}]}"]
)
def test_calls_come_as_messages_of_a_storm_do(schedule: str) -> None:
    """
    A schedule means the same for calls as for a storm: one reads it as it reads the other's.
    """
    text = (
        f"drive: [{{call: 'POST http://127.0.0.1:9/', at: 2s, count: 40, arrivals: {schedule}}}]\n"
        f"timeline: [{{at: 2s, provider: infobip, storm: {{messages: 40, arrivals: {schedule}}}}}]"
    )
    plan = load_run(text, "alike.yaml", discover())
    (item,) = plan.scenario.timeline
    assert item.storm is not None

    calls = [call.at_ms for call in arrivals(plan.drive, CHANCE)]

    offsets = offsets_us(item.storm.arrivals, 40, CHANCE.of("storm", 0))
    assert calls == [2_000 + offset_us // 1_000 for offset_us in offsets]
    assert calls[-1] < 10_000


def test_random_gaps_of_calls_are_drawn_by_seed_and_place() -> None:
    """
    The same seed makes the same calls at the same instants; another one, or another drive, does not.
    """
    drive = Drive(method="GET", url="http://127.0.0.1:9/", count=50, arrivals=Poisson(Rate(10, 1_000)))

    first, again, other = ([call.at_ms for call in arrivals((drive,), Chance(seed))] for seed in (1, 1, 2))
    second = [call.at_ms for call in arrivals((drive, drive), Chance(1)) if call.order == 1]

    assert first == again
    assert first not in (other, second)
    assert len({late - soon for soon, late in pairwise(first)}) > 10


def test_a_million_calls_are_not_made_up_in_advance() -> None:
    """
    Calls are counted out one by one, however many there are.
    """
    drive = Drive(method="GET", url="http://127.0.0.1:9/", count=1_000_000)

    assert [call.number for call in islice(arrivals((drive, drive), CHANCE), 3)] == [0, 1, 2]


async def called(
    drive: Drive, status: int = 200, people: People = NOBODY
) -> tuple[list[Received], DriveReport]:
    """
    Make the calls of a drive to a receiver that answers *status*.
    """
    report = DriveReport()
    async with Receiver(lambda _: status) as receiver, open_client(Guard()) as client:
        for driven in arrivals((drive,), CHANCE):
            there = Drive(
                method=drive.method,
                url=f"{receiver.url}{drive.url}",
                recipients=drive.recipients,
                headers=drive.headers,
                body=drive.body,
            )
            await make_call(driven._replace(drive=there), people, client, report)
        return receiver.received, report


async def test_call_is_filled_in() -> None:
    """
    Number and recipient stand where the file wants them: in the URL, escaped, and anywhere in the body.
    """
    drive = Drive(
        method="POST",
        url="/send/{recipient}?n={n}",
        count=2,
        headers={"X-Key": "secret"},
        body={"to": ["{recipient}"], "text": "code {n}", "ttl": 5},
    )

    received, report = await called(drive)

    assert [(one.path, one.body) for one in received] == [
        ("/send/%2B41790000000?n=0", b'{"to": ["+41790000000"], "text": "code 0", "ttl": 5}'),
        ("/send/%2B41790000001?n=1", b'{"to": ["+41790000001"], "text": "code 1", "ttl": 5}'),
    ]
    assert {one.headers["X-Key"] for one in received} == {"secret"}
    assert (report.made, report.refused, report.statuses) == (2, 0, {200: 2})


async def test_call_has_the_name_of_its_recipient_in_it() -> None:
    """
    A scenario with people makes software send by name, in the URL, escaped, and in the body.
    """
    drive = Drive(method="POST", url="/send/{name}", body={"text": "Hi {first_name}"})

    received, _ = await called(drive, people=People((Person("Ada Ay", "Ada", "Ay"),), Chance(1)))

    assert [(one.path, one.body) for one in received] == [("/send/Ada%20Ay", b'{"text": "Hi Ada"}')]


async def test_refused_calls_are_counted() -> None:
    """
    What the integrator answers with an error is made, and refused; the first one is told.
    """
    _, report = await called(Drive(method="POST", url="/send", count=3), status=503)

    assert report.first_failure.startswith("POST http://127.0.0.1:")
    assert "/send answered 503: " in report.first_failure

    assert (report.made, report.refused, report.statuses) == (3, 3, {503: 3})


async def test_call_that_begins_late_is_measured_from_when_it_was_due() -> None:
    """
    Whoever holds up the schedule does not shorten the latencies by it.
    """
    report = DriveReport()
    async with Receiver() as receiver, open_client(Guard()) as client:
        (driven,) = arrivals((Drive(method="POST", url=receiver.url),), CHANCE)
        now_s = asyncio.get_running_loop().time()
        await make_call(driven, NOBODY, client, report, due_s=now_s - 5)
        await make_call(driven, NOBODY, client, report)

    assert report.latencies.rank(100) >= 5_000_000 > report.latencies.rank(50)
    assert len(report.lates) == 1
    assert report.lates.rank(100) >= 5_000_000


async def test_call_to_nobody_is_counted_as_a_failure() -> None:
    """
    An integrator that is not there is told by name of the failure, and nothing is raised.
    """
    async with Receiver() as receiver:
        url = receiver.url
    report = DriveReport()
    (driven,) = arrivals((Drive(method="POST", url=url),), CHANCE)

    async with open_client(Guard()) as client:
        await make_call(driven, NOBODY, client, report)

    assert (report.made, report.refused, report.failures) == (1, 1, {"refused": 1})


async def test_recipients_are_taken_in_turn() -> None:
    """
    A list of whole numbers and of numbers with the call's own in them; the body may have it padded, too.
    """
    drive = Drive(
        method="POST",
        url="/send",
        count=3,
        recipients=("+41793026727", "+4179302120{n:04}"),
        body={"to": "{recipient}", "text": "No {n:03}"},
    )

    received, _ = await called(drive)

    assert [one.body for one in received] == [
        b'{"to": "+41793026727", "text": "No 000"}',
        b'{"to": "+41793021200001", "text": "No 001"}',
        b'{"to": "+41793026727", "text": "No 002"}',
    ]

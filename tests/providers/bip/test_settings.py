"""
Settings: what the documentation leaves open is the user's to choose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.model.rules import Act
from simulator.providers.bip.addresses import hash_of
from simulator.providers.bip.quota import Quotas
from simulator.providers.bip.render import format_time

TEXT = {"type": 0, "message": "hello"}
DAY_MS = 86_400_000


async def test_webhooks_may_carry_credentials(bip: Callable[..., Any]) -> None:
    """
    With Basic credentials in the settings every webhook has them.
    """
    async with bip() as bench:
        bench.configure(webhook={"basic": "me:secret"})
        await bench.send("905000000000")
        await bench.settle()

    assert [one.headers["Authorization"] for one in bench.receiver.received] == ["Basic bWU6c2VjcmV0"]


@pytest.mark.parametrize(("status", "states"), [(200, ["acknowledged"]), (204, ["lost"]), (500, ["lost"])])
async def test_webhook_is_tried_once_and_wants_a_200(
    bip: Callable[..., Any], status: int, states: list[str]
) -> None:
    """
    Any other answer is an error, and nothing is sent again.
    """
    async with bip() as bench:
        bench.receiver.answer = lambda _: status
        await bench.send("905000000000")
        await bench.settle()
        found = [webhook.state.value for webhook in bench.space.simulation.outbox.webhooks.values()]

    assert found == states
    assert len(bench.hooks) == 1


async def test_refused_composition_may_have_an_entry_per_message(bip: Callable[..., Any]) -> None:
    """
    One entry per refused receiver is our reading; the other one is a setting.
    """
    item = {"receiver": {"type": 2, "address": "905320000001"}, "composition": {"list": [TEXT, TEXT]}}
    async with bip(failure_entries="message") as bench:
        await bench.call("sendmultiusermulticontent", {"txnid": "t", "receivercontentlist": [item]})
        await bench.advance(500)

    assert [entry["resultcode"] for entry in bench.hooks[0][1]["list"]] == [312, 312]


@pytest.mark.parametrize(("empty", "status"), [("accept", 200), ("refuse", 400)])
async def test_empty_list_is_accepted_or_not(bip: Callable[..., Any], empty: str, status: int) -> None:
    """
    A list without receivers passes verification unless settings say otherwise.
    """
    async with bip(empty_list=empty) as bench:
        got = await bench.send_list()

    assert got.status == status


async def test_too_many_receivers_exceed_the_sending_limit(bip: Callable[..., Any]) -> None:
    """
    308 for each receiver of a list longer than the limit, in the report.
    """
    async with bip(limits={"receivers": 1}) as bench:
        await bench.send_list("905320000001", "905320000002")
        await bench.advance(500)

    assert [entry["resultcode"] for entry in bench.hooks[0][1]["list"]] == [308, 308]


async def test_all_followers_may_stand_in_a_list_where_settings_say_so(bip: Callable[..., Any]) -> None:
    """
    Type 1 then stands for each follower, under the quota of lists, beside whoever else is named.
    """
    async with bip(broadcast_in_list="accept", quotas={"filtered": {"day": 1}}) as bench:
        for number in ("905320000001", "905320000002"):
            bench.space.simulation.change_recipient(f"+{number}", {"follower": True})
        text = {"list": [TEXT]}
        receivers = [{"type": 1}, {"type": 2, "address": "905320000002"}]
        got = await bench.call("sendmsgservlist", {"txnid": "t", "receivers": receivers, "composition": text})
        await bench.advance(500)

    assert got == (200, {"txnid": "t", "resultcode": 0}, "")
    assert [(one["receiver"], one["resultcode"]) for one in bench.hooks[0][1]["list"]] == [
        ("905320000001", 0),
        ("905320000002", 0),
        ("905320000002", 312),
    ]


@pytest.mark.parametrize(("setting", "told"), [("none", []), (0, [0]), (9, [9])])
async def test_message_whose_ttl_ran_out_has_no_report_unless_settings_say_so(
    bip: Callable[..., Any], setting: str | int, told: list[int]
) -> None:
    """
    By default the send is cancelled in silence.
    """
    async with bip(session={"required": False}, expired_reporttype=setting) as bench:
        bench.space.simulation.change_recipient("+905320000001", {"reachable": False})
        got = await bench.send("905320000001", ttl=60)
        await bench.advance(60_000)

    reports = [body["report"] for _, body in bench.hooks]
    assert reports == [{"reportid": got.body["list"][0]["reportid"], "reporttype": one} for one in told]


@pytest.mark.parametrize(("trim", "path"), [(True, "/bip/report"), (False, "/bip//report")])
async def test_slash_of_the_feedback_url_is_dropped_before_the_report(
    bip: Callable[..., Any], trim: bool, path: str
) -> None:
    """
    A feedback URL that ends in a slash leads to one slash, unless settings have it taken as it is.
    """
    async with bip(trim_feedback_url=trim) as bench:
        await bench.send_list("905000000000")
        await bench.advance(500)

    assert [got for got, _ in bench.hooks][:1] == [path]


async def test_query_of_the_feedback_url_stays_behind_the_report(bip: Callable[..., Any]) -> None:
    """
    A key in the query of the feedback URL is sent with sent reports, too.
    """
    async with bip() as bench:
        bench.configure(webhook={"url": f"{bench.receiver.url}/bip/?key=1"})

        assert bench.account.settings.report_url == f"{bench.receiver.url}/bip/report?key=1"


async def test_location_and_txnid_of_users_messages_have_two_forms(bip: Callable[..., Any]) -> None:
    """
    As captured in 2020 a location has numbers and a content, as documented a message has no txnid.
    """
    async with bip(location_form="captured", incoming_txnid=False) as bench:
        act = Act("sends location", data={"lat": "41.5", "lon": 29})
        bench.space.simulation.act("bip", "+905320000001", act)
        await bench.settle()

    _, body = bench.hooks[0]
    assert {name: body[name] for name in body if name not in ("msgid", "sendtime")} == {
        "sender": "905320000001",
        "type": "M",
        "ctype": "L",
        "content": "(lat:41.5, lon:29)",
        "location": {"lat": 41.5, "lon": 29.0, "title": "", "desc": "", "zoomlevel": None},
    }


async def test_hashes_may_have_the_older_form(bip: Callable[..., Any]) -> None:
    """
    32 hexadecimal digits, as in the samples of 2016.
    """
    async with bip(hash_form="hex", plain_numbers=False) as bench:
        bench.space.simulation.act("bip", "+905320000001", Act("follows"))
        await bench.settle()
        got = await bench.call("listcontacts", {"txnid": "c"})

    hashed = hash_of("+905320000001", "hex")
    assert got.body["list"] == [{"type": 0, "address": hashed}]
    assert bench.hooks[0][1]["sender"] == hashed


@pytest.mark.parametrize(
    ("settings", "code", "why"),
    [
        ({"active": False, "authorized": False}, 300, "the service is not active (setting active)"),
        ({"authorized": False, "methods": []}, 307, "the service may not be used (setting authorized)"),
        (
            {"methods": ["sendmsgserv"]},
            311,
            "the service may not call listcontacts; it may call sendmsgserv",
        ),
    ],
)
async def test_listing_needs_a_service_in_good_standing(
    bip: Callable[..., Any], settings: dict[str, object], code: int, why: str
) -> None:
    """
    Without it the answer has the code and no list, and the header says what there is.
    """
    async with bip(**settings) as bench:
        got = await bench.call("listcontacts", {"txnid": "c"})

    assert got == (200, {"txnid": "c", "resultcode": code}, why)


async def test_order_of_arrival_changes_no_report_id(bip: Callable[..., Any]) -> None:
    """
    One seed, one story: ids, delays and webhooks go by recipient, not by who came first.
    """
    told = []
    for order in (("905320000001", "905320000002"), ("905320000002", "905320000001")):
        async with bip(session={"required": False}) as bench:
            for address in order:
                await bench.send(address)
            await bench.settle()
        told.append(sorted(bench.hooks, key=lambda hook: str(hook[1]["sender"])))

    assert told[0] == told[1]


@given(
    st.sampled_from(["day", "week", "month"]),
    st.integers(1, 5),
    st.lists(st.integers(0, 40 * DAY_MS), max_size=30),
)
def test_no_window_ever_holds_more_than_its_limit(window: str, limit: int, gaps: list[int]) -> None:
    """
    However sends are spread, none of a window's days has more than the limit.
    """
    quotas, at_ms, sent = Quotas(), 0, []
    for gap in sorted(gaps):
        at_ms = gap
        if quotas.has_room("x", {window: limit}, at_ms):
            quotas.count("x", {window: limit}, at_ms)
            sent.append(format_time(at_ms - 3 * 3_600_000)[:10])

    months = [day[3:] for day in sent]
    most = {"day": max(map(sent.count, sent), default=0), "month": max(map(months.count, months), default=0)}
    assert most.get(window, 0) <= limit
    assert not gaps or sent


def test_weeks_begin_on_monday() -> None:
    """
    Sunday the 4th of January 1970 ends a week, Monday the 5th begins one.
    """
    quotas, limits = Quotas(), {"week": 1}
    quotas.count("x", limits, 0)

    assert not quotas.has_room("x", limits, 4 * DAY_MS - 1)
    assert quotas.has_room("x", limits, 4 * DAY_MS)

"""
Sends to lists and to all followers: answered first, worked off later, told in the sent report.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ACCEPTED = {"txnid": "t-2", "resultcode": 0}


def entry(receiver: str, code: int = 0, number: int | None = 1, total: int = 1) -> dict[str, object]:
    """Return an entry of a report with its id replaced by its form."""
    return {
        "resultcode": code,
        "receiver": receiver,
        "reportid": None if code else "<id>",
        "numberofmessage": None if code else number,
        "totalnumberofmessage": total,
    }


def report(txnid: str, *entries: dict[str, object]) -> tuple[str, dict[str, object]]:
    """Return a sent report as it arrives."""
    return "/bip/report", {"reqid": "<number>", "txnid": txnid, "resultcode": 0, "list": list(entries)}


async def test_list_is_answered_before_anything_is_checked(bip: Callable[..., Any]) -> None:
    """
    HTTP 200 means accepted: the refusals stand in the sent report, which names all receivers in order.
    """
    async with bip("recipients: {'905320000003': {blocked: true}, '905320000004': {known: false}}") as bench:
        got = await bench.send_list("905320000001", "905000000312", "905320000003", "905320000004")
        before = list(bench.hooks)
        await bench.advance(500)

    assert got == (200, ACCEPTED, "")
    assert before == []
    assert [(path, bench.drawn(body)) for path, body in bench.hooks] == [
        report(
            "t-2",
            entry("905320000001"),
            entry("905000000312", 312),
            entry("905320000003", 302),
            entry("905320000004", 301),
        )
    ]


async def test_sent_report_comes_before_delivered_ones_and_these_before_read_ones(
    bip: Callable[..., Any],
) -> None:
    """
    An integrator has the report id before anything is reported under it.
    """
    async with bip(work_after="1s", read_reporttype=1) as bench:
        await bench.send_list("905002000002")
        await bench.settle()

    report_id = bench.hooks[0][1]["list"][0]["reportid"]
    assert [
        (path, body.get("type"), body.get("report", {"reportid": report_id, "reporttype": None}))
        for path, body in bench.hooks
    ] == [
        ("/bip/report", None, {"reportid": report_id, "reporttype": None}),
        ("/bip/", "R", {"reportid": report_id, "reporttype": 0}),
        ("/bip/", "R", {"reportid": report_id, "reporttype": 1}),
    ]


async def test_reports_that_are_made_again_are_numbered_anew(bip: Callable[..., Any]) -> None:
    """
    By `ids: new` a copy has another msgid and txnid, or reqid; what it is about stays the same.
    """
    async with bip("rules: [{then: {webhooks: {duplicate: {ids: new, within: 1s}}}}]") as bench:
        await bench.send_list("905000000000")
        await bench.settle()

    sent = [body for path, body in bench.hooks if path == "/bip/report"]
    delivered = [body for path, body in bench.hooks if path == "/bip/"]
    assert [
        len({body[name] for body in told})
        for told, name in (
            (sent, "reqid"),
            (delivered, "msgid"),
            (delivered, "txnid"),
        )
    ] == [2, 2, 2]
    assert sent[0]["list"] == sent[1]["list"]
    assert delivered[0]["report"] == delivered[1]["report"]


async def test_without_report_authority_nothing_is_ever_told(bip: Callable[..., Any]) -> None:
    """
    Neither a list in the answer, nor a sent report, nor a delivered one.
    """
    async with bip(reports=False) as bench:
        alone = await bench.send("905000000000")
        listed = await bench.send_list("905000000000", "905000000301")
        await bench.settle()

    assert alone == (200, {"txnid": "t-1", "resultcode": 0}, "")
    assert listed == (200, ACCEPTED, "")
    assert bench.hooks == []
    assert len(bench.space.simulation.messages) == 2


async def test_verification_refuses_an_asynchronous_call_at_once(bip: Callable[..., Any]) -> None:
    """
    Verification comes before the answer for every method.
    """
    async with bip() as bench:
        got = await bench.call(
            "sendmsgservlist",
            {
                "txnid": "t-2",
                "receivers": [{"type": 2, "address": "905320000001"}],
                "composition": {"list": [{"type": 0, "message": ""}]},
            },
        )
        await bench.settle()

    assert got == (
        400,
        {"txnid": "t-2", "resultcode": 1004},
        "composition.list[0].message: expected a text of 1 to 2048 characters",
    )
    assert bench.hooks == []


async def test_broadcast_reaches_who_follows(bip: Callable[..., Any]) -> None:
    """
    All followers are those that are known to follow when the call is made, in order of their numbers.
    """
    scenario = """
recipients:
  "905320000002": {follower: true}
  "905320000001": {follower: true}
  "905320000003": {follower: false}
  "90533*": {follower: true}
"""
    async with bip(scenario) as bench:
        got = await bench.broadcast()
        await bench.advance(500)

    assert got == (200, {"txnid": "t-3", "resultcode": 0}, "")
    assert [(path, bench.drawn(body)) for path, body in bench.hooks] == [
        report("t-3", entry("905320000001"), entry("905320000002"))
    ]


async def test_broadcast_to_nobody_has_an_empty_report(bip: Callable[..., Any]) -> None:
    """
    A service without followers may broadcast; the report has an empty list.
    """
    async with bip() as bench:
        await bench.broadcast()
        await bench.settle()

    assert [(path, bench.drawn(body)) for path, body in bench.hooks] == [report("t-3")]


async def test_broadcasts_are_counted_by_the_day_of_istanbul(bip: Callable[..., Any]) -> None:
    """
    The second broadcast of a day is over the quota, until midnight at UTC+3.
    """
    scenario = 'recipients: {"905320000001": {follower: true}}'
    async with bip(scenario, quotas={"all_followers": {"day": 1}}) as bench:
        for _ in range(2):
            await bench.broadcast()
            await bench.advance(500)
        # The space begins at 12:00 in Istanbul.
        await bench.advance(12 * 3_600_000)
        await bench.broadcast()
        await bench.settle()

    codes = [body["list"][0]["resultcode"] for path, body in bench.hooks if path == "/bip/report"]
    assert codes == [0, 312, 0]


async def test_list_quota_is_counted_per_user(bip: Callable[..., Any]) -> None:
    """
    A user over the quota is refused, another one of the same list is not.
    """
    async with bip(quotas={"filtered": {"week": 1}}) as bench:
        await bench.send_list("905320000001")
        await bench.advance(500)
        await bench.send_list("905320000001", "905320000002")
        await bench.settle()

    reports = [bench.drawn(body) for path, body in bench.hooks if path == "/bip/report"]
    assert [one["list"] for one in reports] == [
        [entry("905320000001")],
        [entry("905320000001", 312), entry("905320000002")],
    ]


async def test_each_user_gets_messages_of_their_own(bip: Callable[..., Any]) -> None:
    """
    Different messages per user: an entry per message, one entry for a user who is refused.
    """
    scenario = 'recipients: {"905320000001": {session: true}}'
    texts = [{"type": 0, "message": "one"}, {"type": 0, "message": "two"}]
    parts = [
        {"receiver": {"type": 2, "address": address}, "composition": {"list": texts}, "expire": 60}
        for address in ("905320000001", "905320000002")
    ]
    async with bip(scenario) as bench:
        got = await bench.call("sendmultiusermulticontent", {"txnid": "t-4", "receivercontentlist": parts})
        await bench.advance(500)

    assert got == (200, {"txnid": "t-4", "resultcode": 0}, "")
    assert [(path, bench.drawn(body)) for path, body in bench.hooks] == [
        report(
            "t-4",
            entry("905320000001", 0, 1, 2),
            entry("905320000001", 0, 2, 2),
            entry("905320000002", 312, None, 2),
        )
    ]


async def test_long_report_is_split(bip: Callable[..., Any]) -> None:
    """
    With a largest list, each part has a request id of its own and the same txnid.
    """
    async with bip(report_list_max=2) as bench:
        await bench.send_list("905320000001", "905320000002", "905320000003")
        await bench.advance(500)

    bodies = [body for _, body in bench.hooks]
    assert [len(body["list"]) for body in bodies] == [2, 1]
    assert {body["txnid"] for body in bodies} == {"t-2"}
    assert len({body["reqid"] for body in bodies}) == 2


async def test_same_txnid_again_is_refused_where_settings_say_so(bip: Callable[..., Any]) -> None:
    """
    310 within the window, none after it; off unless switched on.
    """
    async with bip(duplicate_window="1m", limits={"receivers": 2}) as bench:
        first = await bench.send("905000000000")
        second = await bench.send("905000000000")
        await bench.advance(60_000)
        third = await bench.send("905000000000")

    assert [got.body["resultcode"] for got in (first, second, third)] == [0, 310, 0]


async def test_sent_report_can_be_lost_by_a_rule(bip: Callable[..., Any]) -> None:
    """
    A rule about the webhooks of a message takes the sent report along, not only the delivered one.
    """
    scenario = "rules: [{when: {recipient: '905320000001'}, then: {webhooks: {drop: true}}}]"
    async with bip(scenario) as bench:
        await bench.send_list("905320000001")
        await bench.settle()

    assert bench.hooks == []


async def test_rule_refuses_an_asynchronous_call_before_its_answer(bip: Callable[..., Any]) -> None:
    """
    A whole call is refused at once, one receiver of it only in the report.
    """
    scenario = """
rules:
  - {when: {provider: bip, nth: 1}, then: {answer: {refuse: {http: 503}}}}
  - {when: {provider: bip}, then: {answer: {refuse: general_error}}}
"""
    async with bip(scenario) as bench:
        first = await bench.send_list("905320000001")
        second = await bench.send_list("905320000001")
        await bench.settle()

    assert first == (503, None, 'http503: rule "rule 1" (line 3)')
    assert second == (200, ACCEPTED, "")
    assert [(path, bench.drawn(body)) for path, body in bench.hooks] == [
        report("t-2", entry("905320000001", 1))
    ]

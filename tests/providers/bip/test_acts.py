"""
What users do: the webhooks of it, and the sessions that it opens.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from simulator.kernel.engine.account import ImpossibleAct
from simulator.kernel.model.rules import Act
from simulator.providers.bip.acts import ACTS

USER = "+905320000001"


def do(bench: Any, kind: str, text: str = "", data: object = None) -> None:
    """Let the user do something."""
    bench.space.simulation.act("bip", USER, Act(kind, text=text, data=data))


def template(**media: object) -> dict[str, object]:
    """Return a message with template media."""
    name, body = next(iter(media.items()))
    kinds = {"singletmm": 0, "polltmm": 2, "quickreplytmm": 3}
    return {"type": 13, "tmmtype": kinds[name], name: body}


def common(**fields: object) -> dict[str, object]:
    """Return the webhook of a user's message."""
    return {
        "sender": "905320000001",
        "msgid": "<number>",
        "sendtime": "05.01.2026 12:00:00.000 +0300",
        "txnid": "<id>",
        "type": "M",
        **fields,
    }


FILE = "http://x/1"


@pytest.mark.parametrize(
    ("kind", "text", "data", "expected"),
    [
        ("writes", "hi", None, {"ctype": "T", "content": "hi"}),
        ("writes", "hi", {"nickname": "Ali"}, {"ctype": "T", "content": "hi", "nickname": "Ali"}),
        ("sends photo", "", {"content": FILE}, {"ctype": "I", "content": FILE}),
        ("sends_video", FILE, None, {"ctype": "V", "content": FILE}),
        ("sends audio", FILE, None, {"ctype": "A", "content": FILE}),
        ("sends sticker", FILE, None, {"ctype": "S", "content": FILE}),
        ("sends-caps", FILE, None, {"ctype": "C", "content": FILE}),
        (
            "sends location",
            "",
            {"lat": 41.5, "lon": "29", "title": "Ev"},
            {"ctype": "L", "location": {"lat": "41.5", "lon": "29", "title": "Ev", "desc": ""}},
        ),
        (
            "sends document",
            "",
            {"filename": "a.pdf", "filepath": FILE, "size": 7},
            {
                "ctype": "Document",
                "document": {"filename": "a.pdf", "filepath": FILE, "extension": "pdf", "size": 7},
            },
        ),
        (
            "sends contact",
            "BEGIN:VCARD",
            None,
            {"ctype": "vcard", "vcard": {"value": base64.b64encode(b"BEGIN:VCARD").decode()}},
        ),
        ("buzzes", "", None, {"ctype": "Buzz"}),
        (
            "taps",
            "",
            {"postbackid": "p", "payload": "YES"},
            {"ctype": "Postback", "postback": {"postbackid": "p", "payload": "YES"}},
        ),
        (
            "answers poll",
            "",
            {"pollid": "q", "optionids": [2, 3]},
            {"ctype": "Poll", "poll": {"pollid": "q", "optionids": [2, 3]}},
        ),
        (
            "answers old poll",
            "",
            {"pollid": "q", "optionids": [2]},
            {"ctype": "R", "pollid": "q", "optionid": 2},
        ),
    ],
)
async def test_act_reaches_the_feedback_url(
    bip: Callable[..., Any], kind: str, text: str, data: object, expected: dict[str, object]
) -> None:
    """
    Each kind of message from a user has its own fields beside the common ones.
    """
    async with bip() as bench:
        do(bench, kind, text, data)
        await bench.settle()

    assert [(path, bench.drawn(body)) for path, body in bench.hooks] == [("/bip/", common(**expected))]


async def test_follow_and_unfollow_are_events(bip: Callable[..., Any]) -> None:
    """
    They are told with type E, and change who follows.
    """
    async with bip() as bench:
        do(bench, "follows")
        await bench.settle()
        during = await bench.call("followercount", {"txnid": "c"})
        do(bench, "unfollows")
        await bench.settle()
        after = await bench.call("followercount", {"txnid": "c"})

    assert [(body["type"], body["event"], "txnid" in body) for _, body in bench.hooks] == [
        ("E", "S", False),
        ("E", "U", False),
    ]
    assert during == (200, {"txnid": "c", "resultcode": 0, "followercount": 1}, "")
    assert after == (200, {"txnid": "c", "resultcode": 0, "followercount": 0}, "")


async def test_tap_and_poll_answer_refer_to_what_was_delivered(bip: Callable[..., Any]) -> None:
    """
    Without data, a tap is on the last delivered template, and an answer to the last delivered poll.
    """
    single = template(
        singletmm={
            "title": "t",
            "postbackid": "order-1",
            "buttonlist": [
                {"type": "1", "name": "Yes", "payload": "YES"},
                {"type": 0, "name": "Site", "url": "https://x"},
            ],
        }
    )
    poll = template(
        polltmm={"title": "t", "pollid": "q-1", "polltype": 0, "optionlist": [{"optionid": 5, "name": "Red"}]}
    )
    async with bip() as bench:
        do(bench, "follows")
        await bench.send("905320000001", single)
        await bench.settle()
        do(bench, "taps", "Yes")
        with pytest.raises(ImpossibleAct, match="there is no button 'Site'; the last template has: Yes"):
            do(bench, "taps", "Site")
        await bench.send("905320000001", poll)
        await bench.settle()
        do(bench, "answers poll", "Red")
        with pytest.raises(ImpossibleAct, match="there is no option 6; the poll has: 5"):
            do(bench, "answers poll", data={"optionids": [6]})
        await bench.settle()

    told = [body for _, body in bench.hooks if body["type"] == "M"]
    assert [one.get("postback", one.get("poll")) for one in told] == [
        {"postbackid": "order-1", "payload": "YES"},
        {"pollid": "q-1", "optionids": [5]},
    ]


async def test_impossible_acts_say_what_would_be_possible(bip: Callable[..., Any]) -> None:
    """
    An unknown act names the known ones; a tap without a template says what it needs.
    """
    async with bip() as bench:
        with pytest.raises(ImpossibleAct) as unknown:
            do(bench, "sings")
        with pytest.raises(ImpossibleAct) as nothing:
            do(bench, "taps")
        with pytest.raises(ImpossibleAct) as nobody:
            bench.space.simulation.act("bip", "+41793026727", Act("writes", text="hi"))

    assert str(unknown.value) == f"BiP users cannot do 'sings'; they can: {', '.join(ACTS)}"
    assert str(nothing.value) == (
        "there is no delivered template with postback buttons; expected data.postbackid and data.payload"
    )
    assert str(nobody.value) == "expected a number of the form 905XXXXXXXXX or a hash, got '+41793026727'"
    assert bench.hooks == []


async def test_user_reads_what_was_delivered(bip: Callable[..., Any]) -> None:
    """
    Reading is reported per message, with its report id.
    """
    async with bip() as bench:
        got = await bench.send("905000000000")
        await bench.settle()
        bench.space.simulation.act("bip", "+905000000000", Act("reads"))
        await bench.settle()

    report_id = got.body["list"][0]["reportid"]
    assert [body["report"] for _, body in bench.hooks] == [
        {"reportid": report_id, "reporttype": 0},
        {"reportid": report_id, "reporttype": 1},
    ]


# -- sessions ---------------------------------------------------------------------------------------


async def codes(bench: Any, count: int) -> list[int]:
    """Send so many messages, and return the codes of the answers."""
    return [(await bench.send("905320000001")).body["resultcode"] for _ in range(count)]


@pytest.mark.parametrize("kind", ["writes", "follows", "opens chat", "buzzes"])
async def test_act_opens_a_session(bip: Callable[..., Any], kind: str) -> None:
    """
    Before a user acts nothing may be sent to them, then so many messages.
    """
    async with bip(session={"messages": 2}) as bench:
        before = await codes(bench, 1)
        do(bench, kind)
        after = await codes(bench, 3)
        do(bench, kind)
        again = await codes(bench, 1)

    assert (before, after, again) == ([312], [0, 0, 312], [0])


async def test_session_ends_with_its_time(bip: Callable[..., Any]) -> None:
    """
    A session lasts so long after the last act, to the millisecond.
    """
    async with bip(session={"length": "1h"}) as bench:
        do(bench, "writes", "hi")
        await bench.advance(3_599_999)
        inside = await codes(bench, 1)
        await bench.advance(1)
        outside = await codes(bench, 1)

    assert (inside, outside) == ([0], [312])


async def test_composition_fits_into_a_session_as_a_whole_or_not_at_all(bip: Callable[..., Any]) -> None:
    """
    Three messages do not fit where two are left, and then two still do.
    """
    text = {"type": 0, "message": "hello"}
    async with bip(session={"messages": 2}) as bench:
        do(bench, "writes", "hi")
        three = await bench.send("905320000001", text, text, text)
        two = await bench.send("905320000001", text, text)

    assert three[:2] == (200, {"txnid": "t-1", "resultcode": 312})
    assert [entry["numberofmessage"] for entry in two.body["list"]] == [1, 2]


async def test_user_named_twice_in_a_call_is_counted_twice(bip: Callable[..., Any]) -> None:
    """
    What earlier parts of a call use up is not there for later ones.
    """
    part = {
        "receiver": {"type": 2, "address": "905320000001"},
        "composition": {"list": [{"type": 0, "message": "hello"}]},
    }
    async with bip(session={"messages": 2}, quotas={"filtered": {"month": 1}}) as bench:
        do(bench, "opens chat")
        await bench.call("sendmultiusermulticontent", {"txnid": "t", "receivercontentlist": [part] * 3})
        await bench.send_list("905320000001", "905320000001")
        await bench.advance(500)

    reports = {body["txnid"]: body["list"] for path, body in bench.hooks if path == "/bip/report"}
    assert [entry["resultcode"] for entry in reports["t"]] == [0, 0, 312]
    assert [entry["resultcode"] for entry in reports["t-2"]] == [0, 312]


async def test_poll_and_buttons_are_remembered_side_by_side(bip: Callable[..., Any]) -> None:
    """
    An answer goes to the last poll and a tap to the last buttons, whatever came after them.
    """
    buttons = [{"type": 1, "name": "Yes", "payload": "Y"}, {"type": 1, "name": "No", "payload": "N"}]
    poll = template(
        polltmm={"title": "t", "pollid": "q", "polltype": 0, "optionlist": [{"optionid": 7, "name": "A"}]}
    )
    quick = template(quickreplytmm={"postbackid": "p", "buttonlist": buttons})
    plain = template(singletmm={"title": "nothing to tap"})
    async with bip(session={"required": False}) as bench:
        for message in (poll, quick, plain):
            await bench.send("905320000001", message)
            await bench.advance(5_000)
        do(bench, "answers poll")
        do(bench, "taps", data={"payload": "N"})
        await bench.settle()

    acts = {body["ctype"]: body for _, body in bench.hooks if body["type"] == "M"}
    assert acts["Poll"]["poll"] == {"pollid": "q", "optionids": [7]}
    assert acts["Postback"]["postback"] == {"postbackid": "p", "payload": "N"}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("sends location", {"lat": "x"}),
        ("sends location", {"lon": "nan"}),
        ("sends location", {"title": 5}),
        ("sends document", {"filepath": 5}),
        ("sends document", {"size": -1}),
        ("writes", {"nickname": 5}),
        ("taps", {"postbackid": {}, "payload": None}),
        ("taps", {"payload": 5}),
        ("taps", {"postbackid": 5}),
        ("answers poll", {"pollid": {"a": 1}, "optionids": [1]}),
        ("answers poll", {"pollid": True, "optionids": [1]}),
    ],
)
@pytest.mark.parametrize("form", ["documented", "captured"])
async def test_act_with_data_that_no_user_could_send_is_impossible(
    bip: Callable[..., Any], kind: str, data: dict[str, object], form: str
) -> None:
    """
    What the integrator gets has the types that real bodies have.
    """
    async with bip(location_form=form) as bench:
        with pytest.raises(ImpossibleAct, match=r"expected data\."):
            do(bench, kind, "hi", data)


async def test_tap_by_payload_is_on_the_button_that_has_it(bip: Callable[..., Any]) -> None:
    """
    The name of another button is no payload, and another template's id is not this one's.
    """
    buttons = [{"type": 1, "name": "A", "payload": "B"}, {"type": 1, "name": "C", "payload": "A"}]
    async with bip(session={"required": False}) as bench:
        await bench.send("905320000001", template(quickreplytmm={"postbackid": "p", "buttonlist": buttons}))
        await bench.advance(5_000)
        do(bench, "taps", data={"payload": "A"})
        await bench.advance(1)
        do(bench, "taps", data={"postbackid": "p"})
        with pytest.raises(ImpossibleAct, match="there is no payload 'C'; the last template has: B, A"):
            do(bench, "taps", data={"payload": "C"})
        with pytest.raises(ImpossibleAct, match=r"the last template is 'p'; expected data\.payload with 'q'"):
            do(bench, "taps", data={"postbackid": "q"})
        await bench.settle()

    told = [body["postback"] for _, body in bench.hooks if body.get("ctype") == "Postback"]
    assert told == [{"postbackid": "p", "payload": "A"}, {"postbackid": "p", "payload": "B"}]


async def test_answer_to_a_numbered_poll_is_held_against_its_options(bip: Callable[..., Any]) -> None:
    """
    A poll whose id was sent as a number is the same poll when data names it by that number.
    """
    poll = {"title": "t", "pollid": 0, "polltype": 0, "optionlist": [{"optionid": 7, "name": "A"}]}
    async with bip(session={"required": False}) as bench:
        await bench.send("905320000001", template(polltmm=poll))
        await bench.advance(5_000)

        with pytest.raises(ImpossibleAct, match="there is no option 8; the poll has: 7"):
            do(bench, "answers poll", data={"pollid": 0, "optionids": [8]})


async def test_list_needs_no_session(bip: Callable[..., Any]) -> None:
    """
    sendmsgservlist reaches users who have been inactive.
    """
    async with bip() as bench:
        await bench.send_list("905320000001")
        await bench.advance(500)

    assert bench.hooks[0][1]["list"][0]["resultcode"] == 0


async def test_sessions_can_be_switched_off(bip: Callable[..., Any]) -> None:
    """
    Where sessions are not required, a newcomer gets messages.
    """
    async with bip(session={"required": False}) as bench:
        assert await codes(bench, 2) == [0, 0]


async def test_seeded_follower_has_a_session_from_then_on(bip: Callable[..., Any]) -> None:
    """
    A recipient who follows by scenario followed when that began to be true.
    """
    scenario = 'recipients: {"905320000001": {follower: {is: true, from: 2h}}}'
    async with bip(scenario, session={"length": "1h"}) as bench:
        before = await codes(bench, 1)
        await bench.advance(2 * 3_600_000)
        during = await codes(bench, 1)
        await bench.advance(3_600_000)
        after = await codes(bench, 1)

    assert (before, during, after) == ([312], [0], [312])


@pytest.mark.parametrize(
    ("traits", "code"),
    [
        ("session: true", 0),
        ("session: false", 312),
        ("session: false, follower: true", 312),
        ("session: true, follower: false", 302),
        ("session: true, blocked: true", 302),
        ("blocked: true", 312),
        ("known: false", 301),
        ("known: false, session: true", 301),
    ],
)
async def test_circumstances_decide_in_the_order_of_the_checks(
    bip: Callable[..., Any], traits: str, code: int
) -> None:
    """
    Quota comes before the error checks; only who does not exist has no quota to check.
    """
    async with bip(f'recipients: {{"905320000001": {{{traits}}}}}') as bench:
        assert await codes(bench, 1) == [code]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"active": False, "authorized": False}, 312),
        ({"active": False, "authorized": False, "session": {"required": False}}, 300),
        ({"authorized": False, "methods": [], "session": {"required": False}}, 307),
        ({"methods": ["sendmsgservlist"], "plain_numbers": False, "session": {"required": False}}, 311),
        ({"plain_numbers": False, "session": {"required": False}}, 306),
        ({"limits": {"messages": 1}, "session": {"required": False}}, 0),
        (
            {"active": False, "error_order": [300, 312, 307, 311, 310, 308, 306, 301, 302]},
            300,
        ),
    ],
)
async def test_standing_of_the_service_decides_after_the_quota(
    bip: Callable[..., Any], settings: dict[str, object], code: int
) -> None:
    """
    The order of codes is quota, service, recipient, unless settings say otherwise.
    """
    async with bip(**settings) as bench:
        assert await codes(bench, 1) == [code]


async def test_message_with_a_ttl_is_cancelled_when_the_phone_stays_off(bip: Callable[..., Any]) -> None:
    """
    Nothing is reported of it; without ttl it waits and is delivered.
    """
    async with bip(
        'recipients: {"905320000001": {reachable: {is: false, until: 2m}, session: true}}'
    ) as bench:
        await bench.send("905320000001", ttl=60)
        kept = await bench.send("905320000001")
        await bench.settle()

    assert [body["report"]["reportid"] for _, body in bench.hooks] == [kept.body["list"][0]["reportid"]]
    assert sorted(message.state for message in bench.space.simulation.messages.values()) == [
        "delivered",
        "expired",
    ]


async def test_what_users_do_is_numbered_anew_in_copies(bip: Callable[..., Any]) -> None:
    """
    By `ids: new` a copy of what a user wrote has another msgid and txnid; the text and its time stay.
    """
    rules = "rules: [{when: {operation: inbound}, then: {webhooks: {duplicate: {ids: new, within: 1s}}}}]"
    async with bip(rules) as bench:
        do(bench, "writes", "Merhaba")
        await bench.settle()

    bodies = [body for _, body in bench.hooks]
    assert [len({body[name] for body in bodies}) for name in ("msgid", "txnid", "sendtime", "content")] == [
        2,
        2,
        1,
        1,
    ]

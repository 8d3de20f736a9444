"""
What uses a service's standing up and what does not: quotas, sessions and transaction ids at their edges.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from simulator.kernel.model.rules import Act
from simulator.provider import header_text
from simulator.providers.bip.addresses import hash_of

USER = "+905320000001"
BAD = {"type": 0, "message": "bad"}
GOOD = {"type": 0, "message": "good"}
REFUSING = "rules: [{when: {provider: bip, text: bad}, then: {answer: {refuse: 309}}}]"


def part(*contents: dict[str, object]) -> dict[str, object]:
    """Return what one user gets of sendmultiusermulticontent."""
    return {"receiver": {"type": 2, "address": "905320000001"}, "composition": {"list": list(contents)}}


def told(bench: Any) -> list[list[int]]:
    """Return the result codes of every sent report."""
    return [
        [one["resultcode"] for one in body["list"]] for path, body in bench.hooks if path == "/bip/report"
    ]


async def test_composition_uses_a_quota_once_whichever_message_is_accepted(bip: Callable[..., Any]) -> None:
    """
    That the first message of a composition is refused does not make the others free.
    """
    async with bip(REFUSING, quotas={"filtered": {"day": 1}}) as bench:
        for contents in ([BAD, GOOD, GOOD], [GOOD, GOOD]):
            receivers = [{"type": 2, "address": "905320000001"}]
            body = {"txnid": "t", "receivers": receivers, "composition": {"list": contents}}
            await bench.call("sendmsgservlist", body)
            await bench.advance(500)

    assert told(bench) == [[309, 0, 0], [312]]


@pytest.mark.parametrize(
    ("sizes", "codes"), [((6, 5, 4), [0, 312, 0]), ((11, 1), [312, 0]), ((10, 1), [0, 312])]
)
async def test_part_that_is_refused_takes_no_room_from_later_ones(
    bip: Callable[..., Any], sizes: tuple[int, ...], codes: list[int]
) -> None:
    """
    A composition fits as a whole or not at all, and what did not fit is not counted.
    """
    async with bip() as bench:
        bench.space.simulation.act("bip", USER, Act("opens chat"))
        parts = [part(*[GOOD] * size) for size in sizes]
        await bench.call("sendmultiusermulticontent", {"txnid": "t", "receivercontentlist": parts})
        await bench.advance(500)

    # One entry per message that was sent, one per part that was refused.
    lists = [[code] * (1 if code else size) for size, code in zip(sizes, codes, strict=True)]
    assert told(bench) == [[code for one in lists for code in one]]


async def test_part_that_plain_numbers_forbid_takes_no_room_from_later_ones(bip: Callable[..., Any]) -> None:
    """
    A number that may not be written to leaves the session to the hash of the same user.
    """
    hashed = {**part(*[GOOD] * 6), "receiver": {"type": 0, "address": hash_of(USER)}}
    async with bip(plain_numbers=False) as bench:
        bench.space.simulation.act("bip", USER, Act("opens chat"))
        parts = [part(*[GOOD] * 6), hashed]
        await bench.call("sendmultiusermulticontent", {"txnid": "t", "receivercontentlist": parts})
        await bench.advance(500)

    assert told(bench) == [[306, 0, 0, 0, 0, 0, 0]]


async def test_what_is_kept_of_a_call_does_not_grow_with_its_parts(bip: Callable[..., Any]) -> None:
    """
    A user named ten thousand times costs the same each time, for there is nothing to go through.
    """
    sizes = []
    for times in (2, 200):
        async with bip() as bench:
            await bench.send_list(*["905320000001"] * times)
            await bench.advance(500)
            message = next(iter(bench.space.simulation.messages.values()))
            sizes.append(len(msgspec.json.encode(message.submission.details.asked)))

    assert sizes[1] - sizes[0] < 20


async def test_broadcast_that_is_refused_uses_no_quota_up(bip: Callable[..., Any]) -> None:
    """
    A service that was not active has its broadcast of the day still before it.
    """
    async with bip(quotas={"all_followers": {"day": 1}}, active=False) as bench:
        bench.space.simulation.act("bip", USER, Act("follows"))
        for active in (False, True, True):
            bench.configure(active=active)
            await bench.broadcast()
            await bench.advance(500)

    assert told(bench) == [[300], [0], [312]]


async def test_refused_call_may_use_its_txnid_again(bip: Callable[..., Any]) -> None:
    """
    Only what sent something is a duplicate when it is repeated, and a repetition does not renew the span.
    """
    async with bip(duplicate_window="10s") as bench:
        codes = [(await bench.send("905320000001")).body["resultcode"]]
        bench.space.simulation.act("bip", USER, Act("opens chat"))
        for gap_ms in (0, 9_999, 1):
            await bench.advance(gap_ms)
            codes.append((await bench.send("905320000001")).body["resultcode"])

    assert codes == [312, 0, 310, 0]


@pytest.mark.parametrize("address", ["+905002000002", "905000000302", "+905320000001", " x "])
async def test_address_that_is_no_hash_is_nobody(bip: Callable[..., Any], address: str) -> None:
    """
    What type 0 says is a hash is never read as a number, however much it looks like one.
    """
    body = {"txnid": "t", "receiver": {"type": 0, "address": address}, "composition": {"list": [GOOD]}}
    async with bip(f'recipients: {{"{USER[1:]}": {{session: true}}}}') as bench:
        got = await bench.call("sendmsgserv", body)
        await bench.settle()

    assert got.body == {"txnid": "t", "resultcode": 301}
    assert bench.hooks == []


@pytest.mark.parametrize(
    ("circumstances", "is_open"),
    [({"session": True}, True), ({"session": False}, False), ({"follower": True}, True), ({}, False)],
)
async def test_session_that_is_told_is_the_one_that_a_send_finds(
    bip: Callable[..., Any], circumstances: dict[str, bool], is_open: bool
) -> None:
    """
    The action `session` goes by circumstances as sends do.
    """
    async with bip() as bench:
        if circumstances:
            bench.space.simulation.change_recipient(USER, circumstances)
        said = bench.account.actions["session"]({"recipient": USER})
        got = await bench.send("905320000001")

    assert said["open"] is is_open
    assert (got.body["resultcode"] == 0) is is_open


async def test_malformed_receiver_is_told_by_the_rule_that_it_breaks(bip: Callable[..., Any]) -> None:
    """
    Where a malformed receiver is refused alone, its code is that of its own mistake.
    """
    odd = {"type": 2, "address": {"a": True}}
    receivers = [{"type": 9, "address": "x"}, {"type": 2, "address": 12}, None, odd]
    settings = {"bad_receiver": "recipient", "structural_codes": {"receiver": 78, "address": 77}}
    async with bip(**settings) as bench:
        body = {"txnid": "t", "receivers": receivers, "composition": {"list": [GOOD]}}
        await bench.call("sendmsgservlist", body)
        await bench.advance(500)

    entries = bench.hooks[0][1]["list"]
    told = [(one["receiver"], one["resultcode"]) for one in entries]
    assert told == [("x", 78), ("12", 77), ("", 78), ("", 77)]


async def test_reason_in_a_header_stays_readable(bip: Callable[..., Any]) -> None:
    """
    However long the name of a field is, clients get to read the answer.
    """
    async with bip(unknown_fields="refuse") as bench:
        got = await bench.send("905320000001", **{"é" * 50_000: 1})

    assert got.body == {"txnid": "t-1", "resultcode": 1}
    assert 500 < len(got.reason) <= 1_000


@pytest.mark.parametrize("text", ["a" * 1_001, "a" * 1_000 + "é", "é" * 1_000])
def test_what_was_cut_for_a_header_ends_in_an_ellipsis(text: str) -> None:
    """
    Nobody takes a part for the whole, wherever the odd character stands.
    """
    said = header_text(text)

    assert (len(said), said[-3:]) == (1_000, "...")


async def test_follower_who_follows_again_opens_a_session_again(bip: Callable[..., Any]) -> None:
    """
    A session lasts from the latest following on, whoever looked or sent in the meantime.
    """
    async with bip(session={"length": "1h"}) as bench:
        codes = []
        for follower in (True, False, True):
            bench.space.simulation.change_recipient(USER, {"follower": follower})
            codes.append((await bench.send("905320000001")).body["resultcode"])
            await bench.advance(2 * 3_600_000)

    assert codes == [0, 312, 0]


@pytest.mark.parametrize("sent_before", [True, False])
async def test_who_unfollows_is_refused_as_such_whether_something_was_sent_or_not(
    bip: Callable[..., Any], sent_before: bool
) -> None:
    """
    The session that following opened is there for whoever leaves: 302, not 312.
    """
    async with bip(f'recipients: {{"{USER[1:]}": {{follower: true}}}}') as bench:
        if sent_before:
            await bench.send("905320000001")
        bench.space.simulation.act("bip", USER, Act("unfollows"))
        got = await bench.send("905320000001")

    assert got.body["resultcode"] == 302


async def test_looking_at_a_session_opens_none(bip: Callable[..., Any]) -> None:
    """
    Reading never changes anything: a session asked about is no other than one that nobody asked about.
    """
    told = []
    for looks in (0, 3):
        async with bip(
            f'recipients: {{"{USER[1:]}": {{follower: {{from: 0s, until: 1h, is: true}}}}}}'
        ) as bench:
            for _ in range(looks):
                bench.account.actions["session"]({"recipient": USER})
            await bench.advance(2 * 3_600_000)
            told.append((await bench.send("905320000001")).body)

    assert told[0] == told[1]


async def test_reports_about_nobody_have_numbers_of_their_own(bip: Callable[..., Any]) -> None:
    """
    Clients send one txnid again and again; each delivery of a report is told from the others.
    """
    async with bip() as bench:
        for _ in range(3):
            await bench.broadcast()
        await bench.send_list()
        await bench.advance(500)

    assert len({body["reqid"] for _, body in bench.hooks}) == 4


@pytest.mark.parametrize("number", ["+41793026727", "+abc", "+90 532 000 0001"])
async def test_number_that_bip_does_not_have_is_nobodys(bip: Callable[..., Any], number: str) -> None:
    """
    It follows nobody, and asking about it is answered with what was expected.
    """
    async with bip() as bench:
        bench.space.simulation.change_recipient("+41793026727", {"follower": True})
        contacts = await bench.call("listcontacts", {"txnid": "c"})
        with pytest.raises(ValueError, match="expected a body such as"):
            bench.account.actions["hash"]({"recipient": number})

    assert contacts.body["list"] == []

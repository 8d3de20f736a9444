"""
Refusals and rejections say in a header what exactly stood against them, and what there is instead.
"""

from __future__ import annotations

import pytest

from providers.infobip.bench import bench, one
from simulator.explain.narrative import what_of, why_of

V1 = "/sms/1/text/advanced"
OWN = "the provider's own checks"


async def test_repeated_message_id__says_when_it_was_used_and_how_long_it_is_remembered():
    """
    The documented sample sent twice is a duplicate; the reason says since when and for how long.
    """
    body = {"messages": [{"destinations": [{"to": "41793026727", "messageId": "M-1"}], "text": "hi"}]}

    async with bench() as run:
        await run.send(body)
        await run.advance("1h")
        answer = await run.call("POST", V1, body)
        whys = [why_of(e.fact) for e in run.space.simulation.journal if e.kind == "refused"]

    reason = (
        f"{OWN}: messageId 'M-1' was used at 2026-01-05T09:00:00.000+0000; "
        "it is remembered for 2d (duplicate_window)"
    )
    assert answer.headers["X-Simulator-Reason"] == f"23: {reason}"
    assert whys == [reason]


@pytest.mark.parametrize(
    ("settings", "message", "reason"),
    [
        ({}, {"destinations": [{}]}, "51: {own}: messages[0].destinations[0]: no `to`"),
        (
            {},
            {"destinations": [{"to": "41793026727"}, {"too": "41793026728", "messageId": "m", "from": "x"}]},
            "51: {own}: messages[0].destinations[1]: no `to`; unknown keys 'too', 'from'",
        ),
        (
            {},
            {"destinations": [{"to": "0532 000"}]},
            "52: {own}: to: expected 7 to 15 digits, the first not 0, got '0532 000'",
        ),
        ({}, {"text": "x" * 4_000}, "25: {own}: 27 parts; at most 25 are sent"),
        (
            {"balance": 0.015, "price_per_message": 0.01},
            {"text": "x" * 161},
            "12: {own}: it costs 0.02 EUR, and 0.015 is left",
        ),
        (
            {"senders": ["ACME", "Shop"]},
            {"from": "Acme"},
            "11: {own}: sender 'Acme' is none of those registered: ACME, Shop",
        ),
        (
            {},
            {
                "destinations": [
                    {"to": "41793026727", "messageId": "m"},
                    {"to": "41793026834", "messageId": "m"},
                ]
            },
            "23: {own}: messageId 'm' stands twice in this request",
        ),
    ],
)
async def test_rejected_recipient__says_why(settings, message, reason):
    """
    Each of the provider's own checks names what it found and what it expected.
    """
    body = {"messages": [{"destinations": [{"to": "41793026727"}], "text": "hi", **message}]}

    async with bench(**settings) as run:
        answer = await run.call("POST", V1, body)

    assert answer.status == 200
    assert answer.headers["X-Simulator-Reason"] == reason.format(own=OWN)


async def test_date_that_is_refused__names_the_clock():
    """
    Whoever compares with time says what time it is here: the space's clock is not the machine's.
    """
    clock = "the space's clock stands at 2026-01-05T09:00:00Z"

    async with bench(past_send_at="refuse") as run:
        late = await run.call("POST", V1, one(sendAt="2026-11-28T07:10:00.000+0000"))
        early = await run.call("POST", V1, one(sendAt="2025-11-28T07:10:00.000+0000"))
        await run.send({**one(sendAt="2026-01-06T00:00:00.000+0000"), "bulkId": "B"})
        bulk = await run.call(
            "PUT", "/sms/1/bulks", {"sendAt": "2026-11-28T07:10:00.000+0000"}, query=[("bulkId", "B")]
        )

    assert (
        late.headers["X-Simulator-Reason"] == f"messages[0].sendAt: must be at most 180 days ahead; {clock}"
    )
    assert early.headers["X-Simulator-Reason"] == f"messages[0].sendAt: must not be in the past; {clock}"
    assert bulk.headers["X-Simulator-Reason"] == f"sendAt: must be at most 180 days ahead; {clock}"
    assert clock not in late.body.decode()


async def test_unknown_bulk__names_those_there_are():
    """
    Asking for a bulk that is none names the latest ones, or says what makes one.
    """
    async with bench() as run:
        none = await run.call("GET", "/sms/1/bulks", query=[("bulkId", "X")])
        for number in range(7):
            await run.send({**one(sendAt="2026-01-06T00:00:00.000+0000"), "bulkId": f"B{number}"})
        some = await run.call("GET", "/sms/1/bulks/status", query=[("bulkId", "X")])

    assert none.headers["X-Simulator-Reason"] == (
        "there is no scheduled bulk 'X'; there is none: a bulk is a send with a sendAt ahead"
    )
    assert some.headers["X-Simulator-Reason"] == (
        "there is no scheduled bulk 'X'; there are B6, B5, B4, B3, B2 and 2 earlier ones"
    )


async def test_notify_url_that_cannot_be_called__is_noted_at_once():
    """
    The send is good, as the documentation has it; a header and the journal say that its reports will be lost.
    """
    async with bench() as run:
        odd = await run.call("POST", V1, one(notifyUrl="not a url"))
        good = await run.call("POST", V1, one(notifyUrl="http://127.0.0.1:9/reports"))
        notes = [what_of(entry.fact) for entry in run.space.simulation.journal if entry.kind == "note"]

    note = "reports will be lost: 'not a url' is not a URL that can be called"
    assert (odd.status, odd.headers["X-Simulator-Note"], notes) == (200, note, [note])
    assert "X-Simulator-Note" not in good.headers

"""
Sends to one user: answered with what became of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

OK = {"resultcode": 0, "receiver": "905000000000", "reportid": "<id>"}


async def test_message_to_one_user_is_answered_with_its_report_id(bip: Callable[..., Any]) -> None:
    """
    The answer has an entry per message, and the delivered report names the same id.
    """
    async with bip() as bench:
        got = await bench.send("905000000000")
        await bench.settle()

    report_id = got.body["list"][0]["reportid"]
    assert (got.status, bench.drawn(got.body)) == (
        200,
        {
            "txnid": "t-1",
            "resultcode": 0,
            "list": [{**OK, "numberofmessage": 1, "totalnumberofmessage": 1}],
        },
    )
    assert [(path, bench.drawn(body)) for path, body in bench.hooks] == [
        (
            "/bip/",
            {
                "sender": "905000000000",
                "type": "R",
                "msgid": "<number>",
                "sendtime": "05.01.2026 12:00:01.000 +0300",
                "txnid": "<id>",
                "report": {"reportid": "<id>", "reporttype": 0},
            },
        )
    ]
    assert bench.hooks[0][1]["report"]["reportid"] == report_id
    assert bench.hooks[0][1]["txnid"] != report_id


async def test_newcomer_has_no_session(bip: Callable[..., Any]) -> None:
    """
    Where sessions are required, a user about whom nobody said anything has none: 312, and how to get one.
    """
    async with bip() as bench:
        got = await bench.send("905321234567")

    assert got == (
        200,
        {"txnid": "t-1", "resultcode": 312},
        "312: circumstances: no session with this user is open, or its messages are used up; "
        "the user must act first: POST /_sim/v1/spaces/test/recipients/905321234567/inbound "
        '{"provider": "bip", "does": "follows"}; or set session.required to false',
    )

"""
The shipped scenario of a broadcast with mixed outcomes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[3] / "scenarios" / "bip-broadcast-mixed.yaml"
MINUTE = 60_000


async def test_broadcast_with_mixed_outcomes_tells_each_receiver_apart(bip: Callable[..., Any]) -> None:
    """
    Reports name each receiver's own code; quota, session and list each refuse what is theirs.
    """
    async with bip(FILE.read_text(encoding="utf-8")) as bench:
        await bench.broadcast(txnid="first")
        await bench.advance(10 * MINUTE)
        await bench.broadcast(txnid="second")
        await bench.advance(10 * MINUTE)
        early = await bench.send("905320000006")
        await bench.advance(30 * MINUTE)
        alone = [(await bench.send("905320000006")).body["resultcode"] for _ in range(3)]
        for number in range(3):
            await bench.send_list("905320000005", "905330000001", txnid=f"list-{number}")
            await bench.advance(MINUTE)
        await bench.settle()

    reports = {
        body["txnid"]: [(entry["receiver"][-4:], entry["resultcode"]) for entry in body["list"]]
        for path, body in bench.hooks
        if path == "/bip/report"
    }
    assert reports == {
        "first": [("0001", 0), ("0002", 302), ("0003", 0), ("0004", 1)],
        # A rule goes before the recipient's circumstances, not before the service's own quota.
        "second": [("0001", 312), ("0002", 312), ("0003", 312), ("0004", 312)],
        "list-0": [("0005", 0), ("0001", 301)],
        "list-1": [("0005", 0), ("0001", 301)],
        "list-2": [("0005", 312), ("0001", 301)],
    }
    assert early.body["resultcode"] == 312
    assert alone == [0, 0, 312]


async def test_phone_that_is_off_gets_the_broadcast_an_hour_later(bip: Callable[..., Any]) -> None:
    """
    Delivered and read reports come when they come, with the report ids of the sent report.
    """
    async with bip(FILE.read_text(encoding="utf-8")) as bench:
        await bench.broadcast()
        await bench.settle()

    sent = {entry["reportid"]: entry["receiver"] for entry in bench.hooks[0][1]["list"] if entry["reportid"]}
    told = [
        (sent[body["report"]["reportid"]], body["report"]["reporttype"], body["sendtime"][:16])
        for _, body in bench.hooks
        if body.get("type") == "R"
    ]
    assert told == [
        ("905320000001", 0, "05.01.2026 12:00"),
        ("905320000001", 1, "05.01.2026 12:00"),
        ("905320000003", 0, "05.01.2026 13:00"),
    ]
    assert [body["event"] for _, body in bench.hooks if body.get("type") == "E"] == ["S"]

"""
Stories are found by what the integrator has: the txnid of its call, and numbers as it writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

USER = "905320000001"


async def control(bench: Any, path: str) -> Any:
    """Return what the control API tells of the space."""
    async with bench.client.get(f"{bench.server.url}/_sim/v1/spaces/test{path}") as answer:
        return await answer.json()


@pytest.mark.parametrize("name", ["t-1", f"bip:{USER}:1", f"bip:+{USER}:1"])
async def test_refused_send_is_explained_by_its_txnid_and_by_the_number_as_written(
    bip: Callable[..., Any], name: str
) -> None:
    """
    A refusal gives the integrator its own txnid back and nothing else.
    """
    async with bip() as bench:
        await bench.send(USER)
        story = await control(bench, f"/messages/{name}/explain")

    assert story["refusal"]["names"] == {"txnid": "t-1"}
    assert story["story"][0].startswith(f"bip +{USER} #1 was refused with 312 (id ")
    assert story["story"][0].endswith(", txnid t-1)")


async def test_asynchronous_send_is_explained_by_its_txnid(bip: Callable[..., Any]) -> None:
    """
    Its 200 means accepted and tells no id; the latest message of the call is explained.
    """
    async with bip() as bench:
        await bench.send_list("905320000001", "905320000002")
        await bench.advance(500)
        story = await control(bench, "/messages/t-2/explain")

    assert story["message"]["recipient"] == "+905320000002"
    assert story["message"]["names"] == {"txnid": "t-2"}


async def test_messages_are_listed_by_the_txnid_of_their_call(bip: Callable[..., Any]) -> None:
    """
    All messages of a call, and by a number as the provider's clients write it.
    """
    async with bip() as bench:
        await bench.send_list("905320000001", "905320000002")
        await bench.send_list("905320000003", txnid="other")
        await bench.advance(500)
        by_name = await control(bench, "/messages?name=t-2")
        by_both = await control(bench, f"/messages?name=t-2&provider=bip&recipient={USER}")
        nothing = await control(bench, "/messages?name=t-3")

    assert [row["recipient"] for row in by_name["items"]] == ["+905320000001", "+905320000002"]
    assert [row["recipient"] for row in by_both["items"]] == [f"+{USER}"]
    assert nothing["total"] == 0


async def test_journal_tells_the_txnid_of_every_call(bip: Callable[..., Any]) -> None:
    """
    Of those that verification refused, too, which have no message and no refusal of one.
    """
    async with bip() as bench:
        await bench.send(USER, txnid="good")
        await bench.send("12", txnid="bad")
        await bench.send_list(USER, txnid="list")
        entries = list(bench.space.simulation.journal)

    facts = [entry.fact for entry in entries if entry.kind == "call"]
    assert [fact.names for fact in facts] == [
        (("txnid", "good"),),
        (("txnid", "bad"),),
        (("txnid", "list"),),
    ]

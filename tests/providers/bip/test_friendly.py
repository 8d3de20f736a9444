"""
The first hour: what a new user sends arrives, and what is refused says why and what would help.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.rules import Act
from simulator.provider import Gateway, open_gateway
from simulator.providers.bip import PROVIDER
from simulator.providers.bip.account import Account
from simulator.schema.node import Problems, node_of

USER = "905321234567"
TEXT = {"type": 0, "message": "hello"}


def gateway() -> Gateway:
    """Return a gateway to a space in which nobody has changed a setting."""
    return open_gateway(PROVIDER, Simulation(seed=1))


def required(**session: object) -> bool:
    """Return whether sessions are required once settings say so much about them."""
    problems = Problems()
    values = PROVIDER.settings.read(node_of({"session": session}), "", problems)
    assert isinstance(values, dict)
    account = Account(gateway())
    account.configure(values)
    return account.settings.session.required


def test_nobody_needs_a_session_unless_settings_say_so() -> None:
    """
    Whoever says how long a session lasts or what it allows wants sessions; a file may still say no.
    """
    assert Account(gateway()).settings.session.required is False
    assert required(required=True) is True
    assert required(length="1h") is True
    assert required(messages=3) is True
    assert required(messages=3, required=False) is False


@pytest.mark.parametrize(
    ("circumstances", "code"),
    [({}, 0), ({"session": False}, 312), ({"blocked": True}, 302), ({"known": False}, 301)],
)
async def test_ordinary_number_gets_its_message_unless_something_is_said_of_it(
    bip: Callable[..., Any], circumstances: dict[str, object], code: int
) -> None:
    """
    As the banner says: every message is delivered after a moment.
    """
    async with bip(session={"required": False}) as bench:
        bench.space.simulation.change_recipient(f"+{USER}", circumstances)
        got = await bench.send(USER)
        open_to_all = bench.account.actions["session"]({"recipient": USER})
        await bench.settle()

    assert got.body["resultcode"] == code
    assert open_to_all == {"open": "session" not in circumstances}
    assert len(bench.hooks) == (0 if code else 1)


@pytest.mark.parametrize(
    ("settings", "code", "why"),
    [
        (
            {"methods": ["sendmsgservlist"]},
            311,
            "the service may not call sendmsgserv; it may call sendmsgservlist",
        ),
        ({"methods": []}, 311, "the service may not call sendmsgserv; it may call nothing"),
        ({"limits": {"messages": 1}}, 308, "expected at most 1 messages to a receiver, got 2"),
    ],
)
async def test_refused_service_is_told_what_it_may_do(
    bip: Callable[..., Any], settings: dict[str, object], code: int, why: str
) -> None:
    """
    The body has room for a code only; the header and the journal have the rest.
    """
    async with bip(session={"required": False}, **settings) as bench:
        got = await bench.send(USER, TEXT, TEXT)
        lines = [entry.fact for entry in bench.space.simulation.journal if entry.kind == "refused"]

    assert got == (200, {"txnid": "t-1", "resultcode": code}, f"{code}: the provider's own checks: {why}")
    assert lines[0].detail == why


async def test_repeated_txnid_is_told_when_it_was_used(bip: Callable[..., Any]) -> None:
    """
    And for how long it is remembered.
    """
    async with bip(session={"required": False}, duplicate_window="1h") as bench:
        await bench.send(USER)
        await bench.advance(60_000)
        got = await bench.send(USER)

    why = "txnid 't-1' was used 1m ago and is remembered for 1h"
    assert got.reason == f"310: the provider's own checks: {why}"


async def test_used_up_quota_is_told_with_its_limits(bip: Callable[..., Any]) -> None:
    """
    An asynchronous call has its reasons in the journal alone.
    """
    async with bip(quotas={"filtered": {"day": 1, "week": 3}, "all_followers": {"day": 1}}) as bench:
        bench.space.simulation.act("bip", f"+{USER}", Act("follows"))
        for _ in range(2):
            await bench.send_list(USER)
            await bench.broadcast()
            await bench.advance(1_000)
        facts = [entry.fact for entry in bench.space.simulation.journal if entry.kind == "refused"]

    assert sorted(fact.detail for fact in facts) == [
        "the quota of broadcasts is used up: 1 a day",
        "the quota of lists to this user is used up: 1 a day and 3 a week",
    ]


async def test_malformed_receiver_in_a_report_is_told_with_its_place(bip: Callable[..., Any]) -> None:
    """
    Where a malformed receiver refuses itself alone, the journal says what was expected and where.
    """
    async with bip(bad_receiver="recipient") as bench:
        await bench.send_list("12")
        await bench.advance(1_000)
        facts = [entry.fact for entry in bench.space.simulation.journal if entry.kind == "refused"]

    assert [fact.detail for fact in facts] == [
        "receivers[0].address: expected a number of the form 905XXXXXXXXX"
    ]

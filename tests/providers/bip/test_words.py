"""
What scenario files and the control API may say about BiP.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from simulator.kernel.model.rules import Act
from simulator.providers.bip import PROVIDER
from simulator.scenario.loader import ScenarioError, load


def refusing(what: str) -> str:
    """Return a scenario that refuses every send."""
    return f"rules: [{{when: {{provider: bip}}, then: {{answer: {{refuse: {what}}}}}}}]"


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ("302", 200, 302),
        ("not_authorized_for_user", 200, 302),
        ("1012", 400, 1012),
        ("invalid_document", 400, 1070),
    ],
)
async def test_rule_refuses_with_any_code_of_bip(
    bip: Callable[..., Any], what: str, status: int, code: int
) -> None:
    """
    By number or by name; a verification code refuses the whole call with 400.
    """
    async with bip(refusing(what)) as bench:
        got = await bench.send("905320000001")

    assert got == (status, {"txnid": "t-1", "resultcode": code}, f'{code}: rule "rule 1" (line 1)')


@pytest.mark.parametrize(
    ("what", "complaint"),
    [
        ("313", "there is no refusal 313; `simulator codes bip` lists them"),
        ("{http: 418}", "there is no refusal with HTTP 418; known: 401, 404, 405, 413, 500, 503"),
    ],
)
def test_code_that_bip_does_not_have_is_complained_about(what: str, complaint: str) -> None:
    """
    The complaint says where to find the codes there are.
    """
    with pytest.raises(ScenarioError) as caught:
        load(refusing(what), "x.yaml", {"bip": PROVIDER})

    assert [line.partition("refuse: ")[2] for line in caught.value.lines] == [complaint]


@pytest.mark.parametrize(("number", "reason"), [("905001001004", "1004"), ("905003000503", "http503")])
async def test_magic_number_that_refuses_a_call_says_that_it_did(
    bip: Callable[..., Any], number: str, reason: str
) -> None:
    """
    Whoever wonders about a refusal hears that the number asked for it.
    """
    async with bip() as bench:
        got = await bench.send(number)

    assert got.reason == f"{reason}: magic recipient"


async def test_throttle_answers_that_the_sending_limit_is_exceeded(bip: Callable[..., Any]) -> None:
    """
    No code is documented for it; 308 says the nearest thing.
    """
    scenario = "rules: [{then: {answer: {throttle: {rate: 1/s, burst: 1}}}}]"
    async with bip(scenario) as bench:
        await bench.send("905000000000")
        got = await bench.send("905000000000")

    assert got == (200, {"txnid": "t-1", "resultcode": 308}, '308: rule "rule 1" (line 1)')


async def test_failure_after_acceptance_is_silent(bip: Callable[..., Any]) -> None:
    """
    BiP reports no failures: the integrator hears nothing more.
    """
    scenario = "rules: [{when: {provider: bip}, then: {fate: {fail: {reason: absent}}}}]"
    async with bip(scenario) as bench:
        got = await bench.send("905320000001")
        await bench.settle()

    assert got.body["resultcode"] == 0
    assert bench.hooks == []


async def test_storm_of_messages_is_reported(bip: Callable[..., Any]) -> None:
    """
    The simulator's own messages are delivered and reported as any others, without sessions.
    """
    scenario = (
        "timeline: [{at: 0s, provider: bip, storm: {messages: 3, rate: 1/s, recipient: '90532', mix: {}}}]"
    )
    async with bip(scenario) as bench:
        await bench.settle()

    assert sorted(body["sender"] for _, body in bench.hooks) == [f"90532000000{n}" for n in range(3)]


async def test_settings_in_force_are_told_without_secrets(bip: Callable[..., Any]) -> None:
    """
    Credentials are counted, not told.
    """
    async with bip() as bench:
        bench.configure(
            credentials=["service:secret"],
            webhook={"url": "http://127.0.0.1:1/x/", "basic": "me:secret"},
            quotas={"filtered": {"day": 3}},
        )
        told = bench.account.describe()

    assert told["credentials"] == 1
    assert told["webhook"]["url"] == "http://127.0.0.1:1/x/"
    assert told["webhook"]["basic"] is True
    assert told["report_url"] == "http://127.0.0.1:1/x/report"
    assert told["session"] == {"required": True, "length": "1d", "messages": 10}
    assert told["quotas"] == {"filtered": {"day": 3}}
    assert told["verification_order"] == ["call", "receivers", "messages"]
    assert "secret" not in json.dumps(told)


async def test_session_can_be_looked_at(bip: Callable[..., Any]) -> None:
    """
    The action `session` tells whether one is open, and what is left of it.
    """
    async with bip() as bench:
        tell = bench.account.actions["session"]
        before = tell({"recipient": "905320000001"})
        bench.space.simulation.act("bip", "+905320000001", Act("writes", text="hi"))
        await bench.advance(1_000)
        await bench.send("905320000001")
        after = tell({"recipient": "905320000001"})

    assert before == {"open": False}
    assert after == {"open": True, "messages_left": 9, "ends_in_ms": 86_399_000}


async def test_body_that_is_too_large_is_refused_in_the_shape_of_bip(bip: Callable[..., Any]) -> None:
    """
    Nothing of it is read; the answer is that of a body that cannot be read.
    """
    async with bip() as bench:
        got = await bench.call("listcontacts", BytesIO(b" " * 1_048_577))

    assert got == (
        400,
        {"txnid": None, "resultcode": 1},
        "expected a body of at most 1048576 bytes",
    )

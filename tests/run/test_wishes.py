"""
Silence after STOP, and texts in their order.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from run.mutants.policy import Policy
from run.mutants.stage import Play, carry_out, sends
from simulator.evidence.result import Check
from simulator.provider import discover
from simulator.run.wishes import in_order_check
from simulator.scenario.loader import load_run

_STOP = """
timeline: [{at: 10m, provider: infobip, recipient: "+41790000000", writes: " Stop "}]
expect: {sends: {after_stop: 0}}
"""


async def _check(name: str, text: str, play: Play, policy: Policy | None = None) -> Check:
    result = await carry_out(load_run(text, "wishes.yaml", discover()), play, policy)
    return next(check for check in result.checks if check.name.startswith(name))


@pytest.mark.parametrize(("respects", "met"), [(True, True), (False, False)])
async def test_who_wrote_stop_is_left_alone(respects: bool, met: bool) -> None:
    """
    A send to somebody whose STOP was acknowledged is named; others go on getting theirs.
    """
    play = Play(drive=(sends(2), sends(2, at_ms=1_200_000, text="again")), means={})

    check = await _check("sends.after_stop", _STOP, play, Policy(respects_stop=respects))

    assert (check.passed, check.judged) == (met, True)
    assert [key.recipient for key in check.blamed] == ([] if met else ["+41790000000"])


async def test_stop_that_nobody_heard_binds_nobody() -> None:
    """
    Without a STOP that was acknowledged there is nothing to judge.
    """
    text = "expect: {sends: {after_stop: 0}}"

    check = await _check("sends.after_stop", text, Play(drive=(sends(2),), means={}))

    assert (check.passed, check.judged) == (True, False)


async def test_stop_whose_bytes_were_flipped_is_not_held_against_anybody() -> None:
    """
    What was acknowledged may have said something else.
    """
    text = "rules: [{when: {operation: inbound}, then: {webhooks: {corrupt: true}}}]" + _STOP
    play = Play(drive=(sends(1), sends(1, at_ms=1_200_000, text="again")), means={})

    checks = [await _check("sends.after_stop", f"seed: {seed}\n{text}", play) for seed in range(60)]

    # Where they made the body unreadable it came again, whole, and was heard.
    assert {check.judged for check in checks} == {True, False}
    assert all(check.passed for check in checks)


async def test_texts_go_out_in_the_order_of_drive() -> None:
    """
    The first call for each text counts: measured by the other order, one comes too late.
    """
    one, two = sends(1, text="one"), sends(1, at_ms=60_000, text="two")
    plan = load_run("expect: {sends: {in_order: true}}", "wishes.yaml", discover())

    result = await carry_out(plan, Play(drive=(one, two), means={}))
    simulation = result.space.simulation
    swapped = (replace(two, at_ms=0), replace(one, at_ms=60_000))
    check = in_order_check(swapped, simulation, discover())

    assert [check.passed for check in result.checks if check.name == "sends.in_order: true"] == [True]
    assert (check.passed, check.judged) == (False, True)
    assert [key.ordinal for key in check.blamed] == [2]

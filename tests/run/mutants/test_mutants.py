"""
Each mutant of the correct integrator is caught, by the expectation that is about its bug.
"""

from __future__ import annotations

from collections import Counter

import pytest

from run.bench import failed
from run.mutants.registry import MUTANTS, NOT_YET_CAUGHT
from run.mutants.stage import Play, blames, carry_out, idle, sends
from run.mutants.traps import TRAPS
from simulator.provider import built_in, discover
from simulator.scenario.goals import RunFile
from simulator.scenario.loader import load_run


def _plan(trap: str) -> RunFile:
    return load_run(TRAPS[trap].text, f"{trap}.yaml", discover())


@pytest.mark.parametrize("trap", TRAPS)
async def test_correct_integrator_passes_every_trap(trap: str) -> None:
    """
    What catches a mutant blames nobody else.
    """
    plan = _plan(trap)

    result = await carry_out(plan, TRAPS[trap].play)

    assert failed(result) == []
    assert not any(" 0 of 0 messages" in check.detail for check in result.checks)
    # Who respects the wish of a recipient never gets to the rule.
    assert idle(result, plan) == ({"rule 1"} if trap == "stop at rbm" else set())


@pytest.mark.parametrize("name", [name for name in MUTANTS if name not in NOT_YET_CAUGHT])
async def test_mutant_is_caught_by_name(name: str) -> None:
    """
    The verdict on a mutant names the expectation that its bug breaks.
    """
    mutant = MUTANTS[name]

    result = await carry_out(_plan(mutant.trap), TRAPS[mutant.trap].play, mutant.policy)

    assert set(mutant.caught) <= set(blames(result)), mutant.wrong


@pytest.mark.parametrize("name", NOT_YET_CAUGHT)
async def test_what_is_not_caught_is_known(name: str) -> None:
    """
    A mutant on the list of those that pass does pass: once it is caught, it leaves the list.
    """
    mutant = MUTANTS[name]

    result = await carry_out(_plan(mutant.trap), TRAPS[mutant.trap].play, mutant.policy)

    assert blames(result) == [], f"caught now, take it off the list: {mutant.wrong}"


async def test_flipped_bytes_beside_what_is_signed_are_no_forgery() -> None:
    """
    Pub/Sub's envelope has fields that RBM's signature is not about: nobody can tell that they were flipped.
    """
    text = """
seed: 5
rules: [{then: {webhooks: {corrupt: true}}}]
expect: {webhooks: {acknowledged: 100%, lost: 0, forged_refused: true}}
"""

    result = await carry_out(
        load_run(text, "flipped.yaml", discover()), Play(drive=(sends(600, channel="rbm"),))
    )

    assert failed(result) == []


def test_every_provider_has_its_mutants() -> None:
    """
    There are at least five bugs for each provider, and every trap is there for one.
    """
    per_provider = Counter(provider for mutant in MUTANTS.values() for provider in mutant.providers)

    assert {mutant.trap for mutant in MUTANTS.values()} | {"price of parts"} == set(TRAPS)
    assert min(per_provider.values()) >= 5
    assert set(per_provider) == set(built_in())

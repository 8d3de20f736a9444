"""
Each mutant of the correct integrator is caught, by the expectation that is about its bug.
"""

from __future__ import annotations

from collections import Counter

import pytest

from run.bench import failed
from run.mutants.registry import MUTANTS
from run.mutants.stage import blames, carry_out, idle
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


@pytest.mark.parametrize("name", MUTANTS)
async def test_mutant_is_caught_by_name(name: str) -> None:
    """
    The verdict on a mutant names the expectation that its bug breaks.
    """
    mutant = MUTANTS[name]

    result = await carry_out(_plan(mutant.trap), TRAPS[mutant.trap].play, mutant.policy)

    assert set(mutant.caught) <= set(blames(result)), mutant.wrong


def test_every_provider_has_its_mutants() -> None:
    """
    There are at least five bugs for each provider, and every trap is there for one.
    """
    per_provider = Counter(provider for mutant in MUTANTS.values() for provider in mutant.providers)

    assert {mutant.trap for mutant in MUTANTS.values()} | {"price of parts"} == set(TRAPS)
    assert min(per_provider.values()) >= 5
    assert set(per_provider) == set(built_in())

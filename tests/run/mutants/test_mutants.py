"""
Each mutant of the correct integrator is caught, by the expectation that is about its bug.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

import pytest

from run.bench import failed
from run.mutants.registry import MUTANTS
from run.mutants.stage import DEEP, Play, blames, carry_out, idle, over_seeds, sends
from run.mutants.traps import TRAPS
from simulator.kernel.model.scenario import ClockMode, ClockSpec
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

    results = await over_seeds(plan, TRAPS[trap].play, range(10) if DEEP else (None,))

    assert [failed(result) for result in results if blames(result)] == []
    assert not any(" 0 of 0 messages" in check.detail for result in results for check in result.checks)
    # Who respects the wish of a recipient never gets to the rule.
    never = {"rule 1"} if trap == "stop at rbm" else set()
    assert set.intersection(*(idle(result, plan) for result in results)) == never


_QUICK: Final = ClockSpec(mode=ClockMode.LIVE, rate=1_000)
# All of them with HYPOTHESIS_PROFILE=deep.
_LIVE_TOO = [name for name, trap in TRAPS.items() if not trap.exact and trap.play.clock is None][
    :: 1 if DEEP else 12
]


@pytest.mark.parametrize("trap", _LIVE_TOO)
async def test_correct_integrator_passes_every_trap__live(trap: str) -> None:
    """
    On a clock that moves by itself, nobody is blamed either.
    """
    play = replace(
        TRAPS[trap].play, clock=_QUICK, integrator={"speed": _QUICK.rate, **TRAPS[trap].play.integrator}
    )

    results = await over_seeds(_plan(trap), play, range(10) if DEEP else (None,))

    assert [failed(result) for result in results if blames(result)] == []


@pytest.mark.parametrize("name", MUTANTS)
async def test_mutant_is_caught_by_name(name: str) -> None:
    """
    The verdict on a mutant names the expectation that its bug breaks.
    """
    mutant = MUTANTS[name]

    result = await carry_out(_plan(mutant.trap), TRAPS[mutant.trap].play, mutant.policy)

    assert set(mutant.caught) <= set(blames(result)), mutant.wrong


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

"""
What of a scenario was never put to the test: rules that never applied, recipients whom nobody wrote to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from simulator.evidence.result import Check
from simulator.explain.idle_rules import IdleRule, idle_rules
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.store.facts import Acted, Called
from simulator.run.driving import DriveReport
from simulator.runtime.space import Space
from simulator.secrecy.withholding import Withholding

__all__ = ["Unused", "unmet_checks", "unused_checks"]


_NAMED_MAX: Final = 20


def unused_checks(space: Space, report: DriveReport, *, asked: int) -> Iterator[Check]:
    """
    Yield a dash for each part of the scenario that nothing met, and a failure where a run tested nothing.

    *asked* is how many messages and refusals the truth audit judged.
    """
    simulation = space.simulation
    yield from unmet_checks(space, _unused(simulation))
    if report.made:
        yield from _accepted(simulation, report, asked)


class Unused(NamedTuple):
    """
    What of a scenario nothing met.
    """

    rules: Sequence[IdleRule]
    recipients: Sequence[str]


def _unused(simulation: Simulation) -> Unused:
    scenario = simulation.scenario
    addressed = {key.recipient for key in simulation.messages} | {
        key.recipient for key in simulation.refusals
    }
    addressed |= {entry.recipient for entry in simulation.journal if isinstance(entry.fact, Acted)}
    away = [pattern for pattern in scenario.recipients if not _met(pattern, addressed)]
    return Unused(idle_rules(simulation), away)


def unmet_checks(space: Space, unused: Unused) -> Iterator[Check]:
    """Yield a dash for each rule and recipient that nothing met, and a failure where that is all there is."""
    idle, away = unused
    scenario, secrecy = space.simulation.scenario, Withholding(space.secrets())
    for rule in idle[:_NAMED_MAX]:
        yield _dash(f'rule "{rule.name}" applies', secrecy.text(rule.detail))
    if len(idle) > _NAMED_MAX:
        yield _dash("all other rules apply", f"{len(idle) - _NAMED_MAX} of them never did")
    for pattern in away:
        yield _dash(f"recipient {pattern} is addressed", "nobody wrote to it, nor did it do anything")
    parts = len(scenario.rules) + len(scenario.recipients)
    if parts and len(idle) + len(away) == parts and not scenario.timeline:
        yield Check(
            name="scenario: something of it happens",
            passed=False,
            detail="no rule applied and no recipient that it names was addressed: this run tested nothing; "
            "see the drive: line in the file's comment",
        )


def _accepted(simulation: Simulation, report: DriveReport, asked: int) -> Iterator[Check]:
    own = sum(not message.injected for message in simulation.messages.values())
    calls = any(isinstance(entry.fact, Called) for entry in simulation.journal)
    if not own and not asked and calls:
        yield Check(
            name="drive: something is accepted",
            passed=False,
            detail=f"{report.made} calls, and not one message was accepted",
        )


def _dash(name: str, detail: str) -> Check:
    return Check(name=name, passed=True, judged=False, detail=detail)


def _met(pattern: str, addressed: set[str]) -> bool:
    if not pattern.endswith("*"):
        return pattern in addressed
    return any(address.startswith(pattern[:-1]) for address in addressed)

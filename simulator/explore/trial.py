"""
One run of one scenario against the software, and what it showed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from simulator.evidence.result import RunResult
from simulator.explain.story import explain
from simulator.explore.curl import curl_lines
from simulator.explore.invariants import Breach, Invariant, breaches
from simulator.explore.situations import situations
from simulator.kernel.model.scenario import ClockSpec
from simulator.run.runner import IntegratorUnreachable, RunOptions, run
from simulator.scenario.goals import RunFile
from simulator.scenario.loader import load_run, read_run, scenario_shape
from simulator.schema.node import Json
from simulator.schema.shapes import Shape
from simulator.secrecy import Withholding
from simulator.server.app import Server
from simulator.server.spaces import DEFAULT_SPACE

__all__ = ["Trial", "Trials"]

_ORIGIN: Final = "found by explore"
_STORY_LINES_MAX: Final = 30
_RUN_REAL_S: Final = 30.0
"""A run that has not ended after so long is judged as it stands."""


class Trial(NamedTuple):
    """
    What one run showed.
    """

    tree: Mapping[str, Json]
    """What was run; empty: a file was."""
    breaches: tuple[Breach, ...]
    situations: frozenset[str]
    judged: bool
    """Something was sent, and the software was asked about it."""
    sent: bool = True
    """The software called the simulator at all."""
    story: tuple[str, ...] = ()
    """Of the first message that is blamed."""
    curl: tuple[str, ...] = ()
    """What was called and posted, in its order."""


@dataclass
class Trials:
    """
    Carries scenarios out on one started server, one after the other, each in a fresh space.
    """

    server: Server
    allow_targets: tuple[str, ...] = ()
    own: Mapping[str, Invariant] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self._shape: Shape[RunFile] | None = None

    async def run(self, tree: Mapping[str, Json]) -> Trial:
        """
        Return what the software does in the scenario *tree*.

        Raises IntegratorUnreachable when nobody answers.
        """
        providers = self.server.registry.providers
        if self._shape is None:
            self._shape = scenario_shape(providers)
        plan = read_run(dict(tree), _ORIGIN, providers, self._shape)
        return (await self._carry_out(plan))._replace(tree=tree)

    async def run_text(self, text: str, origin: str = _ORIGIN) -> Trial:
        """Do the same with a file's text; raises ScenarioError when it is none."""
        return await self._carry_out(load_run(text, origin, self.server.registry.providers))

    async def _carry_out(self, plan: RunFile) -> Trial:
        self.count += 1
        registry, scenario = self.server.registry, plan.scenario
        await registry.delete(DEFAULT_SPACE)
        registry.create(
            DEFAULT_SPACE, seed=scenario.seed or 0, clock=scenario.clock or ClockSpec(), scenario=scenario
        )
        options = RunOptions(at_most_real_s=_RUN_REAL_S, allow_targets=self.allow_targets)
        result = await run(self.server, plan, options)
        self._nobody(result)
        broken = tuple(breaches(result, registry.providers, self.own))
        return Trial(
            tree={},
            breaches=broken,
            situations=frozenset(situations(result)),
            judged=any(check.judged for check in result.checks if check.name.startswith("integrator")),
            sent=bool(result.space.exchange_count),
            story=_story(result, broken[0]) if broken else (),
            curl=curl_lines(result, plan) if broken else (),
        )

    def _nobody(self, result: RunResult) -> None:
        """Raise IntegratorUnreachable when not one call was answered, and nothing was sent."""
        if result.space.exchange_count:
            return
        drive = next((check for check in result.checks if check.name == "drive: every call succeeds"), None)
        if drive is not None and not drive.passed:
            raise IntegratorUnreachable(f"nothing was sent; {(*drive.lines, drive.detail)[0]}")


def _story(result: RunResult, breach: Breach) -> tuple[str, ...]:
    simulation = result.space.simulation
    secrecy = Withholding(result.space.secrets())
    for key in breach.keys:
        outcome = simulation.messages.get(key) or simulation.refusals.get(key)
        if outcome is not None:
            lines = [secrecy.text(line) for line in explain(simulation, outcome).lines()]
            more = len(lines) - _STORY_LINES_MAX
            return (*lines[:_STORY_LINES_MAX], *([f"… and {more} lines more"] if more > 0 else []))
    return ()

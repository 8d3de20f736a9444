"""
The search: seeds, then troubles, then the smallest trouble for each kind of finding.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from simulator.explore.invariants import Breach
from simulator.explore.reach import Reach, renumbered, whole
from simulator.explore.trial import Trial, Trials
from simulator.provider import Provider
from simulator.scenario.yaml import dump
from simulator.schema.node import Json
from simulator.strategies.scenarios import scenarios

__all__ = ["Bounds", "Finding", "Search", "elements"]

_EXAMPLES_MAX: Final = 100
"""So many troubles one search tries before it takes it that there is no other kind."""
_AGAIN: Final = 5
"""How often a finding is repeated, to tell whether it always comes."""

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """
    How long a search may take.
    """

    seconds: float = 60.0
    runs: int = 1_000_000
    sweep: int = 20
    """So many seeds are tried before troubles are."""
    findings_max: int = 20
    examples: int = _EXAMPLES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    One kind of thing that the software does wrong, in the smallest scenario that shows it.
    """

    invariant: str
    decided: tuple[str, ...]
    """What had to happen for it, such as `webhooks.contradict`."""
    provider: str
    detail: str
    text: str
    story: tuple[str, ...]
    again: int = _AGAIN
    """In so many of `tries` repetitions it came again."""
    tries: int = _AGAIN

    @property
    def name(self) -> str:
        """What its files are called."""
        words = [self.invariant, self.provider, *(word.replace(".", "-") for word in self.decided)]
        return "-".join(words)


@dataclass
class Search:
    """
    One worker's search.
    """

    trials: Trials
    reach: Reach
    loop: asyncio.AbstractEventLoop
    bounds: Bounds = field(default_factory=Bounds)
    seed: int = 0
    share: tuple[int, int] = (0, 1)
    """Which worker this is, and of how many."""
    progress: Progress = lambda _phase, _runs: None

    def __post_init__(self) -> None:
        self.findings: list[Finding] = []
        self.reached: dict[str, int] = {}
        self.judged = 0
        self._ends_s = time.monotonic() + self.bounds.seconds
        self._phase = ""

    # -- the phases --------------------------------------------------------------------------------

    def search(self) -> None:
        """Search until everything is tried, or time or runs are up."""
        self._sweep()
        place = 0
        providers = [self._provider(name) for name in self.reach.providers]
        while not self._over() and providers and len(self.findings) < self.bounds.findings_max:
            provider = providers[place % len(providers)]
            if self._hunt(provider, place):
                place += 1
            else:
                providers.remove(provider)

    def _provider(self, name: str) -> Provider:
        return self.trials.server.registry.providers[name]

    def _sweep(self) -> None:
        """Run the scenario as it is over many seeds; what breaks there needs no trouble."""
        self._phase = "seeds"
        number, of = self.share
        for place in range(number, self.bounds.sweep, of):
            if self._over():
                return
            provider = self._provider(self.reach.providers[place % len(self.reach.providers)])
            sketch = _healthy(self.reach, provider)
            trial = self._run(sketch, provider, self.seed + place)
            for breach in trial.breaches:
                if not self._known(breach, provider, sketch):
                    self._keep(breach, provider, sketch, self.seed + place)

    def _hunt(self, provider: Provider, place: int) -> bool:
        """Look for one more kind of finding, and shrink it; return False when there is none."""
        self._phase = "troubles"
        target: list[str] = []
        results: dict[str, Trial] = {}

        def breaks(sketch: dict[str, Json]) -> bool:
            name = json.dumps(sketch, sort_keys=True)
            if name not in results:
                if self._over():
                    return False
                results[name] = self._run(sketch, provider, self.seed)
            new = [breach for breach in results[name].breaches if not self._known(breach, provider, sketch)]
            if new and not target:
                target.append(new[0].invariant)
                self._phase = "shrinking"
            return any(breach.invariant in target for breach in new)

        try:
            sketch = find(
                self._sketches(provider),
                breaks,
                settings=settings(
                    max_examples=self.bounds.examples,
                    database=None,
                    deadline=None,
                    phases=(Phase.generate, Phase.shrink),
                    suppress_health_check=list(HealthCheck),
                ),
                random=random.Random(f"{self.seed} {self.share[0]} {place} {provider.name}"),
            )
        except NoSuchExample:
            return False
        trial = results[json.dumps(sketch, sort_keys=True)]
        breach = trial.broke(target[0])
        assert breach is not None
        self._keep(breach, provider, sketch, self.seed)
        return True

    def _sketches(self, provider: Provider) -> st.SearchStrategy[dict[str, Json]]:
        return scenarios(provider, drive=self.reach.drive_for(provider.name), restart=self.reach.restart)

    # -- one run -----------------------------------------------------------------------------------

    def _over(self) -> bool:
        return time.monotonic() >= self._ends_s or self.trials.count >= self.bounds.runs

    def _tree(self, sketch: Mapping[str, Json], provider: Provider, seed: int) -> dict[str, Json]:
        number, of = self.share
        tree = whole(self.reach, sketch, provider, seed=seed)
        return renumbered(tree, provider, self.trials.count * of + number)

    def _run(self, sketch: Mapping[str, Json], provider: Provider, seed: int) -> Trial:
        return self._noted(self.trials.run(self._tree(sketch, provider, seed)))

    def _noted(self, running: Coroutine[Any, Any, Trial]) -> Trial:
        trial = self.loop.run_until_complete(running)
        for situation in trial.situations:
            self.reached[situation] = self.reached.get(situation, 0) + 1
        self.judged += trial.judged
        self.progress(self._phase, self.trials.count)
        return trial

    # -- findings ----------------------------------------------------------------------------------

    def _known(self, breach: Breach, provider: Provider, sketch: Mapping[str, Json]) -> bool:
        """Return True when what decided an earlier finding of the same invariant is in this trouble, too."""
        decided = set(elements(sketch))
        return any(
            (finding.invariant, finding.provider) == (breach.invariant, provider.name)
            and decided >= set(finding.decided)
            for finding in self.findings
        )

    def _keep(self, breach: Breach, provider: Provider, sketch: Mapping[str, Json], seed: int) -> None:
        """Keep a finding, as the file that shows it: repeated, to tell whether it always comes."""
        shown: list[tuple[str, Trial]] = []
        for _ in range(_AGAIN):
            text = dump(self._tree(sketch, provider, seed))
            trial = self._noted(self.trials.run_text(text))
            if trial.broke(breach.invariant) is not None:
                shown.append((text, trial))
        text, trial = shown[-1] if shown else (dump(self._tree(sketch, provider, seed)), None)
        self.findings.append(
            Finding(
                invariant=breach.invariant,
                decided=tuple(elements(sketch)),
                provider=provider.name,
                detail=(trial and trial.broke(breach.invariant) or breach).detail,
                text=text,
                story=trial.story if trial is not None else (),
                again=len(shown),
            )
        )


def _healthy(reach: Reach, provider: Provider) -> dict[str, Json]:
    drive = reach.drive_for(provider.name)
    if drive is None:
        return {}
    return {"drive": [json.loads(json.dumps(drive).replace("{text}", "Your code is 1234")) | {"recipient": f"{provider.numbers}0000000"}]}


def elements(sketch: Mapping[str, Json]) -> list[str]:
    """Return what happens in a trouble, in the words of scenarios, without how much of it."""
    return sorted(set(_elements(sketch)))


def _elements(sketch: Mapping[str, Json]) -> Iterator[str]:
    for rule in sketch.get("rules", ()):  # type: ignore[union-attr]
        for place, behaviour in rule["then"].items():  # type: ignore[index,call-overload,union-attr]
            names = [behaviour] if isinstance(behaviour, str) else list(behaviour)
            yield from (f"{place}.{name}" for name in names)
    if sketch.get("recipients"):
        yield "offline"
    for item in sketch.get("timeline", ()):  # type: ignore[union-attr]
        yield from (word for word in ("webhooks", "writes", "software") if word in item)  # type: ignore[operator]

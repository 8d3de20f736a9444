"""
The search: seeds, then troubles, then the smallest trouble for each kind of finding.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import zlib
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from simulator.explore.finding import TRIES, Explored, Finding
from simulator.explore.invariants import Breach
from simulator.explore.job import Bounds, Progress
from simulator.explore.reach import BLOCKS, Reach, renumbered, whole
from simulator.explore.trial import Trial, Trials
from simulator.provider import Provider
from simulator.scenario.yaml import dump, parse
from simulator.schema.node import Json
from simulator.strategies.scenarios import driven, scenarios

__all__ = ["Search", "elements", "healthy"]


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
    progress: Progress = lambda _phase, _runs, _findings: None
    keep: Callable[[Finding], None] = lambda _: None
    """Told of each finding as soon as there is one."""

    def __post_init__(self) -> None:
        self.findings: list[Finding] = []
        self.reached: dict[str, int] = {}
        self.judged = 0
        self.sent = 0
        self._began_s = time.monotonic()
        self._ends_s = self._began_s + self.bounds.seconds
        self._phase = ""

    # -- the phases --------------------------------------------------------------------------------

    def search(self) -> None:
        """Search until everything is tried, or time or runs are up."""
        self._sweep()
        if any(not finding.decided for finding in self.findings):
            # What is wrong without any trouble would be wrong in every one.
            return
        place = 0
        providers = [self._provider(name) for name in self.reach.providers]
        while not self._over() and providers and len(self.findings) < self.bounds.findings_max:
            provider = providers[place % len(providers)]
            if self._hunt(provider, place):
                place += 1
            else:
                providers.remove(provider)

    def retry(self, files: Iterable[tuple[Path, str]]) -> None:
        """Try first what was found before; what still fails is a finding again."""
        self._phase = "found before"
        for path, text in files:
            trial = self._noted(self.trials.run_text(text, str(path)))
            tree = parse(text, str(path)).plain()
            assert isinstance(tree, dict)
            for breach in trial.breaches[:1]:
                names = [name for name in self.reach.providers if name in str(tree.get("providers"))]
                provider = breach.keys[0].provider if breach.keys else (names or [""])[0]
                self.findings.append(
                    Finding(
                        invariant=breach.invariant,
                        family=breach.family,
                        decided=tuple(elements(tree)),
                        provider=provider,
                        detail=breach.detail,
                        text=text,
                        story=trial.story,
                        curl=trial.curl,
                    )
                )

    def outcome(self) -> Explored:
        """Return everything so far."""
        return Explored(
            seed=self.seed,
            findings=tuple(self.findings),
            reached=dict(sorted(self.reached.items())),
            runs=self.trials.count,
            judged=self.judged,
            elapsed_real_s=time.monotonic() - self._began_s,
        )

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
            sketch = healthy(self.reach, provider)
            trial = self._run(sketch, provider, self.seed + place)
            for breach in trial.breaches:
                if not self._known(breach, provider, sketch):
                    self._keep(breach, provider, sketch, trial, self.seed + place)

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
                target.append(new[0].family)
                self._phase = "shrinking"
            return any(breach.family in target for breach in new)

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
        breach = next(breach for breach in trial.breaches if breach.family == target[0])
        self._keep(breach, provider, sketch, trial, self.seed)
        return True

    def _sketches(self, provider: Provider) -> st.SearchStrategy[dict[str, Json]]:
        return scenarios(provider, drive=self.reach.drive_for(provider.name), restart=self.reach.restart)

    # -- one run -----------------------------------------------------------------------------------

    def _over(self) -> bool:
        return time.monotonic() >= self._ends_s or self.trials.count >= self.bounds.runs

    def _tree(self, sketch: Mapping[str, Json], provider: Provider, seed: int) -> dict[str, Json]:
        number, of = self.share
        # Numbers that no earlier run had; once they are used up, other ids.
        rounds, place = divmod(self.trials.count * of + number, BLOCKS)
        tree = whole(self.reach, sketch, provider, seed=seed + rounds)
        return renumbered(tree, provider, place + zlib.crc32(str(self.seed).encode()))

    def _run(self, sketch: Mapping[str, Json], provider: Provider, seed: int) -> Trial:
        return self._noted(self.trials.run(self._tree(sketch, provider, seed)))

    def _noted(self, running: Coroutine[Any, Any, Trial]) -> Trial:
        trial = self.loop.run_until_complete(running)
        for situation in trial.situations:
            self.reached[situation] = self.reached.get(situation, 0) + 1
        self.judged += trial.judged
        self.sent += trial.sent
        self.progress(self._phase, self.trials.count, len(self.findings))
        return trial

    # -- findings ----------------------------------------------------------------------------------

    def _known(self, breach: Breach, provider: Provider, sketch: Mapping[str, Json]) -> bool:
        """Return True when what decided an earlier finding of the same invariant is in this trouble, too."""
        decided = set(elements(sketch))
        return any(
            (finding.family, finding.provider) == (breach.family, provider.name)
            and decided >= set(finding.decided)
            for finding in self.findings
        )

    def _keep(
        self, breach: Breach, provider: Provider, sketch: Mapping[str, Json], trial: Trial, seed: int
    ) -> None:
        """Keep a finding, as the file that shows it: repeated, to tell whether it always comes."""
        text, again = dump(dict(trial.tree)), 0
        for _ in range(TRIES):
            repeated = dump(self._tree(sketch, provider, seed))
            other = self._noted(self.trials.run_text(repeated))
            for same in [each for each in other.breaches if each.family == breach.family][:1]:
                # The last one that shows it, since its story names lines of its file.
                text, trial, breach = repeated, other, same
                again += 1
        finding = Finding(
            invariant=breach.invariant,
            family=breach.family,
            decided=tuple(elements(sketch)),
            provider=provider.name,
            detail=breach.detail,
            text=text,
            story=trial.story,
            curl=trial.curl,
            again=again,
        )
        self.findings.append(finding)
        self.keep(finding)


def healthy(reach: Reach, provider: Provider) -> dict[str, Json]:
    """Return no trouble at all: one message."""
    drive = reach.drive_for(provider.name)
    return {} if drive is None else {"drive": [driven(drive, provider.number(0))]}


def elements(sketch: Mapping[str, Json]) -> list[str]:
    """Return what happens in a trouble, in the words of scenarios, without how much of it."""
    return sorted(set(_elements(sketch)))


def _elements(sketch: Mapping[str, Any]) -> Iterator[str]:
    for rule in sketch.get("rules", ()):
        for place, behaviour in rule["then"].items():
            names = [behaviour] if isinstance(behaviour, str) else list(behaviour)
            delivered = behaviour.get("deliver") if isinstance(behaviour, dict) else None
            if isinstance(delivered, dict):
                # What follows a delivery is another matter than the delivery.
                names = [word for word in delivered if word != "after"] or names
            yield from (f"{place}.{name}" for name in names)
    if sketch.get("recipients"):
        yield "offline"
    for item in sketch.get("timeline", ()):
        yield from (word for word in ("webhooks", "writes", "software") if word in item)

"""
What the default space of a server begins with: seed, clock, targets of webhooks.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from simulator.kernel.model.scenario import ClockMode, ClockSpec, Scenario
from simulator.provider import Provider
from simulator.schema.node import Problems, node_of
from simulator.schema.shapes import Invalid

__all__ = ["Seed", "Setup"]

_DRAWN_SEEDS: Final = 1_000_000
"""Few digits, since people type them again."""


class Seed(NamedTuple):
    """
    A seed, and whether it was drawn, since nobody gave one.
    """

    value: int
    drawn: bool = False


class Setup(NamedTuple):
    """
    What the default space begins with.
    """

    seed: Seed
    clock: ClockSpec
    webhooks: Mapping[str, Mapping[str, object]]

    @classmethod
    def of(
        cls,
        providers: Mapping[str, Provider],
        scenario: Scenario | None,
        *,
        seed: int | None,
        clock: ClockSpec | None,
        start: int | None,
        webhook: str | None,
    ) -> Setup:
        """Return it from what the command line says, and else the scenario; raises ValueError."""
        return cls(_seed(seed, scenario), _clock(clock, scenario, start), _webhooks(webhook, providers))


def _seed(seed: int | None, scenario: Scenario | None) -> Seed:
    if seed is None and scenario is not None:
        seed = scenario.seed
    # Drawn, for software that keeps its data must not meet the ids of the last start again.
    return Seed(seed) if seed is not None else Seed(secrets.randbelow(_DRAWN_SEEDS), drawn=True)


def _clock(clock: ClockSpec | None, scenario: Scenario | None, start_unix_ms: int | None) -> ClockSpec:
    written = scenario.clock if scenario is not None else None
    if clock is None:
        clock = written or ClockSpec(mode=ClockMode.LIVE)
    elif written is not None:
        clock = replace(clock, start_unix_ms=written.start_unix_ms, grace_real_ms=written.grace_real_ms)
    return clock if start_unix_ms is None else replace(clock, start_unix_ms=start_unix_ms)


def _webhooks(url: str | None, providers: Mapping[str, Provider]) -> Mapping[str, Mapping[str, object]]:
    """Return settings of each provider that send its webhooks to *url*; raises ValueError for a bad one."""
    if url is None:
        return {}
    settings: dict[str, Mapping[str, object]] = {}
    for name, provider in providers.items():
        problems = Problems()
        wanted = node_of({"webhook": {"url": url.replace("{provider}", name)}})
        values = provider.settings.read(wanted, "", problems)
        if isinstance(values, Invalid):
            raise ValueError(f"--webhook: {problems.render('')[0]}")
        settings[name] = values
    return settings

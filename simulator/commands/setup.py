"""
What the default space of a server begins with: seed, clock, targets of webhooks.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any, Final, NamedTuple

import click

from simulator.commands.option_types import ClockType, StartType
from simulator.kernel.model.scenario import ClockMode, ClockSpec, Scenario
from simulator.provider import Provider

__all__ = ["Beginning", "Seed", "Setup", "beginning_options"]

_DRAWN_SEEDS: Final = 1_000_000
"""Few digits, since people type them again."""


class Beginning(NamedTuple):
    """
    What the command line says about how the default space begins.
    """

    seed: int | None
    clock: ClockSpec | None
    start_unix_ms: int | None
    webhook: str | None


def beginning_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give *command* the options of how the default space begins; it takes them as `beginning`."""

    @click.option(
        "--seed",
        type=click.IntRange(0, 2**53),
        help="Same seed, same story, same ids.  [default: the scenario's, or drawn and told]",
    )
    @click.option(
        "--clock",
        type=ClockType(),
        help="frozen, live, live×60 (or livex60) or autojump.  [default: the scenario's, or live]",
    )
    @click.option(
        "--clock-start",
        type=StartType(),
        metavar="INSTANT|now",
        help="When time begins.  [default: now for a live clock, else 2026-01-05T09:00:00Z]",
    )
    @click.option(
        "--webhook",
        metavar="URL",
        help="Where webhooks of every provider go; {provider} in it stands for the provider's name.",
    )
    @wraps(command)
    def with_beginning(
        seed: int | None, clock: ClockSpec | None, clock_start: int | None, webhook: str | None, **others: Any
    ) -> None:
        command(beginning=Beginning(seed, clock, clock_start, webhook), **others)

    return with_beginning


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
    def of(cls, beginning: Beginning, scenario: Scenario | None, providers: Mapping[str, Provider]) -> Setup:
        """Return it from what the command line says, and else the scenario; raises ValueError."""
        seed, clock, start_unix_ms, webhook = beginning
        return cls(
            _seed(seed, scenario), _clock(clock, scenario, start_unix_ms), _webhooks(webhook, providers)
        )


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
        try:
            settings[name] = provider.read_settings({"webhook": {"url": url.replace("{provider}", name)}})
        except ValueError as refusal:
            raise ValueError(f"--webhook: {refusal}") from None
    return settings

"""
Scenarios: what goes wrong, for whom, and when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from simulator.kernel.model.arrivals import Arrivals
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.recipient import Traits, Value
from simulator.kernel.model.rules import Act, Rule
from simulator.kernel.model.units import Delay, Rate

__all__ = ["NOW", "ClockMode", "ClockSpec", "Scenario", "ServerTurn", "Storm", "TimelineItem"]

NOW: Final = -1
"""A start of a clock that is read from the machine's own watch when the space begins."""


class ClockMode(StrEnum):
    """
    How time passes in a space.
    """

    FROZEN = "frozen"
    LIVE = "live"
    AUTOJUMP = "autojump"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSpec:
    """
    How a scenario wants time to pass.
    """

    mode: ClockMode = ClockMode.FROZEN
    rate: int = 1
    """How many milliseconds pass in a live space per real one."""
    grace_real_ms: int = 0
    """How long time stands still for calls that begin after an instant's webhooks are answered."""
    start_unix_ms: int | None = None
    """When the space begins; NOW: by the machine's own watch, None: as the mode has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """
    Messages that the simulator makes itself, at a rate, whoever else sends.
    """

    provider: str
    messages: int
    arrivals: Arrivals
    recipient: str = "+4179"
    """Where the numbers begin; each message goes to one of its own."""
    text: str = "Storm"
    mix: tuple[tuple[int, Fate], ...] = ()
    """Fates with their shares in basis points; what is left goes by the rules."""


class ServerTurn(StrEnum):
    """
    What happens to the port that a provider has for itself: nobody listens there, or somebody again.
    """

    DOWN = "down"
    UP = "up"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineItem:
    """
    Something that happens at an instant, whoever sends what.
    """

    at_ms: int
    recipient: str = ""
    traits: Mapping[str, Value] = field(default_factory=dict)
    act: Act | None = None
    count: int = 1
    """How many acts; when `recipient` is a prefix, each by one of its numbers."""
    rate: Rate | None = None
    """How fast they begin; None: all at once."""
    after: Delay | None = None
    """How long after it begins each one happens; None: at once."""
    storm: Storm | None = None
    hold: bool = False
    release: Rate | None = None
    release_at_once: bool = False
    provider: str = ""
    providers: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Settings that change, by provider name."""
    server: ServerTurn | None = None
    """What becomes of the provider's own port."""
    software: str = ""
    """What a run does to the software under test: a call as `POST http://…`, or `restart`; no act of ours."""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """
    What goes wrong, for whom, and when.
    """

    name: str = "default"
    source: str = ""
    """The file it came from; empty when it came from elsewhere."""
    seed: int | None = None
    clock: ClockSpec | None = None
    providers: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Settings by provider name, as the provider's own shape read them."""
    people: str = ""
    """The locale of the people behind the numbers, such as `tr_TR`; empty: nobody has a name."""
    recipients: Mapping[str, Traits] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    timeline: tuple[TimelineItem, ...] = ()

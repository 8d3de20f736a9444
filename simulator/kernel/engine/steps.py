"""
Steps of the agenda that are no moves of messages: what else may fall due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from simulator.kernel.model.rules import Act
from simulator.kernel.model.scenario import TimelineItem
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.turns import InTurns
from simulator.kernel.store.agenda import Step
from simulator.kernel.webhooks.webhook import Report

__all__ = [
    "ActStep",
    "Contradiction",
    "ProviderStep",
    "TimelineStep",
    "Unfinished",
    "Wake",
    "WakeRest",
    "WorkStep",
]


class TimelineStep(NamedTuple):
    """
    An item of the timeline falls due.
    """

    number: int
    item: TimelineItem

    @property
    def order(self) -> tuple[int | str, ...]:
        """What the step is about, after its rank among the steps of an instant."""
        return (0, self.number)


class Wake(NamedTuple):
    """
    A recipient may be back.
    """

    recipient: str

    @property
    def order(self) -> tuple[int | str, ...]:
        """What the step is about, after its rank among the steps of an instant."""
        return (1, self.recipient)


class WakeRest(NamedTuple):
    """
    Those of many recipients who may be back and have not been looked at.
    """

    next_one: str
    others: Iterator[str]
    """In order; they are put in order as they are taken."""
    many: int
    """How many that is together."""

    @property
    def order(self) -> tuple[int | str, ...]:
        """By the next of them, as if each had a step of its own."""
        return (1, self.next_one)


class ActStep(NamedTuple):
    """
    A recipient does something.
    """

    provider: str
    recipient: str
    ordinal: int
    act: Act
    about: MessageKey | None = None
    """The message that it is a reply to."""

    @property
    def order(self) -> tuple[int | str, ...]:
        """What the step is about, after its rank among the steps of an instant."""
        return (3, self.provider, self.recipient, self.ordinal, self.act.kind, self.act.text)


class ProviderStep(NamedTuple):
    """
    Something a provider wants done at an instant: its own timers.
    """

    provider: str
    name: str
    run: Callable[[], Sequence[Report]]

    @property
    def order(self) -> tuple[int | str, ...]:
        """What the step is about, after its rank among the steps of an instant."""
        return (3, self.provider, "", 0, self.name)


class WorkStep(NamedTuple):
    """
    The work of a call that was answered first.
    """

    provider: str
    name: str
    work: InTurns[Sequence[Report]]
    in_turns: bool
    """False: nothing else may happen in the midst of it."""

    @property
    def order(self) -> tuple[int | str, ...]:
        """As any other thing of the provider's own."""
        return (3, self.provider, "", 0, self.name)


class Unfinished(NamedTuple):
    """
    A step in the midst of which others got their turn, and what is left of it.
    """

    step: Step
    work: InTurns[None]

    @property
    def order(self) -> tuple[int | str, ...]:
        """As the step itself."""
        return self.step.order


class Contradiction(NamedTuple):
    """
    The opposite of how a message ended is to be told.
    """

    key: MessageKey

    @property
    def order(self) -> tuple[int | str, ...]:
        """What the step is about, after its rank among the steps of an instant."""
        return (3, *self.key, "contradiction")

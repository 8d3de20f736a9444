"""
Steps of the agenda that are no moves of messages: what else may fall due.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from simulator.kernel.model.rules import Act
from simulator.kernel.model.scenario import TimelineItem
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.webhooks.webhook import Report

__all__ = ["ActStep", "Contradiction", "ProviderStep", "TimelineStep", "Wake", "WakeRest"]


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
    Those of many recipients, from *place* on, who may be back and have not been looked at.
    """

    recipients: Sequence[str]
    place: int

    @property
    def order(self) -> tuple[int | str, ...]:
        """By the next of them, as if each had a step of its own."""
        return (1, self.recipients[self.place])


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


class Contradiction(NamedTuple):
    """
    The opposite of how a message ended is to be told.
    """

    key: MessageKey

    @property
    def order(self) -> tuple[int | str, ...]:
        """What the step is about, after its rank among the steps of an instant."""
        return (3, *self.key, "contradiction")

"""
The stories that a verdict tells: of the first few messages of each failure, and none twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from simulator.explain.story import explain
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey

__all__ = ["Stories"]

_STORIES_MAX = 5


class Stories:
    """
    Tells stories, and remembers which were told.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._told: set[MessageKey] = set()

    def __call__(self, messages: Iterable[Message]) -> tuple[str, ...]:
        """Return the stories of the first few of *messages*, and how many there are more."""
        everything = list(messages)
        lines: list[str] = []
        for message in everything[:_STORIES_MAX]:
            if message.key in self._told:
                lines.append(f"{message.key}: its story is told above")
            else:
                self._told.add(message.key)
                lines += [*explain(self._simulation, message).lines(), ""]
        if len(everything) > _STORIES_MAX:
            number = len(everything)
            lines.append(f"… and {number - _STORIES_MAX} more; --json and --html name all {number}")
        return tuple(lines)

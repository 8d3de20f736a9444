"""
What a report of a failure shows of a space.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from simulator.client.calls import SpaceCalls
from simulator.client.complaints import idle_rules_of, turned_away
from simulator.client.records import request_of

__all__ = ["Story", "story_of"]

__tracebackhide__ = True

_LINES_MAX = 200


class Story(NamedTuple):
    """
    Seed and time of a space, the end of its narrative, and what came near.
    """

    title: str
    seed: int
    lines: Sequence[str]

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)

    def __str__(self) -> str:
        return f"{self.title}\n{self.text}"


def story_of(calls: SpaceCalls) -> Story:
    """Return the story of a space as it is now."""
    view = calls.call("GET", "")
    kept, dropped = int(view["journal"]["entries"]), int(view["journal"]["dropped"])
    earlier = max(0, kept + dropped - _LINES_MAX)
    entries = calls.call("GET", "/journal", query={"after": str(earlier)})
    lines = [f"({earlier} earlier lines left out)"] if earlier else []
    lines += [str(entry["line"]) for entry in entries]
    requests = [request_of(row) for row in calls.call("GET", "/requests", query={"limit": "1000"})["items"]]
    near = [
        *(f"no such call: {line}" for line in turned_away(requests, "no route")),
        *(f"refused: {line}" for line in turned_away(requests, "credential")),
        *(f"never applied: {line}" for line in idle_rules_of(view)),
    ]
    clock = view["clock"]
    title = f"simulator space {calls.space!r}, seed {view['seed']}, now {clock['now']} ({clock['mode']})"
    return Story(title, int(view["seed"]), [*lines, *near])

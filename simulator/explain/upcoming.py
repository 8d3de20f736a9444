"""
What is still due, in words.
"""

from __future__ import annotations

from typing import NamedTuple

from simulator.kernel.engine.arrivals import ActsStep, StormStep
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.engine.steps import (
    ActStep,
    Contradiction,
    ProviderStep,
    TimelineStep,
    Unfinished,
    Wake,
    WakeRest,
    WorkStep,
)
from simulator.kernel.model.fates import MoveStep
from simulator.kernel.model.scenario import TimelineItem
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.store.agenda import Step
from simulator.kernel.webhooks.webhook import Webhook

__all__ = ["Due", "due_about", "due_of", "next_due"]


class Due(NamedTuple):
    """
    Something that will happen, unless something else gets there first.
    """

    at_ms: int
    what: str
    """In a few words: `deliver`, `webhook [delivered]`."""
    provider: str = ""
    recipient: str = ""
    key: MessageKey | None = None
    """The message it is about, if it is about one."""
    webhook: bool = False
    """True when it is an attempt at a webhook."""

    def line(self) -> str:
        """Return it with whom it is about."""
        return " ".join(part for part in (self.what, self.recipient) if part)


def next_due(simulation: Simulation) -> tuple[Due, int] | None:
    """Return what is due next and how much more is due at that instant; None when nothing is."""
    soonest = simulation.agenda.soonest()
    if soonest is None:
        return None
    at_ms, step, count = soonest
    return due_of(at_ms, step), count - 1


def due_about(simulation: Simulation, key: MessageKey) -> list[Due]:
    """Return what is still due about one message."""
    steps = simulation.agenda.upcoming(lambda step: _is_about(step, key))
    return [due_of(at_ms, step) for at_ms, step in steps]


def _is_about(step: Step, key: MessageKey) -> bool:
    match step:
        case MoveStep() | Contradiction():
            return step.key == key
        case Webhook():
            return any(report.key == key for report in step.reports)
        case _:
            return False


def due_of(at_ms: int, step: Step) -> Due:
    """Return what a step of the agenda is about."""
    match step:
        case MoveStep(key=key, move=move):
            return Due(at_ms, move.value, key.provider, key.recipient, key)
        case Webhook():
            first = step.reports[0]
            again = f", attempt {len(step.attempts) + 1}" if step.attempts else ""
            what = f"webhook [{first.label}]{again}"
            return Due(at_ms, what, step.provider, step.recipient, first.key, webhook=True)
        case Wake(recipient=recipient):
            return Due(at_ms, "may be back:", recipient=recipient)
        case Unfinished(step=begun):
            return due_of(at_ms, begun)
        case WakeRest(many=many):
            return Due(at_ms, f"{many} recipients may be back")
        case ActStep(provider=provider, recipient=recipient, act=act):
            return Due(at_ms, act.kind, provider, recipient)
        case Contradiction(key=key):
            return Due(at_ms, "contradicting report", key.provider, key.recipient, key)
        case StormStep():
            return Due(at_ms, "messages of a storm")
        case ActsStep():
            return Due(at_ms, "acts of recipients")
        case ProviderStep(provider=provider) | WorkStep(provider=provider):
            return Due(at_ms, f"{provider}'s own work", provider)
        case TimelineStep(item=item):
            return Due(at_ms, _timeline(item), recipient=item.recipient)
        case _:
            return Due(at_ms, "something")


def _timeline(item: TimelineItem) -> str:
    words = [
        (bool(item.traits), ", ".join(f"{name} changes" for name in item.traits)),
        (item.act is not None, item.act.kind if item.act is not None else ""),
        (item.storm is not None, "a storm begins"),
        (item.hold, "webhooks are held"),
        (item.release is not None or item.release_at_once, "webhooks are released"),
        (bool(item.providers), "settings change"),
    ]
    return f"timeline: {' and '.join(word for holds, word in words if holds) or 'an item'}"

"""
What was drawn for a message, in words: by the same code and labels, so the words cannot differ from the deed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simulator.kernel.model.chance import Draws
from simulator.kernel.model.fates import Ending, Fate, drawn
from simulator.kernel.model.faults import Contradict, Purpose, WebhookFaults
from simulator.kernel.model.rules import Rule
from simulator.kernel.model.units import ConstantDelay, Delay, format_delay, format_duration, format_share
from simulator.kernel.webhooks.decisions import (
    Decision,
    Share,
    contradiction_decisions,
    report_decisions,
)

__all__ = ["contradiction_draws", "fate_draws", "share_draw", "webhook_draws"]

# What a scenario calls it, and what it calls the time it takes.
_NAMES: Final = {
    Purpose.DROPPED: ("drop", ""),
    Purpose.DELAYED: ("", "delay"),
    Purpose.REORDERED: ("reorder", "reorder.within"),
    Purpose.DUPLICATE: ("duplicate", "duplicate.within"),
    Purpose.CONTRADICTION: ("contradict", "contradict.after"),
}


def fate_draws(fate: Fate, draws: Draws) -> Iterator[str]:
    """Yield what becomes of a message by *fate*, with every delay and share that was drawn."""
    for number, station in enumerate(fate.progress or ()):
        if isinstance(station.after, ConstantDelay):
            continue
        yield f"progress.after: {_delay(station.after, draws, 'progress.after', number)}"
    if fate.ending is Ending.SILENCE:
        yield "silence: it has no end"
    elif fate.after is None:
        yield f"{fate.ending.value}.after: when its validity runs out"
    else:
        label = f"{fate.ending.value}.after"
        yield f"{label}: {_delay(fate.after, draws, label)}"
    if fate.read is not None:
        yield from _share("read.share", fate.read_share_bp, draws, "read.share")
        yield f"read.after: {_delay(fate.read, draws, 'read.after')}"
    for number, reply in enumerate(fate.replies):
        yield f"reply.after: {_delay(reply.after, draws, 'reply.after', number)}"


def webhook_draws(faults: WebhookFaults, draws: Draws) -> Iterator[str]:
    """Yield what *faults* do to one report, whose draws these are."""
    for decision in report_decisions(faults, draws):
        yield from _decided(decision)


def contradiction_draws(contradict: Contradict, draws: Draws) -> Iterator[str]:
    """Yield whether the end of a message, whose draws these are, is contradicted, and when."""
    for decision in contradiction_decisions(contradict, draws):
        yield from _decided(decision)


def _decided(decision: Decision) -> Iterator[str]:
    share, wait = _NAMES.get(decision.purpose, ("", ""))
    if isinstance(decision, Share):
        name = f"{share}.share" if share else decision.purpose.value
        yield from _place(name, decision.share_bp, decision.place_bp)
    else:
        since = ", from when its end was told" if decision.purpose is Purpose.CONTRADICTION else ""
        yield f"{wait}: {_told(decision.delay, decision.ms)}{since}"


def share_draw(rule: Rule, draws: Draws) -> Iterator[str]:
    """Yield the draw that made a rule with a share apply."""
    if rule.when.share_bp is not None:
        yield from _share("share", rule.when.share_bp, draws, f"rule.{rule.name}.share")


def _share(name: str, share_bp: int, draws: Draws, label: str) -> Iterator[str]:
    if share_bp < 10_000:
        yield from _place(name, share_bp, draws.place_bp(label))


def _place(name: str, share_bp: int, place_bp: int) -> Iterator[str]:
    if share_bp < 10_000:
        hit = "hit" if place_bp < share_bp else "missed"
        yield f"{name}: {format_share(share_bp)}, {hit} by a draw of {format_share(place_bp)}"


def _delay(delay: Delay, draws: Draws, label: str, number: int = 0) -> str:
    return _told(delay, drawn(delay, draws, label, number))


def _told(delay: Delay, ms: int) -> str:
    if isinstance(delay, ConstantDelay):
        return format_duration(ms)
    return f"{format_duration(ms)} drawn from {format_delay(delay)}"

"""
What was drawn for a message, in words: by the same labels, so the words cannot differ from the deed.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.kernel.model.chance import Draws
from simulator.kernel.model.fates import Ending, Fate, drawn
from simulator.kernel.model.faults import WebhookFaults
from simulator.kernel.model.rules import Rule
from simulator.kernel.model.units import ConstantDelay, Delay, format_delay, format_duration, format_share

__all__ = ["fate_draws", "share_draw", "webhook_draws"]


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
    if faults.drop_share_bp:
        yield from _share("drop.share", faults.drop_share_bp, draws, "drop")
        if draws.hits("drop", faults.drop_share_bp):
            # Whatever else would have been done to it was not.
            return
    if faults.delay is not None:
        yield f"delay: {_unit(faults.delay, draws, 'delay')}"
    reorder = faults.reorder
    if reorder is not None:
        yield from _share("reorder.share", reorder.share_bp, draws, "reorder")
        if draws.hits("reorder", reorder.share_bp):
            late_ms = draws.integer("reorder.within", 0, reorder.within_ms)
            most = format_duration(reorder.within_ms)
            yield f"reorder.within: {format_duration(late_ms)} drawn from 0s..{most}"
    for one in faults.damage:
        yield from _share(one.kind.value, one.share_bp, draws, f"damage.{one.kind.value}")
    duplicate = faults.duplicate
    if duplicate is not None:
        yield from _share("duplicate.share", duplicate.share_bp, draws, "duplicate")
        if draws.hits("duplicate", duplicate.share_bp):
            for copy in range(1, duplicate.times + 1):
                yield f"duplicate.within: {_unit(duplicate.within, draws, f'duplicate.{copy}')}"


def share_draw(rule: Rule, draws: Draws) -> Iterator[str]:
    """Yield the draw that made a rule with a share apply."""
    if rule.when.share_bp is not None:
        yield from _share("share", rule.when.share_bp, draws, f"rule.{rule.name}.share")


def _share(name: str, share_bp: int, draws: Draws, label: str) -> Iterator[str]:
    if share_bp < 10_000:
        place_bp = draws.place_bp(label)
        hit = "hit" if place_bp < share_bp else "missed"
        yield f"{name}: {format_share(share_bp)}, {hit} by a draw of {format_share(place_bp)}"


def _delay(delay: Delay, draws: Draws, label: str, number: int = 0) -> str:
    return _told(delay, drawn(delay, draws, label, number))


def _unit(delay: Delay, draws: Draws, label: str) -> str:
    return _told(delay, delay.draw(draws.unit(label)))


def _told(delay: Delay, ms: int) -> str:
    if isinstance(delay, ConstantDelay):
        return format_duration(ms)
    return f"{format_duration(ms)} drawn from {format_delay(delay)}"

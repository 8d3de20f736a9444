"""
What is decided about a webhook by draws: each is taken here, and whoever does or tells it asks for it here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from simulator.kernel.model.chance import Draws
from simulator.kernel.model.fates import drawn
from simulator.kernel.model.faults import Contradict, Damage, Purpose, WebhookFaults
from simulator.kernel.model.units import Delay, UniformDelay

__all__ = ["Decision", "Share", "Wait", "contradiction_decisions", "report_decisions"]


class Share(NamedTuple):
    """
    Whether something is done, where a rule does it to a share of all.
    """

    purpose: Purpose
    share_bp: int
    place_bp: int
    damage: Damage | None = None
    """What is damaged, if the purpose is a damage."""

    @property
    def hit(self) -> bool:
        """True when it is done."""
        return self.place_bp < self.share_bp


class Wait(NamedTuple):
    """
    How much later a webhook, a copy of it, or a contradiction is due.
    """

    purpose: Purpose
    delay: Delay
    ms: int


Decision: TypeAlias = Share | Wait


def report_decisions(faults: WebhookFaults, draws: Draws) -> Iterator[Decision]:
    """Yield what *faults* do to one report, whose draws these are, in the order in which it is done."""
    if faults.drop_share_bp:
        drop = _share(Purpose.DROPPED, faults.drop_share_bp, draws, "drop")
        yield drop
        if drop.hit:
            # Whatever else would have been done to it is not.
            return
    if faults.delay is not None:
        yield Wait(Purpose.DELAYED, faults.delay, faults.delay.draw(draws.unit("delay")))
    if faults.reorder is not None:
        reorder = _share(Purpose.REORDERED, faults.reorder.share_bp, draws, "reorder")
        yield reorder
        if reorder.hit:
            within_ms = faults.reorder.within_ms
            late_ms = draws.integer("reorder.within", 0, within_ms)
            yield Wait(Purpose.REORDERED, UniformDelay(0, within_ms), late_ms)
    for damage in faults.damage:
        share = _share(damage.purpose, damage.share_bp, draws, f"damage.{damage.kind.value}")
        yield share._replace(damage=damage)
    if faults.duplicate is not None:
        duplicate = _share(Purpose.DUPLICATE, faults.duplicate.share_bp, draws, "duplicate")
        yield duplicate
        if duplicate.hit:
            within = faults.duplicate.within
            for copy in range(1, faults.duplicate.times + 1):
                yield Wait(Purpose.DUPLICATE, within, within.draw(draws.unit(f"duplicate.{copy}")))


def contradiction_decisions(contradict: Contradict, draws: Draws) -> Iterator[Decision]:
    """Yield whether the end of a message, whose draws these are, is contradicted, and how much later."""
    share = _share(Purpose.CONTRADICTION, contradict.share_bp, draws, "contradict")
    yield share
    if share.hit:
        yield Wait(
            Purpose.CONTRADICTION, contradict.after, drawn(contradict.after, draws, "contradict.after")
        )


def _share(purpose: Purpose, share_bp: int, draws: Draws, label: str) -> Share:
    # All of them cost no draw.
    return Share(purpose, share_bp, draws.place_bp(label) if share_bp < 10_000 else 0)

"""
Storms: messages that the simulator makes itself, exactly on schedule.
"""

from __future__ import annotations

from simulator.kernel.chance import Chance
from simulator.kernel.judge import Judgement
from simulator.kernel.message import Rung
from simulator.kernel.rule import Storm

__all__ = ["due_ms", "mix"]


def due_ms(storm: Storm, start_ms: int, number: int) -> int:
    """Return when the message *number*, counted from 0, of a storm that began at *start_ms* arrives."""
    return start_ms + number * storm.rate.per_ms // storm.rate.count


def mix(judgement: Judgement, storm: Storm, chance: Chance) -> None:
    """Give a message of a storm the fate that its mix draws, if it draws one."""
    if not storm.mix or judgement.submission.refusal:
        return
    place = chance.of(*judgement.key).integer("storm.mix", 0, 9_999)
    for share_bp, fate in storm.mix:
        if place < share_bp:
            judgement.fate, judgement.fate_rung, judgement.fate_rule = fate, Rung.RULE, "storm"
            return
        place -= share_bp

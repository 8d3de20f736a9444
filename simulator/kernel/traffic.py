"""
Arrivals by the clock: so many, at a rate, whoever can keep up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from simulator.kernel.chance import Chance
from simulator.kernel.fates import drawn
from simulator.kernel.judge import Judgement
from simulator.kernel.message import Rung
from simulator.kernel.rule import Storm, TimelineItem
from simulator.kernel.steps import ActStep
from simulator.kernel.units import Rate

if TYPE_CHECKING:
    from simulator.kernel.simulation import Simulation

__all__ = ["ActsStep", "StormStep", "arrival_ms", "last_arrival_ms", "let_act", "let_in", "numbered"]

_SLICE_MAX = 1_000
"""How many arrivals of one instant are let in before others get their turn."""


class ActsStep(NamedTuple):
    """
    The next acts of a timeline item that has many.
    """

    number: int
    item: TimelineItem
    start_ms: int
    arrived: int

    @property
    def order(self) -> tuple[int | str, ...]:
        """By what they bring about."""
        return (3, self.item.provider, "", 0, f"acts {self.number}")


class StormStep(NamedTuple):
    """
    The next arrivals of a storm.
    """

    number: int
    storm: Storm
    start_ms: int
    arrived: int

    @property
    def order(self) -> tuple[int | str, ...]:
        """By what they bring about."""
        return (3, self.storm.provider, "", 0, f"storm {self.number}")


def arrival_ms(start_ms: int, number: int, rate: Rate | None) -> int:
    """Return when arrival *number* (from 0) is due; without a rate all come at once."""
    return start_ms + (number * rate.per_ms // rate.count if rate is not None else 0)


def last_arrival_ms(item: TimelineItem) -> int:
    """Return when the last thing of *item* begins, counted from the start of the scenario."""
    if item.storm is not None:
        return arrival_ms(item.at_ms, item.storm.messages - 1, item.storm.rate)
    return arrival_ms(item.at_ms, item.count - 1, item.rate)


def numbered(pattern: str, number: int) -> str:
    """Return the address of arrival *number*: one of its own when *pattern* is a prefix with `*`."""
    return f"{pattern[:-1]}{number:07d}" if pattern.endswith("*") else pattern


def let_in(simulation: Simulation, step: StormStep) -> None:
    """Submit what of a storm has arrived by now, and plan for the rest."""
    storm, now_ms = step.storm, simulation.clock.now_ms
    account = simulation.accounts[storm.provider]
    arrived = step.arrived
    while arrived < storm.messages and arrived - step.arrived < _SLICE_MAX:
        due_ms = arrival_ms(step.start_ms, arrived, storm.rate)
        if due_ms > now_ms:
            break
        recipient = f"{storm.recipient}{arrived:07d}"
        submission = account.compose(recipient, simulation.people.text(storm.text, recipient))
        judgement = simulation.judge.judge(submission, simulation.intake.take_key(storm.provider, recipient))
        _mix(judgement, storm, simulation.chance)
        simulation.intake.settle(judgement, unanswered=False)
        arrived += 1
    if arrived < storm.messages:
        due_ms = arrival_ms(step.start_ms, arrived, storm.rate)
        simulation.agenda.add(max(due_ms, now_ms), step._replace(arrived=arrived))


def let_act(simulation: Simulation, step: ActsStep) -> None:
    """Let the acts that are due by now happen, or begin, and plan for the rest."""
    (number, item, start_ms, arrived), now_ms = step, simulation.clock.now_ms
    assert item.act is not None
    last = min(item.count, arrived + _SLICE_MAX)
    while arrived < last and arrival_ms(start_ms, arrived, item.rate) <= now_ms:
        recipient = numbered(item.recipient, arrived)
        if item.after is None:
            simulation.try_act(item.provider, recipient, item.act, why="timeline")
        else:
            draws = simulation.chance.of("timeline", number, recipient, arrived)
            act = ActStep(item.provider, recipient, arrived, item.act)
            simulation.agenda.add(now_ms + drawn(item.after, draws, "after"), act)
        arrived += 1
    if arrived < item.count:
        due_ms = arrival_ms(start_ms, arrived, item.rate)
        simulation.agenda.add(max(due_ms, now_ms), step._replace(arrived=arrived))


def _mix(judgement: Judgement, storm: Storm, chance: Chance) -> None:
    """Give a message of a storm the fate that its mix draws, if it draws one."""
    if not storm.mix or judgement.submission.refusal:
        return
    place = chance.of(*judgement.key).integer("storm.mix", 0, 9_999)
    for share_bp, fate in storm.mix:
        if place < share_bp:
            judgement.fate, judgement.fate_rung, judgement.fate_rule = fate, Rung.RULE, "storm"
            return
        place -= share_bp

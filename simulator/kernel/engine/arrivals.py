"""
Arrivals by the clock: so many, at a rate, whoever can keep up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from simulator.kernel.engine.acts import try_act
from simulator.kernel.engine.decide import Decision, decide
from simulator.kernel.engine.intake import settle
from simulator.kernel.engine.state import SimulationState
from simulator.kernel.engine.steps import ActStep
from simulator.kernel.model.chance import Chance
from simulator.kernel.model.fates import drawn
from simulator.kernel.model.message import Message, Rung
from simulator.kernel.model.scenario import Storm, TimelineItem
from simulator.kernel.model.turns import InTurns
from simulator.kernel.model.units import Rate

__all__ = [
    "ActsStep",
    "StormStep",
    "address_of_arrival",
    "arrival_ms",
    "inject_acts",
    "inject_storm",
    "last_arrival_ms",
]

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
    offset_us: int = 0
    """When the next one is due, counted from the first."""

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
        return item.at_ms + item.storm.arrivals.last_us(item.storm.messages) // 1_000
    return arrival_ms(item.at_ms, item.count - 1, item.rate)


def address_of_arrival(pattern: str, number: int) -> str:
    """Return the address of arrival *number*: one of its own when *pattern* is a prefix with `*`."""
    return f"{pattern[:-1]}{number:07d}" if pattern.endswith("*") else pattern


def inject_storm(state: SimulationState, step: StormStep) -> InTurns[None]:
    """Submit what of a storm has arrived by now, and plan for the rest."""
    storm, now_ms, shard = step.storm, state.clock.now_ms, state.shard
    schedule, gaps = storm.arrivals, state.chance.of("storm", step.number)
    arrived, offset_us = step.arrived, step.offset_us
    if not arrived:
        # What an account learns of a storm, such as who sends, it learns in every shard at one instant.
        state.accounts[storm.provider].compose(f"{storm.recipient}{arrived:07d}", storm.text)
    while arrived < storm.messages and arrived - step.arrived < _SLICE_MAX:
        if step.start_ms + offset_us // 1_000 > now_ms:
            break
        recipient = f"{storm.recipient}{arrived:07d}"
        if shard is None or shard.owns(storm.provider, recipient):
            _arrive(state, storm, recipient)
        arrived += 1
        offset_us = schedule.offset_us(arrived, offset_us, gaps)
        yield
    if arrived < storm.messages:
        due_ms = step.start_ms + offset_us // 1_000
        state.agenda.add(max(due_ms, now_ms), step._replace(arrived=arrived, offset_us=offset_us))


def _arrive(state: SimulationState, storm: Storm, recipient: str) -> None:
    submission = state.accounts[storm.provider].compose(recipient, state.people.text(storm.text, recipient))
    decision = decide(state, submission, state.numbering.take_key(storm.provider, recipient))
    _mix(decision, storm, state.chance)
    _meet_gateway(decision)
    outcome = settle(state, decision, unanswered=False)
    if isinstance(outcome, Message):
        outcome.inject()


def inject_acts(state: SimulationState, step: ActsStep) -> InTurns[None]:
    """Let the acts that are due by now happen, or begin, and plan for the rest."""
    (number, item, start_ms, arrived), now_ms = step, state.clock.now_ms
    assert item.act is not None
    last = min(item.count, arrived + _SLICE_MAX)
    while arrived < last and arrival_ms(start_ms, arrived, item.rate) <= now_ms:
        recipient = address_of_arrival(item.recipient, arrived)
        if state.shard is not None and not state.shard.owns(item.provider, recipient):
            pass
        elif item.after is None:
            try_act(state, item.provider, recipient, item.act, by="timeline")
        else:
            draws = state.chance.of("timeline", number, recipient, arrived)
            act = ActStep(item.provider, recipient, arrived, item.act)
            state.agenda.add(now_ms + drawn(item.after, draws, "after"), act)
        arrived += 1
        yield
    if arrived < item.count:
        due_ms = arrival_ms(start_ms, arrived, item.rate)
        state.agenda.add(max(due_ms, now_ms), step._replace(arrived=arrived))


def _meet_gateway(decision: Decision) -> None:
    """Refuse a message of a storm that a proxy keeps from the provider: there is no call to answer."""
    answer = decision.answer
    if answer is not None and answer.gateway:
        decision.answer = replace(answer, refuse=f"gateway {answer.gateway}")


def _mix(decision: Decision, storm: Storm, chance: Chance) -> None:
    """Give a message of a storm the fate that its mix draws, if it draws one."""
    if not storm.mix or decision.submission.refusal:
        return
    place = chance.of_message(decision.key).integer("storm.mix", 0, 9_999)
    for share_bp, fate in storm.mix:
        if place < share_bp:
            decision.fate, decision.fate_rung, decision.fate_rule = fate, Rung.RULE, "storm"
            return
        place -= share_bp

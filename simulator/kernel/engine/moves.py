"""
Moves: what becomes of a message as time passes, and what may be done to it by command.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import structs

from simulator.kernel.engine.contradiction import await_truth, plan_untold
from simulator.kernel.engine.owing import owe_for
from simulator.kernel.engine.state import SimulationState
from simulator.kernel.engine.steps import ActStep, Wake, WakeRest
from simulator.kernel.model.chance import Draws
from simulator.kernel.model.fates import Ending, MoveStep, drawn, plan, station
from simulator.kernel.model.lifecycle import TERMINAL, Move, State, next_state
from simulator.kernel.model.message import Message, Rung
from simulator.kernel.model.recipient import Value
from simulator.kernel.model.rules import Act
from simulator.kernel.model.submission import Reason
from simulator.kernel.store.facts import CircumstancesChanged, Lapsed, Rescheduled, Suspended
from simulator.kernel.store.shared_facts import moved

__all__ = [
    "IllegalMove",
    "change_recipient",
    "move_by_command",
    "reschedule",
    "start",
    "suspend",
    "take_step",
    "wake",
    "wake_all",
    "wake_rest",
]

_WOKEN_MAX: Final = 1_000
"""How many recipients who are back are looked at before others get their turn."""


class IllegalMove(ValueError):
    """
    A command cannot apply; the text says what stands against it.
    """


def start(state: SimulationState, message: Message, draws: Draws, *, at_once: bool = False) -> None:
    """Lay out what becomes of a message from now on; *at_once*: let it all happen now."""
    steps = plan(message.ruling.fate, message.key, draws, state.clock.now_ms, message.expires_ms)
    for at_ms, step in steps:
        if at_once:
            take_step(state, step)
        else:
            state.agenda.add(at_ms, step)


def take_step(state: SimulationState, step: MoveStep) -> None:
    """Let a move that fell due happen, unless something else got there first."""
    message = state.store.messages.get(step.key)
    if message is None:
        return
    stop = step.station
    move = stop.move
    if move is Move.RELEASE and message.hold_until_ms > state.clock.now_ms:
        return
    to = next_state(message.state, move)
    if to is None:
        _lapse(state, message, move)
    elif move is Move.DELIVER and not _reachable(state, step.key.recipient):
        if message.mould.ephemeral:
            _change(state, message, Move.FAIL, State.FAILED, "", Reason.ABSENT, unreachable=True)
        else:
            _wait(state, message)
    else:
        _change(state, message, move, to, stop.code, stop.reason)
        if move is Move.RELEASE:
            start(state, message, state.chance.of_message(message.key))


def _lapse(state: SimulationState, message: Message, move: Move) -> None:
    fact = Lapsed(move, message.state)
    state.journal.add(state.clock.now_ms, fact, key=message.key, ref=message.id)


def _change(
    state: SimulationState,
    message: Message,
    move: Move,
    to: State,
    code: str,
    reason: Reason,
    *,
    unreachable: bool = False,
) -> None:
    now_ms = state.clock.now_ms
    if message.state is State.WAITING:
        state.waiting.leave(message.key)
        at_ms, expiry = _expiry(message)
        if move is not Move.EXPIRE or now_ms < at_ms:
            # It will not expire any more, so nothing is due then on its account.
            state.agenda.cancel(at_ms, expiry)
    message.state = to
    message.changed_ms = now_ms
    message.code = code
    message.reason = reason
    ruling = message.ruling
    fact = moved(to, ruling.rung, ruling.rule, code, reason, unreachable)
    state.journal.add(now_ms, fact, key=message.key, ref=message.id)
    noted = state.hooks[message.key.provider].noted
    if noted is not None:
        noted(message, move)
    contradicted = to in TERMINAL and move is not Move.READ and await_truth(state, message)
    owe_for(state, message, state.accounts[message.key.provider].reports_of(message, move))
    if contradicted:
        plan_untold(state, message.key)
    if move is Move.DELIVER:
        _after_delivery(state, message)


def _after_delivery(state: SimulationState, message: Message) -> None:
    fate = message.ruling.fate
    if fate.read is None and not fate.replies:
        return
    draws = state.chance.of_message(message.key)
    now_ms = state.clock.now_ms
    if fate.read is not None and draws.hits("read.share", fate.read_share_bp):
        state.agenda.add(
            now_ms + drawn(fate.read, draws, "read.after"), MoveStep(message.key, station(Move.READ))
        )
    for number, reply in enumerate(fate.replies):
        at_ms = now_ms + drawn(reply.after, draws, "reply.after", number)
        act = Act(reply.kind, reply.text, message.mould.sender, reply.data)
        step = ActStep(message.key.provider, message.key.recipient, message.key.ordinal, act, message.key)
        state.agenda.add(at_ms, step)


# -- store and forward ------------------------------------------------------------------------------


def _reachable(state: SimulationState, recipient: str) -> bool:
    return state.directory.at(recipient, state.clock.now_ms).reachable


def _wait(state: SimulationState, message: Message) -> None:
    if message.state is not State.WAITING:
        _change(state, message, Move.WAIT, State.WAITING, "", Reason.ABSENT, unreachable=True)
        state.agenda.add(*_expiry(message))
    # What was sent first arrives first, however the delays fell; a scheduled one is sent when it is released.
    state.waiting.enter(message.key, max(message.accepted_ms, message.hold_until_ms))
    _expect_back(state, message.key.recipient)


def _expiry(message: Message) -> tuple[int, MoveStep]:
    """Return when and how a message that waits expires; it has waited since `changed_ms`."""
    at_ms = max(message.changed_ms, message.expires_ms)
    return at_ms, MoveStep(message.key, station(Move.EXPIRE, "", Reason.VALIDITY))


def _expect_back(state: SimulationState, recipient: str) -> None:
    back_ms = state.directory.next_change_after(recipient, "reachable", state.clock.now_ms)
    if back_ms is not None and state.waiting.expect(recipient, back_ms):
        state.agenda.add(back_ms, Wake(recipient))


def wake(state: SimulationState, recipient: str) -> None:
    """Deliver what waits for a recipient who is back, in order, at the provider's pace."""
    now_ms = state.clock.now_ms
    if not _reachable(state, recipient):
        _expect_back(state, recipient)
        return
    for number, key in enumerate(state.waiting.take(recipient)):
        fate = state.store.messages[key].fate
        code = fate.code if fate.ending is Ending.DELIVER else ""
        at_ms = now_ms + number * state.accounts[key.provider].pace_ms
        state.agenda.add(at_ms, MoveStep(key, station(Move.DELIVER, code)))


def wake_all(state: SimulationState, pattern: str = "*") -> None:
    """Deliver what waits for anybody under an address or prefix who is back."""
    wake_rest(state, WakeRest(state.waiting.awaited(pattern), 0))


def wake_rest(state: SimulationState, step: WakeRest) -> None:
    """Deliver what waits for the next of many recipients; the others come in the same instant."""
    recipients, place = step
    for recipient in recipients[place : place + _WOKEN_MAX]:
        if recipient in state.waiting:
            wake(state, recipient)
    if place + _WOKEN_MAX < len(recipients):
        state.agenda.add(state.clock.now_ms, WakeRest(recipients, place + _WOKEN_MAX))


def change_recipient(
    state: SimulationState, pattern: str, traits: Mapping[str, Value], by: str, span_ms: int | None = None
) -> None:
    """Change circumstances of an address or a prefix (`+4179*`) from now on, or for *span_ms*."""
    now_ms = state.clock.now_ms
    until_ms = now_ms + span_ms if span_ms is not None else None
    state.directory.change(pattern, traits, now_ms, until_ms)
    state.journal.add(now_ms, CircumstancesChanged(dict(traits), by, until_ms), recipient=pattern)
    if "reachable" in traits:
        wake_all(state, pattern)


# -- commands ---------------------------------------------------------------------------------------


def move_by_command(
    state: SimulationState, message: Message, move: Move, code: str, reason: Reason, by: Rung
) -> None:
    """Move a message now; raises IllegalMove when the state table or the recipient forbids it."""
    to = next_state(message.state, move)
    if to is None:
        raise IllegalMove(f"a message that is {message.state.value} cannot {move.value}")
    recipient = message.key.recipient
    if move is Move.WAIT:
        raise IllegalMove(f"a message waits while its recipient is away; make {recipient} unreachable")
    if move is Move.DELIVER and not _reachable(state, recipient):
        raise IllegalMove(f"{recipient} is unreachable; make it reachable first")
    if by is not message.rung:
        message.ruling = structs.replace(message.ruling, rung=by, rule="")
    _change(state, message, move, to, code, reason)
    if move is Move.RELEASE:
        start(state, message, state.chance.of_message(message.key))


def reschedule(state: SimulationState, message: Message, at_ms: int) -> None:
    """Move the sending of a scheduled message to *at_ms*; its old step leaves the agenda."""
    if message.state is not State.SCHEDULED:
        raise IllegalMove(f"a message that is {message.state.value} cannot be rescheduled")
    release = MoveStep(message.key, station(Move.RELEASE))
    state.agenda.remove(message.hold_until_ms, release)
    at_ms = max(at_ms, state.clock.now_ms)
    message.hold_back(at_ms)
    state.agenda.add(at_ms, release)
    state.journal.add(state.clock.now_ms, Rescheduled(at_ms), key=message.key, ref=message.id)


def suspend(state: SimulationState, message: Message) -> None:
    """Take the sending of a scheduled message off the agenda, until it is rescheduled."""
    if message.state is not State.SCHEDULED:
        raise IllegalMove(f"a message that is {message.state.value} cannot be suspended")
    state.agenda.remove(message.hold_until_ms, MoveStep(message.key, station(Move.RELEASE)))
    state.journal.add(state.clock.now_ms, Suspended(), key=message.key, ref=message.id)

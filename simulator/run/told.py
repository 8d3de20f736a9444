"""
What the integrator was told about its messages: the truth as it stood on the wire, in the order it was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.faults import DamageKind, Purpose
from simulator.kernel.model.lifecycle import TERMINAL, Move, State, next_state
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.webhooks.webhook import Attempt, Webhook, WebhookState

__all__ = ["Outranks", "Telling", "Told", "first_counts", "told_of"]

Outranks = Callable[[State, State], bool]
"""Whether a report of the second end counts after one of the first."""


def first_counts(_earlier: State, _later: State) -> bool:
    """Return False: the first end that is told is the truth."""
    return False


class Telling(NamedTuple):
    """
    One attempt that told, or may have told, a state of a message.
    """

    at_ms: int
    order: tuple[int | str, ...]
    state: State
    webhook: Webhook
    attempt: Attempt
    certain: bool
    """
    It was acknowledged, or was sound and the last attempt at a webhook that is lost; else the
    receiver may have heard it all the same, and may not.
    """

    @property
    def untrue(self) -> bool:
        """True for a contradiction."""
        return Purpose.CONTRADICTION in self.webhook.intended


class Told(NamedTuple):
    """
    What the integrator may know of a message.
    """

    heard: State | None
    """What it is to believe by what it acknowledged; None: it was told nothing."""
    possible: frozenset[State]
    """What it may believe by that, or by what it may have heard besides, or by what happened."""
    tellings: tuple[Telling, ...] = ()
    silenced: bool = False
    """A report of it was dropped, is held back, or never arrived."""

    @property
    def contradicted(self) -> bool:
        """True when it was told something untrue."""
        return any(telling.untrue for telling in self.tellings)


def told_of(
    simulation: Simulation, messages: Iterable[Message], outranks: Mapping[str, Outranks]
) -> dict[MessageKey, Told]:
    """
    Return what the integrator was told about each of *messages*; *outranks* is each provider's own word.

    A message whose end the provider tells nobody, or the scenario kept back, may
    be believed to be where it was last told to be, or where it is.
    """
    by_key = {message.key: message for message in messages}
    tellings: dict[MessageKey, list[Telling]] = {key: [] for key in by_key}
    silenced: set[MessageKey] = set()
    for webhook in simulation.outbox.webhooks.values():
        for report in webhook.reports:
            if report.key in by_key and report.tells is not None:
                if webhook.state in (WebhookState.DROPPED, WebhookState.HELD, WebhookState.LOST):
                    silenced.add(report.key)
                tellings[report.key] += _tellings(simulation, webhook, report.tells)
    histories: dict[MessageKey, Told] = {}
    for key, message in by_key.items():
        in_order = sorted(tellings[key], key=lambda telling: (telling.at_ms, telling.order))
        first_wins = outranks[key.provider]
        histories[key] = _told(message, in_order, first_wins)._replace(silenced=key in silenced)
    return histories


def _tellings(simulation: Simulation, webhook: Webhook, state: State) -> Iterable[Telling]:
    for attempt in webhook.attempts:
        last = webhook.state is WebhookState.LOST and attempt is webhook.attempts[-1]
        certain = (attempt.acknowledged and not _unrecognizable(simulation, webhook, attempt)) or (
            last and not webhook.spoilt(attempt.number)
        )
        yield Telling(attempt.at_ms, webhook.order, state, webhook, attempt, certain)


def _unrecognizable(simulation: Simulation, webhook: Webhook, attempt: Attempt) -> bool:
    """Return True for flipped bytes that nothing but a signature would have shown, where there is none."""
    return any(damage.kind is DamageKind.CORRUPT for damage in webhook.damage_of(attempt.number)) and not (
        simulation.request_for(webhook, attempt.number).signed_by
    )


def _told(message: Message, tellings: list[Telling], outranks: Outranks) -> Told:
    certain = [telling for telling in tellings if telling.certain]
    heard = _believed([telling.state for telling in certain], outranks)
    if heard is None:
        heard = message.offered
    possible = {_believed([telling.state for telling in tellings], outranks) or heard, heard}
    overruled = any(telling.untrue and telling.state is heard for telling in certain) and any(
        telling.state is message.state and not telling.untrue for telling in certain
    )
    if not overruled:
        # It may be known by other ways: whoever asks the provider is told.
        possible.add(message.state)
    return Told(heard, frozenset(state for state in possible if state is not None), tuple(tellings))


def _believed(states: Iterable[State], outranks: Outranks) -> State | None:
    """Return what to believe after being told *states* one after the other."""
    believed: State | None = None
    for state in states:
        if (
            believed not in TERMINAL
            or believed is None
            or (state is State.READ and next_state(believed, Move.READ) is State.READ)
            or (state in TERMINAL and outranks(believed, state))
        ):
            believed = state
    return believed

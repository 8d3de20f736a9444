"""
What expectations about messages and webhooks are judged by: counted one by one, added up over simulations.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from simulator.evidence.tally import ExactSamples, Samples, WebhookTally, excused_webhook, totalled
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.faults import FORGERIES, DamageKind
from simulator.kernel.model.lifecycle import TERMINAL, State
from simulator.kernel.model.message import Message
from simulator.kernel.webhooks.webhook import Webhook, WebhookState
from simulator.scenario.goals import Expectations

__all__ = ["Judged", "MessageTally", "Sampled", "is_bad", "judged_of"]

_JSON_BEGINS = (b"{", b"[")


class Sampled:
    """
    Messages that something is held against: how many, and the first of them.
    """

    __slots__ = ("_most", "count", "first")

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self.count = 0
        self.first: list[Message] = []

    def add(self, message: Message) -> bool:
        """Take one more; return whether it is one of the first."""
        self.count += 1
        if self._most is not None and len(self.first) >= self._most:
            return False
        self.first.append(message)
        return True

    def join(self, other: Sampled) -> None:
        """Take those of *other*, too."""
        self.count += other.count
        self.first += other.first


class MessageTally:
    """
    How many messages there were, and which of them had no end in time or did not arrive.
    """

    def __init__(self, within_ms: int | None = None, most: int | None = None) -> None:
        self._within_ms = within_ms
        self.total = 0
        self.states: dict[State, int] = {}
        self.late = Sampled(most)
        self.undelivered = Sampled(most)

    def take(self, message: Message) -> bool:
        """Count a message as it is now; return whether it is one of the first that something is against."""
        self.total += 1
        self.states[message.state] = self.states.get(message.state, 0) + 1
        first = not self._final(message) and self.late.add(message)
        if message.state not in (State.DELIVERED, State.READ):
            first |= self.undelivered.add(message)
        return first

    def _final(self, message: Message) -> bool:
        if message.state not in TERMINAL:
            return False
        # Reading comes after the end: what counts is that there was one.
        return (
            self._within_ms is None
            or message.state is State.READ
            or message.changed_ms - message.accepted_ms <= self._within_ms
        )

    def join(self, other: MessageTally) -> None:
        """Count what *other* has counted, too."""
        self.total += other.total
        for state, count in other.states.items():
            self.states[state] = self.states.get(state, 0) + count
        self.late.join(other.late)
        self.undelivered.join(other.undelivered)


class Judged:
    """
    Messages, and webhooks by provider, with the messages that have trouble with theirs.
    """

    def __init__(
        self,
        expected: Expectations,
        samples: Callable[[], Samples] = ExactSamples,
        most: int | None = None,
    ) -> None:
        goals = expected.messages
        self._samples = samples
        self._most = most
        self._forgeries = expected.webhooks is not None and (
            expected.webhooks.forged_refused
            or any(its.forged_refused for its in expected.webhooks.of.values())
        )
        self.messages = MessageTally(goals.within_ms if goals is not None else None, most)
        self.webhooks: dict[str, WebhookTally] = {}
        self._troubled: dict[str, Sampled] = {}
        self._deceived: dict[str, Sampled] = {}
        self._unheard: dict[str, Counter[int]] = {}
        """How sound attempts at webhooks that somebody misses ended, by provider; 0: without an answer."""

    def take(
        self, message: Message | None, webhooks: Sequence[Webhook], simulation: Simulation, rate: int = 1
    ) -> bool:
        """
        Count a message (None: there is none) with all its webhooks.

        Returns whether it is one of the first that something is held against.
        """
        first = message is not None and self.messages.take(message)
        for webhook in webhooks:
            first |= self._take(message, webhook, simulation, rate)
        return first

    def _take(self, message: Message | None, webhook: Webhook, simulation: Simulation, rate: int) -> bool:
        tally = self.webhooks.get(webhook.provider)
        if tally is None:
            tally = self.webhooks[webhook.provider] = WebhookTally(self._samples, waits=self._most is None)
        taken = tally.forged_taken
        tally.take(webhook, rate=rate, is_bad=partial(is_bad, simulation) if self._forgeries else None)
        first = False
        if message is not None and tally.forged_taken > taken:
            first = _note(self._deceived, webhook.provider, message, self._most)
        missing = webhook.state not in (WebhookState.ACKNOWLEDGED, WebhookState.DROPPED)
        if missing and not excused_webhook(webhook):
            ends = (each.status for each in webhook.attempts if not webhook.spoilt(each.number))
            self._unheard.setdefault(webhook.provider, Counter()).update(ends)
            # One webhook may tell of several messages.
            whose = (simulation.messages.get(report.key) for report in webhook.reports if report.key)
            for troubled in [message] if len(webhook.reports) == 1 else whose:
                if troubled is not None:
                    first |= _note(self._troubled, webhook.provider, troubled, self._most)
        return first

    def of(self, provider: str = "") -> tuple[WebhookTally, Sampled]:
        """Return the webhooks of one provider, or of all, and the messages that miss some of theirs."""
        if provider:
            tally = self.webhooks.get(provider) or WebhookTally(self._samples)
        else:
            tally = totalled(self.webhooks.values(), self._samples)
        return tally, _those(self._troubled, provider)

    def deceived(self, provider: str = "") -> Sampled:
        """Return the messages of which something forged or broken was acknowledged."""
        return _those(self._deceived, provider)

    def unheard(self, provider: str = "") -> dict[str, Counter[int]]:
        """Return how sound attempts at webhooks that somebody misses ended, by provider; 0: no answer."""
        return {name: ends for name, ends in self._unheard.items() if provider in ("", name)}

    def join(self, other: Judged) -> None:
        """Count what *other* has counted, too."""
        self.messages.join(other.messages)
        for provider, ends in other._unheard.items():
            self._unheard.setdefault(provider, Counter()).update(ends)
        for provider, tally in other.webhooks.items():
            self.webhooks.setdefault(provider, WebhookTally(self._samples)).join(tally)
        for mine, theirs in ((self._troubled, other._troubled), (self._deceived, other._deceived)):
            for provider, sampled in theirs.items():
                mine.setdefault(provider, Sampled(self._most)).join(sampled)


def _note(by_provider: dict[str, Sampled], provider: str, message: Message, most: int | None) -> bool:
    sampled = by_provider.setdefault(provider, Sampled(most))
    return (not sampled.first or sampled.first[-1] is not message) and sampled.add(message)


def _those(by_provider: dict[str, Sampled], provider: str) -> Sampled:
    those = Sampled()
    for name, sampled in by_provider.items():
        if provider in ("", name):
            those.join(sampled)
    once = list({message.key: message for message in those.first}.values())
    those.count -= len(those.first) - len(once)
    those.first = once
    return those


def judged_of(expected: Expectations, simulation: Simulation, rate: int = 1) -> Judged:
    """Return what *expected* is judged by in a simulation that has everything."""
    judged = Judged(expected)
    about: dict[object, list[Webhook]] = {}
    for webhook in simulation.outbox.webhooks.values():
        about.setdefault(webhook.reports[0].key, []).append(webhook)
    for key, message in simulation.messages.items():
        judged.take(message, about.pop(key, ()), simulation, rate)
    for webhooks in about.values():
        judged.take(None, webhooks, simulation, rate)
    return judged


def is_bad(simulation: Simulation, webhook: Webhook, attempt: int) -> bool:
    """Return True for bytes that can be told to be bad: by their signature, or since they make no sense."""
    kinds = {damage.kind for damage in webhook.damage_of(attempt)}
    if not kinds.isdisjoint(FORGERIES) or DamageKind.TRUNCATE in kinds:
        return True
    request = simulation.request_for(webhook, attempt)
    # Flipped bytes beside what is signed, as in an envelope, change nothing that the signature says.
    signed = bool(request.signed_by) and not (request.covered and request.covered in request.body)
    return signed or not _readable(request.body)


def _readable(body: bytes) -> bool:
    """Return True for JSON that is none the worse for its flipped bytes; of other formats, none is."""
    try:
        json.loads(body)
    except ValueError:
        return False
    return body.startswith(_JSON_BEGINS)

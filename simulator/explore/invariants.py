"""
What software that does right never breaks, whatever happens: from the checks of a run to names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from simulator.evidence.result import Check, RunResult
from simulator.kernel.model.faults import Purpose
from simulator.kernel.model.lifecycle import TERMINAL, State
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey
from simulator.provider import Provider
from simulator.run.told import Told, told_of

__all__ = ["INVARIANTS", "Breach", "Invariant", "breaches"]

Invariant = Callable[[RunResult], str | None]
"""One of the user's own: returns what is wrong with a run, or nothing."""

INVARIANTS: Final[Mapping[str, str]] = {
    "webhooks-acknowledged": "every webhook is acknowledged in the end",
    "forgeries-refused": "what is wrongly signed or broken is refused",
    "sends-valid": "every call is one that the provider takes",
    "sends-retried": "what the provider could not take is sent again",
    "sent-once": "no message is sent twice",
    "no-storm": "no message is sent again and again",
    "stop-respected": "nobody is written to after STOP",
    "order-kept": "texts to one recipient go out in the order in which they were asked for",
    "early-report-kept": "a report that comes before the answer is not lost",
    "end-kept": "an end is not overwritten by what is told later",
    "counted-once": "what is told twice counts once",
    "report-kept": "no report is lost",
    "truth-believed": "in the end it believes what it was told",
}
_BY_CHECK: Final = {
    "webhooks.acknowledged": "webhooks-acknowledged",
    "webhooks.lost": "webhooks-acknowledged",
    "webhooks.forged_refused": "forgeries-refused",
    "sends.invalid": "sends-valid",
    "sends.retried": "sends-retried",
    "sends.duplicated": "sent-once",
    "sends.calls": "no-storm",
    "sends.after_stop": "stop-respected",
    "sends.in_order": "order-kept",
}
_ASKED: Final = "integrator"
_TRUTH: Final = "truth-believed"
_BELIEFS: Final = frozenset({"early-report-kept", "end-kept", "counted-once", "report-kept", _TRUTH})
"""Which of these it is shows in the smallest trouble alone."""


_LATE: Final = frozenset({Purpose.REORDERED, Purpose.DELAYED})
_COPIES: Final = frozenset({Purpose.DUPLICATE, Purpose.RESENT})


class Breach(NamedTuple):
    """
    One invariant that a run broke.
    """

    invariant: str
    detail: str
    keys: tuple[MessageKey, ...] = ()

    @property
    def family(self) -> str:
        """What it is told by: of all that the integrator believes, one invariant stands for the others."""
        return _TRUTH if self.invariant in _BELIEFS else self.invariant


def breaches(
    result: RunResult, providers: Mapping[str, Provider], own: Mapping[str, Invariant]
) -> list[Breach]:
    """Return every invariant that a run broke, those that free checks know first; *own* are the user's."""
    broken = [
        breach
        for check in result.checks
        if not check.passed
        for breach in _of_check(check, result, providers)
    ]
    for name, invariant in own.items():
        complaint = invariant(result)
        if complaint:
            broken.append(Breach(name, str(complaint)))
    unique: dict[str, Breach] = {}
    for breach in broken:
        unique.setdefault(breach.invariant, breach)
    order = [*INVARIANTS, *own]
    return sorted(unique.values(), key=lambda breach: order.index(breach.invariant))


def _of_check(check: Check, result: RunResult, providers: Mapping[str, Provider]) -> Iterator[Breach]:
    begins = check.name.partition(":")[0]
    if begins == _ASKED:
        yield from _beliefs(check, result, providers)
    elif begins in _BY_CHECK and not (begins == "sends.duplicated" and _unavoidable(check, result)):
        yield Breach(_BY_CHECK[begins], f"{check.name}: {check.detail}", check.blamed)


def _unavoidable(check: Check, result: RunResult) -> bool:
    """Return True when only software without ids of its own sent again, of which it was never told."""
    simulation = result.space.simulation
    spoilt = {
        (message.key.provider, message.key.recipient)
        for message in simulation.messages.values()
        if message.id_unknown and not message.submission.id
    }
    return all((key.provider, key.recipient) in spoilt for key in check.blamed)


def _beliefs(check: Check, result: RunResult, providers: Mapping[str, Provider]) -> Iterator[Breach]:
    simulation = result.space.simulation
    messages = [simulation.messages[key] for key in check.blamed if key in simulation.messages]
    if check.blamed and not messages:
        # About what was refused; where nobody is blamed, there was no word for what happened.
        yield Breach(_TRUTH, _line(check, check.blamed[0]), check.blamed)
    outranks = {name: provider.outranks for name, provider in providers.items()}
    history = told_of(simulation, messages, outranks)
    for message in messages:
        line = _line(check, message.key)
        yield Breach(_mistake(message, history[message.key]), line, (message.key,))


def _mistake(message: Message, history: Told) -> str:
    """Return which promise a wrong belief about a message breaks, by what was done to its reports."""
    purposes = {purpose for telling in history.tellings for purpose in telling.webhook.intended}
    ends = [telling.state for telling in history.tellings if telling.state in TERMINAL and telling.certain]
    late = not purposes.isdisjoint(_LATE) and len(set(ends)) > 1
    # Who is told that it was read is told no other end.
    ends = [State.DELIVERED if end is State.READ else end for end in ends]
    if late or len(set(ends)) > 1 or Purpose.CONTRADICTION in purposes:
        return "end-kept"
    if Purpose.EARLY in purposes:
        return "early-report-kept"
    if not purposes.isdisjoint(_COPIES):
        return "counted-once"
    if purposes:
        return "report-kept"
    return _TRUTH


def _line(check: Check, key: MessageKey) -> str:
    begins = f"{key}: "
    lines: Sequence[str] = check.lines
    return next((line for line in lines if line.startswith(begins)), f"{check.name}: {check.detail}")

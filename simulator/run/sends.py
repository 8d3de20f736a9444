"""
What is expected of the integrator's calls, judged by what the journal says of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

from simulator.evidence.result import Check
from simulator.explain.narrative import narrative
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.message import Message, Refused, Rung
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.units import format_duration, format_share
from simulator.kernel.store.facts import Accepted, SendRefused
from simulator.run.refusals import invalid_calls, refused_for_good
from simulator.run.stories import Stories
from simulator.run.told import Outranks, told_of
from simulator.scenario.goals import REFUSED, Relation, SendGoals

__all__ = ["invalid_check", "relation_check", "send_checks", "share_bp"]

_LINES_MAX: Final = 5
_NEAR_PERCENT: Final = 95


def share_bp(part: int, whole: int) -> int:
    """Return a share in basis points, rounded down; 0 of nothing, which nobody judges."""
    return part * 10_000 // whole if whole else 0


def send_checks(
    goals: SendGoals,
    simulation: Simulation,
    stories: Stories,
    outranks: Mapping[str, Outranks],
    *,
    moving: bool,
) -> Iterator[Check]:
    """
    Yield a check for each expectation of calls but `invalid`, which there is without being asked for.

    Waits can only be judged on a clock that is *moving* while software waits.
    """
    if goals.retried_bp is not None:
        yield _retried(goals.retried_bp, simulation)
    if goals.duplicated_max is not None:
        yield _duplicated(goals.duplicated_max, simulation, stories)
    if goals.refused_max is not None:
        rejected = refused_for_good(simulation)
        yield Check(
            name=f"sends.refused: {goals.refused_max}",
            passed=len(rejected) <= goals.refused_max,
            judged=not simulation.state.numbering.untouched,
            detail=f"{len(rejected)} sends were refused for good",
            lines=tuple(narrative(item.entry) for item in rejected[:_LINES_MAX]),
        )
    tries = _tries(simulation)
    if goals.calls_max is not None:
        yield _calls(goals.calls_max, tries)
    if goals.spacing_ms is not None:
        yield _spaced(f"sends.spacing: {format_duration(goals.spacing_ms)}", tries, goals.spacing_ms, moving)
    if goals.retry_after:
        yield _spaced("sends.retry_after: true", tries, None, moving)
    for relation in goals.relations:
        yield relation_check(relation, simulation, outranks)


def invalid_check(limit: int, simulation: Simulation) -> Check:
    """Return the check of calls that the provider's own checks found wrong, whatever else happens."""
    invalid = invalid_calls(simulation)
    return Check(
        name=f"sends.invalid: {limit}",
        passed=len(invalid) <= limit,
        detail=f"{len(invalid)} calls were found wrong by the provider's own checks",
        lines=tuple(narrative(entry) for entry in invalid[:_LINES_MAX]),
    )


def _retried(goal_bp: int, simulation: Simulation) -> Check:
    refused = [
        entry.key
        for entry in simulation.journal
        if isinstance(entry.fact, SendRefused) and entry.key is not None and entry.fact.rung is Rung.RULE
    ]
    accepted = {(key.provider, key.recipient): key.ordinal for key in simulation.messages}
    # However often it was refused, to whom it goes is what is to be reached in the end.
    last = {(key.provider, key.recipient): key for key in refused}
    forgotten = [key for to, key in last.items() if accepted.get(to, 0) < key.ordinal]
    share = share_bp(len(last) - len(forgotten), len(last))
    return Check(
        name=f"sends.retried: {format_share(goal_bp)}",
        passed=share >= goal_bp or not last,
        judged=bool(last),
        detail=f"sends were refused {len(refused)} times to {len(last)} recipients, "
        f"{format_share(share)} of whom got one in the end"
        if last
        else "no rule refused anything",
        lines=tuple(f"refused and then not accepted: {key}" for key in forgotten[:_LINES_MAX]),
    )


def _duplicated(limit: int, simulation: Simulation, stories: Stories) -> Check:
    seen: dict[tuple[str, str, str], bool] = {}
    repeated: list[Message] = []
    unknowing = 0
    # In the order of the calls: one that answers first does its work after later ones, perhaps.
    for message in sorted(simulation.messages.values(), key=lambda message: message.key):
        what = (message.key.provider, message.key.recipient, message.submission.text)
        if seen.get(what):
            # Its answer was never read whole, so whoever tries again cannot know.
            unknowing += 1
        elif what in seen:
            repeated.append(message)
        seen[what] = message.answer_lost and not message.submission.id
    excused = f"; excused, for the answer to that one was spoilt or never read: {unknowing}"
    return Check(
        name=f"sends.duplicated: {limit}",
        passed=len(repeated) <= limit,
        judged=bool(simulation.messages),
        detail=f"{len(repeated)} accepted sends repeat an earlier one{excused if unknowing else ''}",
        lines=stories(repeated) if len(repeated) > limit else (),
        blamed=tuple(message.key for message in repeated),
    )


class _Try(NamedTuple):
    """One call for a recipient, as far as it came."""

    at_ms: int
    key: MessageKey
    text: str
    refused: bool
    """And not for good: the whole call was, or its connection was cut."""
    retry_after_ms: int


def _tries(simulation: Simulation) -> dict[tuple[str, str, str], list[_Try]]:
    """Return the calls for each recipient and text, in order; a text that is not known is empty."""
    tries: dict[tuple[str, str, str], list[_Try]] = {}
    for entry in simulation.journal:
        key, fact = entry.key, entry.fact
        if key is None or not isinstance(fact, SendRefused | Accepted):
            continue
        outcome = simulation.messages.get(key) or simulation.refusals.get(key)
        text = outcome.submission.text if outcome is not None else ""
        refused = isinstance(fact, SendRefused)
        wait_ms = outcome.retry_after_s * 1_000 if isinstance(outcome, Refused) else 0
        tries.setdefault((key.provider, key.recipient, text), []).append(
            _Try(entry.at_ms, key, text, refused, wait_ms)
        )
    return tries


def _calls(limit: int, tries: dict[tuple[str, str, str], list[_Try]]) -> Check:
    over = {what: calls for what, calls in tries.items() if len(calls) > limit}
    most = max((len(calls) for calls in tries.values()), default=0)
    return Check(
        name=f"sends.calls: {limit}",
        passed=not over,
        judged=bool(tries),
        detail=f"{most} calls at most were made for one message, for {len(over)} more than {limit}",
        lines=tuple(f"{len(calls)} calls: {calls[0].key}" for calls in over.values())[:_LINES_MAX],
    )


def _spaced(
    name: str, tries: dict[tuple[str, str, str], list[_Try]], least_ms: int | None, moving: bool
) -> Check:
    """Return the check that waits after refusals are long enough: as given, or as Retry-After says."""
    waits: list[tuple[int, int, _Try]] = []
    for calls in tries.values():
        for earlier, later in pairwise(calls):
            wanted_ms = earlier.retry_after_ms if least_ms is None else least_ms
            if earlier.refused and wanted_ms:
                waits.append((later.at_ms - earlier.at_ms, wanted_ms, later))
    # A clock that is read a little late must not make a wait too short.
    short = [wait for wait in waits if wait[0] * 100 < wait[1] * _NEAR_PERCENT]
    return Check(
        name=name,
        passed=not short or not moving,
        judged=bool(waits) and moving,
        detail="the clock stands still while your software waits; run with --live"
        if waits and not moving
        else f"of {len(waits)} waits after a refusal, {len(short)} were too short"
        if waits
        else "nothing was tried again",
        lines=tuple(
            f"{later.key}: after {format_duration(waited_ms)} of {format_duration(wanted_ms)}"
            for waited_ms, wanted_ms, later in short[:_LINES_MAX]
        ),
    )


def relation_check(relation: Relation, simulation: Simulation, outranks: Mapping[str, Outranks]) -> Check:
    """Return the check that recipients get another message if, and only if, the first one ended so."""
    theirs = [item for item in simulation.messages.values() if item.key.provider == relation.provider]
    beliefs = told_of(simulation, theirs, outranks)
    # What nobody was told of asks for nothing.
    ended = {key.recipient: item.heard.value if item.heard else "accepted" for key, item in beliefs.items()}
    for refusal in refused_for_good(simulation):
        if refusal.key.provider == relation.provider:
            ended.setdefault(refusal.key.recipient, REFUSED)
    judged = {to: state for to, state in ended.items() if state not in relation.either}
    counts = dict.fromkeys(judged, 0)
    for key in simulation.messages:
        if key.provider == relation.to and key.recipient in counts:
            counts[key.recipient] += 1
    wrong = [
        (to, state)
        for to, state in judged.items()
        if counts[to] != relation.times * (state in relation.states)
    ]
    due = sum(state in relation.states for state in judged.values())
    return Check(
        name=f"sends.relations: {relation.to} if {relation.provider} is {' or '.join(relation.states)}",
        passed=not wrong,
        judged=bool(judged),
        detail=f"right about {len(judged) - len(wrong)} of {len(judged)} recipients, to {due} of whom "
        f"{relation.times} is due",
        lines=tuple(
            f"{relation.provider} {to} is {state}: {counts[to]} by {relation.to}"
            for to, state in wrong[: _LINES_MAX * 4]
        ),
    )

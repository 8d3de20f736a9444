"""
From expectations to checks: what was expected, what came, and the stories of what went wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from simulator.evidence.result import Check, Scorecard
from simulator.evidence.scorecard import scorecard
from simulator.explain.narrative import narrative
from simulator.explain.story import explain
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.faults import FORGERIES, DamageKind, Purpose
from simulator.kernel.model.lifecycle import TERMINAL, State
from simulator.kernel.model.message import Message, Rung
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.units import format_duration, format_share
from simulator.kernel.store.facts import SendRefused
from simulator.kernel.store.journal import Entry
from simulator.kernel.webhooks.webhook import Webhook, WebhookState
from simulator.runtime.space import Space
from simulator.scenario.goals import Expectations, MessageGoals, SendGoals, WebhookGoals

__all__ = ["checks", "judge_of", "kept_from_integrator", "refused_for_good", "stories"]

_STORIES_MAX = 5
_NO_TARGET = "; none was owed (has the account a target?)"
_FORGED = FORGERIES | {DamageKind.CORRUPT, DamageKind.TRUNCATE}


def checks(expected: Expectations, simulation: Simulation, card: Scorecard) -> list[Check]:
    """Return a check for each expectation but the truth audit, which asks the integrator."""
    results: list[Check] = []
    if expected.messages is not None:
        results += _messages(expected.messages, simulation)
    if expected.webhooks is not None:
        results += _webhooks(expected.webhooks, simulation, card)
    if expected.sends is not None:
        results += _sends(expected.sends, simulation)
    return results


def judge_of(expected: Expectations) -> Callable[[Space], Sequence[Check]]:
    """Return who tells how a space stands now, measured by *expected*."""

    def judge(space: Space) -> Sequence[Check]:
        return checks(expected, space.simulation, scorecard(space))

    return judge


def stories(simulation: Simulation, messages: list[Message]) -> tuple[str, ...]:
    """Return the stories of the first few messages, and how many there are more."""
    lines: list[str] = []
    for message in messages[:_STORIES_MAX]:
        lines += [*explain(simulation, message).lines(), ""]
    if len(messages) > _STORIES_MAX:
        lines.append(f"… and {len(messages) - _STORIES_MAX} more")
    return tuple(lines)


def _keys(messages: list[Message]) -> tuple[MessageKey, ...]:
    return tuple(message.key for message in messages)


def _share(part: int, whole: int) -> int:
    """Return a share in basis points, rounded down; all of nothing is everything."""
    return part * 10_000 // whole if whole else 10_000


def _messages(goals: MessageGoals, simulation: Simulation) -> Iterator[Check]:
    messages = list(simulation.messages.values())
    if goals.at_least is not None:
        yield Check(
            name=f"messages.at_least: {goals.at_least}",
            passed=len(messages) >= goals.at_least,
            detail=f"{len(messages)} messages were accepted",
        )
    if goals.final_bp is not None:
        within_ms = goals.within_ms
        late = [m for m in messages if not _final(m, within_ms)]
        share = _share(len(messages) - len(late), len(messages))
        within = f", within: {format_duration(within_ms)}" if within_ms is not None else ""
        yield Check(
            name=f"messages.final: {format_share(goals.final_bp)}{within}",
            passed=share >= goals.final_bp,
            detail=f"{format_share(share)} of {len(messages)} messages have an end in time",
            lines=stories(simulation, late),
            blamed=_keys(late),
        )
    if goals.delivered_bp is not None:
        missing = [m for m in messages if m.state not in (State.DELIVERED, State.READ)]
        share = _share(len(messages) - len(missing), len(messages))
        yield Check(
            name=f"messages.delivered: {format_share(goals.delivered_bp)}",
            passed=share >= goals.delivered_bp,
            detail=f"{format_share(share)} of {len(messages)} messages were delivered",
            lines=stories(simulation, missing),
            blamed=_keys(missing),
        )


def _final(message: Message, within_ms: int | None) -> bool:
    if message.state not in TERMINAL:
        return False
    # Reading comes after the end: what counts is that there was one.
    return (
        within_ms is None
        or message.state is State.READ
        or message.changed_ms - message.accepted_ms <= within_ms
    )


def _webhooks(goals: WebhookGoals, simulation: Simulation, card: Scorecard) -> Iterator[Check]:
    webhooks = [w for w in simulation.outbox.webhooks.values() if w.state is not WebhookState.DROPPED]
    missing = [w for w in webhooks if w.state is not WebhookState.ACKNOWLEDGED and not _excused(w)]
    unpaid = {w.reports[0].key for w in missing}
    troubled = [m for key, m in simulation.messages.items() if key in unpaid] if missing else []
    if goals.at_least is not None:
        yield Check(
            name=f"webhooks.at_least: {goals.at_least}",
            passed=len(webhooks) >= goals.at_least,
            detail=f"{len(webhooks)} webhooks were owed",
        )
    if goals.acknowledged_bp is not None:
        share = _share(len(webhooks) - len(missing), len(webhooks))
        yield Check(
            name=f"webhooks.acknowledged: {format_share(goals.acknowledged_bp)}",
            passed=share >= goals.acknowledged_bp,
            detail=f"{format_share(share)} of {len(webhooks)} webhooks were acknowledged"
            + ("" if simulation.outbox.webhooks or not simulation.messages else _NO_TARGET),
            lines=stories(simulation, troubled),
            blamed=_keys(troubled),
        )
    if goals.lost_max is not None:
        lost = [w for w in missing if w.state is WebhookState.LOST]
        yield Check(
            name=f"webhooks.lost: {goals.lost_max}",
            passed=len(lost) <= goals.lost_max,
            detail=f"{len(lost)} webhooks were lost",
            lines=stories(simulation, troubled),
            blamed=_keys(troubled),
        )
    if goals.forged_refused:
        yield _forged(simulation)
    yield from _latencies(goals, card)


def _latencies(goals: WebhookGoals, card: Scorecard) -> Iterator[Check]:
    goals_listed = [("latency", name, limit_ms) for name, limit_ms in goals.latency_ms.items()]
    goals_listed += [("since_due", name, limit_ms) for name, limit_ms in goals.since_due_ms.items()]
    for what, name, limit_ms in goals_listed:
        measured_us: int | None = getattr(card, f"{what}_{name}_us")
        if measured_us is None:
            # Nothing is late on a clock that stands still meanwhile.
            measured_us = getattr(card, f"latency_{name}_us")
        yield Check(
            name=f"webhooks.{what}.{name}: {format_duration(limit_ms)}",
            # That nobody was there to be slow is no success; that nothing was sent is none of our business.
            passed=measured_us <= limit_ms * 1_000 if card.measured else card.attempts == 0,
            detail=f"{name} was {measured_us / 1_000:.1f} ms over {card.measured} attempts"
            if card.measured
            else f"nothing was measured: none of {card.attempts} attempts was answered",
        )


def _excused(webhook: Webhook) -> bool:
    """Return True for one that is held back, or never came whole: a receiver does well to refuse that."""
    if webhook.state is WebhookState.HELD:
        return True
    whole = any(not webhook.damage_of(attempt.number) for attempt in webhook.attempts)
    return webhook.state is WebhookState.LOST and not whole


def _forged(simulation: Simulation) -> Check:
    taken = [
        webhook
        for webhook in simulation.outbox.webhooks.values()
        if any(attempt.acknowledged and _is_forged(webhook, attempt.number) for attempt in webhook.attempts)
    ]
    keys = {webhook.reports[0].key for webhook in taken}
    messages = [message for key, message in simulation.messages.items() if key in keys]
    return Check(
        name="webhooks.forged_refused: true",
        passed=not taken,
        detail=f"{len(taken)} attempts that were forged or broken on purpose were acknowledged",
        lines=stories(simulation, messages),
        blamed=_keys(messages),
    )


def _is_forged(webhook: Webhook, attempt: int) -> bool:
    return any(damage.kind in _FORGED for damage in webhook.damage_of(attempt))


def _sends(goals: SendGoals, simulation: Simulation) -> Iterator[Check]:
    messages = simulation.messages
    if goals.retried_bp is not None:
        refused = [
            entry.key
            for entry in simulation.journal
            if isinstance(entry.fact, SendRefused) and entry.key is not None and entry.fact.rung is Rung.RULE
        ]
        accepted = {(key.provider, key.recipient): key.ordinal for key in messages}
        # However often it was refused, to whom it goes is what is to be reached in the end.
        last = {(key.provider, key.recipient): key for key in refused}
        forgotten = [key for to, key in last.items() if accepted.get(to, 0) < key.ordinal]
        share = _share(len(last) - len(forgotten), len(last))
        yield Check(
            name=f"sends.retried: {format_share(goals.retried_bp)}",
            passed=share >= goals.retried_bp,
            detail=f"sends were refused {len(refused)} times to {len(last)} recipients, "
            f"{format_share(share)} of whom got one in the end",
            lines=tuple(f"refused and then not accepted: {key}" for key in forgotten[:_STORIES_MAX]),
        )
    if goals.duplicated_max is not None:
        seen: set[tuple[str, str, str]] = set()
        repeated: list[Message] = []
        for message in messages.values():
            what = (message.key.provider, message.key.recipient, message.submission.text)
            if what in seen:
                repeated.append(message)
            seen.add(what)
        yield Check(
            name=f"sends.duplicated: {goals.duplicated_max}",
            passed=len(repeated) <= goals.duplicated_max,
            detail=f"{len(repeated)} accepted sends repeat an earlier one",
            lines=stories(simulation, repeated),
            blamed=_keys(repeated),
        )
    if goals.refused_max is not None:
        rejected = refused_for_good(simulation)
        yield Check(
            name=f"sends.refused: {goals.refused_max}",
            passed=len(rejected) <= goals.refused_max,
            detail=f"{len(rejected)} sends were refused for good",
            lines=tuple(narrative(entry) for entry in rejected[:_STORIES_MAX]),
        )


def kept_from_integrator(simulation: Simulation) -> set[MessageKey]:
    """
    Return the messages whose state the integrator could not hear of, by the scenario's own doing.

    The report of it was dropped or is still held back, and no other one told the
    same; or the provider's id for it stood in an answer that never came whole.
    """
    messages = simulation.messages
    kept = {key for key, message in messages.items() if message.id_unknown and not message.submission.id}
    reported: set[MessageKey] = set()
    silenced: set[MessageKey] = set()
    for webhook in simulation.outbox.webhooks.values():
        for report in webhook.reports:
            message = messages.get(report.key) if report.key is not None else None
            if message is None or report.at_ms < message.changed_ms:
                continue
            if webhook.state in (WebhookState.DROPPED, WebhookState.HELD):
                silenced.add(message.key)
            elif Purpose.CONTRADICTION not in webhook.intended:
                reported.add(message.key)
    return kept | (silenced - reported)


def refused_for_good(simulation: Simulation) -> list[Entry]:
    """Return the refusal of each send that has an id in its answer and that no later send made good."""
    last: dict[tuple[str, str], Entry] = {}
    for entry in simulation.journal:
        if isinstance(entry.fact, SendRefused) and entry.key is not None and entry.ref:
            last[entry.key.provider, entry.ref] = entry
    return [entry for (provider, id), entry in last.items() if simulation.message(provider, id) is None]

"""
From expectations about messages and webhooks to checks: what was expected, what came, and the stories.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from simulator.evidence.result import Check, Scorecard
from simulator.evidence.scorecard import nearest_rank
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.faults import FORGERIES, DamageKind
from simulator.kernel.model.lifecycle import TERMINAL, State
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.units import format_duration, format_share
from simulator.kernel.webhooks.webhook import Webhook, WebhookState
from simulator.run.sends import send_checks, share_bp
from simulator.run.stories import Stories
from simulator.run.told import Outranks, first_counts
from simulator.scenario.goals import Expectations, MessageGoals, WebhookGoals

__all__ = ["checks"]

_ANSWERS_MAX = 3
_NO_TARGET = " (has the account a target?)"
_RANKS = {"p50": 50, "p95": 95, "p99": 99, "max": 100}
_JSON_BEGINS = (b"{", b"[")
_PLACES_TO_SPARE_BP = 13_000
"""A receiver that answers so much quicker than was sent to it is not what made others wait."""


def checks(
    expected: Expectations,
    simulation: Simulation,
    card: Scorecard,
    stories: Stories | None = None,
    *,
    outranks: Mapping[str, Outranks] | None = None,
    moving: bool = True,
) -> list[Check]:
    """
    Return a check for each expectation but those for which the integrator is asked.

    *outranks* is each provider's own word on which end counts; without them the
    first one does.  *moving*: the clock goes on while software waits.
    """
    stories = stories or Stories(simulation)
    results: list[Check] = []
    if expected.messages is not None:
        results += _messages(expected.messages, simulation, stories)
    if expected.webhooks is not None:
        results += _webhooks(expected.webhooks, simulation, card, stories)
    if expected.sends is not None:
        results += send_checks(
            expected.sends,
            simulation,
            stories,
            outranks or dict.fromkeys(simulation.accounts, first_counts),
            moving=moving,
        )
    return results


def _keys(messages: list[Message]) -> tuple[MessageKey, ...]:
    return tuple(message.key for message in messages)


def _messages(goals: MessageGoals, simulation: Simulation, stories: Stories) -> Iterator[Check]:
    messages = list(simulation.messages.values())
    if goals.at_least is not None:
        yield Check(
            name=f"messages.at_least: {goals.at_least}",
            passed=len(messages) >= goals.at_least,
            judged=bool(goals.at_least or messages),
            detail=f"{len(messages)} messages were accepted",
        )
    if goals.final_bp is not None:
        within_ms = goals.within_ms
        late = [m for m in messages if not _final(m, within_ms)]
        share = share_bp(len(messages) - len(late), len(messages))
        within = f", within: {format_duration(within_ms)}" if within_ms is not None else ""
        yield Check(
            name=f"messages.final: {format_share(goals.final_bp)}{within}",
            passed=share >= goals.final_bp or not messages,
            judged=bool(messages),
            detail=f"{format_share(share)} of {len(messages)} messages have an end in time"
            if messages
            else "nothing was accepted, so nothing could end",
            lines=stories(late),
            blamed=_keys(late),
        )
    if goals.delivered_bp is not None:
        missing = [m for m in messages if m.state not in (State.DELIVERED, State.READ)]
        share = share_bp(len(messages) - len(missing), len(messages))
        yield Check(
            name=f"messages.delivered: {format_share(goals.delivered_bp)}",
            passed=share >= goals.delivered_bp or not messages,
            judged=bool(messages),
            detail=f"{format_share(share)} of {len(messages)} messages were delivered"
            if messages
            else "nothing was accepted, so nothing could be delivered",
            lines=stories(missing),
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


def _webhooks(
    goals: WebhookGoals, simulation: Simulation, card: Scorecard, stories: Stories, of: str = ""
) -> Iterator[Check]:
    everything = [w for w in simulation.outbox.webhooks.values() if of in ("", w.provider)]
    webhooks = [w for w in everything if w.state is not WebhookState.DROPPED]
    taken = [w for w in webhooks if w.state is WebhookState.ACKNOWLEDGED]
    excused = [w for w in webhooks if _excused(w)]
    missing = [w for w in webhooks if w.state is not WebhookState.ACKNOWLEDGED and not _excused(w)]
    unpaid = {report.key for w in missing for report in w.reports}
    troubled = [m for key, m in simulation.messages.items() if key in unpaid] if missing else []
    at = f"webhooks.of.{of}" if of else "webhooks"
    if goals.at_least is not None:
        yield Check(
            name=f"{at}.at_least: {goals.at_least}",
            passed=len(webhooks) >= goals.at_least,
            judged=bool(goals.at_least or webhooks),
            detail=f"{len(webhooks)} webhooks were owed",
        )
    if goals.at_most is not None:
        yield Check(
            name=f"{at}.at_most: {goals.at_most}",
            passed=len(webhooks) <= goals.at_most,
            judged=bool(webhooks or simulation.messages),
            detail=f"{len(webhooks)} webhooks were owed",
        )
    if goals.acknowledged_bp is not None:
        share = share_bp(len(taken), len(taken) + len(missing))
        yield Check(
            name=f"{at}.acknowledged: {format_share(goals.acknowledged_bp)}",
            passed=share >= goals.acknowledged_bp or not (taken or missing),
            judged=bool(taken or missing),
            detail=f"{format_share(share)}: {len(taken)} of {len(webhooks)} webhooks were acknowledged"
            + (f", excused: {_kinds_of(excused)}" if excused else "")
            + _answers_to(missing)
            if webhooks
            else "none was owed" + ("" if everything or not simulation.messages else _NO_TARGET),
            lines=stories(troubled),
            blamed=_keys(troubled),
        )
    if goals.lost_max is not None:
        lost = [w for w in missing if w.state is WebhookState.LOST]
        yield Check(
            name=f"{at}.lost: {goals.lost_max}",
            passed=len(lost) <= goals.lost_max,
            judged=bool(webhooks),
            detail=f"{len(lost)} of {len(webhooks)} webhooks were lost" if webhooks else "none was owed",
            lines=stories(troubled) if len(lost) > goals.lost_max else (),
            blamed=_keys(troubled),
        )
    if goals.forged_refused:
        yield _forged(everything, simulation, stories, at)
    yield from _latencies(goals, card if not of else _card_of(card, webhooks), at)
    for name, its_goals in goals.of.items():
        yield from _webhooks(its_goals, simulation, card, stories, name)


def _kinds_of(excused: list[Webhook]) -> str:
    held = sum(webhook.state is WebhookState.HELD for webhook in excused)
    kinds = [f"{held} held back"] if held else []
    return ", ".join(kinds + ([f"{len(excused) - held} never whole"] if len(excused) > held else []))


def _answers_to(missing: list[Webhook]) -> str:
    """Return how sound attempts at webhooks that were not acknowledged ended, the most frequent first."""
    ends = Counter(
        (attempt.status, webhook.provider)
        for webhook in missing
        for attempt in webhook.attempts
        if not webhook.spoilt(attempt.number)
    )
    words = [
        f"{count} × {status or 'no answer'}"
        + (f", which is no acknowledgement at {provider}" if 200 <= status < 300 else "")
        for (status, provider), count in ends.most_common(_ANSWERS_MAX)
    ]
    return f"; attempts at the others: {', '.join(words)}" if words else ""


def _card_of(card: Scorecard, webhooks: list[Webhook]) -> Scorecard:
    """Return *card* with the latencies of one provider's webhooks alone."""
    attempts = [attempt for webhook in webhooks for attempt in webhook.attempts]
    timed = [each for webhook in webhooks for each in webhook.attempts if webhook.timed(each.number)]
    measured = sorted(attempt.latency_real_us for attempt in timed if attempt.measured)
    ranks = {name: nearest_rank(measured, percent) for name, percent in _RANKS.items()}
    return replace(
        card,
        attempts=len(attempts),
        no_answer=sum(attempt.status == 0 for attempt in timed),
        measured=len(measured),
        **{f"latency_{name}_us": value for name, value in ranks.items()},  # type: ignore[arg-type]
        **{f"since_due_{name}_us": None for name in ranks},  # type: ignore[arg-type]
    )


def _latencies(goals: WebhookGoals, card: Scorecard, at: str) -> Iterator[Check]:
    goals_listed = [("latency", name, limit_ms) for name, limit_ms in goals.latency_ms.items()]
    goals_listed += [("since_due", name, limit_ms) for name, limit_ms in goals.since_due_ms.items()]
    for what, name, limit_ms in goals_listed:
        measured: int | None = getattr(card, f"{what}_{name}_us")
        if measured is None:
            # Nothing is late on a clock that stands still meanwhile.
            measured = getattr(card, f"latency_{name}_us")
        met = measured <= limit_ms * 1_000
        ours = "" if met or not card.measured else _ours(what, measured, limit_ms * 1_000, card)
        yield Check(
            name=f"{at}.{what}.{name}: {format_duration(limit_ms)}",
            # That nobody was there to be slow is no success; that nothing was sent is none of our business.
            passed=(met or bool(ours)) if card.measured else card.no_answer == 0,
            judged=not ours if card.measured else bool(card.no_answer),
            detail=f"{name} was {measured / 1_000:.1f} ms over {card.measured} attempts{ours}"
            if card.measured
            else f"nothing was measured: none of {card.attempts} attempts was answered"
            if card.no_answer
            else f"nothing was measured: all of {card.attempts} attempts were slow or spoilt on purpose"
            if card.attempts
            else "nothing was sent",
        )


def _ours(what: str, found_us: int, limit_us: int, card: Scorecard) -> str:
    """Return why a figure says nothing about the receiver: the simulator was the bottleneck."""
    load = card.load
    if load is None:
        return ""
    # At either end of an answer the simulator may have come so late to it.
    lag_us = 2 * load.lag_p99_us
    why = ""
    if found_us - lag_us <= limit_us:
        why = f"its loop was {load.lag_p99_us / 1_000:.1f} ms late"
    elif what == "since_due":
        quickness_us = max(1, card.latency_p50_us - lag_us)
        capacity = load.places * 1_000_000 // quickness_us
        spare = capacity * 10_000 > load.attempts_per_s_max * _PLACES_TO_SPARE_BP
        if found_us - load.behind_max_ms * 1_000 - lag_us <= limit_us or (load.saturated and spare):
            why = f"it was {load.behind_max_ms} ms behind at worst, with all that a core can do"
    if not why:
        return ""
    return f"; not judged: the simulator was the bottleneck, {why}, at {load.attempts_per_s_max} attempts/s"


def _excused(webhook: Webhook) -> bool:
    """
    Return True for one that is held back, or was lost and never whole and genuine.

    A body that is slow or mislabelled is whole, and refusing it is a loss.
    """
    if webhook.state is WebhookState.HELD:
        return True
    whole = any(not webhook.spoilt(attempt.number) for attempt in webhook.attempts)
    return webhook.state is WebhookState.LOST and not whole


def _forged(everything: list[Webhook], simulation: Simulation, stories: Stories, at: str) -> Check:
    spoilt = [
        webhook
        for webhook in everything
        if any(webhook.spoilt(attempt.number) for attempt in webhook.attempts)
    ]
    taken = [
        webhook
        for webhook in spoilt
        if any(
            attempt.acknowledged and _is_bad(simulation, webhook, attempt.number)
            for attempt in webhook.attempts
            if webhook.spoilt(attempt.number)
        )
    ]
    keys = {webhook.reports[0].key for webhook in taken}
    messages = [message for key, message in simulation.messages.items() if key in keys]
    return Check(
        name=f"{at}.forged_refused: true",
        passed=not taken,
        judged=bool(spoilt),
        detail=f"of {len(spoilt)} webhooks forged or broken on purpose, {len(taken)} were acknowledged so"
        if spoilt
        else "none was forged or broken",
        lines=stories(messages),
        blamed=_keys(messages),
    )


def _is_bad(simulation: Simulation, webhook: Webhook, attempt: int) -> bool:
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

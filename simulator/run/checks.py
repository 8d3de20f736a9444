"""
From expectations about messages and webhooks to checks: what was expected, what came, and the stories.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from simulator.evidence.result import Check, Scorecard
from simulator.evidence.scorecard import RANKS, card_of
from simulator.evidence.tally import WebhookTally
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.units import format_duration, format_share
from simulator.run.judged import Judged, MessageTally, Sampled, judged_of
from simulator.run.sends import send_checks, share_bp
from simulator.run.stories import Stories
from simulator.run.told import Outranks, first_counts
from simulator.scenario.goals import Expectations, MessageGoals, WebhookGoals

__all__ = ["checks", "given_up", "impossible_acts"]

_ANSWERS_MAX = 3
_NO_TARGET = " (has the account a target?)"
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
    judged: Judged | None = None,
) -> list[Check]:
    """
    Return a check for each expectation but those for which the integrator is asked.

    *outranks* is each provider's own word on which end counts; without them the
    first one does.  *moving*: the clock goes on while software waits.  *judged* is
    what was counted where *simulation* has a part of it alone.
    """
    stories = stories or Stories(simulation)
    if judged is None:
        judged = judged_of(expected, simulation)
    results: list[Check] = []
    if expected.messages is not None:
        results += _messages(expected.messages, judged.messages, stories)
    if expected.webhooks is not None:
        results += _webhooks(expected.webhooks, judged, card, stories)
    if expected.sends is not None:
        results += send_checks(
            expected.sends,
            simulation,
            stories,
            outranks or dict.fromkeys(simulation.accounts, first_counts),
            moving=moving,
        )
    return results


def _keys(messages: Sequence[Message]) -> tuple[MessageKey, ...]:
    return tuple(message.key for message in messages)


def given_up(why: str) -> Check:
    """Return the check of a run that ended early, since its receiver acknowledged nothing."""
    return Check(name="the receiver acknowledges anything (--give-up)", passed=False, detail=why)


def impossible_acts(acts: Sequence[str]) -> Iterator[Check]:
    """Yield the check that recipients could do what the scenario wants, where they could not."""
    if acts:
        yield Check(
            name="acts: every one is possible",
            passed=False,
            detail=f"{len(acts)} were not, the first: {acts[0]}",
            lines=tuple(acts[1:]),
        )


def _messages(goals: MessageGoals, tally: MessageTally, stories: Stories) -> Iterator[Check]:
    if goals.at_least is not None:
        yield Check(
            name=f"messages.at_least: {goals.at_least}",
            passed=tally.total >= goals.at_least,
            judged=bool(goals.at_least or tally.total),
            detail=f"{tally.total} messages were accepted",
        )
    if goals.final_bp is not None:
        within = f", within: {format_duration(goals.within_ms)}" if goals.within_ms is not None else ""
        name = f"messages.final: {format_share(goals.final_bp)}{within}"
        yield _share(name, goals.final_bp, tally.total, tally.late, stories, ("have an end in time", "end"))
    if goals.delivered_bp is not None:
        name = f"messages.delivered: {format_share(goals.delivered_bp)}"
        words = ("were delivered", "be delivered")
        yield _share(name, goals.delivered_bp, tally.total, tally.undelivered, stories, words)


def _share(
    name: str, goal_bp: int, total: int, missed: Sampled, stories: Stories, words: tuple[str, str]
) -> Check:
    share = share_bp(total - missed.count, total)
    return Check(
        name=name,
        passed=share >= goal_bp or not total,
        judged=bool(total),
        detail=f"{format_share(share)} of {total} messages {words[0]}"
        if total
        else f"nothing was accepted, so nothing could {words[1]}",
        lines=stories(missed.first, missed.count),
        blamed=_keys(missed.first),
    )


def _webhooks(
    goals: WebhookGoals, judged: Judged, card: Scorecard, stories: Stories, of: str = ""
) -> Iterator[Check]:
    tally, troubled = judged.of(of)
    at = f"webhooks.of.{of}" if of else "webhooks"
    if goals.at_least is not None:
        yield Check(
            name=f"{at}.at_least: {goals.at_least}",
            passed=tally.owed >= goals.at_least,
            judged=bool(goals.at_least or tally.owed),
            detail=f"{tally.owed} webhooks were owed",
        )
    if goals.at_most is not None:
        yield Check(
            name=f"{at}.at_most: {goals.at_most}",
            passed=tally.owed <= goals.at_most,
            judged=bool(tally.owed or judged.messages.total),
            detail=f"{tally.owed} webhooks were owed",
        )
    if goals.acknowledged_bp is not None:
        whole = tally.acknowledged + tally.missing
        share = share_bp(tally.acknowledged, whole)
        excused = _excused(tally)
        yield Check(
            name=f"{at}.acknowledged: {format_share(goals.acknowledged_bp)}",
            passed=share >= goals.acknowledged_bp or not whole,
            judged=bool(whole),
            detail=f"{format_share(share)}: {tally.acknowledged} of {tally.owed} webhooks were acknowledged"
            + (f", excused: {excused}" if excused else "")
            + _answers_to(judged.unheard(of))
            if tally.owed
            else "none was owed" + ("" if tally.webhooks or not judged.messages.total else _NO_TARGET),
            lines=stories(troubled.first, troubled.count),
            blamed=_keys(troubled.first),
        )
    if goals.lost_max is not None:
        lost = tally.missing_lost
        yield Check(
            name=f"{at}.lost: {goals.lost_max}",
            passed=lost <= goals.lost_max,
            judged=bool(tally.owed),
            detail=f"{lost} of {tally.owed} webhooks were lost" if tally.owed else "none was owed",
            lines=stories(troubled.first, troubled.count) if lost > goals.lost_max else (),
            blamed=_keys(troubled.first),
        )
    if goals.forged_refused:
        yield _forged(tally, judged.deceived(of), stories, at)
    yield from _latencies(goals, card if not of else _card_of(card, tally), at)
    for name, its_goals in goals.of.items():
        yield from _webhooks(its_goals, judged, card, stories, name)


def _excused(tally: WebhookTally) -> str:
    kinds = [f"{tally.held} held back"] if tally.held else []
    return ", ".join(kinds + ([f"{tally.never_whole} never whole"] if tally.never_whole else []))


def _answers_to(unheard: Mapping[str, Counter[int]]) -> str:
    """Return how sound attempts at webhooks that were not acknowledged ended, the most frequent first."""
    ends: Counter[tuple[int, str]] = Counter()
    for provider, statuses in unheard.items():
        ends.update({(status, provider): count for status, count in statuses.items()})
    words = [
        f"{count} × {status or 'no answer'}"
        + (f", which is no acknowledgement at {provider}" if 200 <= status < 300 else "")
        for (status, provider), count in ends.most_common(_ANSWERS_MAX)
    ]
    return f"; attempts at the others: {', '.join(words)}" if words else ""


def _card_of(card: Scorecard, tally: WebhookTally) -> Scorecard:
    """Return *card* with the latencies of one provider's webhooks alone."""
    alone = card_of(tally, live_rate=0)
    return replace(
        card,
        attempts=alone.attempts,
        no_answer=alone.no_answer,
        measured=alone.measured,
        **{f"latency_{name}_us": getattr(alone, f"latency_{name}_us") for name in RANKS},
        **{f"since_due_{name}_us": None for name in RANKS},  # type: ignore[arg-type]
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


def _forged(tally: WebhookTally, deceived: Sampled, stories: Stories, at: str) -> Check:
    return Check(
        name=f"{at}.forged_refused: true",
        passed=not tally.forged_taken,
        judged=bool(tally.spoilt),
        detail=f"of {tally.spoilt} webhooks forged or broken on purpose, "
        f"{tally.forged_taken} were acknowledged so"
        if tally.spoilt
        else "none was forged or broken",
        lines=stories(deceived.first, deceived.count),
        blamed=_keys(deceived.first),
    )

"""
One run out of the parts that workers brought: counts added up, examples in one space, judged as any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from msgspec import structs

from simulator import __version__
from simulator.evidence.result import Check, Load, RunResult, Scorecard, Storm
from simulator.evidence.scorecard import RANKS, card_of
from simulator.evidence.tally import ranks
from simulator.explain.idle_rules import idle_rules
from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.scenario import ClockMode, ClockSpec
from simulator.kernel.store.journal import Entry
from simulator.load.crew import Brought
from simulator.load.histogram import Histogram
from simulator.load.measures import Measures
from simulator.load.parts import Part
from simulator.provider import Provider
from simulator.run.audit import audit_check, merged_finding
from simulator.run.checks import checks, given_up, impossible_acts
from simulator.run.judged import Judged
from simulator.run.stories import Stories
from simulator.run.unused import Unused, unmet_checks
from simulator.runtime.space import Space
from simulator.runtime.transport.seam import Transport
from simulator.scenario.goals import RunFile

__all__ = ["merged"]


def merged(
    plan: RunFile,
    brought: Brought[Part],
    providers: Mapping[str, Provider],
    *,
    workers: int,
    seed: int,
    clock: ClockSpec,
) -> RunResult:
    """Return the result of a run over *workers*, out of what they brought."""
    parts = brought.parts
    space = _space(plan, parts, providers, seed, clock)
    judged = Judged(plan.expect, Histogram)
    measures = Measures()
    for part in parts:
        judged.join(part.judged)
        measures.join(part.measures)
    live = clock.mode is ClockMode.LIVE
    card = _card(parts, judged, measures, clock.rate if live else 0)
    storm = _storm(parts, brought, judged, measures, workers, clock.rate if live else 0)
    stories = Stories(space.simulation)
    results = checks(plan.expect, space.simulation, card, stories, moving=live, judged=judged)
    results += _audited(plan, parts, stories)
    results += _early(parts)
    results += unmet_checks(space, _unused(space, parts))
    results += impossible_acts([act for part in parts for act in part.impossible_acts])
    return RunResult(
        scenario=plan.scenario.name,
        source=plan.scenario.source,
        seed=seed,
        version=__version__,
        checks=tuple(results),
        scorecard=card,
        space=space,
        elapsed_real_s=brought.elapsed_real_s,
        storm=storm,
    )


def _nobody() -> Transport:
    raise RuntimeError("a run that is over sends nothing")


def _space(
    plan: RunFile, parts: Sequence[Part], providers: Mapping[str, Provider], seed: int, clock: ClockSpec
) -> Space:
    """Return a space with all examples, as if they had happened in it."""
    space = Space("default", providers, _nobody, seed=seed, clock=replace(clock, mode=ClockMode.FROZEN))
    space.load(plan.scenario)
    simulation = space.simulation
    state = simulation.state
    kept = [example for part in parts for example in part.kept]
    for example in sorted(kept, key=lambda example: (example.message.accepted_ms, example.message.key)):
        state.store.add(example.message)
        for webhook in example.webhooks:
            simulation.outbox.webhooks[webhook.id] = webhook
    for part in parts:
        for name, count in part.applied.items():
            state.applied[name] = state.applied.get(name, 0) + count
        for refused in part.refusals:
            state.store.note_refusal(refused)
        simulation.clock.advance_to(max(simulation.clock.now_ms, part.now_ms))
    _journal(space, parts)
    return space


def _journal(space: Space, parts: Sequence[Part]) -> None:
    """Put the entries of all parts into one journal: by time, then by shard, then in their order."""
    journal = space.simulation.journal
    entries: list[tuple[int, int, int, Entry]] = []
    for part in parts:
        present = [entry for example in part.kept for entry in example.entries]
        # What is about no message happened to every shard alike; that of one stands for all.
        present += part.entries if part is parts[0] else ()
        entries += [(entry.at_ms, part.shard.number, entry.seq, entry) for entry in present]
    entries.sort(key=lambda row: row[:3])
    journal.put([structs.replace(entry, seq=number) for number, (*_, entry) in enumerate(entries, 1)])


def _card(parts: Sequence[Part], judged: Judged, measures: Measures, live_rate: int) -> Scorecard:
    tally, _ = judged.of()
    card = card_of(tally, live_rate)
    if live_rate:
        # Measured on the machine's own watch, so a clock that is behind hides nothing.
        waits = {f"since_due_{name}_us": measures.answered.rank(at) for name, at in RANKS.items()}
        card = replace(card, **waits, lag_max_ms=measures.late.rank(100) // 1_000)  # type: ignore[arg-type]
    recoveries = [part.recovery_ms for part in parts if part.recovery_ms is not None]
    loads = [part.load for part in parts]
    return replace(
        card,
        asked_per_s=measures.asked_per_s(live_rate) if live_rate else None,
        reached_per_s=measures.reached_per_s(),
        order_violations=sum(part.order_violations for part in parts),
        recovery_ms=max(recoveries, default=None),
        load=Load(
            lag_p99_us=max((load.lag_p99_us for load in loads), default=0),
            behind_max_ms=max((load.behind_max_ms for load in loads), default=0),
            attempts_per_s_max=sum(load.attempts_per_s_max for load in loads),
            saturated=any(load.saturated for load in loads),
            places=sum(load.places for load in loads),
        ),
    )


def _storm(
    parts: Sequence[Part],
    brought: Brought[Part],
    judged: Judged,
    measures: Measures,
    workers: int,
    live_rate: int,
) -> Storm:
    early = [f"worker {part.shard.number + 1} was stopped before its end" for part in parts if not part.ended]
    early = [] if any(part.gave_up for part in parts) else early
    return Storm(
        workers=workers,
        messages=judged.messages.total,
        states={
            state.value: judged.messages.states[state] for state in State if state in judged.messages.states
        },
        sent=measures.sent,
        ended=measures.ended,
        journalled=sum(part.journalled for part in parts),
        asked_per_s=measures.asked_per_s(live_rate) if live_rate else None,
        reached_per_s=measures.reached_per_s(),
        late=ranks(measures.late) if live_rate else {},
        answered=ranks(measures.answered) if live_rate else {},
        digest=f"{measures.digest:032x}",
        resident_max_bytes=max((part.resident_max_bytes for part in parts), default=0),
        incomplete=(*brought.troubles, *early),
    )


def _audited(plan: RunFile, parts: Sequence[Part], stories: Stories) -> list[Check]:
    results = []
    asked = [part.findings for part in parts if part.findings]
    for number, ask in enumerate(plan.expect.integrator):
        if asked:
            finding = merged_finding([findings[number] for findings in asked])
            results.append(audit_check(ask, finding, stories))
    return results


def _early(parts: Sequence[Part]) -> list[Check]:
    reasons = [f"worker {part.shard.number + 1}: {part.gave_up}" for part in parts if part.gave_up]
    if not reasons:
        return []
    return [given_up("; ".join(reasons))]


def _unused(space: Space, parts: Sequence[Part]) -> Unused:
    recipients = space.simulation.scenario.recipients
    away = [pattern for pattern in recipients if all(pattern in part.unmet for part in parts)]
    return Unused(idle_rules(space.simulation), away)

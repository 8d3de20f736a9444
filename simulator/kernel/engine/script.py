"""
The scenario of a space: putting it in force, and what its timeline lets happen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from simulator.kernel.engine.arrivals import ActsStep, StormStep, inject_acts, inject_storm
from simulator.kernel.engine.moves import change_recipient, wake_all
from simulator.kernel.engine.rule_index import RuleIndex
from simulator.kernel.engine.state import SimulationState
from simulator.kernel.engine.steps import TimelineStep
from simulator.kernel.model.people import People, Person
from simulator.kernel.model.rules import Rule
from simulator.kernel.model.scenario import Scenario, ServerTurn, TimelineItem
from simulator.kernel.store.facts import ScenarioLoaded, ServerTurned, SettingsChanged

__all__ = ["add_rule", "configure", "load", "timeline_due", "turn_server"]


def configure(state: SimulationState, provider: str, settings: Mapping[str, object]) -> None:
    """Change settings of the account at *provider* from now on."""
    state.accounts[provider].configure(settings)
    state.journal.add(state.clock.now_ms, SettingsChanged(tuple(sorted(settings))), provider=provider)
    state.configured()


def turn_server(state: SimulationState, provider: str, turn: ServerTurn) -> None:
    """Close the port that *provider* has for itself, or open it again; what is so already stays so."""
    up = turn is ServerTurn.UP
    if up is not (provider in state.servers_down):
        return
    if up:
        del state.servers_down[provider]
        state.servers_up_at_ms = state.clock.now_ms
    else:
        state.servers_down[provider] = None
    state.journal.add(state.clock.now_ms, ServerTurned(turn), provider=provider)
    state.server_turned(provider, up)


def load(state: SimulationState, scenario: Scenario, crowd: Sequence[Person]) -> None:
    """Replace the scenario; see `Simulation.load`."""
    for at_ms, step in state.timeline:
        state.agenda.remove(at_ms, step)
    for provider in list(state.servers_down):
        # The item that would have opened it again went with the scenario before.
        turn_server(state, provider, ServerTurn.UP)
    now_ms = state.clock.now_ms
    state.scenario = scenario
    state.rules = RuleIndex(scenario.rules)
    state.applied = {}
    state.buckets = {}
    state.people = People(crowd, state.chance)
    state.scenario_start_ms = now_ms
    state.directory.load(scenario.recipients, now_ms)
    state.timeline = [
        (now_ms + item.at_ms, TimelineStep(number, item)) for number, item in enumerate(scenario.timeline)
    ]
    for at_ms, step in state.timeline:
        state.agenda.add(at_ms, step)
    state.scenario_seq = state.journal.add(now_ms, ScenarioLoaded(scenario.name))
    wake_all(state)


def add_rule(state: SimulationState, rule: Rule) -> None:
    """Put *rule* in force, before those that are; see `Simulation.add_rule`."""
    rules = (rule, *state.scenario.rules)
    state.scenario = replace(state.scenario, rules=rules)
    state.rules = RuleIndex(rules)
    state.journal.add(state.clock.now_ms, ScenarioLoaded(state.scenario.name, rule.name))


def timeline_due(state: SimulationState, item: TimelineItem, number: int) -> None:
    """Let an item of the timeline happen, or begin."""
    now_ms = state.clock.now_ms
    for provider, settings in item.providers.items():
        configure(state, provider, settings)
    if item.server is not None:
        turn_server(state, item.provider, item.server)
    if item.storm is not None:
        inject_storm(state, StormStep(number, item.storm, now_ms, 0))
    if item.traits:
        change_recipient(state, item.recipient, item.traits, by="timeline")
    if item.act is not None:
        inject_acts(state, ActsStep(number, item, now_ms, 0))
    if item.hold:
        state.outbox.hold(now_ms, item.provider)
    if item.release is not None or item.release_at_once:
        state.outbox.release(now_ms, item.release, item.provider)

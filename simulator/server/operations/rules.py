"""
The rules in force, and how often each was of use.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from typing import Final, NamedTuple

from simulator.explain.idle_rules import idle_rules
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.rules import Match, Rule
from simulator.kernel.model.units import format_duration, format_share
from simulator.kernel.store.facts import Called
from simulator.scenario.affordable import affordable
from simulator.scenario.names import free_name
from simulator.scenario.rules import rule_shape
from simulator.server.operations.base import Asked, Controller, Problem, Reply, plain_of, read_as
from simulator.server.views import listed

__all__ = ["RuleUse", "add_rule", "list_rules", "rule_uses"]

_RULES_MAX: Final = 10_000


class RuleUse(NamedTuple):
    """
    A rule, and what it did so far, as far as messages, refusals and journal still know.
    """

    rule: Rule
    when: str
    places: tuple[str, ...]
    """Which of `answer`, `fate` and `webhooks` it acts on."""
    fates: int
    refusals: int
    webhooks: int
    calls: int
    """Calls whose answers it did something to."""
    miss: str = ""
    """What came nearest to it, when it never applied."""

    @property
    def total(self) -> int:
        """How often it was of use."""
        return self.fates + self.refusals + self.webhooks + self.calls


def rule_uses(simulation: Simulation) -> list[RuleUse]:
    """Return every rule of the scenario in force, in its order, with its uses."""
    fates = Counter(message.rule for message in simulation.messages.values())
    webhooks = Counter(message.faults_rule for message in simulation.messages.values())
    refusals = Counter(refused.rule for refused in simulation.refusals.values())
    calls = Counter(entry.fact.rule for entry in simulation.journal if isinstance(entry.fact, Called))
    reasons = {rule.name: rule.why for rule in idle_rules(simulation)}
    uses = []
    for rule in simulation.scenario.rules:
        name, then = rule.name, rule.then
        places = tuple(place for place in ("answer", "fate", "webhooks") if getattr(then, place) is not None)
        counts = (fates[name], refusals[name], webhooks[name], calls[name])
        uses.append(RuleUse(rule, _when(rule.when), places, *counts, reasons.get(name, "")))
    return uses


def _when(match: Match) -> str:
    words = []
    for field in fields(match):
        value = getattr(match, field.name)
        if field.name.startswith("_") or value in ("", None, ()):
            continue
        words.append(_condition(field.name, value))
    return ", ".join(words) or "always"


def _condition(name: str, value: object) -> str:
    match name, value:
        case "share_bp", int():
            return f"share {format_share(value)}"
        case "during", (int() as start_ms, end_ms):
            until = format_duration(end_ms) if isinstance(end_ms, int) else ""
            return f"during {format_duration(start_ms)}..{until}"
        case "credential", _:
            return "credential is another one"
        case _, tuple():
            more = f" and {len(value) - 3} more" if len(value) > 3 else ""
            return f"{name} {' or '.join(map(str, value[:3]))}{more}"
    return f"{name} {value}"


def _use_view(use: RuleUse) -> dict[str, object]:
    return {
        "name": use.rule.name,
        "line": use.rule.line,
        "when": use.when,
        "places": list(use.places),
        "fates": use.fates,
        "refusals": use.refusals,
        "webhooks": use.webhooks,
        "calls": use.calls,
        "total": use.total,
        "miss": use.miss,
    }


async def list_rules(controller: Controller, asked: Asked) -> Reply:
    views = [_use_view(use) for use in rule_uses(controller.space(asked).simulation)]
    return Reply(listed(views, len(views)))


async def add_rule(controller: Controller, asked: Asked) -> Reply:
    controller.look(asked)
    rule = await controller.reading(
        asked, lambda: read_as(rule_shape(controller.providers), plain_of(asked), "a rule")
    )
    assert isinstance(rule, Rule)
    space = controller.space(asked)
    rules = space.simulation.scenario.rules
    rule = replace(rule, name=rule.name or free_name(rules))
    if any(other.name == rule.name for other in rules):
        why = f"name: there is a rule {rule.name!r} already; draws and stories go by the name"
        raise Problem(409, "Not added", why)
    if len(rules) >= _RULES_MAX or not affordable((rule, *rules)):
        raise Problem(409, "Not added", "with the rules there are, it would take too long to try all of them")
    space.add_rule(rule)
    use = await controller.looked_at(space, lambda _, still: rule_uses(still.simulation)[0])
    return Reply(_use_view(use), 201)

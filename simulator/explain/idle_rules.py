"""
Rules that never applied, and what came nearest: a rule that is silent says nothing about software.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from simulator.kernel.engine.acts import as_submission, key_of_acts
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.rules import Miss, Rule
from simulator.kernel.model.submission import MessageKey, Submission
from simulator.kernel.store.facts import Acted

__all__ = ["IdleRule", "idle_rules"]

_WEIGHED_MAX: Final = 300
_TOLD_MAX: Final = 20


class IdleRule(NamedTuple):
    """
    A rule that never applied: its name, its line, and why not.
    """

    name: str
    line: int
    why: str

    @property
    def detail(self) -> str:
        """The line and the reason, in the words that everybody uses who tells of it."""
        place = f" (line {self.line})" if self.line else ""
        return f"never applied{place}" + (f": {self.why}" if self.why else "")

    def __str__(self) -> str:
        return f'rule "{self.name}" {self.detail}'


class _Weighed(NamedTuple):
    """
    Something that rules were asked about, and when.
    """

    submission: Submission
    key: MessageKey
    at_ms: int


def idle_rules(simulation: Simulation) -> list[IdleRule]:
    """
    Return the rules in force that never applied, in order, each with what came nearest to it.

    That is looked for among the latest few hundred submissions and acts, and for the first
    few rules; the others go without a reason.
    """
    applied = simulation.state.applied
    idle = [rule for rule in simulation.scenario.rules if rule.name not in applied]
    if not idle:
        return []
    weighed = list(_weighed(simulation))
    reasons = [_why(simulation, rule, weighed) for rule in idle[:_TOLD_MAX]]
    reasons += [""] * (len(idle) - len(reasons))
    return [IdleRule(rule.name, rule.line, why) for rule, why in zip(idle, reasons, strict=True)]


def _weighed(simulation: Simulation) -> Iterator[_Weighed]:
    """Yield what was sent or done since the scenario is in force, the latest first."""
    since_ms = simulation.state.scenario_start_ms
    for message in islice(reversed(simulation.messages.values()), _WEIGHED_MAX):
        if message.accepted_ms >= since_ms:
            yield _Weighed(message.submission, message.key, message.accepted_ms)
    for refused in islice(reversed(simulation.refusals.values()), _WEIGHED_MAX):
        if refused.at_ms >= since_ms:
            yield _Weighed(refused.submission, refused.key, refused.at_ms)
    entries = simulation.journal.after(max(simulation.state.scenario_seq, simulation.journal.seq - 5_000))
    acts = ((entry, entry.fact) for entry in reversed(entries) if isinstance(entry.fact, Acted))
    for entry, fact in islice(acts, _WEIGHED_MAX):
        key = key_of_acts(entry.provider, entry.recipient, fact.number)
        submission = as_submission(entry.provider, entry.recipient, fact.act, fact.text, fact.to)
        yield _Weighed(submission, key, entry.at_ms)


def _why(simulation: Simulation, rule: Rule, weighed: list[_Weighed]) -> str:
    start_ms = simulation.state.scenario_start_ms
    nearest: list[Miss] | None = None
    for submission, key, at_ms in weighed:
        draws = simulation.chance.of(*key)
        misses = list(rule.when.misses(submission, key, draws, at_ms - start_ms, rule.name))
        if nearest is None or len(misses) < len(nearest):
            nearest = misses
    if nearest is None:
        return "nothing was sent"
    if not nearest:
        return "earlier rules, or a magic recipient, had decided all that it decides"
    return "; ".join(map(str, nearest))

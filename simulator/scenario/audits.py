"""
What audits name that stands elsewhere: a rule of the file, a word that only some providers tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

from simulator.kernel.model.rules import Rule
from simulator.kernel.model.units import shown
from simulator.scenario.goals import BLANK, FIGURES, Ask, RunFile
from simulator.schema.node import Node, Problems, child_path, did_you_mean
from simulator.schema.scalars import either_of

__all__ = ["Teller", "check_audits"]

_PLACE: Final = "expect.integrator"


class Teller(Protocol):
    """
    What is asked of a provider here.
    """

    @property
    def figures_told(self) -> Sequence[str]:
        """What it tells of a message beside its state."""
        ...


def check_audits(file: Node, plan: RunFile, providers: Mapping[str, Teller], problems: Problems) -> None:
    """Note every rule that an audit names and *file* has not, and every word that no provider of it tells."""
    rules = {rule.name: rule for rule in plan.scenario.rules}
    for ask, (node, path) in zip(plan.expect.integrator, _audits(file), strict=True):
        if ask.rule and ask.rule not in rules:
            named = "expected the name of a rule" + ("" if rules else ", of which there is none")
            text = f"{named}, got {shown(ask.rule)}{did_you_mean(ask.rule, rules)}"
            problems.add(_child(node, "rule"), child_path(path, "rule"), text)
            continue
        asked = _asked(ask, rules, providers)
        for place, template in ask.fields.items():
            fields = _child(node, "fields")
            for word in BLANK.findall(template.template):
                if word not in FIGURES or any(word in providers[name].figures_told for name in asked):
                    continue
                tellers = [name for name, provider in providers.items() if word in provider.figures_told]
                problems.add(
                    _child(fields, place),
                    child_path(child_path(path, "fields"), place),
                    f"{' or '.join(asked)} tells no {{{word}}} of a message; "
                    f"of the providers there are, {either_of(tellers) if tellers else 'none'} does",
                )


def _asked(ask: Ask, rules: Mapping[str, Rule], providers: Mapping[str, Teller]) -> Sequence[str]:
    """Return the providers whose messages *ask* is about."""
    if ask.provider:
        return (ask.provider,)
    named = rules[ask.rule].when.provider if ask.rule else ""
    return (named,) if named else tuple(providers)


def _audits(file: Node) -> Iterator[tuple[Node, str]]:
    """Yield the node of each audit, and its path."""
    node = _child(_child(file, "expect"), "integrator")
    if isinstance(node.value, list):
        yield from ((audit, child_path(_PLACE, index)) for index, audit in enumerate(node.value))
    elif node.value is not None:
        yield node, _PLACE


def _child(node: Node, name: str) -> Node:
    """Return what stands under *name*, or nothing."""
    return node.value[name][1] if isinstance(node.value, dict) and name in node.value else Node(None)

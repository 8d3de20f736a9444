"""
Large scenario files are files like any others, up to the stated limits.
"""

from __future__ import annotations

import pytest

from simulator.provider import discover
from simulator.scenario.loader import ScenarioError, load


def test_ten_thousand_recipients_and_a_thousand_rules_are_read() -> None:
    """
    Every recipient has its circumstances, every rule its line.
    """
    lines = ["recipients:"]
    lines += [f'  "+4179{number:07d}": {{reachable: {{until: 1h, is: false}}}}' for number in range(10_000)]
    lines += ["rules:"]
    lines += [
        f'  - {{when: {{recipient: "+4179{number:07d}"}}, then: {{fate: silence}}}}'
        for number in range(1_000)
    ]

    scenario = load("\n".join(lines), "large.yaml", discover())

    assert len(scenario.recipients) == 10_000
    assert [rule.line for rule in scenario.rules] == list(range(10_003, 11_003))


def test_rule_may_list_ten_thousand_recipients_and_no_more() -> None:
    """
    The limit is said with its place.
    """
    listed = ", ".join(f'"+4179{number:07d}"' for number in range(10_001))
    text = f"rules:\n  - {{when: {{recipient: [{listed}]}}, then: {{fate: silence}}}}\n"

    with pytest.raises(ScenarioError) as refusal:
        load(text, "large.yaml", discover())

    assert "large.yaml:2:" in str(refusal.value)
    assert "10000" in str(refusal.value)

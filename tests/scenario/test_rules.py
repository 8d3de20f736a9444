"""
Rules: complaints that lead to the right words.
"""

import pytest

from simulator.provider import discover
from simulator.scenario.loader import ScenarioError, load


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        (
            "{then: {fate: {fail: {status: UNDELIVERABLE_NOT_DELIVERED}}}}",
            'x.yaml:2:27: rules[0].then.fate.fail: unknown key "status"; known keys: reason; '
            "name a provider in `when` to use its codes",
        ),
        (
            "{then: {answer: {refuse: FORBIDDEN}}}",
            'x.yaml:2:22: rules[0].then.answer: unknown key "refuse"; known keys: throttle, stall, drop, '
            "truncate, garble, drip, after_work; name a provider in `when` to use its codes",
        ),
    ],
)
def test_code_without_a_provider__is_refused_with_the_way_out(rule: str, complaint: str) -> None:
    """
    Who writes a provider's code in a rule for all providers is told to name one.
    """
    with pytest.raises(ScenarioError) as refusal:
        load(f"rules:\n  - {rule}\n", "x.yaml", discover())

    assert str(refusal.value) == complaint

"""
Rules: complaints that lead to the right words.
"""

import pytest

from simulator.provider import discover
from simulator.scenario.loader import ScenarioError, load, read, scenario_schema
from simulator.schema.node import node_of
from toys.pigeon import PROVIDER


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
            'x.yaml:2:22: rules[0].then.answer: unknown key "refuse"; known keys: gateway, throttle, stall, '
            "drop, truncate, garble, drip, after_work; name a provider in `when` to use its codes",
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


def test_repeated_name_in_a_body__is_refused_with_both_paths() -> None:
    """
    What comes over the control API has no lines, so the rule that has the name is told by its path.
    """
    rules = [{"name": "twice", "then": {"fate": "silence"}}] * 2

    with pytest.raises(ScenarioError) as refusal:
        read(node_of({"rules": rules}), "scenario", discover())

    assert refusal.value.lines == [
        'rules[1].name: the rule rules[0] is called "twice" already; draws and stories go by the name'
    ]


def test_rule_without_a_name__is_called_by_its_number() -> None:
    """
    Draws need a name, so a rule that is given none has one all the same.
    """
    rules = "rules:\n  - {name: first, then: {fate: silence}}\n  - {then: {fate: silence}}\n"

    scenario = load(rules, "x.yaml", discover())

    assert [rule.name for rule in scenario.rules] == ["first", "rule 2"]


def test_failure_of_several_forms_is_described() -> None:
    """
    An editor has a text to show at `fail`, whether or not the provider wrote one.
    """
    schema = scenario_schema({"pigeon": PROVIDER})

    fates = [
        choice["properties"]["fail"]["description"]
        for rule in schema["properties"]["rules"]["items"]["anyOf"]
        for choice in rule["properties"]["then"]["properties"]["fate"]["anyOf"]
        if "properties" in choice
    ]

    assert fates == [
        "It fails, for a reason of the provider's own.",
        "A failure; name a provider in `when` to use its codes.",
    ]

"""
How the misbehaviour of webhooks may be written.
"""

import pytest

from simulator.kernel.model.faults import WebhookFaults
from simulator.provider import discover
from simulator.scenario.loader import ScenarioError, load

SHARED = ["duplicate", "reorder", "drop", "contradict", "truncate", "corrupt", "content_type", "mis_sign"]


def faults(webhooks: str) -> WebhookFaults | None:
    """Return what the only rule of a scenario does to webhooks."""
    scenario = load(f"rules:\n  - then: {{webhooks: {webhooks}}}\n", "x.yaml", discover())
    (rule,) = scenario.rules
    return rule.then.webhooks


@pytest.mark.parametrize("word", SHARED)
@pytest.mark.parametrize(
    ("short", "whole"),
    [("true", "{}"), ("true", "{share: 100%}"), ("10%", "{share: 10%}"), ("false", "{share: 0%}")],
)
def test_whatever_befalls_some_webhooks_is_written_alike(word: str, short: str, whole: str) -> None:
    """
    True is all of them, false none, a share so many; a mapping says the same and more.
    """
    actual = faults(f"{{{word}: {short}}}")

    assert actual is not None
    assert actual == faults(f"{{{word}: {whole}}}")


@pytest.mark.parametrize("word", SHARED)
def test_whatever_never_happens_does_nothing(word: str) -> None:
    """
    False alone is a rule all the same: it keeps later rules from these webhooks.
    """
    never = faults(f"{{{word}: false}}")
    always = faults(f"{{{word}: true}}")

    assert never is not None
    shares = [one.share_bp for one in (never.duplicate, never.reorder, never.contradict) if one is not None]
    assert (sum(shares), never.drop_share_bp, never.damage) == (0, 0, ())
    assert never != always


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        ("wrong", "true"),
        ("missing", "{how: missing}"),
        ("{how: wrong, share: 10%}", "10%"),
    ],
)
def test_signature_is_wrong_unless_it_is_said_to_be_missing(short: str, whole: str) -> None:
    """
    One word says how all webhooks are signed; the mapping says the same of a share.
    """
    assert faults(f"{{mis_sign: {short}}}") == faults(f"{{mis_sign: {whole}}}")
    assert faults("{mis_sign: missing}") != faults("{mis_sign: wrong}")


def test_refusal_and_gateway_exclude_each_other() -> None:
    """
    Either the provider says no or a proxy in front of it; both at once is a mistake.
    """
    text = "rules: [{when: {provider: rbm}, then: {answer: {refuse: INTERNAL, gateway: 502}}}]"

    with pytest.raises(ScenarioError, match="expected refuse or gateway, got both"):
        load(text, "x.yaml", discover())


def test_gateway_has_three_statuses() -> None:
    """
    Only what proxies say of the provider behind them can be said.
    """
    with pytest.raises(
        ScenarioError, match=r"answer\.gateway: expected a whole number from 502 to 504, got 500"
    ):
        load("rules: [{then: {answer: {gateway: 500}}}]", "x.yaml", discover())

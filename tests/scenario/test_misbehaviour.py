"""
How the misbehaviour of webhooks may be written.
"""

import pytest

from simulator.kernel.model.faults import WebhookFaults
from simulator.provider import discover
from simulator.scenario.loader import load

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

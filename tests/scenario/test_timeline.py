"""
The timeline: what happens at an instant, and what cannot be meant.
"""

import pytest

from simulator.kernel.model.arrivals import Constant
from simulator.kernel.model.rules import Act
from simulator.kernel.model.units import Rate
from simulator.provider import discover
from simulator.scenario.loader import ScenarioError, load


def timeline(item: str) -> object:
    """Return the only item of a timeline."""
    scenario = load(f"timeline:\n  - {item}\n", "x.yaml", discover())
    (read,) = scenario.timeline
    return read


def test_recipient_does_something_in_the_providers_words() -> None:
    """
    `does` names any act of the provider, `data` is what it needs.
    """
    item = timeline(
        '{at: 1h, recipient: "+41793026727", provider: infobip, does: clicks, data: {url: "http://x"}}'
    )

    assert (item.at_ms, item.recipient, item.provider) == (3_600_000, "+41793026727", "infobip")
    assert item.act == Act("clicks", data={"url": "http://x"})


def test_recipient_writes() -> None:
    """
    `writes` is short for the act that every provider knows.
    """
    item = timeline('{at: 1h, recipient: "+41793026727", provider: infobip, writes: STOP, to: "1234"}')

    assert item.act == Act("writes", text="STOP", sender="1234")


def test_thousands_may_stand_apart() -> None:
    """
    A storm may be as large as its file says, in groups of three digits.
    """
    item = timeline("{at: 1h, provider: infobip, storm: {messages: 50_000, rate: 2_000/s}}")

    assert (item.storm.messages, item.storm.arrivals) == (50_000, Constant(Rate(2_000, 1_000)))


def test_digits_meant_as_text_keep_their_letters() -> None:
    """
    Where a text is meant, what looks like separated thousands stays as it was written.
    """
    item = timeline("{at: 1h, recipient: 905550000001, provider: infobip, writes: 50_000, to: 1_000}")

    same = timeline('{at: 1h, recipient: "905550000001", provider: infobip, writes: "50_000", to: "1_000"}')
    assert item == same
    assert item.act == Act("writes", text="50_000", sender="1_000")


@pytest.mark.parametrize(
    ("item", "complaint"),
    [
        (
            '{at: 1s, recipient: "+41790000001", provider: infobip, does: clicks, writes: b}',
            "expected one of writes and does, not both",
        ),
        (
            '{at: 1s, recipient: "+41790000001", does: clicks}',
            "expected the provider through which the recipient acts",
        ),
        ("{at: 1s, provider: infobip, does: clicks}", "expected a recipient that this is about"),
    ],
)
def test_item_that_means_nothing_is_refused(item: str, complaint: str) -> None:
    """
    An item that is contradictory or says too little is refused with what was expected.
    """
    with pytest.raises(ScenarioError) as refusal:
        timeline(item)

    assert complaint in str(refusal.value)

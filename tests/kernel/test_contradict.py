"""
Reports that contradict the truth: told after it, on purpose, and believed by nobody in here.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.explain.story import explain
from simulator.kernel.model.fates import Ending, Fate
from simulator.kernel.model.faults import Contradict, Duplicate, WebhookFaults
from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.units import ConstantDelay, UniformDelay
from toys.bench import Bench, rule
from toys.pigeon import pigeon

PHONE = "+905550000001"
LIES = WebhookFaults(contradict=Contradict(after=ConstantDelay(5_000)))


def fate(ending: Ending) -> Fate:
    """
    Return a fate that ends so after a second.
    """
    return Fate(ending=ending, after=ConstantDelay(1_000), progress=())


@pytest.mark.parametrize(
    ("ending", "state", "truth", "lie"),
    [
        (Ending.DELIVER, State.DELIVERED, "DELIVERED", "FAILED"),
        (Ending.FAIL, State.FAILED, "FAILED", "DELIVERED"),
        (Ending.EXPIRE, State.EXPIRED, "EXPIRED", "DELIVERED"),
    ],
)
def test_opposite_is_reported_after_the_truth(
    sim: Bench, ending: Ending, state: State, truth: str, lie: str
) -> None:
    """
    The integrator hears both, the truth first; the message stays what it was.
    """
    sim.load(rule("liar", fate=fate(ending), webhooks=LIES))

    message = sim.submit(pigeon(to=PHONE))
    sim.settle()

    assert sim.told() == [(1_000, f"{truth} {PHONE}"), (6_000, f"{lie} {PHONE}")]
    assert (message.state, message.changed_ms) == (state, 1_000)


def test_contradiction_is_told_as_intended(sim: Bench) -> None:
    """
    The webhook and the journal say that it was meant, and which rule meant it.
    """
    sim.load(rule("liar", fate=fate(Ending.DELIVER), webhooks=LIES))

    message = sim.submit(pigeon(to=PHONE))
    sim.settle()

    assert [webhook.intended for webhook in sim.webhooks()] == [(), ("a contradiction",)]
    assert [line for line in sim.story(message.key) if "on purpose" in line] == [
        f'+00:00:06.000 pigeon {PHONE} #1 webhook contradicts the truth on purpose [FAILED] (rule "liar")'
    ]


def test_contradiction_that_the_provider_has_no_words_for_is_told(sim: Bench) -> None:
    """
    Where no report of the opposite exists, nothing is sent, and the journal says why.
    """
    sim.load(rule("liar", fate=fate(Ending.DELIVER), webhooks=LIES))
    message = sim.submit(pigeon(to=PHONE))
    sim.advance("1s")

    # Nobody to tell is nothing to say.
    sim.account.configure({"webhook": {"url": ""}})
    sim.settle()

    assert [webhook.intended for webhook in sim.webhooks()] == [()]
    assert sim.story(message.key)[-1] == (
        f"+00:00:06.000 pigeon {PHONE} #1 nothing contradicts it:"
        ' pigeon has no report of a failure for this message (rule "liar")'
    )


def test_reading_is_not_contradicted_a_second_time(sim: Bench) -> None:
    """
    A message has one end, so one report against it, though it is read later.
    """
    read_too = Fate(after=ConstantDelay(1_000), progress=(), read=ConstantDelay(500))
    sim.load(rule("liar", fate=read_too, webhooks=LIES))

    sim.submit(pigeon(to=PHONE))
    sim.settle()

    assert [word for _, word in sim.told()] == [f"DELIVERED {PHONE}", f"READ {PHONE}", f"FAILED {PHONE}"]


def test_silence_is_not_contradicted(sim: Bench) -> None:
    """
    Of what has no end there is no other end to report.
    """
    sim.load(rule("liar", fate=Fate(ending=Ending.SILENCE, progress=()), webhooks=LIES))

    sim.submit(pigeon(to=PHONE))
    sim.settle()

    assert sim.told() == []


def test_share_of_contradictions_is_drawn_for_each_message(sim: Bench) -> None:
    """
    Half of many messages are contradicted, each within the delay, and none twice.
    """
    half = WebhookFaults(contradict=Contradict(share_bp=5_000, after=UniformDelay(1_000, 60_000)))
    sim.load(rule("liar", fate=fate(Ending.DELIVER), webhooks=half))

    for number in range(200):
        sim.submit(pigeon(to=f"+905550000{number:03d}"))
    sim.settle()

    lies = [(at_ms, word) for at_ms, word in sim.told() if word.startswith("FAILED")]
    assert 70 < len(lies) < 130
    assert len({word for _, word in lies}) == len(lies)
    assert all(2_000 <= at_ms <= 61_000 for at_ms, _ in lies)


@pytest.mark.parametrize(
    ("late", "told_ms"),
    [
        ({"delay": ConstantDelay(60_000)}, 61_000),
        ({"duplicate": Duplicate(within=ConstantDelay(90_000))}, 1_000),
        ({"drop_share_bp": 10_000}, 1_000),
    ],
)
def test_lie_counts_its_wait_from_when_the_truth_was_told(
    sim: Bench, late: dict[str, object], told_ms: int
) -> None:
    """
    Whatever else the rule does to the truth, the lie comes after it; dropped, it comes after its end.
    """
    sim.load(rule("liar", fate=fate(Ending.DELIVER), webhooks=replace(LIES, **late)))

    sim.submit(pigeon(to=PHONE))
    sim.settle()

    assert [at_ms for at_ms, word in sim.told() if word.startswith("FAILED")] == [told_ms + 5_000]


def test_lie_waits_for_the_retry_that_is_acknowledged(sim: Bench) -> None:
    """
    A truth that was refused once is told by the second attempt, and contradicted after that.
    """
    sim.load(rule("liar", fate=fate(Ending.DELIVER), webhooks=LIES))
    sim.answers = lambda webhook: 200 if webhook.attempts else 503

    sim.submit(pigeon(to=PHONE))
    sim.settle()

    truth, lie = sim.webhooks()
    assert [attempt.at_ms for attempt in truth.attempts] == [1_000, 61_000]
    assert lie.attempts[0].at_ms == 66_000


def test_lie_waits_for_the_last_attempt_at_a_truth_that_is_lost(sim: Bench) -> None:
    """
    Nobody took the truth: the lie is told all the same, once nothing tells the truth any more.
    """
    sim.load(rule("liar", fate=fate(Ending.DELIVER), webhooks=LIES))
    sim.refuse_webhooks()

    sim.submit(pigeon(to=PHONE))
    sim.settle()

    assert [webhook.created_ms for webhook in sim.webhooks()] == [1_000, 366_000]


def test_lie_waits_while_the_truth_is_held(sim: Bench) -> None:
    """
    What is held back was told to nobody, so there is nothing to contradict before its release.
    """
    sim.load(rule("liar", fate=fate(Ending.DELIVER), webhooks=LIES))
    sim.simulation.outbox.hold(0)

    sim.submit(pigeon(to=PHONE))
    sim.advance("1h")
    sim.simulation.outbox.release(sim.now_ms)
    sim.settle()

    assert [webhook.created_ms for webhook in sim.webhooks()] == [1_000, 3_605_000]


def test_end_outside_the_span_of_the_rule_is_not_contradicted(sim: Bench) -> None:
    """
    `during` bounds all that a rule does to what is told, this included, and `explain` draws nothing for it.
    """
    late = replace(LIES, during=(2_000, None))
    sim.load(rule("liar", fate=fate(Ending.DELIVER), webhooks=late))

    message = sim.submit(pigeon(to=PHONE))
    sim.settle()

    assert [word for _, word in sim.told()] == [f"DELIVERED {PHONE}"]
    assert "contradict" not in "\n".join(explain(sim.simulation, message).lines())

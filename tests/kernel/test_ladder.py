"""
The outcome ladder decides each of the three places by itself: answer, fate, webhooks.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.model.fates import Ending, Fate
from simulator.kernel.model.faults import WebhookFaults
from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.message import Rung
from simulator.kernel.model.rules import AnswerFault, Match, Throttle
from simulator.kernel.model.submission import Reason
from simulator.kernel.model.units import ConstantDelay, Rate
from toys.bench import Bench, rule
from toys.pigeon import pigeon

PHONE = "+905550000001"
HAWK = "+8880000001"
NO_PERCH = "+8880000004"
SOON = Fate(after=ConstantDelay(1_000), progress=())
STORM = Fate(ending=Ending.FAIL, after=ConstantDelay(1_000), code="STORM", progress=())
LATE = WebhookFaults(delay=ConstantDelay(5_000))


def test_default_decides_when_nobody_else_does(sim: Bench) -> None:
    """
    Without a scenario it is the provider's default.
    """
    message = sim.submit(pigeon(to=PHONE))

    assert (message.rung, message.rule, message.faults) == (Rung.DEFAULT, "", None)


def test_magic_recipient_wins_over_rules(sim: Bench) -> None:
    """
    A reserved number does what it is there for, whatever the scenario says.
    """
    sim.load(rule("soon", fate=SOON))

    message = sim.submit(pigeon(to=HAWK))
    refused = sim.refused(pigeon(to=NO_PERCH))
    sim.settle()

    assert (message.rung, message.state, message.code) == (Rung.MAGIC, State.FAILED, "HAWK")
    assert (refused.rung, refused.code) == (Rung.MAGIC, "NO_PERCH")


def test_first_rule_that_applies_decides(sim: Bench) -> None:
    """
    Order in the file is order of precedence.
    """
    sim.load(
        rule("other", when=Match(recipient=("+1",)), fate=SOON),
        rule("storm", fate=STORM),
        rule("soon", fate=SOON),
    )

    message = sim.submit(pigeon(to=PHONE))

    assert (message.rung, message.rule) == (Rung.RULE, "storm")


def test_each_place_has_its_own_first_rule(sim: Bench) -> None:
    """
    A rule about webhooks does not hide a later one about fates.
    """
    sim.load(
        rule("late", webhooks=LATE),
        rule("stall", answer=AnswerFault(stall_real_ms=5)),
        rule("storm", fate=STORM, webhooks=WebhookFaults(drop_share_bp=10_000)),
    )

    result = sim.call(pigeon(to=PHONE))
    sim.settle()

    message = sim.message(result.outcomes[0].key)
    assert (message.rule, message.faults, message.faults_rule) == ("storm", LATE, "late")
    assert result.stall_real_ms == 5
    assert sim.told() == [(6_000, f"FAILED {PHONE}")]


def test_rule_wins_over_circumstances(sim: Bench) -> None:
    """
    A fate that a rule gives is the fate, though the recipient blocks or is black-listed.
    """
    sim.recipient(PHONE).change(blacklisted=True, blocked=True)
    sim.load(rule("soon", fate=SOON))

    message = sim.submit(pigeon(to=PHONE))

    assert (message.rung, message.rule) == (Rung.RULE, "soon")


@pytest.mark.parametrize(
    ("trait", "code", "reason"),
    [("blocked", "HAWK", Reason.BLOCKED), ("known", "LOST", Reason.UNKNOWN)],
)
def test_circumstances_decide_the_fate(sim: Bench, trait: str, code: str, reason: Reason) -> None:
    """
    A blocking or unknown recipient leads to the provider's own failure.
    """
    sim.recipient(PHONE).change(**{trait: trait == "blocked"})

    message = sim.submit(pigeon(to=PHONE))
    sim.settle()

    assert (message.rung, message.state, message.code, message.reason) == (
        Rung.CIRCUMSTANCES,
        State.FAILED,
        code,
        reason,
    )


def test_circumstances_decide_the_answer(sim: Bench) -> None:
    """
    A black-listed recipient is refused in the answer.
    """
    sim.recipient(PHONE).change(blacklisted=True)

    refused = sim.refused(pigeon(to=PHONE))

    assert (refused.code, refused.rung, refused.rule) == ("NO_PERCH", Rung.CIRCUMSTANCES, "")


@pytest.mark.parametrize(
    "answer",
    [AnswerFault(stall_real_ms=5), AnswerFault(throttle=Throttle(Rate(1, 1_000), burst=5))],
    ids=["stall", "throttle with room"],
)
def test_slow_answer_does_not_hide_the_black_list(sim: Bench, answer: AnswerFault) -> None:
    """
    A rule that only slows the answer down says nothing about refusing, so circumstances may.
    """
    sim.recipient(PHONE).change(blacklisted=True)
    sim.load(rule("slow", answer=answer))

    result = sim.call(pigeon(to=PHONE))

    refused = result.outcomes[0]
    assert (getattr(refused, "code", None), getattr(refused, "rung", None)) == (
        "NO_PERCH",
        Rung.CIRCUMSTANCES,
    )
    assert result.stall_real_ms == answer.stall_real_ms


def test_circumstances_at_acceptance_decide(sim: Bench) -> None:
    """
    Who blocks after the message was accepted still gets it: the future is drawn once.
    """
    sim.load(rule("late", webhooks=LATE))
    message = sim.submit(pigeon(to=PHONE))

    sim.recipient(PHONE).change(blocked=True)
    sim.settle()

    assert message.state == State.DELIVERED


# -- throttling ---------------------------------------------------------------------------------------


def calls(sim: Bench, *pauses_ms: int) -> list[int]:
    """
    Call once after each pause; return how long each caller is told to wait, 0 for an accepted one.
    """
    waits = []
    for pause_ms in pauses_ms:
        sim.advance(f"{pause_ms}ms")
        refusal = sim.call(pigeon(to=PHONE)).refusal
        waits.append(refusal.retry_after_ms if refusal else 0)
    return waits


def test_burst_is_let_through_and_then_the_rate(sim: Bench) -> None:
    """
    So many at once, then one per period; the wait told is exactly the wait needed.
    """
    sim.load(rule("overload", answer=AnswerFault(throttle=Throttle(Rate(2, 1_000), burst=3))))

    assert calls(sim, 0, 0, 0, 0, 499, 1, 0, 500) == [0, 0, 0, 500, 1, 0, 500, 0]


def test_long_pause_saves_no_more_than_a_burst(sim: Bench) -> None:
    """
    However long nobody called, the bucket holds a burst and no more.
    """
    sim.load(rule("overload", answer=AnswerFault(throttle=Throttle(Rate(2, 1_000), burst=2))))
    sim.call(pigeon(to=PHONE))

    assert calls(sim, 34_000_000_000, 0, 0, 500) == [0, 0, 500, 0]


def test_refused_call_takes_no_token(sim: Bench) -> None:
    """
    Whoever keeps calling too fast is still let through at the rate.
    """
    sim.load(rule("overload", answer=AnswerFault(throttle=Throttle(Rate(1, 1_000), burst=1))))

    waits = calls(sim, *([100] * 40))

    assert waits.count(0) == 4


def test_new_scenario_starts_with_a_full_bucket(sim: Bench) -> None:
    """
    Loading a scenario forgets what was counted.
    """
    overload = rule("overload", answer=AnswerFault(throttle=Throttle(Rate(1, 1_000), burst=1)))
    sim.load(overload)
    calls(sim, 0)

    sim.load(overload)

    assert calls(sim, 0, 0) == [0, 1_000]


@given(
    st.integers(1, 50),
    st.integers(1, 5_000),
    st.integers(1, 20),
    st.lists(st.integers(0, 3_000), min_size=1, max_size=60),
)
def test_throttle_never_lets_more_through_than_rate_and_burst(
    count: int, per_ms: int, burst: int, pauses_ms: list[int]
) -> None:
    """
    In any span, accepted calls are at most a burst and the rate times the span; a told wait suffices.
    """
    sim = Bench()
    sim.load(rule("overload", answer=AnswerFault(throttle=Throttle(Rate(count, per_ms), burst=burst))))

    waits = calls(sim, *pauses_ms)

    instants = [sum(pauses_ms[: number + 1]) for number in range(len(pauses_ms))]
    accepted = [at_ms for at_ms, wait_ms in zip(instants, waits, strict=True) if not wait_ms]
    for first, start_ms in enumerate(accepted):
        for last in range(first, len(accepted)):
            assert (last - first + 1 - burst) * per_ms <= (accepted[last] - start_ms) * count
    if waits[-1]:
        assert calls(sim, waits[-1]) == [0]

"""
Runs against a small integrator: the verdict is right about the good one and about each broken one.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from run.bench import carry_out, failed, shipped
from run.mutants.integrator import Integrator
from run.mutants.ledger import Ledger
from run.mutants.registry import mutant
from simulator.evidence.card import card
from simulator.evidence.text import text
from simulator.kernel.model.arrivals import Ramp
from simulator.kernel.model.scenario import ClockMode, ClockSpec
from simulator.kernel.model.units import Rate
from simulator.provider import discover
from simulator.scenario.goals import Expectations, MessageGoals, SendGoals, WebhookGoals
from simulator.scenario.loader import load_run


async def test_good_integrator_passes_on_a_good_day() -> None:
    """
    With nothing going wrong every expectation is met.
    """
    scenario = replace(
        shipped("healthy"),
        expect=Expectations(
            messages=MessageGoals(final_bp=10_000, within_ms=60_000, delivered_bp=10_000, at_least=12),
            webhooks=WebhookGoals(acknowledged_bp=10_000, lost_max=0, latency_ms={"max": 10_000}),
        ),
    )

    result = await carry_out(scenario, Integrator())

    assert failed(result) == []
    assert result.scorecard.webhooks == 12


async def test_integrator_that_overwrites_a_final_state_is_caught() -> None:
    """
    A second, contradicting report must not change what the integrator believes.
    """
    scenario = load_run("rules: [{then: {webhooks: {contradict: {after: 5s}}}}]", "contradiction", discover())

    good = await carry_out(scenario, Integrator())
    broken = await carry_out(scenario, mutant("late report overwrites"))

    assert failed(good) == []
    assert failed(broken) == ["integrator: state: the integrator is right about 0 of 12 messages"]


async def test_integrator_that_sends_to_somewhere_else_has_failed() -> None:
    """
    Calls that succeed and send nothing here are no success: somebody's base URL is wrong.
    """

    silenced = Integrator(ledger=Ledger(stopped={f"417900000{number:02}" for number in range(12)}))

    result = await carry_out(load_run("{}", "nothing", discover()), silenced)

    (missed,) = [check for check in result.checks if not check.passed]
    assert missed.name == "drive: something is sent"
    assert missed.detail.startswith("no call came to http://127.0.0.1:")


async def test_calls_on_a_live_clock_keep_their_schedule_and_tell_their_rates() -> None:
    """
    No call waits for the answer to the one before; the rate asked stands beside the one reached.
    """
    ramp = Ramp(Rate(100, 1_000), Rate(500, 1_000), 60)

    result = await carry_out(
        load_run("{}", "ramp", discover()),
        Integrator(),
        count=60,
        arrivals=ramp,
        means={},
        clock=ClockSpec(mode=ClockMode.LIVE),
    )

    drive = result.drive
    (driven,) = [check for check in result.checks if check.name == "drive: every call succeeds"]
    assert drive is not None
    assert drive.asked_per_s is not None
    assert drive.reached_per_s is not None
    assert 200 < drive.asked_per_s < 400
    assert set(drive.late) == set(drive.answered) == {"p50_us", "p99_us", "p99_9_us", "max_us"}
    assert f"; rate asked {drive.asked_per_s:,.0f}/s, reached " in driven.detail
    assert "; late p99 " in driven.detail
    assert json.loads(card(result))["drive"]["asked_per_s"] == drive.asked_per_s


async def test_plan_of_a_run_is_that_of_its_schedules() -> None:
    """
    What was to come is told by ramps and random gaps as they are, not by one rate.
    """
    storm = "storm: {messages: 40, rate: 10/s, arrivals: poisson, mix: {deliver: 100%}}"
    scenario = f"timeline: [{{at: 1s, provider: infobip, {storm}}}]"

    result = await carry_out(load_run(scenario, "gusts", discover()), Integrator(), count=0, means={})

    came = sorted(message.accepted_ms for message in result.space.simulation.messages.values())
    assert list(result.planned_ms) == came


async def test_live_run_does_not_wait_for_an_expiry_in_two_days() -> None:
    """
    When everything else is over the clock goes on at once to what only messages wait for.
    """
    text = "timeline: [{at: 1s, provider: infobip, storm: {messages: 9, rate: 9/s, mix: {expire: 100%}}}]"
    scenario = load_run(text, "late", discover())

    # On this clock two days are three minutes.
    async with asyncio.timeout(60):
        result = await carry_out(
            scenario, Integrator(), count=0, means={}, clock=ClockSpec(mode=ClockMode.LIVE, rate=1_000)
        )

    assert [message.state for message in result.space.simulation.messages.values()] == ["expired"] * 9
    assert result.space.simulation.clock.now_ms >= 48 * 3_600_000


async def test_integrator_that_counts_a_duplicate_twice_is_caught() -> None:
    """
    A report that comes twice counts once.
    """
    scenario = shipped("duplicate-and-reordered")
    counted = {"delivered": ("1",)}

    good = await carry_out(scenario, Integrator(), field="billed", means=counted)
    broken = await carry_out(scenario, mutant("billed per report"), field="billed", means=counted)

    assert failed(good) == []
    assert [check.name for check in broken.checks if not check.passed] == ["integrator: billed"]


async def test_integrator_that_stores_ids_too_late_is_caught() -> None:
    """
    A report that overtakes the answer must find its message.
    """
    scenario = shipped("report-before-answer")

    good = await carry_out(scenario, Integrator())
    broken = await carry_out(scenario, mutant("known after the answer"))

    assert failed(good) == []
    assert failed(broken) == ["integrator: state: the integrator is right about 0 of 12 messages"]


async def test_integrator_that_never_retries_is_caught() -> None:
    """
    A send that was refused with 429 is made again, and accepted in the end.
    """
    scenario = replace(shipped("throttled"), expect=Expectations(sends=SendGoals(retried_bp=10_000)))
    fast = ClockSpec(mode=ClockMode.LIVE, rate=50)

    good = await carry_out(scenario, Integrator(speed=50, tries_inside=100), clock=fast, count=40)
    broken = await carry_out(scenario, mutant("no retry on 429", speed=50), clock=fast, count=40)

    assert failed(good) == []
    assert any(check.name == "sends.retried: 100%" and not check.passed for check in broken.checks)


async def test_receiver_that_recovers_gets_every_report() -> None:
    """
    Reports refused while the receiver is down come again by the provider's schedule.
    """
    scenario = replace(
        shipped("healthy"), expect=Expectations(webhooks=WebhookGoals(acknowledged_bp=10_000, lost_max=0))
    )

    result = await carry_out(scenario, Integrator(down_for=30))

    assert failed(result) == []
    assert result.scorecard.non_2xx == 30
    assert result.scorecard.retries == 30


async def test_messages_without_an_end_are_told_with_their_stories() -> None:
    """
    A failed expectation brings the stories of the messages that failed it.
    """
    scenario = replace(
        load_run("rules: [{name: hush, then: {fate: silence}}]", "silence", discover()),
        expect=Expectations(messages=MessageGoals(final_bp=10_000)),
    )

    result = await carry_out(scenario, Integrator(), count=2)

    check = next(check for check in result.checks if check.name == "messages.final: 100%")
    assert not check.passed
    assert check.detail == "0% of 2 messages have an end in time"
    assert check.lines[2] == 'fate: rule "hush" (line 1)'


async def test_clear_no_is_not_waited_for() -> None:
    """
    A call that was refused with 403 is not made again, so a run ends without the two minutes for that.
    """
    text = """
rules:
  - when: {provider: infobip, operation: send, recipient: "+41790000000"}
    then: {answer: {refuse: {http: 403}}}
"""

    result = await carry_out(load_run(text, "clear", discover()), Integrator())

    assert failed(result) == []
    assert result.space.simulation.clock.now_ms < 60_000


async def test_live_run_tells_the_rate_asked_beside_the_one_reached() -> None:
    """
    In one process, too, wherever the scorecard is shown; on a clock that stands still there is none.
    """
    storm = "storm: {messages: 60, rate: 300/s, arrivals: poisson, mix: {deliver: 100%}}"
    webhook = "providers: {infobip: {deliver_after: 0s..20ms}}"
    plan = load_run(f"{webhook}\ntimeline: [{{at: 0s, provider: infobip, {storm}}}]", "gusts", discover())
    live = ClockSpec(mode=ClockMode.LIVE)

    result = await carry_out(plan, Integrator(), count=0, means={}, clock=live)
    still = await carry_out(plan, Integrator(), count=0, means={})

    scorecard = result.scorecard
    figures = json.loads(card(result))["receiver"]
    assert scorecard.asked_per_s is not None
    assert scorecard.reached_per_s is not None
    assert (figures["asked_per_s"], figures["reached_per_s"]) == (
        scorecard.asked_per_s,
        scorecard.reached_per_s,
    )
    printed = " ".join("\n".join(text(result)).split())
    assert f"rate asked {scorecard.asked_per_s:,.0f}/s" in printed
    assert f"rate reached {scorecard.reached_per_s:,.0f}/s" in printed
    assert (still.scorecard.asked_per_s, still.scorecard.reached_per_s) == (None, None)

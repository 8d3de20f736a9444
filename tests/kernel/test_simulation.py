"""
What one space does with what is sent, commanded and due.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.explain.story import explain
from simulator.kernel.engine.account import ImpossibleAct
from simulator.kernel.engine.call_result import CallRefusal
from simulator.kernel.engine.simulation import IllegalMove, Simulation
from simulator.kernel.model.fates import Ending, Fate, Reply
from simulator.kernel.model.lifecycle import Move, State
from simulator.kernel.model.message import Message, Refused, Rung
from simulator.kernel.model.rules import Act, AnswerFault, Drop, Match, Nth, Throttle
from simulator.kernel.model.scenario import TimelineItem
from simulator.kernel.model.units import ConstantDelay, Rate
from simulator.kernel.webhooks.webhook import Report
from simulator.provider import open_gateway
from toys.bench import LOFT, Bench, rule, scenario
from toys.pigeon import PROVIDER, pigeon

PHONE = "+905550000001"
OTHER = "+905550000002"
HOUR = 3_600_000
SOON = Fate(after=ConstantDelay(1_000), progress=())


def states(*outcomes: Message | Refused) -> list[str]:
    """
    Return what became of each: a state, or the code of a refusal.
    """
    return [o.code if isinstance(o, Refused) else o.state.value for o in outcomes]


# -- sending ----------------------------------------------------------------------------------------


def test_whole_story_of_a_plain_message(sim: Bench) -> None:
    """
    Accepted, sent, delivered, reported: one line each, with time, subject and cause.
    """
    message = sim.submit(pigeon(to=PHONE))

    sim.settle()

    assert sim.narrative() == [
        f"+00:00:00.000 pigeon {PHONE} #1 accepted (default)",
        f"+00:00:00.200 pigeon {PHONE} #1 sent [ALOFT] (default)",
        f"+00:00:02.939 pigeon {PHONE} #1 delivered (default)",
        f"+00:00:02.939 pigeon {PHONE} #1 webhook attempt 1 answered 200 [DELIVERED]",
    ]
    assert sim.simulation.message("pigeon", message.id) is message
    assert sim.simulation.settled


def test_client_id_is_kept_and_found(sim: Bench) -> None:
    """
    A message is found by the id its client gave; of two with one id, the later.
    """
    sim.submit(pigeon(to=PHONE, id="mine"))
    later = sim.submit(pigeon(to=OTHER, id="mine"))

    found = sim.simulation.message("pigeon", "mine")

    assert found is later
    assert sim.simulation.message("owl", "mine") is None


def test_refused_submission_takes_an_ordinal(sim: Bench) -> None:
    """
    A retry of what was refused is the next submission, so a rule for the first does not meet it again.
    """
    first = rule("first", when=Match(nth=Nth(1, 1)), answer=AnswerFault(refuse="NO_PERCH"))
    sim.load(first)

    outcomes = [sim.call(pigeon(to=PHONE)).outcomes[0] for _ in range(2)]

    assert states(*outcomes) == ["NO_PERCH", "accepted"]
    assert [outcome.key.ordinal for outcome in outcomes] == [1, 2]


def test_submission_refused_by_the_provider_meets_no_rule(sim: Bench) -> None:
    """
    The provider's own checks come first, and the refusal says that it was they.
    """
    sim.load(rule("all", answer=AnswerFault(refuse="NO_PERCH")))

    refused = sim.refused(pigeon(to=PHONE, refusal="NO_LOFT"))

    assert (refused.code, refused.rung, refused.rule) == ("NO_LOFT", Rung.PROVIDER, "")


def test_next_key_is_told_and_not_taken(sim: Bench) -> None:
    """
    Asking for the next key changes nothing.
    """
    told = [sim.simulation.next_key("pigeon", PHONE) for _ in range(2)]

    message = sim.submit(pigeon(to=PHONE))

    assert told == [message.key, message.key]


# -- calls of several -------------------------------------------------------------------------------


def test_refusal_of_one_recipient_leaves_the_others(sim: Bench) -> None:
    """
    In a call of three, one is refused and two fly.
    """
    sim.load(rule("one", when=Match(recipient=(OTHER,)), answer=AnswerFault(refuse="NO_PERCH")))

    result = sim.call(pigeon(to=PHONE), pigeon(to=OTHER), pigeon(to=PHONE))

    assert (states(*result.outcomes), result.refusal) == (["accepted", "NO_PERCH", "accepted"], None)


def test_refusal_of_the_call_applies_nothing(sim: Bench) -> None:
    """
    One submission that refuses the call refuses all of it: no message, no step, no webhook.
    """
    sim.load(rule("one", when=Match(recipient=(OTHER,)), answer=AnswerFault(refuse="LOFT_CLOSED")))

    result = sim.call(pigeon(to=PHONE), pigeon(to=OTHER), pigeon(to=PHONE))

    assert (result.outcomes, result.refusal) == ([], CallRefusal("LOFT_CLOSED", "one"))
    assert (dict(sim.simulation.messages), sim.simulation.next_due()) == ({}, None)
    assert sim.narrative()[1:] == [
        f'+00:00:00.000 pigeon {to} the call was refused [LOFT_CLOSED] (rule "one")'
        for to in (f"{PHONE} #1", f"{OTHER} #1", f"{PHONE} #2")
    ]


def test_refused_call_may_have_done_its_work(sim: Bench) -> None:
    """
    With the work done, the answer refuses and the messages arrive all the same.
    """
    sim.load(rule("lie", answer=AnswerFault(refuse="LOFT_CLOSED", work_done=True)))

    result = sim.call(pigeon(to=PHONE), pigeon(to=OTHER))
    sim.settle()

    assert result.refusal == CallRefusal("LOFT_CLOSED", "lie")
    assert states(*result.outcomes) == ["delivered", "delivered"]


@pytest.mark.parametrize(("drop", "arrived"), [(Drop.BEFORE, 0), (Drop.AFTER, 2)])
def test_dropped_connection_did_the_work_or_did_not(sim: Bench, drop: Drop, arrived: int) -> None:
    """
    Cut before the work nothing is sent; cut after it everything is.
    """
    sim.load(rule("cut", answer=AnswerFault(drop=drop)))

    result = sim.call(pigeon(to=PHONE), pigeon(to=OTHER))
    sim.settle()

    assert (result.drop, result.refusal, len(result.outcomes)) == (drop, None, arrived)
    assert len(sim.told()) == arrived


def test_throttle_counts_calls_not_submissions(sim: Bench) -> None:
    """
    A call of many takes one token; the next one in the same instant is told when to come back.
    """
    sim.load(rule("overload", answer=AnswerFault(throttle=Throttle(Rate(2, 1_000), burst=1))))

    verdicts = [sim.call(pigeon(to=PHONE), pigeon(to=OTHER)) for _ in range(2)]
    sim.advance("500ms")
    verdicts.append(sim.call(pigeon(to=PHONE)))

    assert [result.refusal for result in verdicts] == [
        None,
        CallRefusal("FLOCK_FULL", "overload", 500),
        None,
    ]


def test_call_that_sends_nothing_is_judged_too(sim: Bench) -> None:
    """
    Rules act on the answer of any operation; one without such rules is let through.
    """
    sim.load(
        rule("closed", when=Match(operation="birds", nth=Nth(2, 2)), answer=AnswerFault(refuse="LOFT_CLOSED"))
    )

    refusals = [sim.simulation.consult("pigeon", "birds", "ring").refusal for _ in range(3)]
    other = sim.simulation.consult("pigeon", "bird", "ring").refusal

    assert refusals == [None, CallRefusal("LOFT_CLOSED", "closed"), None]
    assert other is None


def test_code_about_a_recipient_cannot_refuse_a_call_that_has_none(sim: Bench) -> None:
    """
    A rule that tries does nothing, and the journal says why.
    """
    sim.load(rule("misplaced", answer=AnswerFault(refuse="NO_PERCH")))

    result = sim.simulation.consult("pigeon", "birds", "ring")

    assert (result.refusal, result.outcomes) == (None, [])
    assert sim.narrative()[-1:] == [
        "+00:00:00.000 pigeon birds was not refused: the code is about one recipient, and this call has none"
        ' [NO_PERCH] (rule "misplaced")'
    ]


# -- scheduled --------------------------------------------------------------------------------------


def test_scheduled_message_starts_at_its_time(sim: Bench) -> None:
    """
    It is held until then, and its validity counts from then.
    """
    sim.load(rule("soon", fate=SOON))
    message = sim.submit(pigeon(to=PHONE, hold_until_ms=HOUR, validity_ms=2_000))

    sim.advance("59m")
    held = message.state
    sim.settle()

    assert (held, message.state, message.changed_ms) == (State.SCHEDULED, State.DELIVERED, HOUR + 1_000)


def test_rescheduled_message_moves_and_is_not_doubled(sim: Bench) -> None:
    """
    Its old time means nothing any more; it arrives once, after the new one.
    """
    sim.load(rule("soon", fate=SOON))
    message = sim.submit(pigeon(to=PHONE, hold_until_ms=HOUR))

    sim.simulation.reschedule(message, 3 * HOUR)
    sim.simulation.reschedule(message, 2 * HOUR)
    sim.settle()

    assert sim.told() == [(2 * HOUR + 1_000, f"DELIVERED {PHONE}")]
    assert [line for line in sim.story(message.key) if "lapsed" in line] == []


def test_message_rescheduled_into_the_past_starts_now(sim: Bench) -> None:
    """
    A time that has passed means at once.
    """
    sim.load(rule("soon", fate=SOON))
    message = sim.submit(pigeon(to=PHONE, hold_until_ms=2 * HOUR))
    sim.advance("1h")

    sim.simulation.reschedule(message, 5)
    sim.settle()

    assert (message.state, message.changed_ms) == (State.DELIVERED, HOUR + 1_000)


def test_only_a_scheduled_message_is_rescheduled(sim: Bench) -> None:
    """
    What was released cannot be called back.
    """
    message = sim.submit(pigeon(to=PHONE))

    with pytest.raises(IllegalMove) as caught:
        sim.simulation.reschedule(message, HOUR)

    assert str(caught.value) == "a message that is accepted cannot be rescheduled"


# -- moves by command -------------------------------------------------------------------------------


def test_command_overtakes_the_fate(sim: Bench) -> None:
    """
    A message failed by command stays failed; what its fate had planned lapses, and says so.
    """
    sim.load(rule("soon", fate=SOON))
    message = sim.submit(pigeon(to=PHONE))

    sim.simulation.move(message, Move.FAIL, "STORM")
    sim.settle()

    assert (message.state, message.code, message.rung) == (State.FAILED, "STORM", Rung.CONTROL)
    assert sim.told() == [(0, f"FAILED {PHONE}")]
    assert sim.story(message.key)[-1] == (
        f"+00:00:01.000 pigeon {PHONE} #1 deliver has lapsed, the message is failed"
    )


def test_released_by_command_it_starts_now_and_not_again(sim: Bench) -> None:
    """
    A scheduled message let go early arrives once.
    """
    sim.load(rule("soon", fate=SOON))
    message = sim.submit(pigeon(to=PHONE, hold_until_ms=HOUR))

    sim.simulation.move(message, Move.RELEASE)
    sim.settle()

    assert sim.told() == [(1_000, f"DELIVERED {PHONE}")]


@pytest.mark.parametrize("move", [Move.READ, Move.RELEASE])
def test_command_that_the_table_refuses_changes_nothing(sim: Bench, move: Move) -> None:
    """
    A command that cannot apply raises, names state and move, and leaves the message alone.
    """
    sim.recipient(PHONE).go_offline()
    message = sim.submit(pigeon(to=PHONE))
    sim.advance("1m")
    before = sim.narrative()

    with pytest.raises(IllegalMove) as caught:
        sim.simulation.move(message, move)

    assert str(caught.value) == f"a message that is waiting cannot {move.value}"
    assert (message.state, message.rung, sim.narrative()) == (State.WAITING, Rung.DEFAULT, before)


def test_nobody_can_be_told_to_wait(sim: Bench) -> None:
    """
    Waiting is what the phone's absence does; by command a message would wait for ever.
    """
    message = sim.submit(pigeon(to=PHONE))

    with pytest.raises(IllegalMove) as caught:
        sim.simulation.move(message, Move.WAIT)

    assert str(caught.value) == f"a message waits while its recipient is away; make {PHONE} unreachable"
    assert message.state == State.ACCEPTED


def test_revoked_message_is_never_delivered_or_read(sim: Bench) -> None:
    """
    After the revocation nothing follows.
    """
    sim.load(rule("soon", fate=Fate(after=ConstantDelay(1_000), progress=(), read=ConstantDelay(0))))
    message = sim.submit(pigeon(to=PHONE))

    sim.simulation.move(message, Move.REVOKE)
    sim.settle()

    assert (message.state, sim.told()) == (State.REVOKED, [])


# -- after delivery ---------------------------------------------------------------------------------


def test_delivered_message_is_read_and_answered(sim: Bench) -> None:
    """
    Reading and replies count from the delivery; the reply goes to the sender.
    """
    replies = (Reply(text="STOP", after=ConstantDelay(5_000)),)
    fate = Fate(after=ConstantDelay(1_000), progress=(), read=ConstantDelay(2_000), replies=replies)
    sim.load(rule("chatty", fate=fate))
    sim.submit(pigeon(to=PHONE, sender="SHOP"))

    sim.settle()

    assert sim.told() == [
        (1_000, f"DELIVERED {PHONE}"),
        (3_000, f"READ {PHONE}"),
        (6_000, f"HARK {PHONE}"),
    ]
    assert sim.received[2].body.split("|")[2:] == [PHONE, "SHOP", "STOP\n"]


def test_reply_that_the_provider_does_not_know_is_noted(sim: Bench) -> None:
    """
    A fate may ask for what recipients cannot do here: the journal says so, and the rest goes on.
    """
    sim.account.configure({"mute": True})
    fate = Fate(
        after=ConstantDelay(1_000),
        progress=(),
        replies=(Reply(text="STOP", after=ConstantDelay(1_000)),),
    )
    sim.load(rule("chatty", fate=fate))
    sim.submit(pigeon(to=PHONE))
    sim.advance("1s")
    sim.load(rule("soon", fate=SOON))
    sim.submit(pigeon(to=OTHER))

    sim.settle()

    assert sim.told() == [(1_000, f"DELIVERED {PHONE}"), (2_000, f"DELIVERED {OTHER}")]
    assert [line for line in sim.narrative() if "not possible" in line] == [
        f"+00:00:02.000 pigeon {PHONE} writes was not possible: {PHONE} has no birds (reply)"
    ]


def test_impossible_act_is_refused(sim: Bench) -> None:
    """
    A command for what recipients cannot do here raises and says what they can.
    """
    with pytest.raises(ImpossibleAct) as caught:
        sim.simulation.act("pigeon", PHONE, Act("taps"))

    assert str(caught.value) == "pigeon recipients cannot do 'taps'; they can only write"
    assert sim.narrative() == []


# -- scenarios --------------------------------------------------------------------------------------


def test_timeline_happens_by_itself(sim: Bench) -> None:
    """
    Recipients come and go, write, and webhooks are held and released, at their instants.
    """
    sim.load(
        rule("soon", fate=SOON),
        timeline=(
            TimelineItem(at_ms=0, recipient=PHONE, traits={"reachable": False}),
            TimelineItem(at_ms=5_000, hold=True),
            TimelineItem(at_ms=10_000, recipient=PHONE, traits={"reachable": True}),
            TimelineItem(at_ms=11_000, recipient=PHONE, act=Act("writes", "STOP"), provider="pigeon"),
            TimelineItem(at_ms=12_000, recipient=PHONE, act=Act("taps"), provider="pigeon"),
            TimelineItem(at_ms=20_000, release=Rate(1, 1_000)),
        ),
    )
    sim.submit(pigeon(to=PHONE))

    sim.settle()

    assert sim.told() == [(20_000, f"DELIVERED {PHONE}"), (21_000, f"HARK {PHONE}")]
    assert [line for line in sim.narrative() if "timeline" in line] == [
        f"+00:00:00.000 {PHONE} reachable is now false (timeline)",
        f"+00:00:10.000 {PHONE} reachable is now true (timeline)",
        f"+00:00:12.000 pigeon {PHONE} taps was not possible:"
        " pigeon recipients cannot do 'taps'; they can only write (timeline)",
    ]
    assert sim.simulation.state.impossible_acts == [
        f"pigeon {PHONE}: pigeon recipients cannot do 'taps'; they can only write"
    ]


def test_new_scenario_leaves_messages_their_fate(sim: Bench) -> None:
    """
    What was drawn at acceptance happens, whatever is loaded later; the old timeline does not.
    """
    sim.load(rule("soon", fate=SOON), timeline=(TimelineItem(at_ms=2_000, hold=True),))
    first = sim.submit(pigeon(to=PHONE))

    sim.load(rule("storm", fate=Fate(ending=Ending.FAIL, after=ConstantDelay(500), code="STORM")))
    second = sim.submit(pigeon(to=PHONE))
    sim.settle()

    assert states(first, second) == ["delivered", "failed"]
    assert [line for line in sim.narrative() if "held" in line] == []


def test_circumstances_that_were_changed_survive_a_new_scenario(sim: Bench) -> None:
    """
    A command about a recipient outlives the scenario it was given under.
    """
    sim.recipient(PHONE).go_offline()

    sim.load(rule("soon", fate=SOON))
    message = sim.submit(pigeon(to=PHONE))
    sim.advance("1m")

    assert message.state == State.WAITING


def test_same_scenario_loaded_twice_happens_once(sim: Bench) -> None:
    """
    The timeline of the replaced scenario is taken off the agenda, even when the new one is equal.
    """
    timeline = (TimelineItem(at_ms=1_000, recipient=PHONE, act=Act("writes", "hello"), provider="pigeon"),)
    sim.load(timeline=timeline)

    sim.load(timeline=timeline)
    sim.settle()

    assert sim.told() == [(1_000, f"HARK {PHONE}")]


# -- explanations -----------------------------------------------------------------------------------


def test_explanation_names_the_rung_and_every_miss(sim: Bench) -> None:
    """
    The story says who decided, why earlier rules did not, and all that followed.
    """
    sim.load(
        rule("other phone", when=Match(recipient=(OTHER,), nth=Nth(2, 2)), fate=SOON),
        rule("soon", fate=SOON),
    )
    message = sim.submit(pigeon(to=PHONE, id="x"))
    sim.settle()

    story = explain(sim.simulation, message)

    assert story.considered == (
        ("other phone", 0, (f"recipient: expected {OTHER}, got {PHONE}", "nth: expected 2, got 1")),
        ("soon", 0, ()),
    )
    webhook = next(sim.webhooks())
    assert story.lines() == [
        f"pigeon {PHONE} #1 is delivered (id x)",
        "answer: accepted, as nothing stands against it",
        'fate: rule "soon"',
        f'  not rule "other phone": recipient: expected {OTHER}, got {PHONE}; nth: expected 2, got 1',
        "  deliver.after: 1s",
        "webhooks: as the provider sends them",
        *sim.story(message.key),
        f"webhook {webhook.id} [DELIVERED] to {LOFT} is acknowledged",
        "  attempt 1 at +00:00:01.000: 200 after 0.0 ms",
    ]


def test_rules_that_came_later_explain_nothing(sim: Bench) -> None:
    """
    When the scenario was replaced since, even at the same instant, its rules are not weighed.
    """
    message = sim.submit(pigeon(to=PHONE))

    sim.load(rule("soon", fate=SOON))
    story = explain(sim.simulation, message)

    assert story.considered == ()


# -- limits -----------------------------------------------------------------------------------------


def bounded(messages_max: int) -> Simulation:
    """
    Return a simulation that keeps so many messages.
    """
    simulation = Simulation(messages_max=messages_max)
    open_gateway(PROVIDER, simulation)
    return simulation


def test_oldest_finished_message_gives_way() -> None:
    """
    Past the limit the oldest finished one is forgotten, and is not found by its id any more.
    """
    simulation = bounded(2)
    for number in range(4):
        result = simulation.submit([pigeon(to=PHONE, id=f"m{number}")])
        message = result.outcomes[0]
        assert isinstance(message, Message)
        simulation.move(message, Move.DELIVER)

    assert [message.id for message in simulation.messages.values()] == ["m2", "m3"]
    assert [simulation.message("pigeon", f"m{number}") is None for number in range(4)] == [
        True,
        True,
        False,
        False,
    ]


def test_unfinished_message_is_kept_and_blocks_nobody() -> None:
    """
    A message without an end is never forgotten, and the finished ones behind it still give way.
    """
    simulation = bounded(3)
    silence = rule("silent", when=Match(recipient=(OTHER,)), fate=Fate(ending=Ending.SILENCE))
    simulation.load(scenario(silence, rule("soon", fate=SOON)))
    simulation.submit([pigeon(to=OTHER, id="silent")])
    for number in range(20):
        simulation.submit([pigeon(to=PHONE, id=f"m{number}")])
        while (due_ms := simulation.next_due()) is not None:
            simulation.fire(due_ms)

    assert [message.id for message in simulation.messages.values()] == ["silent", "m18", "m19"]


# -- a provider's own work ----------------------------------------------------------------------


def moult(sim: Bench, ran: list[int]) -> list[Report]:
    """
    Note when it ran.
    """
    ran.append(sim.now_ms)
    return []


def test_own_work_runs_at_its_instant(sim: Bench) -> None:
    """
    A provider's own timer falls due on the space's clock.
    """
    ran: list[int] = []

    sim.simulation.run_at(5_000, "pigeon", "moult", lambda: moult(sim, ran))
    sim.settle()

    assert ran == [5_000]


def test_own_work_for_the_past_runs_now(sim: Bench) -> None:
    """
    What should have been done already is done at once, not never.
    """
    ran: list[int] = []
    sim.advance("1m")

    sim.simulation.run_at(5_000, "pigeon", "moult", lambda: moult(sim, ran))
    sim.advance("0")

    assert (ran, sim.simulation.next_due()) == ([60_000], None)


def test_crowded_instant_is_served_in_slices_and_in_order() -> None:
    """
    However an instant is sliced, the same happens in the same order.
    """
    stories = []
    for slice_max in (1, 7, 1_000):
        simulation = bounded(1_000)
        simulation.load(scenario(rule("read at once", fate=replace(SOON, read=ConstantDelay(0)))))
        simulation.submit([pigeon(to=f"+9055500{number:05}") for number in range(50)])
        while (due_ms := simulation.next_due()) is not None:
            while simulation.fire(due_ms, slice_max):
                pass
        stories.append([(entry.at_ms, entry.key, entry.kind, entry.state) for entry in simulation.journal])

    assert stories[0] == stories[1] == stories[2]


def test_step_that_fails_takes_no_other_step_with_it(sim: Bench) -> None:
    """
    What is due at the same instant as a failing step still happens.
    """

    def fail() -> list[Report]:
        raise LookupError("odd")

    simulation = sim.simulation
    sim.submit(pigeon(to="+905550000001"))
    at_ms = simulation.next_due()
    assert at_ms is not None
    simulation.run_at(at_ms, "pigeon", "late", list)
    simulation.run_at(at_ms, "pigeon", "fails", fail)

    with pytest.raises(LookupError):
        simulation.fire(at_ms)
    sim.settle()

    assert simulation.settled
    assert [message.state for message in simulation.messages.values()] == [State.DELIVERED]

"""
Arrivals that the simulator makes itself: storms of messages, and crowds of recipients who act.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.engine.arrivals import address_of_arrival, arrival_ms
from simulator.kernel.model.arrivals import Constant
from simulator.kernel.model.fates import Ending, Fate
from simulator.kernel.model.message import Rung
from simulator.kernel.model.rules import Act
from simulator.kernel.model.scenario import Storm, TimelineItem
from simulator.kernel.model.units import ConstantDelay, Rate, UniformDelay
from simulator.kernel.store.facts import EntryKind
from toys.bench import Bench, rule
from toys.pigeon import pigeon

SLICE = 1_000
MIX = (
    (6_000, Fate(after=ConstantDelay(100), progress=())),
    (2_500, Fate(ending=Ending.FAIL, after=ConstantDelay(100), progress=())),
    (500, Fate(ending=Ending.SILENCE, progress=())),
)


def storm(sim: Bench, messages: int, rate: Rate, *, at_ms: int = 0, mix: object = MIX) -> None:
    """
    Put a storm on the timeline.
    """
    what = Storm(provider="pigeon", messages=messages, arrivals=Constant(rate), recipient="+9055", mix=mix)  # type: ignore[arg-type]
    sim.load(timeline=(TimelineItem(at_ms=at_ms, storm=what, provider="pigeon"),))


def crowd(sim: Bench, count: int, **rest: object) -> None:
    """
    Let so many recipients write on the timeline.
    """
    item = TimelineItem(
        at_ms=1_000, recipient="+9055*", act=Act("writes", "STOP"), provider="pigeon", count=count, **rest
    )  # type: ignore[arg-type]
    sim.load(timeline=(item,))


@given(st.integers(0, 10_000), st.integers(1, 5_000), st.integers(1, 3_600_000), st.integers(0, 5_000))
def test_arrivals_keep_the_rate(start_ms: int, count: int, per_ms: int, number: int) -> None:
    """
    After each full period exactly as many have arrived as the rate says, and none comes before its turn.
    """
    rate = Rate(count, per_ms)

    due_ms = arrival_ms(start_ms, number, rate)

    assert arrival_ms(start_ms, number + count, rate) == due_ms + per_ms
    assert due_ms <= arrival_ms(start_ms, number + 1, rate)


def test_numbered_addresses_are_all_different() -> None:
    """
    A prefix makes an address of each number; an address stays what it is.
    """
    assert [address_of_arrival("+9055*", number) for number in (0, 1)] == ["+90550000000", "+90550000001"]
    assert address_of_arrival("+90551", 7) == "+90551"


# -- storms -----------------------------------------------------------------------------------------


def test_storm_arrives_exactly_on_schedule(sim: Bench) -> None:
    """
    Every message is accepted at its instant, to a number of its own, whatever else happens.
    """
    storm(sim, 250, Rate(40, 1_000), at_ms=500)

    sim.settle()

    messages = sim.simulation.messages.values()
    assert [m.accepted_ms for m in messages] == [500 + number * 25 for number in range(250)]
    assert len({m.key.recipient for m in messages}) == 250


def test_storm_keeps_its_schedule_when_the_receiver_is_down(sim: Bench) -> None:
    """
    Arrivals do not wait for anybody's answers.
    """
    sim.refuse_webhooks()
    storm(sim, 100, Rate(10, 1_000))

    sim.settle()

    assert [m.accepted_ms for m in sim.simulation.messages.values()] == [100 * n for n in range(100)]


def test_mix_is_what_was_drawn(sim: Bench) -> None:
    """
    Each message has the fate that its own draw says, and the shares are about what was asked for.
    """
    storm(sim, 1_000, Rate(1_000, 1_000))

    sim.settle()

    counts = {"delivered": 0, "failed": 0, "accepted": 0}
    expected = dict(counts, rest=0)
    for message in sim.simulation.messages.values():
        place = sim.simulation.chance.of(*message.key).integer("storm.mix", 0, 9_999)
        word = (
            "delivered"
            if place < 6_000
            else "failed"
            if place < 8_500
            else "accepted"
            if place < 9_000
            else "rest"
        )
        expected[word] += 1
        assert (message.rung, message.rule) == (
            (Rung.DEFAULT, "") if word == "rest" else (Rung.RULE, "storm")
        )
        counts[message.state.value] += 1
    # What the mix leaves over goes by the rules, of which there are none: delivered.
    expected["delivered"] += expected.pop("rest")
    assert counts == expected
    assert 650 < counts["delivered"] < 750
    assert 210 < counts["failed"] < 290
    assert 30 < counts["accepted"] < 75


def test_storm_is_the_same_for_a_seed_whoever_else_sends() -> None:
    """
    Two storms of one seed tell the same stories, although others send in between.
    """
    stories = []
    for others in (0, 3):
        sim = Bench(seed=11)
        storm(sim, 60, Rate(20, 1_000))
        for number in range(others):
            sim.submit(pigeon(to=f"+1999000000{number}"))
            sim.advance("700ms")
        sim.settle()
        stories.append(
            {
                m.key: (m.id, m.state, m.accepted_ms, m.changed_ms)
                for m in sim.simulation.messages.values()
                if m.key.recipient.startswith("+9055")
            }
        )

    assert len(stories[0]) == 60
    assert stories[0] == stories[1]


def test_storm_is_never_more_than_a_slice_ahead(sim: Bench) -> None:
    """
    Ten thousand messages of one instant come a slice at a time, so that nothing else is kept waiting long.
    """
    storm(sim, 10_000, Rate(10_000, 1), mix=((10_000, Fate(ending=Ending.SILENCE, progress=())),))
    simulation = sim.simulation
    before, grown = 0, []

    while simulation.next_due() == 0:
        simulation.fire(0, 1)
        grown.append(len(simulation.messages) - before)
        before = len(simulation.messages)
        assert len(simulation.agenda) <= 1

    assert (sum(grown), max(grown)) == (10_000, SLICE)


def test_agenda_holds_one_step_for_what_of_a_storm_is_to_come(sim: Bench) -> None:
    """
    A million messages yet to come are one step, not a million.
    """
    storm(sim, 1_000_000, Rate(1, 1_000), mix=((10_000, Fate(ending=Ending.SILENCE, progress=())),))

    sim.advance("10s")

    assert len(sim.simulation.messages) == 11
    assert len(sim.simulation.agenda) == 1


def test_storm_goes_by_the_rules_where_its_mix_says_nothing(sim: Bench) -> None:
    """
    Answers and webhooks of a storm's messages are touched by rules like those of any other.
    """
    what = Storm(
        provider="pigeon", messages=5, arrivals=Constant(Rate(5, 1_000)), recipient="+9055", text="gust"
    )
    failing = Fate(ending=Ending.FAIL, after=ConstantDelay(10), code="HAWK", progress=())
    sim.load(
        rule("hawk", fate=failing),
        timeline=(TimelineItem(at_ms=0, storm=what, provider="pigeon"),),
    )

    sim.settle()

    assert {(m.rule, m.code, m.submission.text) for m in sim.simulation.messages.values()} == {
        ("hawk", "HAWK", "gust")
    }


# -- crowds -----------------------------------------------------------------------------------------


def acts(sim: Bench) -> list[tuple[int, str]]:
    """
    Return when who did something.
    """
    return [(e.at_ms, e.recipient) for e in sim.simulation.journal if e.kind is EntryKind.ACT]


def test_crowd_acts_at_its_rate(sim: Bench) -> None:
    """
    Each number of a prefix writes once, at its instant, and the integrator is told.
    """
    crowd(sim, 4, rate=Rate(2, 1_000))

    sim.settle()

    assert acts(sim) == [(1_000 + 500 * number, f"+9055000000{number}") for number in range(4)]
    assert [received.body.partition("|")[0] for received in sim.received] == ["HARK"] * 4


def test_crowd_without_a_rate_acts_at_once(sim: Bench) -> None:
    """
    Thousands of one instant are thousands of acts at that instant.
    """
    crowd(sim, 2_500)

    sim.settle()

    assert {at_ms for at_ms, _ in acts(sim)} == {1_000}
    assert len({who for _, who in acts(sim)}) == 2_500


def test_crowd_takes_its_time_as_drawn() -> None:
    """
    A delay spreads the acts, the same way for a seed.
    """
    told = []
    for _ in range(2):
        sim = Bench(seed=3)
        crowd(sim, 50, after=UniformDelay(0, 10_000))
        sim.settle()
        told.append(acts(sim))

    assert told[0] == told[1]
    assert all(1_000 <= at_ms <= 11_000 for at_ms, _ in told[0])
    assert len({at_ms for at_ms, _ in told[0]}) > 40


def test_one_recipient_may_act_many_times(sim: Bench) -> None:
    """
    With an address instead of a prefix the same recipient acts each time.
    """
    item = TimelineItem(
        at_ms=0, recipient="+90551", act=Act("writes", "hi"), provider="pigeon", count=3, rate=Rate(1, 1_000)
    )
    sim.load(timeline=(item,))

    sim.settle()

    assert acts(sim) == [(0, "+90551"), (1_000, "+90551"), (2_000, "+90551")]


def test_act_that_is_impossible_stops_nobody_else(sim: Bench) -> None:
    """
    Who cannot act is noted, and the next ones have their turn.
    """
    item = TimelineItem(at_ms=0, recipient="+9055*", act=Act("dances"), provider="pigeon", count=3)
    sim.load(timeline=(item,))

    sim.settle()

    notes = [line for line in sim.narrative() if "was not possible" in line]
    assert len(notes) == 3
    assert acts(sim) == []

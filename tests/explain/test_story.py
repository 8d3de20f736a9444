"""
Stories: who decided what, why others did not, and what was drawn.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from simulator.explain.draws import fate_draws, webhook_draws
from simulator.explain.story import explain, find_submission
from simulator.kernel.model.fates import Ending, Fate, Progress, plan
from simulator.kernel.model.faults import Contradict, Damage, DamageKind, Duplicate, Reorder, WebhookFaults
from simulator.kernel.model.message import Message, Refused, Rung
from simulator.kernel.model.rules import AnswerFault, Match, Throttle
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.units import (
    ConstantDelay,
    Rate,
    UniformDelay,
    format_duration,
    format_share,
    parse_duration,
)
from toys.bench import Bench, rule
from toys.pigeon import pigeon

PHONE = "+905550000001"
SOON = Fate(after=ConstantDelay(1_000), progress=())


def test_story_names_rule_line_misses_and_draws() -> None:
    """
    Each place tells which rule decided it, and why those before it did not; rules about others are left out.
    """
    sim = Bench()
    late = rule("late", when=Match(share_bp=9_000), fate=Fate(after=UniformDelay(1_000, 10_000)))
    sim.load(
        rule("rare", when=Match(share_bp=100), fate=Fate(ending=Ending.SILENCE)),
        rule("owls", when=Match(recipient=("+1*",)), webhooks=WebhookFaults(drop_share_bp=10_000)),
        replace(late, line=12),
        rule("never asked", fate=Fate(ending=Ending.EXPIRE)),
    )
    message = sim.submit(pigeon(to=PHONE))
    sim.settle()

    told = explain(sim.simulation, message).lines()

    draws = sim.simulation.chance.of(*message.key)
    rare, hit = draws.place_bp("rule.rare.share") / 100, draws.place_bp("rule.late.share") / 100
    after = format_duration(message.changed_ms - message.accepted_ms)
    assert told[:8] == [
        f"pigeon {PHONE} #1 is delivered (id {message.id})",
        "answer: accepted, as nothing stands against it",
        'fate: rule "late" (line 12)',
        f'  not rule "rare": share: expected 1%, got a draw of {rare:g}%',
        f"  share: 90%, hit by a draw of {hit:g}%",
        f"  deliver.after: {after} drawn from 1s..10s",
        "webhooks: as the provider sends them",
        '  not rule "owls": recipient: expected +1*, got +905550000001',
    ]
    assert told[-2].startswith("webhook wh_")
    assert told[-1].startswith(f"  attempt 1 at +00:00:0{message.changed_ms / 1000:.3f}: 200 after ")


@given(
    st.lists(st.integers(0, 5_000), max_size=3),
    st.integers(0, 9_000),
    st.sampled_from([Ending.DELIVER, Ending.FAIL, Ending.EXPIRE]),
    st.integers(0, 1_000_000),
)
def test_draws_that_are_told_are_those_that_were_made(
    stations: list[int], most: int, ending: Ending, seed: int
) -> None:
    """
    The delays in a story add up to the instants at which things happened.
    """
    fate = Fate(
        ending=ending,
        after=UniformDelay(0, most),
        progress=tuple(Progress(after=UniformDelay(0, station)) for station in stations),
    )
    sim = Bench(seed)
    key = MessageKey("pigeon", PHONE, 1)
    draws = sim.simulation.chance.of(*key)

    told = [parse_duration(line.split(": ")[1].split(" ")[0]) for line in fate_draws(fate, draws)]

    steps = plan(fate, key, draws, 0, 10**9)
    passed = [sum(told[: place + 1]) for place in range(len(stations))]
    assert [at_ms for at_ms, _ in steps] == [*passed, max([told[-1], *passed[-1:]])]


def test_draws_for_webhooks_are_those_that_were_made() -> None:
    """
    Delays, copies and late ones are told with the numbers that the webhooks have.
    """
    sim = Bench()
    faults = WebhookFaults(
        delay=UniformDelay(100, 9_000),
        reorder=Reorder(within_ms=5_000),
        duplicate=Duplicate(within=UniformDelay(0, 3_000), times=2),
        contradict=Contradict(share_bp=1, after=ConstantDelay(1)),
    )
    sim.load(rule("nervous", webhooks=faults))
    message = sim.submit(pigeon(to=PHONE))
    sim.settle()

    story = explain(sim.simulation, message)

    labels = {webhook.reports[0].label for webhook in story.webhooks}
    for label in labels:
        lines = list(webhook_draws(faults, sim.simulation.chance.of("webhook", *message.key, label)))
        delay, reorder, *copies = [parse_duration(line.split(": ")[1].split(" ")[0]) for line in lines]
        mine = [webhook for webhook in story.webhooks if webhook.reports[0].label == label]
        waits = sorted(webhook.due_ms - webhook.created_ms for webhook in mine)
        first = delay + reorder
        assert waits == [first, first + copies[0], first + copies[0] + copies[1]]
        assert [line for line in story.places[2].draws if line.startswith(f"[{label}]")] == [
            f"[{label}] {line}" for line in lines
        ]


def test_refusal_has_a_story_by_key_and_by_id() -> None:
    """
    What was refused alone is found by its id and by its key, and names rule and misses.
    """
    sim = Bench()
    sim.load(
        rule("shop", when=Match(sender="SHOP"), answer=AnswerFault(refuse="NO_PERCH")),
        rule("first", answer=AnswerFault(refuse="NO_PERCH")),
    )
    refused = sim.refused(pigeon(to=PHONE))

    found = find_submission(sim.simulation, f"pigeon/{PHONE}/1")

    assert found is refused
    assert found is find_submission(sim.simulation, refused.id)
    assert found is find_submission(sim.simulation, f"pigeon:{PHONE}:1")
    assert find_submission(sim.simulation, f"pigeon/{PHONE}/2") is None
    assert find_submission(sim.simulation, refused.id, "owl") is None
    assert explain(sim.simulation, refused).lines() == [
        f"pigeon {PHONE} #1 was refused with NO_PERCH (id {refused.id})",
        'answer: rule "first"',
        '  not rule "shop": sender: expected SHOP, got LOFT',
        f'+00:00:00.000 pigeon {PHONE} #1 refused [NO_PERCH] (rule "first")',
    ]


def test_call_that_was_refused_has_a_story_by_key() -> None:
    """
    A send in a call that was throttled has no id; its key leads to the rule.
    """
    sim = Bench()
    sim.load(rule("slow down", answer=AnswerFault(throttle=Throttle(Rate(1, 60_000), 1))))
    sim.submit(pigeon(to=PHONE))
    sim.call(pigeon(to=PHONE))

    found = find_submission(sim.simulation, f"pigeon/{PHONE}/2")

    assert found is not None
    assert explain(sim.simulation, found).lines()[:2] == [
        f"pigeon {PHONE} #2 was refused with FLOCK_FULL",
        'answer: rule "slow down"',
    ]


def test_rule_that_throttles_goes_before_what_circumstances_would_have_said() -> None:
    """
    A throttled send to a black-listed recipient was refused by the rule, and its story says so.
    """
    sim = Bench()
    sim.load(rule("slow down", answer=AnswerFault(throttle=Throttle(Rate(1, 60_000), 1))))
    sim.simulation.change_recipient(PHONE, {"blacklisted": True})
    sim.call(pigeon(to=PHONE))
    sim.call(pigeon(to=PHONE))

    told = [find_submission(sim.simulation, f"pigeon/{PHONE}/{number}") for number in (1, 2)]

    assert [(found.rung, found.rule) for found in told if isinstance(found, Refused)] == [
        (Rung.CIRCUMSTANCES, ""),
        (Rung.RULE, "slow down"),
    ]


def test_message_without_a_target_says_that_nothing_was_owed() -> None:
    """
    Who forgot to say where reports go hears of it in the story.
    """
    sim = Bench()
    sim.account.configure({"webhook": {"url": ""}})
    message = sim.submit(pigeon(to=PHONE))
    sim.settle()

    places = explain(sim.simulation, message).places

    assert [place.decided for place in places if place.name == "webhooks"] == [
        "none was owed: neither the call nor the account says where reports go, or there are none"
    ]


def test_early_report_is_told_as_what_it_is() -> None:
    """
    Nothing is said to be drawn that was not waited for, and the webhook is early on purpose.
    """
    sim = Bench()
    sim.load(rule("eager", fate=SOON, webhooks=WebhookFaults(early=True)))
    message = sim.call(pigeon(to=PHONE)).outcomes[0]
    assert isinstance(message, Message)
    sim.settle()

    story = explain(sim.simulation, message)

    assert [place.draws for place in story.places if place.name == "fate"] == [
        ("early: all of it at once, before the answer",)
    ]
    assert [webhook.intended for webhook in story.webhooks] == [("early",)]
    assert any('webhook early on purpose [DELIVERED] (rule "eager")' in line for line in story.lines())


def test_dropped_webhook_has_no_further_draws() -> None:
    """
    What would have been done to a webhook that was dropped is no part of its story.
    """
    faults = WebhookFaults(
        drop_share_bp=10_000, duplicate=Duplicate(within=ConstantDelay(5)), reorder=Reorder(within_ms=5)
    )
    sim = Bench()
    sim.load(rule("mute", fate=SOON, webhooks=faults))
    message = sim.submit(pigeon(to=PHONE))
    sim.settle()

    places = explain(sim.simulation, message).places

    assert [place.draws for place in places if place.name == "webhooks"] == [()]


def test_story_without_its_scenario_says_so() -> None:
    """
    When the scenario was replaced since, its rules are not weighed again: they might tell another story.
    """
    sim = Bench()
    sim.load(rule("gone", fate=Fate(ending=Ending.SILENCE)))
    message = sim.submit(pigeon(to=PHONE))
    sim.load()

    told = explain(sim.simulation, message).lines()

    assert told[1] == 'decided by: rule "gone"; the scenario of then is gone, so the rules are not told'


def test_moved_message_is_not_said_to_be_drawn() -> None:
    """
    What a command did was decided by nobody else.
    """
    from simulator.kernel.model.lifecycle import Move

    sim = Bench()
    sim.load(rule("hush", fate=Fate(ending=Ending.SILENCE)))
    message = sim.submit(pigeon(to=PHONE))
    sim.simulation.move(message, Move.DELIVER)

    places = explain(sim.simulation, message).places

    assert [(place.name, place.decided, place.missed, place.draws) for place in places[1:2]] == [
        ("fate", "control", (), ())
    ]


def test_refusals_that_are_kept_are_bounded() -> None:
    """
    Ten thousand refusals are kept for their stories; the oldest give way.
    """
    sim = Bench()
    sim.load(rule("no", answer=AnswerFault(refuse="NO_PERCH")))

    for _ in range(10_005):
        sim.call(pigeon(to=PHONE))

    assert len(sim.simulation.refusals) == 10_000
    assert find_submission(sim.simulation, f"pigeon/{PHONE}/5") is None
    assert find_submission(sim.simulation, f"pigeon/{PHONE}/6") is not None


def test_contradiction_tells_its_own_draws_and_no_others() -> None:
    """
    What contradicts goes out whole: no fault was drawn for it, and the story tells of none.
    """
    sim = Bench()
    faults = WebhookFaults(
        contradict=Contradict(share_bp=9_999, after=UniformDelay(1_000, 2_000)),
        damage=(Damage(kind=DamageKind.CORRUPT, share_bp=5_000),),
    )
    sim.load(rule("liar", fate=SOON, webhooks=faults))
    message = sim.submit(pigeon(to=PHONE))
    sim.settle()

    (place,) = [one for one in explain(sim.simulation, message).places if one.name == "webhooks"]

    draws = sim.simulation.chance.of(*message.key)
    about = sim.simulation.chance.of("webhook", *message.key, "DELIVERED")
    late_ms = [webhook.created_ms for webhook in sim.webhooks()][1] - message.changed_ms
    place_bp = about.place_bp("damage.corrupted")
    hit = "hit" if place_bp < 5_000 else "missed"
    assert place.draws == (
        f"[DELIVERED] corrupted: 50%, {hit} by a draw of {format_share(place_bp)}",
        f"contradict.share: 99.99%, hit by a draw of {format_share(draws.place_bp('contradict'))}",
        f"contradict.after: {format_duration(late_ms)} drawn from 1s..2s, from when its end was told",
    )


def test_draws_of_a_span_that_is_over_are_not_told() -> None:
    """
    A rule that does something to webhooks during a span draws nothing for those outside it.
    """
    sim = Bench()
    faults = WebhookFaults(delay=UniformDelay(0, 1_000), during=(0, 500))
    sim.load(rule("slow", fate=SOON, webhooks=faults))
    message = sim.submit(pigeon(to=PHONE))
    sim.settle()

    (place,) = [one for one in explain(sim.simulation, message).places if one.name == "webhooks"]

    assert place.draws == ()

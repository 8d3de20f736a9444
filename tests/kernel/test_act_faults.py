"""
Rules reach the webhooks of what recipients do, as they reach those of messages.
"""

from __future__ import annotations

import pytest

from simulator.explain.acts import explain_act
from simulator.explain.story import find_submission
from simulator.kernel.model.fates import Fate, Reply
from simulator.kernel.model.faults import Contradict, Damage, DamageKind, Duplicate, Reorder, WebhookFaults
from simulator.kernel.model.rules import Act, Match, TextMatch
from simulator.kernel.model.scenario import TimelineItem
from simulator.kernel.model.units import ConstantDelay
from simulator.kernel.webhooks.webhook import Report, Webhook
from toys.bench import LOFT, Bench, rule
from toys.pigeon import pigeon

PHONE, OTHER = "+905550000001", "+905550000002"
TWICE = WebhookFaults(duplicate=Duplicate(within=ConstantDelay(1_000)))
DROP = WebhookFaults(drop_share_bp=10_000)


def write(sim: Bench, text: str = "hi", phone: str = PHONE) -> None:
    """
    Let somebody write, and wait for all that comes of it.
    """
    sim.simulation.act("pigeon", phone, Act("writes", text, "loft-1"))
    sim.settle()


def notes(sim: Bench) -> list[int]:
    """
    Return when the integrator was told of something that a recipient did.
    """
    return [at_ms for at_ms, line in sim.told() if line.startswith("HARK")]


def test_inbound_message_comes_twice(sim: Bench) -> None:
    """
    A rule that duplicates webhooks duplicates what recipients write, and the journal names it.
    """
    sim.load(rule("twice", webhooks=TWICE))

    write(sim)

    assert notes(sim) == [0, 1_000]
    assert sim.narrative()[1:3] == [
        f"+00:00:00.000 pigeon {PHONE} writes 'hi' (rule \"twice\")",
        f'+00:00:00.000 pigeon {PHONE} webhook duplicated on purpose [HARK] (rule "twice")',
    ]


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        (DROP, []),
        (WebhookFaults(delay=ConstantDelay(3_600_000)), [3_600_000]),
        (WebhookFaults(during=(1, None), drop_share_bp=10_000), [0]),
        (WebhookFaults(early=True), [0]),
        (WebhookFaults(contradict=Contradict(after=ConstantDelay(1))), [0]),
    ],
)
def test_faults_that_acts_can_have(sim: Bench, faults: WebhookFaults, told: list[int]) -> None:
    """
    Loss and delay reach what recipients do; what is about answers and ends of messages has no effect.
    """
    sim.load(rule("fault", webhooks=faults))

    write(sim)

    assert notes(sim) == told


def test_damage_reaches_the_first_attempt(sim: Bench) -> None:
    """
    What a recipient wrote is spoilt as a report is, and the webhook says so.
    """
    damage = Damage(kind=DamageKind.CORRUPT)
    sim.load(rule("rain", webhooks=WebhookFaults(damage=(damage,))))

    write(sim)

    assert [webhook.damage for webhook in sim.webhooks()] == [(damage,)]


@pytest.mark.parametrize(
    ("when", "told"),
    [
        (Match(), 0),
        (Match(recipient=(PHONE,)), 0),
        (Match(recipient=(OTHER,)), 2),
        (Match(operation="inbound"), 0),
        (Match(operation="send"), 2),
        (Match(text=TextMatch(contains="stop")), 1),
        (Match(sender="loft-1"), 0),
        (Match(nth=None, credential="ring"), 2),
    ],
)
def test_conditions_on_acts(sim: Bench, when: Match, told: int) -> None:
    """
    Who wrote, what, to whom: conditions hold for acts; an operation of calls, or a credential, never does.
    """
    sim.load(rule("some", when=when, webhooks=DROP))

    write(sim)
    write(sim, "please stop")

    assert len(notes(sim)) == told


def test_each_act_is_drawn_for_itself(sim: Bench) -> None:
    """
    Half of somebody's messages are lost, not all of them or none.
    """
    sim.load(rule("half", webhooks=WebhookFaults(drop_share_bp=5_000)))

    for _ in range(40):
        write(sim)

    assert 10 < len(notes(sim)) < 30


def test_share_of_a_rule_is_drawn_for_each_act(sim: Bench) -> None:
    """
    The same for a rule that applies to a share of all.
    """
    sim.load(rule("half", when=Match(share_bp=5_000), webhooks=DROP))

    for _ in range(40):
        write(sim)

    assert 10 < len(notes(sim)) < 30


def test_faults_of_acts_do_not_depend_on_others(sim: Bench) -> None:
    """
    Who else writes, and when, changes nothing about what one recipient's webhooks suffer.
    """
    other = Bench()
    faults = WebhookFaults(drop_share_bp=5_000, reorder=Reorder(within_ms=10_000))
    for bench in (sim, other):
        bench.load(rule("half", webhooks=faults))
    for _ in range(10):
        write(other, phone=OTHER)

    def fate(bench: Bench) -> list[tuple[str, int]]:
        start_ms = bench.now_ms
        return [
            (webhook.state.value, webhook.due_ms - start_ms)
            for _ in range(10)
            for webhook in [_written(bench)]
        ]

    assert [state for state, _ in fate(sim)] == [state for state, _ in fate(other)]


def _written(sim: Bench) -> Webhook:
    write(sim)
    return [webhook for webhook in sim.webhooks() if webhook.recipient == PHONE][-1]


def test_reply_suffers_what_its_message_suffers(sim: Bench) -> None:
    """
    A rule that lets somebody reply and duplicates webhooks duplicates the reply, whatever it says.
    """
    fate = Fate(after=ConstantDelay(0), progress=(), replies=(Reply(text="ok", after=ConstantDelay(0)),))
    when = Match(text=TextMatch(contains="code"))
    sim.load(rule("both", when=when, fate=fate, webhooks=TWICE))

    sim.submit(pigeon(to=PHONE, text="your code"))
    sim.settle()

    assert notes(sim) == [0, 1_000]


def test_acts_of_the_timeline_are_reached(sim: Bench) -> None:
    """
    Rules apply to what the scenario lets recipients do.
    """
    item = TimelineItem(at_ms=1_000, recipient=PHONE, act=Act("writes", "STOP"), provider="pigeon")
    sim.load(rule("twice", webhooks=TWICE), timeline=(item,))

    sim.settle()

    assert notes(sim) == [1_000, 2_000]


def test_report_that_nothing_caused_is_reached(sim: Bench) -> None:
    """
    What a provider tells of its own accord is lost and doubled like everything else.
    """
    sim.load(rule("twice", webhooks=TWICE))
    note = Report(
        provider="pigeon",
        recipient="",
        label="HARK",
        target=LOFT,
        at_ms=0,
        payload=("id", "", "", ""),
    )

    sim.simulation.owe(note)
    sim.settle()

    assert notes(sim) == [0, 1_000]


def test_story_of_an_act(sim: Bench) -> None:
    """
    The story of a webhook that no message caused tells who did what, and which rules decided.
    """
    sim.load(
        rule("others", when=Match(recipient=(OTHER,)), webhooks=DROP),
        rule("twice", webhooks=TWICE),
    )
    write(sim)
    webhook = next(sim.webhooks())

    story = explain_act(sim.simulation, webhook.id)

    assert story is not None
    assert story.lines()[:4] == [
        f"+00:00:00.000 pigeon {PHONE} writes 'hi' (rule \"twice\")",
        'webhooks: rule "twice"',
        f'  not rule "others": recipient: expected {OTHER}, got {PHONE}',
        f'+00:00:00.000 pigeon {PHONE} webhook duplicated on purpose [HARK] (rule "twice")',
    ]
    assert explain_act(sim.simulation, f"pigeon/({PHONE} acts)/1") == story
    assert explain_act(sim.simulation, "pigeon/(nobody acts)/1") is None


def test_story_of_a_webhook_is_that_of_its_message(sim: Bench) -> None:
    """
    A webhook about a message leads to the message.
    """
    message = sim.submit(pigeon(to=PHONE))
    sim.settle()

    assert find_submission(sim.simulation, next(sim.webhooks()).id) is message

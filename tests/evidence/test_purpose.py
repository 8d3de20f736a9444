"""
What a scenario did to webhooks on purpose is seen as such, and not as a fault of the receiver.
"""

from __future__ import annotations

import re

import pytest

from evidence.loft import Loft
from simulator.evidence.html import html
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.faults import (
    FORGERIES,
    SPOILING,
    Contradict,
    Damage,
    DamageKind,
    Duplicate,
    WebhookFaults,
)
from simulator.kernel.model.units import ConstantDelay
from simulator.kernel.webhooks.webhook import Webhook
from toys.bench import rule
from toys.pigeon import pigeon

SOON = Fate(after=ConstantDelay(1_000), progress=())
TRUNCATED = WebhookFaults(damage=(Damage(kind=DamageKind.TRUNCATE),))


def once(webhook: Webhook) -> int:
    """
    Refuse the first attempt at every webhook.
    """
    return 200 if webhook.attempts else 400


def never(webhook: Webhook) -> int:
    """
    Refuse whatever comes.
    """
    return 400


def page(faults: WebhookFaults, *, refusing: bool = False) -> str:
    """
    Return the page about one delivered message whose webhooks suffered *faults*.
    """
    loft = Loft(rule("meant", fate=SOON, webhooks=faults))
    if refusing:
        loft.answers = once
    loft.send(pigeon(to="+905550000001"))
    loft.settle()
    return html(loft.result())


def marks(document: str) -> list[tuple[str, str]]:
    """
    Return the shapes about webhooks in lanes, with what they say.
    """
    lanes = "".join(re.findall(r'<svg class="lane".*?</svg>', document))
    return re.findall(r'<use href="#(\w+)"[^>]* y="31"><title>([^<]*)</title>', lanes)


# Pigeons sign nothing, so nothing of theirs can be signed wrongly.
@pytest.mark.parametrize("kind", [kind for kind in DamageKind if kind not in FORGERIES])
def test_damaged_attempt_that_fails_is_no_fault_of_the_receiver(kind: DamageKind) -> None:
    """
    Whatever the damage, the first attempt is framed and says so; the retry is a plain tick.

    What is broken is refused rightly, hence grey; slow and mislabelled bodies are whole.
    """
    document = page(WebhookFaults(damage=(Damage(kind=kind),)), refusing=True)

    first = f"DELIVERED ({kind.value} on purpose): attempt 1 1s, 400"
    found = marks(document)
    mark = "answer_lost" if kind in SPOILING else "no"
    assert found[:2] == [("damaged", first), (mark, first)]
    assert [(shape, told.partition(":")[0]) for shape, told in found[2:]] == [("ok", "DELIVERED")]


def test_failed_attempt_at_a_sound_webhook_stays_the_receivers() -> None:
    """
    Without a fault on purpose, the mark of a failed attempt is the one it always was.
    """
    found = marks(page(WebhookFaults(), refusing=True))

    assert found[0] == ("no", "DELIVERED: attempt 1 1s, 400")


def test_damaged_attempt_that_is_taken_is_framed() -> None:
    """
    A receiver that took what was broken on purpose has a tick in the frame.
    """
    told = "DELIVERED (truncated on purpose): attempt 1 1s, 200"

    assert marks(page(TRUNCATED)) == [("damaged", told), ("ok", told)]


def test_copies_contradictions_and_drops_have_shapes_of_their_own() -> None:
    """
    A copy and an untrue report are not plain ticks, whoever takes them.
    """
    copied = marks(page(WebhookFaults(duplicate=Duplicate(within=ConstantDelay(5_000)))))
    untrue = marks(page(WebhookFaults(contradict=Contradict(after=ConstantDelay(5_000)))))
    dropped = marks(page(WebhookFaults(drop_share_bp=10_000)))

    assert [shape for shape, _ in copied] == ["ok", "copy", "ok"]
    assert copied[1][1] == "DELIVERED (duplicate on purpose): attempt 1 6s, 200"
    assert [shape for shape, _ in untrue] == ["ok", "untrue", "ok"]
    assert "(a contradiction on purpose)" in untrue[1][1]
    assert dropped == [("gone", "DELIVERED: dropped on purpose")]


def test_delay_on_purpose_is_a_dashed_line_that_tells_how_long() -> None:
    """
    Only the way to the first attempt is dashed; a retry waits by the provider's schedule.
    """
    document = page(WebhookFaults(delay=ConstantDelay(90_000)), refusing=True)

    lines = re.findall(r'<line class="(w[^"]*)"[^>]*>(?:<title>([^<]*)</title>)?</line>', document)
    assert lines == [("w-late", "DELIVERED: delayed on purpose by 1m 30s"), ("w", "")]
    assert [told.partition(":")[0] for _, told in marks(document)] == [
        "DELIVERED (delayed on purpose)",
        "DELIVERED",
    ]


def test_every_shape_in_a_lane_is_in_the_legend() -> None:
    """
    Nobody has to guess what a frame or a mark means.
    """
    faults = WebhookFaults(
        delay=ConstantDelay(2_000),
        damage=(Damage(kind=DamageKind.TRUNCATE),),
        duplicate=Duplicate(within=ConstantDelay(5_000)),
        contradict=Contradict(after=ConstantDelay(5_000)),
    )

    document = page(faults, refusing=True)

    legend = dict(re.findall(r'<use href="#(\w+)" x="9" y="7"/></svg>([^<]*)<', document))
    assert {shape for shape, _ in marks(document)} == {"damaged", "answer_lost", "no", "ok", "copy", "untrue"}
    assert {shape for shape, _ in marks(document)} <= set(legend)
    assert [label for label in legend.values() if "on purpose" in label] == [
        "dropped on purpose",
        "sent damaged or slowly on purpose",
        "failed, but damaged on purpose",
        "copy on purpose",
        "contradiction on purpose",
        "delayed on purpose",
    ]


@pytest.mark.parametrize(
    ("faults", "answers", "title"),
    [
        (TRUNCATED, once, "Arrived, webhooks retried because they were damaged on purpose"),
        (WebhookFaults(), once, "Arrived, webhooks had to be retried"),
        (TRUNCATED, never, "Webhooks lost"),
    ],
)
def test_captions_of_groups_tell_purpose_from_fault(
    faults: WebhookFaults, answers: object, title: str
) -> None:
    """
    A retry after damage is nobody's fault; a sound attempt that failed is the receiver's.
    """
    loft = Loft(rule("meant", fate=SOON, webhooks=faults))
    loft.answers = answers  # type: ignore[assignment]
    loft.send(pigeon(to="+905550000001"))
    loft.settle()

    assert re.findall(r"<h3>(.*?) <small>", html(loft.result())) == [title]


def test_webhooks_that_were_only_sent_damaged_are_lost_on_purpose() -> None:
    """
    Without a retry there was nothing sound that the receiver could have taken.
    """
    loft = Loft(rule("meant", fate=SOON, webhooks=TRUNCATED))
    loft.space.configure("pigeon", {"webhook": {"retry": []}})
    loft.answers = never
    loft.send(pigeon(to="+905550000001"))
    loft.settle()

    titles = re.findall(r"<h3>(.*?) <small>", html(loft.result()))
    assert titles == ["Webhooks lost, only ever sent damaged on purpose"]


def test_overview_tells_attempts_damaged_on_purpose_from_failed_ones() -> None:
    """
    They have bars of their own, and the count says how many they are.
    """
    loft = Loft(rule("meant", fate=SOON, webhooks=TRUNCATED))
    loft.answers = once
    loft.send(*(pigeon(to=f"+90555000000{n}") for n in range(5)))
    loft.settle()

    document = html(loft.result())

    assert "<title>5 failed, damaged on purpose</title>" in document
    assert 'class="c-bad"' not in document
    assert "5 / 5<small>5 damaged on purpose</small>" in document


def test_story_tells_of_which_attempt_it_was_done() -> None:
    """
    The table of attempts names the damage at the first one only, and does not blame it.
    """
    rows = re.findall(r"<tr><td>[^<]*</td><td class=\"at\">.*?</tr>", page(TRUNCATED, refusing=True))

    said = [re.findall(r'<span class="(\w+)">([^<]*)</span>', row) for row in rows]
    assert said[-2:] == [[("soft", "✕ 400"), ("soft", "truncated on purpose")], [("pass", "✓ 200")]]

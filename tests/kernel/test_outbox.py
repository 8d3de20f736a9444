"""
Webhooks are owed once per report, retried as documented, and go wrong only when a rule says so.
"""

from __future__ import annotations

import pytest

from simulator.kernel.model.fates import Fate
from simulator.kernel.model.faults import Duplicate, Reorder, WebhookFaults
from simulator.kernel.model.message import Message
from simulator.kernel.model.rules import Act, Match
from simulator.kernel.model.units import ConstantDelay, Rate, UniformDelay
from simulator.kernel.store.facts import EntryKind
from simulator.kernel.webhooks.webhook import Report, WebhookState
from toys.bench import LOFT, Bench, Received, rule
from toys.pigeon import pigeon

PHONE = "+905550000001"
OTHER = "+905550000002"
SOON = Fate(after=ConstantDelay(1_000), progress=())
READ_TOO = Fate(after=ConstantDelay(1_000), progress=(), read=ConstantDelay(2_000))


def send(sim: Bench, to: str = PHONE, fate: Fate = SOON, faults: WebhookFaults | None = None) -> Message:
    """
    Submit one that arrives after a second, with these faults of its webhooks.
    """
    sim.load(rule("test", fate=fate, **({"webhooks": faults} if faults else {})))
    return sim.submit(pigeon(to=to))


def ready_at_once(sim: Bench) -> None:
    """
    Let everything of this instant happen, and send nothing.
    """
    while sim.simulation.next_due() == sim.now_ms:
        sim.simulation.fire(sim.now_ms)


def attempts(sim: Bench) -> list[tuple[int, int]]:
    """
    Return when each attempt was made and what it was answered.
    """
    return [(received.at_ms, received.status) for received in sim.received]


# -- plainly ------------------------------------------------------------------------------------


def test_report_is_sent_at_the_instant_of_the_change(sim: Bench) -> None:
    """
    One report, one webhook, one attempt, at the instant of the delivery.
    """
    message = send(sim)

    sim.settle()

    assert sim.received == [Received(1_000, f"DELIVERED|{message.id}|{PHONE}||1000\n", 200)]


def test_refused_webhook_is_tried_again_as_documented_and_then_lost(sim: Bench) -> None:
    """
    After one minute, then five; then it is given up, and the journal says so.
    """
    send(sim)
    sim.refuse_webhooks()

    sim.settle()

    webhook = next(sim.webhooks())
    assert attempts(sim) == [(1_000, 500), (61_000, 500), (361_000, 500)]
    assert [attempt.next_at_ms for attempt in webhook.attempts] == [61_000, 361_000, None]
    assert webhook.state == WebhookState.LOST
    assert sim.narrative()[-1] == (
        f"+00:06:01.000 pigeon {PHONE} #1 webhook is lost after 3 attempts [DELIVERED]"
    )


def test_retry_carries_the_same_bytes(sim: Bench) -> None:
    """
    What is tried again is what was tried before.
    """
    send(sim)
    sim.refuse_webhooks()

    sim.settle()

    assert len({received.body for received in sim.received}) == 1


def test_recovered_integrator_gets_the_retry(sim: Bench) -> None:
    """
    Once the integrator accepts, there are no more attempts.
    """
    send(sim)
    sim.refuse_webhooks(0)
    sim.advance("1m")
    sim.accept_webhooks()

    sim.settle()

    assert attempts(sim) == [(1_000, 0), (61_000, 200)]
    assert next(sim.webhooks()).state == WebhookState.ACKNOWLEDGED


def test_resent_webhook_is_one_of_its_own(sim: Bench) -> None:
    """
    Sending again on request makes a new webhook with the same body; the old one stays as it is.
    """
    send(sim)
    sim.settle()
    first = next(sim.webhooks())

    twin = sim.simulation.outbox.resend(sim.now_ms, first)
    sim.settle()

    assert sim.received[0].body == sim.received[1].body
    assert (first.state, twin.state, twin.intended) == (
        WebhookState.ACKNOWLEDGED,
        WebhookState.ACKNOWLEDGED,
        ("resent",),
    )
    assert (len(first.attempts), len(twin.attempts), first.id == twin.id) == (1, 1, False)


def test_note_of_a_recipient_is_owed_like_a_report(sim: Bench) -> None:
    """
    What a recipient writes reaches the integrator; two notes of one instant are two webhooks.
    """
    for text in ("STOP", "stop it"):
        sim.simulation.act("pigeon", PHONE, Act("writes", text=text, sender="LOFT"))

    sim.settle()

    assert sorted(received.body.split("|", 2)[2] for received in sim.received) == [
        f"{PHONE}|LOFT|STOP\n",
        f"{PHONE}|LOFT|stop it\n",
    ]


# -- with the answer ------------------------------------------------------------------------------


def test_report_waits_for_the_answer_to_its_call(sim: Bench) -> None:
    """
    Until the call that submitted a message is answered, its reports are parked.
    """
    sim.load(rule("at once", fate=Fate(after=ConstantDelay(0), progress=())))
    result = sim.simulation.submit([pigeon(to=PHONE)], unanswered=True)
    sim.settle()
    before = list(sim.received)

    sim.simulation.answered(result)
    sim.settle()

    assert (before, attempts(sim)) == ([], [(0, 200)])


def test_batch_waits_for_the_answers_to_all_its_calls(sim: Bench) -> None:
    """
    A webhook that tells of two calls goes when both are answered, not when the first is.
    """
    sim.account.configure({"webhook": {"batch": {"max": 10, "wait": 500}}})
    sim.load(rule("at once", fate=Fate(after=ConstantDelay(0), progress=())))
    answered = sim.simulation.submit([pigeon(to=PHONE)], unanswered=False)
    first = sim.simulation.submit([pigeon(to=PHONE)], unanswered=True)
    second = sim.simulation.submit([pigeon(to=OTHER)], unanswered=True)
    sim.settle()
    sent = [len(sim.received)]

    for result in (second, first):
        sim.simulation.answered(result)
        sim.settle()
        sent.append(len(sim.received))

    assert sent == [0, 0, 1]
    assert [line.split("|")[2] for line in sim.received[0].body.splitlines()] == [PHONE, PHONE, OTHER]
    assert answered.outcomes[0].key.ordinal == 1


def test_early_report_does_not_wait_for_the_answer(sim: Bench) -> None:
    """
    With `early` the message arrives at once and its report overtakes the answer.
    """
    sim.load(rule("eager", fate=SOON, webhooks=WebhookFaults(early=True)))

    result = sim.simulation.submit([pigeon(to=PHONE)], unanswered=True)
    sim.advance("0")

    assert (result.early, sim.told()) == (True, [(0, f"DELIVERED {PHONE}")])


def test_deleted_space_sends_nothing_more(sim: Bench) -> None:
    """
    Once cleared, nothing that was ready, held or parked is sent, whoever is answered or released.
    """
    sim.load(rule("at once", fate=Fate(after=ConstantDelay(0), progress=())))
    outbox = sim.simulation.outbox
    parked = sim.simulation.submit([pigeon(to=PHONE)], unanswered=True)
    sim.simulation.submit([pigeon(to=OTHER)])
    ready_at_once(sim)
    outbox.hold(0)
    sim.simulation.submit([pigeon(to=OTHER)])
    ready_at_once(sim)
    before = (len(outbox.ready), len(outbox.held_webhooks))

    outbox.clear()
    sim.simulation.answered(parked)
    outbox.release(0)

    assert before == (1, 1)
    assert (list(outbox.ready), outbox.held_webhooks, outbox.in_flight) == ([], [], 0)


# -- in batches -----------------------------------------------------------------------------------


def test_reports_of_a_while_share_a_webhook(sim: Bench) -> None:
    """
    Reports that fall due within the wait go out together, at its end, up to the limit.
    """
    sim.account.configure({"webhook": {"batch": {"max": 3, "wait": 500}}})
    sim.load(rule("soon", fate=SOON))
    for number in range(5):
        sim.submit(pigeon(to=f"+90555000000{number}"))

    sim.settle()

    assert [(r.at_ms, r.body.count("\n")) for r in sim.received] == [(1_500, 3), (1_500, 2)]


def test_report_never_joins_a_webhook_that_was_attempted(sim: Bench) -> None:
    """
    A refused batch is tried again with the same bytes; what came since has a webhook of its own.
    """
    sim.account.configure({"webhook": {"batch": {"max": 10, "wait": 500}}})
    sim.load(rule("soon", fate=SOON))
    sim.submit(pigeon(to=PHONE))
    sim.refuse_webhooks()
    sim.advance("2s")
    sim.submit(pigeon(to=OTHER))
    sim.accept_webhooks()

    sim.settle()

    assert [(r.at_ms, r.status, r.body.count("\n")) for r in sim.received] == [
        (1_500, 500, 1),
        (3_500, 200, 1),
        (61_500, 200, 1),
    ]


def test_report_never_joins_a_webhook_that_was_released(sim: Bench) -> None:
    """
    A batch that was held is closed; it goes out as it was.
    """
    sim.account.configure({"webhook": {"batch": {"max": 10, "wait": 500}}})
    sim.load(rule("soon", fate=SOON))
    sim.simulation.outbox.hold(0)
    sim.submit(pigeon(to=PHONE))
    sim.advance("2s")
    sim.submit(pigeon(to=PHONE))
    sim.advance("3s")
    sim.simulation.outbox.release(sim.now_ms, Rate(1, 10_000))
    sim.submit(pigeon(to=OTHER))

    sim.settle()

    assert [(r.at_ms, r.body.count("\n")) for r in sim.received] == [(5_000, 1), (6_500, 1), (15_000, 1)]


# -- on purpose -----------------------------------------------------------------------------------


def test_dropped_webhook_is_never_sent_and_says_why(sim: Bench) -> None:
    """
    A dropped webhook stays in the ledger, with the rule that dropped it in the journal.
    """
    message = send(sim, faults=WebhookFaults(drop_share_bp=10_000))

    sim.settle()

    assert sim.received == []
    assert [webhook.state for webhook in sim.webhooks()] == [WebhookState.DROPPED]
    assert sim.story(message.key)[2] == (
        f'+00:00:01.000 pigeon {PHONE} #1 webhook dropped on purpose [DELIVERED] (rule "test")'
    )


def test_delayed_webhook_comes_late(sim: Bench) -> None:
    """
    A delay counts from the change.
    """
    send(sim, faults=WebhookFaults(delay=ConstantDelay(9_000)))

    sim.settle()

    assert attempts(sim) == [(10_000, 200)]


def test_duplicate_follows_the_one_before(sim: Bench) -> None:
    """
    Each copy is a webhook of its own with the same body, within the delay of the one before.
    """
    faults = WebhookFaults(duplicate=Duplicate(within=ConstantDelay(2_000), times=2))
    send(sim, faults=faults)

    sim.settle()

    assert attempts(sim) == [(1_000, 200), (3_000, 200), (5_000, 200)]
    assert len({received.body for received in sim.received}) == 1
    assert [webhook.intended for webhook in sim.webhooks()] == [(), ("duplicate",), ("duplicate",)]


def test_reordered_webhook_is_overtaken(sim: Bench) -> None:
    """
    Reports pushed back at random do not come in the order of the changes, yet all of them come.
    """
    faults = WebhookFaults(reorder=Reorder(within_ms=60_000))
    sim.load(rule("test", fate=SOON, webhooks=faults))
    for _ in range(6):
        sim.submit(pigeon(to=PHONE))
        sim.advance("1s")

    sim.settle()

    ids = [received.body.split("|")[1] for received in sim.received]
    sent = [message.id for message in sim.simulation.messages.values()]
    assert sorted(ids) == sorted(sent)
    assert ids != sent
    assert all(1_000 <= webhook.due_ms - webhook.created_ms + 1_000 <= 61_000 for webhook in sim.webhooks())


def test_share_of_a_fault_hits_only_that_share(sim: Bench) -> None:
    """
    A share of 20 % duplicates about a fifth of many webhooks.
    """
    faults = WebhookFaults(duplicate=Duplicate(share_bp=2_000, within=UniformDelay(0, 1_000)))
    sim.load(rule("test", fate=SOON, webhooks=faults))
    for number in range(500):
        sim.submit(pigeon(to=f"+9055500{number:05}"))

    sim.settle()

    assert 550 < len(sim.received) < 650


def test_report_with_a_fault_stays_out_of_batches(sim: Bench) -> None:
    """
    A webhook delayed on purpose tells of one message only, whatever the batch size.
    """
    sim.account.configure({"webhook": {"batch": {"max": 10, "wait": 500}}})
    faults = WebhookFaults(delay=ConstantDelay(5_000))
    sim.load(
        rule("late", when=Match(recipient=(PHONE,)), webhooks=faults),
        rule("soon", fate=SOON),
    )
    for to in (PHONE, OTHER, PHONE, OTHER):
        sim.submit(pigeon(to=to))

    sim.settle()

    assert [(r.at_ms, r.body.count("\n")) for r in sim.received] == [(1_500, 2), (6_000, 1), (6_000, 1)]


# -- held and released ------------------------------------------------------------------------------


def test_held_webhooks_come_at_once_on_release(sim: Bench) -> None:
    """
    Nothing is sent while held; all of it at the instant of the release.
    """
    sim.simulation.outbox.hold(0)
    for _ in range(3):
        send(sim)
    sim.advance("1h")
    before = len(sim.received)

    freed = sim.simulation.outbox.release(sim.now_ms)
    sim.settle()

    assert (before, freed, attempts(sim)) == (0, 3, [(3_600_000, 200)] * 3)


def test_held_webhooks_come_at_the_rate_of_the_release(sim: Bench) -> None:
    """
    A rate spreads them evenly.
    """
    sim.simulation.outbox.hold(0)
    for _ in range(4):
        send(sim)
    sim.advance("1h")

    sim.simulation.outbox.release(sim.now_ms, Rate(2, 1_000))
    sim.settle()

    assert [at_ms - 3_600_000 for at_ms, _ in attempts(sim)] == [0, 500, 1_000, 1_500]


def test_holding_again_keeps_the_rest_of_a_slow_release(sim: Bench) -> None:
    """
    What a slow release had not let go yet is held once more, and nothing is lost or doubled.
    """
    sim.simulation.outbox.hold(0)
    for _ in range(4):
        send(sim)
    sim.advance("1h")
    sim.simulation.outbox.release(sim.now_ms, Rate(1, 1_000))
    sim.advance("1500ms")
    sim.simulation.outbox.hold(sim.now_ms)
    sim.advance("1h")
    sent = len(sim.received)

    sim.simulation.outbox.release(sim.now_ms)
    sim.settle()

    assert (sent, len(sim.received), len({r.body for r in sim.received})) == (2, 4, 4)


def test_hold_of_one_provider_leaves_the_others_alone(sim: Bench) -> None:
    """
    Holding another provider's webhooks does not touch the pigeons'.
    """
    sim.simulation.outbox.hold(0, "owl")

    send(sim)
    sim.settle()

    assert attempts(sim) == [(1_000, 200)]


def test_one_provider_is_released_from_a_hold_of_all(sim: Bench) -> None:
    """
    Releasing the pigeons alone lets theirs go, those to come as well, and keeps holding the others.
    """
    outbox = sim.simulation.outbox
    outbox.hold(0)
    send(sim)
    sim.advance("1m")

    freed = outbox.release(sim.now_ms, provider="pigeon")
    send(sim)
    sim.settle()

    assert (freed, attempts(sim)) == (1, [(60_000, 200), (61_000, 200)])
    assert (outbox.holds("pigeon"), outbox.holds("owl")) == (False, True)


def test_hold_and_release_are_in_the_journal(sim: Bench) -> None:
    """
    The journal says when webhooks were held back, and how many were released.
    """
    sim.simulation.outbox.hold(0, "pigeon")
    sim.simulation.outbox.release(0, None, "pigeon")

    assert sim.narrative() == [
        "+00:00:00.000 pigeon webhooks are held back",
        "+00:00:00.000 pigeon 0 held webhooks are released",
    ]


# -- spans and copies -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "dropped"),
    [((0, 1_000), []), ((0, 1_001), [OTHER]), ((1_000, None), [OTHER, PHONE]), ((1_001, 5_000), [PHONE])],
)
def test_span_is_about_when_something_is_told(
    sim: Bench, span: tuple[int, int | None], dropped: list[str]
) -> None:
    """
    A rule acts on what falls due in its span, whenever that was sent; the end is not part of it.
    """
    sim.advance("1h")
    faults = WebhookFaults(drop_share_bp=10_000, during=span)
    sim.load(
        rule("late", when=Match(recipient=(PHONE,)), fate=Fate(after=ConstantDelay(2_000), progress=())),
        rule("soon", fate=SOON),
        rule("gap", webhooks=faults),
    )
    sim.call(pigeon(to=PHONE), pigeon(to=OTHER))
    sim.settle()

    gone = [webhook.recipient for webhook in sim.webhooks() if webhook.state is WebhookState.DROPPED]
    assert sorted(gone) == sorted(dropped)


@pytest.mark.parametrize("reissue", [False, True])
def test_copy_is_the_same_or_made_again(sim: Bench, reissue: bool) -> None:
    """
    By default the same bytes come twice; a copy that is made again has ids of its own.
    """
    duplicate = Duplicate(within=ConstantDelay(2_000), reissue=reissue)
    sim.load(rule("twice", fate=SOON, webhooks=WebhookFaults(duplicate=duplicate)))
    sim.submit(pigeon(to=PHONE))
    sim.settle()

    first, second = (sim.account.render(webhook).body for webhook in sim.webhooks())
    assert (first != second) is reissue


# -- limits -------------------------------------------------------------------------------------------


def test_ledger_is_bounded(sim: Bench) -> None:
    """
    The oldest settled webhook gives way; one that is still owed is never forgotten.
    """
    sim.simulation.outbox.limit = 3
    sim.refuse_webhooks()
    owed = send(sim, to=OTHER)
    sim.advance("2s")
    sim.accept_webhooks()

    for _ in range(5):
        send(sim)
        sim.advance("2s")

    kept = [webhook.reports[0].key for webhook in sim.webhooks()]
    assert [(key.recipient, key.ordinal) for key in kept if key] == [
        (OTHER, owed.key.ordinal),
        (PHONE, 4),
        (PHONE, 5),
    ]
    assert [entry.kind for entry in sim.simulation.journal].count(EntryKind.ATTEMPT) == 6


def test_reports_of_one_instant_leave_in_the_order_in_which_things_happened(sim: Bench) -> None:
    """
    Of one message's reports at one instant the first owed goes first, whatever they are called.
    """
    message = sim.submit(pigeon(to=PHONE))
    for label in ("zero", "one", "two", "three"):
        report = Report(
            provider="pigeon",
            recipient=PHONE,
            label=label,
            target=LOFT,
            at_ms=0,
            key=message.key,
            payload=(message.id, PHONE, label, 0),
        )
        sim.simulation.owe(report)
    sim.simulation.fire(0)

    left = [webhook.reports[0].label for webhook in sim.simulation.outbox.ready]

    assert left == ["zero", "one", "two", "three"]

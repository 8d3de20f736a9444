"""
What accounts may do beyond what all must: note, keep, plan, hear, decide on retries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.faults import Contradict, WebhookFaults
from simulator.provider import (
    Attempt,
    ConstantDelay,
    Ending,
    Fate,
    Message,
    Move,
    Plan,
    Report,
    RetrySchedule,
    Submission,
    Webhook,
    WebhookPolicy,
    open_gateway,
)
from toys.bench import LOFT, Bench, rule
from toys.pigeon import PROVIDER, PigeonAccount, pigeon

PHONE = "+905550000001"


class Bookkeeper(PigeonAccount):
    """
    A pigeon account with everything that is optional.
    """

    repeats: bool | None = None

    def __init__(self, gateway: object) -> None:
        super().__init__(gateway)  # type: ignore[arg-type]
        self.noted_moves: list[Move | None] = []
        self.told_labels: list[str] = []
        self.heard_excerpts: list[str] = []
        self.answer: Sequence[Report] = ()

    @property
    def policy(self) -> WebhookPolicy:
        """Retries only where no connection was made, at most one."""
        return WebhookPolicy(
            retry=RetrySchedule((1_000, 1_000, 1_000)),
            repeats=lambda target, attempt: target == LOFT and attempt.status == 0 and attempt.number < 2,
        )

    def planned(self, message: Message) -> Plan:
        """Bring every bird in after ten seconds, and let it live for a minute."""
        return Plan(replace(message.fate, after=ConstantDelay(10_000)), message.accepted_ms + 60_000)

    def noted(self, message: Message, move: Move | None) -> None:
        """Keep the moves."""
        self.noted_moves.append(move)

    def told(self, report: Report) -> None:
        """Keep the labels."""
        self.told_labels.append(report.label)

    def heard(self, webhook: Webhook, attempt: Attempt) -> Sequence[Report]:
        """Keep what was answered; reply once."""
        self.heard_excerpts.append(f"{attempt.status} {attempt.error}".strip())
        answer, self.answer = self.answer, ()
        return answer


@pytest.fixture
def sim() -> Bench:
    """
    A bench whose account does everything that is optional.
    """
    bench = Bench()
    bench.simulation = Simulation(seed=7)
    bench.account = open_gateway(replace(PROVIDER, open=Bookkeeper), bench.simulation).account  # type: ignore[assignment]
    bench.account.configure({"webhook": {"url": LOFT}})
    return bench


def books(sim: Bench) -> Bookkeeper:
    """
    Return the account of a bench.
    """
    assert isinstance(sim.account, Bookkeeper)
    return sim.account


def test_note_is_taken_of_what_happened_and_of_nothing_else(sim: Bench) -> None:
    """
    A contradiction is told like a report, and noted by nobody.
    """
    liar = WebhookFaults(contradict=Contradict(after=ConstantDelay(5_000)))
    sim.load(rule("liar", webhooks=liar))

    sim.submit(pigeon(to=PHONE))
    sim.settle()

    assert books(sim).noted_moves == [None, Move.SEND, Move.DELIVER]
    assert books(sim).told_labels == ["DELIVERED", "FAILED"]


def test_plan_replaces_the_fate_before_its_steps_are_laid_out(sim: Bench) -> None:
    """
    The account has the last word on delays and validity; explaining and storing see its plan.
    """
    message = sim.submit(pigeon(to=PHONE))
    sim.settle()

    assert message.fate.after == ConstantDelay(10_000)
    assert (message.changed_ms, message.expires_ms) == (10_000, 60_000)


def test_plan_may_end_a_wait(sim: Bench) -> None:
    """
    The validity of the plan is the one that a waiting message has.
    """
    sim.recipient(PHONE).go_offline()

    message = sim.submit(pigeon(to=PHONE))
    sim.settle()

    assert message.changed_ms == 60_000


@pytest.mark.parametrize(("status", "attempts"), [(0, 2), (500, 1), (404, 1)])
def test_account_decides_by_the_attempt_whether_there_is_another(
    sim: Bench, status: int, attempts: int
) -> None:
    """
    No connection is tried once more; an answer is not, though it does not count as received.
    """
    sim.answers = lambda webhook: status

    sim.submit(pigeon(to=PHONE))
    sim.settle()

    (webhook,) = sim.webhooks()
    assert ([attempt.status for attempt in webhook.attempts], webhook.state.value) == (
        [status] * attempts,
        "lost",
    )


def test_answer_to_a_webhook_is_heard_and_may_be_answered(sim: Bench) -> None:
    """
    The account sees each attempt, and what it wants to say to it is owed.
    """
    books(sim).answer = [
        Report(provider="pigeon", recipient=PHONE, label="THANKS", target=LOFT, at_ms=10_000, payload=())
    ]

    sim.submit(pigeon(to=PHONE))
    sim.settle()

    assert books(sim).heard_excerpts == ["200", "200"]
    assert sorted(report.label for webhook in sim.webhooks() for report in webhook.reports) == [
        "DELIVERED",
        "THANKS",
    ]


def test_report_without_a_target_is_kept_and_not_sent(sim: Bench) -> None:
    """
    What goes nowhere can still be pulled.
    """
    books(sim).configure({"webhook": {"url": ""}})
    report = Report(provider="pigeon", recipient=PHONE, label="NEWS", target="", at_ms=0, payload=())

    sim.simulation.owe(report)
    sim.settle()

    assert (books(sim).told_labels, list(sim.webhooks())) == (["NEWS"], [])


def test_refused_submission_says_what_the_providers_checks_found(sim: Bench) -> None:
    """
    Inside a batch the reason of one refusal is data, beside its code.
    """
    refused = sim.refused(
        Submission(provider="pigeon", recipient=PHONE, refusal="NO_LOFT", refusal_why="expected a loft")
    )

    assert (refused.code, refused.why) == ("NO_LOFT", "expected a loft")


def test_fate_of_a_removed_message_goes_on(sim: Bench) -> None:
    """
    A message that its client deletes is found no more, and arrives all the same.
    """
    gateway = books(sim)._gateway
    message = sim.submit(pigeon(to=PHONE))
    sim.submit(pigeon(to=PHONE))

    gateway.remove(message)
    sim.settle()

    assert gateway.message(message.id) is None
    assert gateway.message_of(message.key) is None
    assert [found.key.ordinal for found in gateway.messages()] == [2]
    assert message.state.value == "delivered"


def test_cancel_of_a_client_is_told_as_its_own(sim: Bench) -> None:
    """
    What the client cancels is no control of the test.
    """
    gateway = books(sim)._gateway
    sim.load(rule("slow", fate=Fate(ending=Ending.DELIVER, after=ConstantDelay(5_000))))
    message = sim.submit(pigeon(to=PHONE))

    gateway.cancel(message)

    assert (
        sim.story(message.key)[-1]
        == f"+00:00:00.000 pigeon {PHONE} #1 revoked (canceled) (the client's own call)"
    )

"""
Calls that are answered first and worked off later.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from simulator.kernel.engine.call_result import CallResult, Later
from simulator.kernel.model.fates import Ending, Fate
from simulator.kernel.model.faults import WebhookFaults
from simulator.kernel.model.message import Message, Refused
from simulator.kernel.model.recipient import Directory, Trait, Window
from simulator.kernel.model.rules import AnswerFault, Drop, Match, Nth
from simulator.kernel.model.submission import Submission
from simulator.kernel.model.turns import at_once
from simulator.kernel.model.units import ConstantDelay
from simulator.kernel.webhooks.webhook import Report
from toys.bench import LOFT, Bench, rule
from toys.pigeon import pigeon

BIRD = "+905550000001"
NEVER = rule("never", fate=Fate(ending=Ending.SILENCE, after=ConstantDelay(0)))


def later(sim: Bench, *submissions: Submission, at_ms: int = 1_000, seen: list[object]) -> CallResult:
    """Submit for later; note what came of it in *seen*."""

    def prepare(waiting: Sequence[Submission]) -> Sequence[Submission]:
        seen.append(f"prepared at {sim.now_ms}")
        return waiting

    def done(outcomes: Sequence[Message | Refused]) -> Sequence[Report]:
        seen.extend(type(outcome).__name__ for outcome in outcomes)
        sent = [outcome.key for outcome in outcomes if isinstance(outcome, Message)]
        return [
            Report(
                provider="pigeon",
                recipient="",
                label="outcome",
                target=LOFT,
                at_ms=sim.now_ms,
                key=sent[0] if sent else None,
            )
        ]

    return at_once(sim.simulation.submitting_later(submissions, "pigeon", Later(at_ms, "", prepare, done)))


def test_work_begins_when_it_is_due(sim: Bench) -> None:
    """
    At the call nothing is accepted; at its instant everything is, and what was owed is owed.
    """
    seen: list[object] = []
    sim.load(NEVER)

    result = later(sim, pigeon(to=BIRD), pigeon(to=BIRD), seen=seen)
    sim.simulation.answered(result)
    before = len(sim.simulation.messages)
    sim.settle()

    assert (result.refusal, before) == (None, 0)
    assert seen == ["prepared at 1000", "Message", "Message"]
    assert [key.ordinal for key in sim.simulation.messages] == [1, 2]
    assert len(sim.received) == 1


def test_work_waits_for_the_answer(sim: Bench) -> None:
    """
    However late the answer is, nothing overtakes it.
    """
    seen: list[object] = []
    sim.load(NEVER)

    result = later(sim, pigeon(to=BIRD), seen=seen)
    sim.advance("1h")
    waited = list(seen)
    sim.simulation.answered(result)
    sim.settle()

    assert (waited, seen) == ([], ["prepared at 3600000", "Message"])


def test_recipients_are_judged_when_the_work_is_due(sim: Bench) -> None:
    """
    A change between answer and work counts.
    """
    seen: list[object] = []
    sim.load(NEVER)

    result = later(sim, pigeon(to=BIRD), seen=seen)
    sim.simulation.answered(result)
    sim.load(rule("refused", answer=AnswerFault(refuse="NOLOFT")))
    sim.settle()

    assert seen == ["prepared at 1000", "Refused"]


@pytest.mark.parametrize("drop", [Drop.BEFORE, Drop.AFTER])
def test_dropped_connection_decides_whether_there_is_work(sim: Bench, drop: Drop) -> None:
    """
    Cut off before the work there is none, after it there is.
    """
    seen: list[object] = []
    sim.load(rule("cut", answer=AnswerFault(drop=drop)), NEVER)

    result = later(sim, pigeon(to=BIRD), seen=seen)
    sim.simulation.answered(result)
    sim.settle()

    assert result.drop is drop
    assert bool(seen) is (drop is Drop.AFTER)


def test_report_about_a_message_suffers_its_faults(sim: Bench) -> None:
    """
    What a rule does to the webhooks of a message it does to the report on its call as well.
    """
    seen: list[object] = []
    sim.load(
        rule("lost", when=Match(nth=Nth(1, 1)), webhooks=WebhookFaults(drop_share_bp=10_000)),
        NEVER,
    )

    for _ in range(2):
        sim.simulation.answered(later(sim, pigeon(to=BIRD), at_ms=sim.now_ms + 1, seen=seen))
        sim.settle()

    assert [webhook.state.value for webhook in sim.webhooks()] == ["dropped", "acknowledged"]


def test_directory_knows_since_when_a_trait_holds() -> None:
    """
    The start of the window that holds counts, and a change wins over the scenario.
    """
    directory = Directory()
    directory.load({BIRD: {"follower": Trait((Window(True, 100, 200), Window(False, 150)))}}, 1_000)

    told = [directory.since(BIRD, "follower", at_ms) for at_ms in (0, 1_100, 1_150)]
    directory.change(BIRD, {"follower": True}, 1_300)

    assert told == [None, 1_100, 1_150]
    assert directory.since(BIRD, "follower", 1_400) == 1_300
    assert directory.since(BIRD, "session", 1_400) is None

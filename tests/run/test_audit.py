"""
The truth audit: whom it blames, whom it excuses, and that it says what it did not look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web

from harness import receiving, serving
from run.bench import carry_out
from run.mutants.integrator import Integrator
from run.mutants.registry import mutant
from simulator.evidence.result import Check
from simulator.provider import discover
from simulator.run.audit import Audit
from simulator.run.stories import Stories
from simulator.runtime.guard import Guard
from simulator.runtime.transport.client import open_client
from simulator.scenario.goals import Ask
from simulator.scenario.loader import load_run

HALF_FAIL = """
rules:
  - when: {recipient: ["+41790000000", "+41790000001"]}
    then: {fate: {fail: {reason: absent, after: 1s}}}
"""


async def audited(
    text: str,
    integrator: Integrator | None = None,
    means: Mapping[str, tuple[str, ...]] | None = None,
    **more: Any,
) -> Check:
    """Run a scenario with an integrator and return what the audit found."""
    scenario = load_run(text, "test.yaml", discover())
    if means is not None:
        more["means"] = means
    result = await carry_out(scenario, integrator or Integrator(), **{"count": 4, **more})
    return next(check for check in result.checks if check.name.startswith("integrator"))


@pytest.mark.parametrize(
    "kept",
    [
        "rules: [{then: {webhooks: {drop: true}}}]",
        "timeline: [{at: 0s, webhooks: hold}]",
    ],
)
async def test_report_that_never_came_is_nobodys_fault(kept: str) -> None:
    """
    What the scenario dropped or still holds back, the integrator cannot know.
    """
    check = await audited(kept)

    assert (check.passed, check.detail) == (
        True,
        "the integrator is right about 4 of 4 messages",
    )


async def test_report_that_came_another_way_is_to_be_believed() -> None:
    """
    A contradiction does not excuse who believes it, nor does a lost copy: the truth was told.
    """
    check = await audited("rules: [{then: {webhooks: {contradict: 100%}}}]", mutant("late report overwrites"))

    assert (check.passed, check.detail) == (False, "the integrator is right about 0 of 4 messages")


async def test_id_in_an_answer_that_was_cut_off_is_nobodys_fault() -> None:
    """
    BiP mints the ids; who never got the answer cannot be asked by them, and sends again.
    """
    text = """
providers: {bip: {session: {required: false}}}
rules: [{when: {nth: 1}, then: {answer: {drop: after}}}]
"""
    check = await audited(text, Integrator(channel="bip"), recipient="90532")

    assert (check.passed, check.detail) == (
        True,
        "the integrator is right about 4 of 4 messages; excused, for it was told nothing that would tell: 4",
    )


async def test_what_has_no_meaning_is_counted() -> None:
    """
    Messages in states that `means` does not name are not asked about, and that is said.
    """
    check = await audited(HALF_FAIL, means={"delivered": ("DELIVERED",)})

    assert (check.passed, check.detail) == (
        True,
        "the integrator is right about 2 of 2 messages; "
        "not asked about, for means: has no word for them: 2 failed",
    )


async def test_audit_that_asks_about_nothing_has_failed() -> None:
    """
    An audit whose words fit no message finds nothing out, so it is no success.
    """
    check = await audited(HALF_FAIL, means={"expired": ("EXPIRED",)})

    assert (check.passed, check.detail) == (
        False,
        "the integrator is right about 0 of 0 messages; "
        "not asked about, for means: has no word for them: 2 delivered, 2 failed",
    )


async def test_part_of_a_webhook_that_was_not_heard_is_named() -> None:
    """
    Who hears the first of many reports alone is told so: every other message stood behind it.
    """
    text = """
providers: {infobip: {webhook: {batch: {max: 100, wait: 5s}}}}
rules: [{then: {fate: {deliver: {after: 1s}}}}]
"""
    check = await audited(text, mutant("first result alone"), arrivals=None)

    assert check.lines[0] == "3 × state is PENDING, told delivered: all told behind others in one webhook"


async def test_limit_and_a_dead_integrator_are_told_in_words() -> None:
    """
    Who does not answer is named with the reason, and messages beyond the limit are counted.
    """
    ask = Ask(
        method="GET",
        url="http://127.0.0.1:9/{id}",
        field="state",
        means={"delivered": ("DELIVERED",)},
        limit=2,
        within_real_ms=0,
    )

    async with serving() as bench, open_client(Guard(())) as client:
        for number in range(3):
            await bench.send(f"4179000000{number}")
        await bench.space.driver.advance(None)
        simulation = bench.space.simulation
        audit = Audit(ask, simulation, client, discover(), Stories(simulation))
        check = audit.check(await audit.find(bench.space.driver.dispatcher.wait_idle))

    assert check.detail == "the integrator is right about 0 of 2 messages; beyond the limit: 1"
    assert all("ConnectionKey" not in line for line in check.lines)
    assert "fails: nobody listens at 127.0.0.1:9" in check.lines[0]


async def test_what_is_sent_while_it_is_asked_is_asked_about_too() -> None:
    """
    Software that was waited for may have sent something more meanwhile: that has its end, and its question.
    """
    questions: list[str] = []

    async with receiving() as receiver, serving() as bench, open_client(Guard(())) as client:

        async def answer(request: web.Request) -> web.Response:
            questions.append(request.path)
            if len(questions) == 2:
                await bench.send("41790000001")
            return web.json_response({"state": "DELIVERED" if len(questions) > 1 else "PENDING"})

        async def meanwhile() -> None:
            await bench.space.driver.advance(None)

        receiver.answer = answer
        await bench.send("41790000000")
        await meanwhile()
        simulation = bench.space.simulation
        means = {"delivered": ("DELIVERED",)}
        ask = Ask(method="GET", url=receiver.url, field="state", means=means, within_real_ms=20_000)
        finding = await Audit(ask, simulation, client, discover(), Stories(simulation)).find(meanwhile)

    assert (finding.own, finding.judged, len(finding.wrong)) == (2, 2, 0)

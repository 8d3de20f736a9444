"""
What a run may be expected to show beyond states, and runs that tested nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from run.mutants.integrator import Integrator
from run.mutants.ledger import Told
from run.mutants.policy import Policy
from run.mutants.reading import read
from run.mutants.registry import mutant
from run.mutants.stage import Play, calls, perform, sends
from simulator.evidence.result import Load, RunResult, Scorecard
from simulator.provider import discover
from simulator.run.checks import checks
from simulator.run.software import Software, SoftwareEnded
from simulator.scenario.goals import Expectations, WebhookGoals
from simulator.scenario.loader import load_run
from toys.bench import Bench

_LONG = "Your order is on its way to you, and will be there at noon. " * 4


async def ran(text: str, play: Play, integrator: Integrator | None = None) -> RunResult:
    """
    Carry out a scenario with an integrator, the right one if none is given.
    """
    plan = load_run(text, "test.yaml", discover())
    return await perform(plan, play, integrator or Integrator(**play.integrator))


def marks(result: RunResult) -> dict[str, str]:
    """
    Return how each expectation was marked, by its name.
    """
    return {check.name: check.mark for check in result.checks}


_FIELDS = """
providers: {infobip: {price_per_message: 0.05}}
expect:
  integrator:
    ask: "GET http://127.0.0.1:9000/messages/{id}"
    within: 200ms
    fields: {parts: "{parts}", price: "{price}", done_at: "{ended}", sends: "{sends}", provider: "{provider}"}
"""


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("", ""), ("parts by length", "parts should be 3, but is 2"), ("local time", "done_at should be 20")],
)
async def test_fields_are_compared_with_the_truth(name: str, wrong: str) -> None:
    """
    Parts, price, the final time and the count of calls are the provider's own; one that is off is named.
    """
    plan = load_run(_FIELDS, "test.yaml", discover())
    (ask,) = plan.expect.integrator
    text = "x" * 307 if name == "parts by length" else _LONG
    play = Play(drive=(sends(text=text),), audits=(replace(ask, url="/messages/{id}"),))

    result = await perform(plan, play, mutant(name) if name else Integrator())

    (check,) = (check for check in result.checks if check.name.startswith("integrator"))
    assert check.passed == (not name)
    assert wrong in "\n".join(check.lines)


_HALF_FAIL = """
providers: {{bip: {{session: {{required: false}}}}}}
rules:
  - {{when: {{provider: infobip, share: 50%}}, then: {{fate: {{fail: {{status: REJECTED_NETWORK}}}}}}}}
  - {{when: {{provider: bitel, share: 50%}}, then: {{fate: {{fail: {{status: BLACKLIST}}}}}}}}
  - {{when: {{provider: rbm, share: 50%}}, then: {{fate: expire}}}}
  - {{when: {{share: 50%}}, then: {{fate: {{deliver: {{read: {{after: 1s}}}}}}}}}}
expect:
  integrator:
    ask: "GET http://127.0.0.1:9000/messages/{{id}}"
    within: 200ms
    provider: {provider}
    fields: {fields}
"""
_TOLD = {
    "infobip": ("+4179", {"code": "{code}", "price": "{price}", "parts": "{parts}"}),
    "rbm": ("+4179", {"code": "{code}"}),
    "bip": ("+90532", {"code": "{code}"}),
    "bitel": ("+98912", {"code": "{code}", "price": "{price}", "parts": "{parts}"}),
}


@pytest.mark.parametrize(
    ("provider", "field"), [(name, field) for name, (_, fields) in _TOLD.items() for field in ("", *fields)]
)
async def test_every_provider_tells_its_own_figures(provider: str, field: str) -> None:
    """
    What each provider's reports tell beside the state is the truth; who keeps it otherwise is caught.
    """
    recipient, fields = _TOLD[provider]
    plan = load_run(_HALF_FAIL.format(provider=provider, fields=json.dumps(fields)), "test.yaml", discover())
    (ask,) = plan.expect.integrator
    more = {"ttl": "600s"} if provider == "rbm" else {}
    play = Play(
        drive=(sends(12, recipient=recipient, channel=provider, **more),),
        audits=(replace(ask, url="/messages/{id}"),),
    )
    off: dict[str, Any] = {"code": "?", "price": 9.5, "parts": 9}

    def read_wrong(channel: str, raw: bytes) -> list[Told]:
        return [each._replace(**{field: off[field]}) for each in read(channel, raw)]

    integrator = Integrator(policy=replace(Policy(), read=read_wrong)) if field else Integrator()
    result = await perform(plan, play, integrator)

    (check,) = (check for check in result.checks if check.name.startswith("integrator"))
    assert (check.passed, check.judged) == (not field, True), check.lines
    assert not field or f"{field} should be" in "\n".join(check.lines)


@pytest.mark.parametrize(
    ("name", "why"),
    [("202", "8 × 202, which is no acknowledgement at rbm"), ("signature over the envelope", "8 × 403")],
)
async def test_share_that_was_not_acknowledged_says_what_came_instead(name: str, why: str) -> None:
    """
    A receiver that works, and yet acknowledges nothing, is told in the same line what it answers.
    """
    text = """
providers: {rbm: {webhook: {retry: [1s]}}}
expect: {webhooks: {acknowledged: 100%}}
"""
    result = await ran(text, Play(drive=(sends(4, channel="rbm"),), means={}), mutant(name))

    (check,) = (check for check in result.checks if check.name.startswith("webhooks"))
    assert check.detail == f"0%: 0 of 4 webhooks were acknowledged; attempts at the others: {why}"


_FALLBACK = """
rules:
  - when: {provider: rbm, recipient: "+4178*"}
    then: {fate: expire}
expect:
  sends: {relations: [{when: {provider: rbm, state: [expired, refused]}, sends: infobip}]}
"""


@pytest.mark.parametrize(("name", "met"), [("", True), ("no fallback", False), ("two SMS", False)])
async def test_sms_goes_out_if_and_only_if_rbm_expired(name: str, met: bool) -> None:
    """
    A relation holds both ways: one too few is as wrong as one too many.
    """
    drive = (sends(2, recipient="+4178", channel="rbm", ttl="600s"), sends(2, channel="rbm", ttl="600s"))
    policies = {"no fallback": "no SMS", "two SMS": "two SMS"}
    integrator = mutant(policies[name]) if name else Integrator()

    result = await ran(_FALLBACK, Play(drive=drive, means={}), integrator)

    mark = marks(result)["sends.relations: infobip if rbm is expired or refused"]
    assert mark == ("✓" if met else "✗")


async def test_fields_that_a_provider_does_not_tell_are_not_judged() -> None:
    """
    An audit of prices alone finds nothing out about messages of a provider that tells none.
    """
    text = """
expect: {integrator: {ask: "GET http://127.0.0.1:9000/messages/{id}", fields: {price: "{price}"}}}
"""
    (ask,) = load_run(text, "test.yaml", discover()).expect.integrator
    play = Play(
        drive=(sends(2, channel="rbm"),), audits=(replace(ask, url="/messages/{id}", within_real_ms=200),)
    )

    result = await ran(text, play)

    assert not result.passed
    assert marks(result)["integrator: price"] == "–"


@pytest.mark.parametrize(
    "goals", ["messages: {at_least: 0}", "webhooks: {at_most: 5}", "webhooks: {at_least: 0, lost: 0}"]
)
async def test_nothing_is_no_success(goals: str) -> None:
    """
    What nothing at all meets is not judged, and a run in which nothing is judged has failed.
    """
    result = await ran(
        f"timeline: [{{at: 1s, webhooks: hold}}]\nexpect: {{{goals}}}",
        Play(drive=(calls("/restart", 0),), means={}),
    )

    assert not result.passed
    assert {mark for name, mark in marks(result).items() if name.startswith(goals[:8])} == {"–"}


async def test_rule_that_never_applied_is_a_dash() -> None:
    """
    A rule that nothing met and a recipient whom nobody wrote to get no tick, and the reason.
    """
    text = """
recipients: {"+4170*": {reachable: false}}
rules:
  - {name: elsewhere, when: {recipient: "+4171*"}, then: {fate: silence}}
  - {name: everybody, then: {fate: {deliver: {after: 1s}}}}
"""

    result = await ran(text, Play(drive=(sends(),)))

    assert result.passed
    assert marks(result)['rule "elsewhere" applies'] == "–"
    assert marks(result)["recipient +4170* is addressed"] == "–"


async def test_run_that_met_nothing_of_its_file_has_failed() -> None:
    """
    Where no rule applied and no recipient was addressed, the run tested nothing.
    """
    text = 'rules: [{when: {recipient: "+4171*"}, then: {fate: silence}}]'

    result = await ran(text, Play(drive=(sends(),)))

    assert marks(result)["scenario: something of it happens"] == "✗"


async def test_calls_that_the_provider_finds_wrong_are_the_integrators_fault() -> None:
    """
    Nothing accepted, every call wrong: the run fails by both names, and shares of nothing are dashes.
    """
    text = "expect: {messages: {final: 100%}, webhooks: {acknowledged: 100%, lost: 0}}"

    result = await ran(text, Play(drive=(sends(channel="bitel"),), means={}))

    assert marks(result) == {
        "messages.final: 100%": "–",
        "webhooks.acknowledged: 100%": "–",
        "webhooks.lost: 0": "–",
        "drive: every call succeeds": "✓",
        "sends.invalid: 0": "✗",
        "drive: something is accepted": "✗",
    }


def test_limit_that_the_simulator_was_too_slow_for_is_not_judged() -> None:
    """
    What its own loop was late with is told, with the rate it achieved, and held against nobody.
    """
    goals = WebhookGoals(latency_ms={"p99": 250}, since_due_ms={"p99": 1_000})
    slow = Scorecard(
        attempts=9_000,
        measured=9_000,
        latency_p50_us=8_000,
        latency_p99_us=265_400,
        since_due_p99_us=3_500_000,
        load=Load(lag_p99_us=9_000, behind_max_ms=2_000, attempts_per_s_max=2_200, saturated=True, places=32),
    )

    found = checks(Expectations(webhooks=goals), Bench().simulation, slow)

    assert [check.mark for check in found] == ["–", "–"]
    assert found[0].detail == (
        "p99 was 265.4 ms over 9000 attempts; not judged: the simulator was the bottleneck, "
        "its loop was 9.0 ms late, at 2200 attempts/s"
    )


def test_receiver_that_is_too_slow_is_judged_all_the_same() -> None:
    """
    A busy simulator is no excuse for a receiver whose places were full.
    """
    goals = WebhookGoals(latency_ms={"p99": 250}, since_due_ms={"p99": 1_000})
    slow = Scorecard(
        attempts=900,
        measured=900,
        latency_p50_us=300_000,
        latency_p99_us=320_000,
        since_due_p99_us=6_000_000,
        load=Load(lag_p99_us=2_000, behind_max_ms=10, attempts_per_s_max=105, saturated=True, places=32),
    )

    found = checks(Expectations(webhooks=goals), Bench().simulation, slow)

    assert [check.mark for check in found] == ["✗", "✗"]


async def test_restart_on_the_timeline_finds_what_was_in_memory() -> None:
    """
    The call of `software: restart` is no send; what is lost by it, the audit finds.
    """
    plan = load_run("rules: [{then: {fate: {deliver: {after: 1h}}}}]", "test.yaml", discover())
    integrator = mutant("messages in memory")
    play = Play(drive=(sends(),), restart_at_ms=60_000)

    result = await perform(plan, play, integrator)

    assert integrator.stats["restarts"] == 1
    assert marks(result)["integrator: state"] == "✗"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
async def test_software_is_begun_restarted_and_ended(tmp_path: Path) -> None:
    """
    The command gets the simulator's URL, and each restart is a process of its own.
    """
    told = tmp_path / "told"
    os.mkfifo(told)
    script = tmp_path / "software.py"
    script.write_text(
        "import os, signal\n"
        f"with open({str(told)!r}, 'w') as file:\n"
        "    file.write(f'{os.getpid()} {os.environ[\"SIMULATOR_URL\"]}')\n"
        "signal.pause()\n"
    )
    software = Software(f"{sys.executable} {script}", "http://127.0.0.1:1")

    await software.start()
    first = (await asyncio.to_thread(told.read_text)).split()
    await software.restart()
    second = (await asyncio.to_thread(told.read_text)).split()
    await software.stop()

    assert (first[1], second[1]) == ("http://127.0.0.1:1", "http://127.0.0.1:1")
    assert first[0] != second[0]


async def test_software_that_is_not_there_is_told() -> None:
    """
    A command that does not exist is named, and so is what went wrong.
    """
    with pytest.raises(SoftwareEnded, match="no-such-program --port 9 cannot be started"):
        await Software("no-such-program --port 9", "http://127.0.0.1:1").start()

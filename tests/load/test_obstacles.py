"""
What counts over all recipients is named, with where it is, before anything is shared.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator.cli import main
from simulator.load.obstacles import addressed_once, obstacles
from simulator.provider import discover
from simulator.scenario.loader import load_run

STORM = "timeline:\n  - {at: 0s, provider: infobip, storm: {messages: 9, rate: 3/s}}\n"


BITEL_BALANCE = "providers: {bitel: {balance: {amount: 5, code: 9, http: 400}}}\n"
BUSY = "rules: [{name: busy, then: {answer: {throttle: {rate: 5/s, burst: 5}}}}]\n"
ONE_PLACE = "providers: {infobip: {webhook: {in_flight: 1}}}\n"
FOLLOWERS = "providers: {bip: {quotas: {all_followers: {day: 2}}}}\n"
POORER = "  - {at: 9s, providers: {infobip: {balance: 1}}}\n"
ASKED = "expect: {integrator: {ask: 'GET http://127.0.0.1:9/{id}', field: s, means: {delivered: D}}}\n"


def _obstacles(text: str, workers: int = 2) -> list[str]:
    return obstacles(load_run(text, "x.yaml", discover()), discover(), workers)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (STORM, ""),
        (BUSY + STORM, 'rule "busy" (line 1): throttle'),
        ("providers: {infobip: {balance: 5}}\n" + STORM, "providers.infobip.balance"),
        (BITEL_BALANCE + STORM, "providers.bitel.balance"),
        (FOLLOWERS + STORM, "providers.bip.quotas.all_followers"),
        ("providers: {bip: {quotas: {filtered: {day: 2}}}}\n" + STORM, ""),
        ("providers: {infobip: {webhook: {batch: {max: 5}}}}\n" + STORM, "providers.infobip.webhook.batch"),
        (ONE_PLACE + STORM, "providers.infobip.webhook.in_flight: 1 places"),
        (STORM.replace("infobip", "rbm"), "providers.rbm.webhook.pause_on_failure"),
        ("providers: {rbm: {webhook: {pause_on_failure: 0s}}}\n" + STORM.replace("infobip", "rbm"), ""),
        (STORM + "  - {at: 9s, webhooks: {release: {rate: 5/s}}}\n", "timeline[1]: release"),
        (STORM + "  - {at: 9s, webhooks: release}\n", ""),
        (STORM + POORER, "timeline[1].providers.infobip.balance"),
        ("clock: {mode: autojump}\n" + STORM, "clock: autojump"),
        ("drive: [{call: 'POST http://127.0.0.1:9/send'}]\n" + STORM, "drive:"),
        ("rules: [{then: {fate: silence}}]\n", "timeline: there is no storm"),
        (STORM + "expect: {sends: {duplicated: 0}}\n", "expect.sends"),
        (STORM + ASKED, "expect.integrator: s"),
    ],
)  # fmt: skip
def test_what_cannot_be_shared_is_named(text: str, expected: str) -> None:
    """
    One obstacle, where it is and why; none for what each shard can count by itself.
    """
    found = _obstacles(text)

    assert len(found) == bool(expected), found
    assert all(line.startswith(expected) for line in found)


def test_one_worker_shares_nothing_with_nobody() -> None:
    """
    What counts over all recipients is counted rightly by a worker that has them all.
    """
    text = "providers: {infobip: {balance: 5}}\n" + STORM

    assert _obstacles(text, 1) == []


def test_recipients_of_two_items_keep_their_ordinals() -> None:
    """
    How often somebody was written to may be forgotten only where nobody is written to again.
    """
    again = STORM + "  - {at: 5s, provider: infobip, storm: {messages: 9, rate: 3/s}}\n"

    assert addressed_once(load_run(STORM, "x.yaml", discover()).scenario)
    assert not addressed_once(load_run(again, "x.yaml", discover()).scenario)


def test_check_and_run_refuse_with_the_same_words(tmp_path: Path) -> None:
    """
    A run refuses rather than lie, and `check` says it beforehand.
    """
    file = tmp_path / "storm.yaml"
    file.write_text("providers: {infobip: {balance: 5}}\n" + STORM)

    checked = CliRunner().invoke(main, ["check", "--workers", "2", str(file)])
    run = CliRunner().invoke(main, ["run", "--workers", "2", str(file)])
    alone = CliRunner().invoke(main, ["check", str(file)])

    why = "cannot be shared among 2 workers: providers.infobip.balance: messages to all recipients use it up"
    assert (checked.exit_code, run.exit_code, alone.exit_code) == (2, 2, 0)
    assert checked.stderr == run.stderr == f"{file}: {why}\n"

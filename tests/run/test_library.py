"""
Each shipped file: a correct integrator passes, and the one that the file is about does not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from run.bench import failed, shipped
from run.mutants.registry import MUTANTS
from run.mutants.stage import BRIEF, STATES, Play, blames, calls, carry_out, idle, sends
from simulator.commands.files import library
from simulator.kernel.model.lifecycle import TERMINAL
from simulator.kernel.model.scenario import ClockMode, ClockSpec
from simulator.kernel.model.units import Rate
from simulator.scenario.goals import RunFile

_DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
_SEEDS = range(1, 11) if _DEEP else range(1, 4)
_MINUTE = 60_000
_LIVE = ClockSpec(mode=ClockMode.LIVE, rate=200)
# Waits inside the call, for today's run does not stay for tries that come after it.
_PATIENT = {"speed": 200, "tries_inside": 100}
_RACES = ("210", "220", "230", "240")


@dataclass(frozen=True)
class Case:
    """
    A drive that hits what a file is about, and the integrator that fails there.
    """

    play: Play
    mutant: str = ""
    """By its name in the registry."""
    broken: Mapping[str, Any] = field(default_factory=dict)
    """Where the bug is one of configuration."""
    caught: tuple[str, ...] = ("integrator: state",)
    """The expectations that the broken one does not meet."""


CASES: Mapping[str, Case] = {
    "healthy": Case(Play(drive=(sends(8),)), mutant="group name in the wrong case"),
    "flaky-carrier": Case(Play(drive=(sends(30),)), mutant="failed is delivered"),
    "throttled": Case(
        Play(drive=(sends(12),), clock=_LIVE, integrator=_PATIENT),
        mutant="no retry on 429",
        caught=("sends.retried: 100%",),
    ),
    "handset-off": Case(
        Play(drive=(sends(2, to="+41793026727", text="No {n}"), sends(4), calls("/restart", 60 * _MINUTE))),
        mutant="messages in memory",
    ),
    "expiry": Case(Play(drive=(sends(4, to="+4179999000{n}"), sends(2))), mutant="expired is delivered"),
    "duplicate-and-reordered": Case(
        Play(drive=(sends(10),), belief="brief", means=BRIEF),
        mutant="billed per report",
        caught=("integrator: brief",),
    ),
    "report-before-answer": Case(Play(drive=(sends(8),)), mutant="known after the answer"),
    "storm-after-outage": Case(Play(drive=(sends(20),)), mutant="acknowledged, then not stored"),
    "contradicting-reports": Case(Play(drive=(sends(20),)), mutant="late report overwrites"),
    "damaged-webhooks": Case(
        Play(drive=(sends(20),), integrator={"secrets": {"infobip": ("damaged",)}}),
        mutant="text/plain is put aside",
        caught=("webhooks.forged_refused: true", "integrator: state"),
    ),
    "rbm-forged-signatures": Case(
        Play(drive=(sends(15, channel="rbm"),)),
        mutant="signature not checked at rbm",
        caught=("webhooks.forged_refused: true",),
    ),
    "rotated-secrets": Case(
        Play(
            drive=(sends(4), sends(4, at_ms=31 * _MINUTE)),
            integrator={"secrets": {"infobip": ("first", "second")}},
        ),
        broken={"secrets": {"infobip": ("first",)}},
        caught=("webhooks.acknowledged: 100%", "webhooks.lost: 0", "integrator: state"),
    ),
    "provider-outage": Case(
        Play(drive=(replace(sends(10), rate=Rate(1, 1_000)),), clock=_LIVE, integrator=_PATIENT),
        mutant="no retry at rbm",
        caught=("sends.retried: 100%",),
    ),
    "errors-inside-200": Case(Play(drive=(sends(20),)), mutant="200 is success"),
    "garbled-answers": Case(
        Play(drive=(sends(20),), integrator={"tries_inside": 12}),
        mutant="new id for each try",
        caught=("sends.duplicated: 0",),
    ),
    "gateway-pages": Case(
        Play(drive=(sends(20),), integrator={"tries_inside": 12}),
        mutant="new id for each try",
        caught=("sends.duplicated: 0",),
    ),
    "storm": Case(
        Play(drive=(), means={}),
        mutant="unknown is 404",
        caught=("webhooks.acknowledged: 100%", "webhooks.lost: 0"),
    ),
    "demo": Case(
        Play(drive=(), means={}, clock=ClockSpec()),
        mutant="unknown is 404",
        caught=("webhooks.acknowledged: 100%", "webhooks.lost: 0"),
    ),
    "receiver-down-and-recovering": Case(
        Play(drive=(sends(8),), integrator={"down_for": 20}), mutant="acknowledged, then not stored"
    ),
    "mixed-bulk": Case(
        Play(drive=(sends(20, to=["{recipient}", "+41780000{n}00", "+41770000{n}00"]),)),
        mutant="200 is success",
    ),
    "blocked-and-black-listed": Case(
        Play(drive=(sends(5), sends(5, at_ms=61 * _MINUTE))), mutant="200 is success"
    ),
    "replies-and-opt-out": Case(
        Play(drive=(sends(6, text="May we come?"), sends(6, at_ms=20 * _MINUTE))),
        mutant="STOP ignored",
        caught=("sends.refused: 0",),
    ),
    "bip-quota-and-sessions": Case(
        Play(
            drive=(
                *(sends(4, recipient="+90532", channel="bip", at_ms=at * _MINUTE) for at in (2, 3, 4, 125)),
                sends(3, to=["+905340000001", "+905340000002"], channel="bip-list", at_ms=5 * _MINUTE),
            ),
            means={"delivered": ("DELIVERED",)},
        ),
        mutant="tied by txnid",
    ),
    "bip-broadcast-mixed": Case(
        Play(
            drive=(
                sends(2, channel="bip-all"),
                sends(1, to=["+905320000005", "+905330000001"], channel="bip-list", at_ms=50 * _MINUTE),
                sends(3, to="+905320000006", channel="bip", at_ms=50 * _MINUTE),
            ),
            means={"delivered": ("DELIVERED",), "read": ("READ",)},
        ),
        mutant="first receiver alone",
    ),
    "bitel-p2p-black-list": Case(
        Play(
            drive=(
                sends(1, to=[f"+98912000000{n}" for n in range(1, 5)], channel="bitel"),
                sends(1, to="+989120000002", channel="bitel", at_ms=61 * _MINUTE),
            ),
            belief="brief",
            means=BRIEF,
        ),
        mutant="black-listed is billed",
        caught=("integrator: brief",),
    ),
    "rbm-expiry-with-sms-fallback": Case(
        Play(
            drive=tuple(
                sends(2, to=f"+4179302{part}000{{n}}", channel="rbm", ttl="600s")
                for part in ("120", "130", "140", "404", "555")
            ),
            belief="brief",
            means={
                "delivered": ("DELIVERED billed=1 sms=0",),
                "expired": ("EXPIRED billed=0 sms=1",),
                "refused": ("REJECTED billed=0 sms=1",),
            },
        ),
        mutant="SMS on every TTL event",
        caught=("integrator: brief",),
    ),
    "rbm-revoke-races-delivery": Case(
        Play(
            drive=(
                *(sends(1, to=f"+4179302{part}0001", channel="rbm") for part in _RACES),
                *(calls("/revoke", 30_000, to=f"+4179302{part}0001") for part in _RACES),
            ),
            means=STATES,
        ),
        mutant="revoked is final",
    ),
}


def _smaller(plan: RunFile) -> RunFile:
    """Return a storm that fits into a test."""
    (item,) = plan.scenario.timeline
    assert item.storm is not None
    assert plan.expect.messages is not None
    assert plan.expect.webhooks is not None
    storm = replace(item.storm, messages=80, rate=Rate(100, 1_000))
    goals = replace(plan.expect.messages, at_least=80)
    return replace(
        plan,
        scenario=replace(plan.scenario, timeline=(replace(item, storm=storm),)),
        expect=replace(plan.expect, messages=goals, webhooks=replace(plan.expect.webhooks, at_least=80)),
    )


def _plan(name: str) -> RunFile:
    return _smaller(shipped(name)) if name == "storm" else shipped(name)


# Hours pass, a thousand times faster than real ones; all of them with HYPOTHESIS_PROFILE=deep.
_LIVE_TOO = (
    [name for name, case in CASES.items() if case.play.clock is None]
    if _DEEP
    else ["healthy", "contradicting-reports", "duplicate-and-reordered"]
)
# How many webhooks its people cause is drawn; by some seeds there are 59.
_DRAWN = {"demo": {"webhooks.at_least: 60"}}


def test_every_shipped_file_has_a_play() -> None:
    """
    A new file in the library gets a drive that hits what it is about.
    """
    assert {path.stem for path in library()} == set(CASES)


@pytest.mark.parametrize("name", CASES)
async def test_correct_integrator_is_not_blamed(name: str) -> None:
    """
    Whatever a shipped file does, an integrator that does as its comment says passes, whatever the seed.

    Meanwhile each rule of the file applies, and each recipient that it names is addressed.
    """
    plan = _plan(name)

    results = [await carry_out(plan, CASES[name].play, seed=seed) for seed in _SEEDS]

    wrong = [failed(result) for result in results if set(blames(result)) - _DRAWN.get(name, set())]
    assert wrong == []
    assert set.intersection(*(idle(result, plan) for result in results)) == set()


@pytest.mark.parametrize("name", _LIVE_TOO)
async def test_correct_integrator_is_not_blamed__live(name: str) -> None:
    """
    On a clock that moves by itself the same integrator passes the same files.
    """
    play = replace(CASES[name].play, clock=ClockSpec(mode=ClockMode.LIVE, rate=1_000))

    result = await carry_out(_plan(name), play)

    assert failed(result) == []


@pytest.mark.parametrize("name", CASES)
async def test_broken_integrator_is_caught(name: str) -> None:
    """
    The verdict names what an integrator with the flaw that the file is about does not do.
    """
    case = CASES[name]
    policy = MUTANTS[case.mutant].policy if case.mutant else None
    play = replace(case.play, integrator={**case.play.integrator, **case.broken})

    result = await carry_out(_plan(name), play, policy)

    assert set(case.caught) <= set(blames(result)), failed(result)


@pytest.mark.parametrize("path", library(), ids=lambda path: path.stem)
def test_file_says_what_is_expected_and_leaves_the_driving_to_its_user(path: Any) -> None:
    """
    Each file has expectations, a comment on what a good integrator does, and no call to anybody's API.
    """
    plan = shipped(path.stem)
    comment = " ".join(path.read_text(encoding="utf-8").partition("\nname:")[0].replace("#", " ").split())

    assert plan.expect.webhooks is not None
    assert plan.drive == ()
    assert "A good integrator" in comment


def test_meanings_cover_every_end() -> None:
    """
    The truth audit of these tests passes over no end that a message may have.
    """
    assert {state.value for state in TERMINAL} <= set(STATES)

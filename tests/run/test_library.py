"""
Each shipped file: a correct integrator passes, and the one that the file is about does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from run.bench import failed, shipped
from run.mutants.registry import MUTANTS
from run.mutants.stage import DEEP, LIVE, STATES, Play, blames, carry_out, idle, over_seeds
from simulator.commands.files import find_scenario, library
from simulator.kernel.model.arrivals import Constant
from simulator.kernel.model.lifecycle import TERMINAL
from simulator.kernel.model.scenario import ClockMode, ClockSpec
from simulator.kernel.model.units import Rate
from simulator.provider import discover
from simulator.scenario.goals import RunFile
from simulator.scenario.loader import load_run

_SEEDS = range(1, 11) if DEEP else range(1, 4)
_QUICK = {"speed": LIVE.rate}
"""Software that waits as many times quicker as the clock goes, so that it waits by that clock."""
_SOFTWARE = "http://127.0.0.1:9000"


@dataclass(frozen=True)
class Case:
    """
    The integrator that fails at what a file is about; the file's own comment says what hits it.
    """

    play: Play
    mutant: str = ""
    """By its name in the registry."""
    broken: Mapping[str, Any] = field(default_factory=dict)
    """Where the bug is one of configuration."""
    caught: tuple[str, ...] = ("integrator: state",)
    """The expectations that the broken one does not meet."""
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """More mutants that the file is about, with what they do not meet."""


CASES: Mapping[str, Case] = {
    "healthy": Case(Play(drive=()), mutant="group name in the wrong case"),
    "flaky-carrier": Case(Play(drive=()), mutant="failed is delivered"),
    "throttled": Case(
        Play(drive=(), clock=LIVE, integrator=_QUICK),
        mutant="no retry on 429",
        caught=("sends.retried: 100%",),
    ),
    "handset-off": Case(
        Play(drive=()),
        mutant="messages in memory",
    ),
    "expiry": Case(Play(drive=()), mutant="expired is delivered"),
    "duplicate-and-reordered": Case(
        Play(drive=()),
        mutant="billed per report",
        caught=("integrator: brief",),
    ),
    "report-before-answer": Case(Play(drive=()), mutant="known after the answer"),
    "storm-after-outage": Case(Play(drive=()), mutant="acknowledged, then not stored"),
    "contradicting-reports": Case(Play(drive=()), mutant="late report overwrites"),
    "damaged-webhooks": Case(
        Play(drive=(), integrator={"secrets": {"infobip": ("damaged",)}}),
        mutant="text/plain is put aside",
        caught=("webhooks.forged_refused: true", "integrator: state"),
    ),
    "rbm-forged-signatures": Case(
        Play(drive=()),
        mutant="signature not checked at rbm",
        caught=("webhooks.forged_refused: true",),
    ),
    "rotated-secrets": Case(
        Play(drive=(), integrator={"secrets": {"infobip": ("first", "second")}}),
        broken={"secrets": {"infobip": ("first",)}},
        caught=("webhooks.acknowledged: 100%", "webhooks.lost: 0", "integrator: state"),
    ),
    "provider-outage": Case(
        Play(drive=(), clock=LIVE, integrator=_QUICK),
        mutant="no retry at rbm",
        caught=("sends.retried: 100%",),
    ),
    "errors-inside-200": Case(Play(drive=()), mutant="200 is success"),
    "garbled-answers": Case(
        Play(drive=(), integrator={"tries_inside": 12}),
        mutant="new id for each try",
        caught=("sends.duplicated: 0",),
    ),
    "gateway-pages": Case(
        Play(drive=(), integrator={"tries_inside": 12}),
        mutant="new id for each try",
        caught=("sends.duplicated: 0",),
    ),
    "storm": Case(
        Play(drive=()),
        mutant="unknown is 404",
        caught=("webhooks.acknowledged: 100%", "webhooks.lost: 0"),
    ),
    "demo": Case(
        Play(drive=(), clock=ClockSpec()),
        mutant="unknown is 404",
        caught=("webhooks.acknowledged: 100%", "webhooks.lost: 0"),
    ),
    "receiver-down-and-recovering": Case(
        Play(drive=(), integrator={"down_for": 20}), mutant="acknowledged, then not stored"
    ),
    "mixed-bulk": Case(
        Play(drive=()),
        mutant="200 is success",
    ),
    "blocked-and-black-listed": Case(Play(drive=()), mutant="200 is success"),
    "replies-and-opt-out": Case(
        Play(drive=()),
        mutant="STOP ignored",
        caught=("sends.refused: 0",),
    ),
    "bip-quota-and-sessions": Case(
        Play(drive=()),
        mutant="tied by txnid",
        others={"312 is success": ("integrator: state",)},
    ),
    "bip-broadcast-mixed": Case(
        Play(drive=()),
        mutant="first receiver alone",
    ),
    "bitel-p2p-black-list": Case(
        Play(drive=()),
        mutant="black-listed is billed",
        caught=("integrator: brief",),
    ),
    "rbm-expiry-with-sms-fallback": Case(
        Play(drive=()),
        mutant="SMS on every TTL event",
        caught=("integrator: brief",),
    ),
    "rbm-revoke-races-delivery": Case(
        Play(drive=()),
        mutant="revoked is final",
        others={"404 on a revocation is success": ("integrator: brief of (late event)",)},
    ),
}


def _smaller(plan: RunFile) -> RunFile:
    """Return a storm that fits into a test."""
    (item,) = plan.scenario.timeline
    assert item.storm is not None
    assert plan.expect.messages is not None
    assert plan.expect.webhooks is not None
    storm = replace(item.storm, messages=80, arrivals=Constant(Rate(100, 1_000)))
    goals = replace(plan.expect.messages, at_least=80)
    return replace(
        plan,
        scenario=replace(plan.scenario, timeline=(replace(item, storm=storm),)),
        expect=replace(plan.expect, messages=goals, webhooks=replace(plan.expect.webhooks, at_least=80)),
    )


def _plan(name: str) -> RunFile:
    return _smaller(shipped(name)) if name == "storm" else shipped(name)


def _commented(name: str) -> RunFile | None:
    """Return a file with what its comment says put in, its drive and its audit; None: it needs none."""
    text = find_scenario(name).read_text(encoding="utf-8")
    comment = re.search(r"^#   (drive:\n(?:#    .*\n)+)#   (integrator:\n(?:#    .*\n)+)", text, re.MULTILINE)
    if comment is None:
        return None
    drive, integrator = (re.sub(r"^#  ", "", part, flags=re.MULTILINE) for part in comment.groups())
    whole = text.replace("\nexpect:\n", f"\n{drive}expect:\n  {integrator}")
    return load_run(whole, f"{name}.yaml", discover())


def _play(name: str) -> Play:
    """Return how a file is played: as its comment says, with less patience."""
    play, plan = CASES[name].play, _commented(name)
    if plan is None:
        return replace(play, means={})
    drive = tuple(replace(one, url=one.url.removeprefix(_SOFTWARE)) for one in plan.drive)
    audits = tuple(
        replace(ask, url=ask.url.removeprefix(_SOFTWARE), within_real_ms=300)
        for ask in plan.expect.integrator
    )
    return replace(play, drive=drive, audits=audits)


# Hours pass, a thousand times faster than real ones; all of them with HYPOTHESIS_PROFILE=deep.
_LIVE_TOO = (
    [name for name, case in CASES.items() if case.play.clock is None]
    if DEEP
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

    results = await over_seeds(plan, _play(name), _SEEDS)

    wrong = [failed(result) for result in results if set(blames(result)) - _DRAWN.get(name, set())]
    assert wrong == []
    assert set.intersection(*(idle(result, plan) for result in results)) == set()


@pytest.mark.parametrize("name", _LIVE_TOO)
async def test_correct_integrator_is_not_blamed__live(name: str) -> None:
    """
    On a clock that moves by itself the same integrator passes the same files.
    """
    play = replace(_play(name), clock=ClockSpec(mode=ClockMode.LIVE, rate=1_000))

    results = await over_seeds(_plan(name), play, _SEEDS if DEEP else (None,))

    assert [failed(result) for result in results if blames(result)] == []


@pytest.mark.parametrize("name", CASES)
async def test_broken_integrator_is_caught(name: str) -> None:
    """
    The verdict names what an integrator with the flaw that the file is about does not do.
    """
    case = CASES[name]
    policy = MUTANTS[case.mutant].policy if case.mutant else None
    play = replace(_play(name), integrator={**case.play.integrator, **case.broken})

    result = await carry_out(_plan(name), play, policy)

    assert set(case.caught) <= set(blames(result)), failed(result)


@pytest.mark.parametrize(
    ("name", "mutant"), [(name, mutant) for name, case in CASES.items() for mutant in case.others]
)
async def test_other_broken_integrator_is_caught(name: str, mutant: str) -> None:
    """
    A file that is about more than one flaw has a question for each.
    """
    case = CASES[name]

    result = await carry_out(_plan(name), _play(name), MUTANTS[mutant].policy)

    assert set(case.others[mutant]) <= set(blames(result)), failed(result)


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


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("storm", "demo")])
def test_comment_says_how_to_drive_and_ask(name: str) -> None:
    """
    What stands in the comment of a file can be put into it as it is, and asks with patience.
    """
    plan = _commented(name)

    assert plan is not None
    assert plan.drive
    assert {ask.within_real_ms for ask in plan.expect.integrator} == {5_000}


def test_meanings_cover_every_end() -> None:
    """
    The truth audit of these tests passes over no end that a message may have.
    """
    assert {state.value for state in TERMINAL} <= set(STATES)

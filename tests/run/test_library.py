"""
Each shipped file: a well-behaved integrator passes, and the one that it is about does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from integrator import Integrator
from run.bench import MEANS, carry_out, failed, shipped
from simulator.commands.files import library
from simulator.kernel.model.scenario import ClockMode, ClockSpec
from simulator.kernel.model.units import Rate
from simulator.scenario.goals import RunFile

_FAST = ClockSpec(mode=ClockMode.LIVE, rate=100)
_MINUTE = 60_000
# Their stories are told by tests of their own, with everything that their provider has.
_ELSEWHERE = {
    "bip-broadcast-mixed",
    "bitel-p2p-black-list",
    "rbm-expiry-with-sms-fallback",
    "rbm-revoke-races-delivery",
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """
    How a file is run, how the integrator is built, and how it is broken.
    """

    run: Mapping[str, Any] = field(default_factory=dict)
    good: Mapping[str, Any] = field(default_factory=dict)
    broken: Mapping[str, Any] = field(default_factory=dict)
    """Empty: nothing in this file would catch anybody."""
    caught: tuple[str, ...] = ("integrator: state",)
    """The expectations that the broken one does not meet."""
    scaled: Callable[[RunFile], RunFile] = lambda plan: plan


def _smaller(plan: RunFile) -> RunFile:
    """Return a storm that fits into a test."""
    (item,) = plan.scenario.timeline
    assert item.storm is not None
    assert plan.expect.messages is not None
    assert plan.expect.webhooks is not None
    storm = replace(item.storm, messages=300, rate=Rate(100, 1_000))
    goals = replace(plan.expect.messages, at_least=300)
    return replace(
        plan,
        scenario=replace(plan.scenario, timeline=(replace(item, storm=storm),)),
        expect=replace(plan.expect, messages=goals, webhooks=replace(plan.expect.webhooks, at_least=300)),
    )


_COUNTED = {"field": "count", "means": {"delivered": ("1",)}}
_BIP = {
    "recipient": "90532",
    "count": 4,
    "at_ms": (2 * _MINUTE, 3 * _MINUTE, 4 * _MINUTE, 125 * _MINUTE),
    # A refused receiver has no report id by which to ask.
    "means": {"delivered": ("DELIVERED",)},
}

PLANS: Mapping[str, Plan] = {
    "healthy": Plan(),
    "flaky-carrier": Plan(run={"count": 60}),
    "throttled": Plan(
        run={"clock": ClockSpec(mode=ClockMode.LIVE, rate=50), "count": 40},
        good={"speed": 50},
        broken={"never_retries": True},
        caught=("sends.retried: 100%",),
    ),
    "handset-off": Plan(run={"recipient": "+41793026727"[:5]}),
    "expiry": Plan(run={"recipient": "+4179999"}, broken={"swallows_reports": 3}),
    "duplicate-and-reordered": Plan(
        run=_COUNTED, broken={"counts_twice": True}, caught=("integrator: count",)
    ),
    "report-before-answer": Plan(broken={"stores_late": True}),
    "storm-after-outage": Plan(run={"count": 200}, broken={"swallows_reports": 50}),
    "contradicting-reports": Plan(run={"count": 30}, broken={"overwrites": True}),
    "damaged-webhooks": Plan(
        run={"count": 40},
        good={"secret": "damaged"},
        broken={"unsigned": True},
        caught=("webhooks.forged_refused: true", "integrator: state"),
    ),
    "rbm-forged-signatures": Plan(
        run={"count": 40},
        good={"channel": "rbm", "secret": "sim-client-token"},
        broken={"unsigned": True},
        caught=("webhooks.forged_refused: true",),
    ),
    "rotated-secrets": Plan(
        run={"at_ms": (0, 31 * _MINUTE)},
        good={"secret": "first", "next_secret": "second"},
        broken={"next_secret": ""},
        caught=("webhooks.acknowledged: 100%", "webhooks.lost: 0", "integrator: state"),
    ),
    "provider-outage": Plan(
        run={"clock": _FAST, "rate": Rate(1, 1_000), "count": 20},
        good={"speed": 100},
        broken={"never_retries": True},
        caught=("sends.retried: 100%",),
    ),
    "errors-inside-200": Plan(run={"count": 60}, broken={"trusts_200": True}),
    "garbled-answers": Plan(
        run={"count": 60}, good={"speed": 1_000}, broken={"new_ids": True}, caught=("sends.duplicated: 0",)
    ),
    "storm": Plan(
        run={"count": 0, "means": {}},
        scaled=_smaller,
        broken={"refuses_unknown": True},
        caught=("webhooks.acknowledged: 100%", "webhooks.lost: 0"),
    ),
    "demo": Plan(
        run={"count": 0, "means": {}, "clock": ClockSpec()},
        good={"unsigned": True},
        broken={"refuses_unknown": True},
        caught=("webhooks.acknowledged: 100%", "webhooks.lost: 0"),
    ),
    "receiver-down-and-recovering": Plan(
        good={"refuses_reports": 30}, broken={"refuses_reports": 0, "swallows_reports": 5}
    ),
    "mixed-bulk": Plan(run={"count": 80}, broken={"trusts_200": True}),
    "bip-quota-and-sessions": Plan(run=_BIP, good={"channel": "bip"}),
    "blocked-and-black-listed": Plan(
        run={"count": 5, "at_ms": (0, 61 * _MINUTE)}, broken={"trusts_200": True}
    ),
    "replies-and-opt-out": Plan(
        run={"count": 6, "at_ms": (0, 20 * _MINUTE)},
        broken={"ignores_stop": True},
        caught=("sends.refused: 0",),
    ),
}


def test_every_shipped_file_is_run() -> None:
    """
    A new file in the library gets a plan here, or a test beside its provider.
    """
    assert {path.stem for path in library()} == set(PLANS) | _ELSEWHERE


@pytest.mark.parametrize("name", PLANS)
async def test_good_integrator_meets_what_the_file_expects(name: str) -> None:
    """
    Whatever a shipped file does, an integrator that does as its comment says passes.
    """
    plan = PLANS[name]

    result = await carry_out(plan.scaled(shipped(name)), Integrator(**plan.good), **plan.run)

    assert failed(result) == []


@pytest.mark.parametrize("name", [name for name, plan in PLANS.items() if plan.broken])
async def test_broken_integrator_is_caught(name: str) -> None:
    """
    The verdict names what an integrator with the flaw that the file is about does not do.
    """
    plan = PLANS[name]
    broken = Integrator(**{**plan.good, **plan.broken})

    result = await carry_out(plan.scaled(shipped(name)), broken, **plan.run)

    missed = [check.name for check in result.checks if not check.passed]
    assert [name for name in missed if name in plan.caught] == list(plan.caught), failed(result)


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
    The truth audit of these tests passes over no end that a message may have but revocation.
    """
    from simulator.kernel.model.lifecycle import TERMINAL

    assert {state.value for state in TERMINAL} - {"revoked"} <= set(MEANS)

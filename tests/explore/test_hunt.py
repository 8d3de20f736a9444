"""
The search finds what is wrong, shrinks it, and blames nobody who is right.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from explore.hunting import hunting
from run.mutants.registry import MUTANTS
from simulator.evidence.result import RunResult
from simulator.explore.finding import Explored
from simulator.explore.found import read_found, write_finding
from simulator.explore.invariants import INVARIANTS
from simulator.explore.search import Search, elements
from simulator.explore.situations import SITUATIONS
from simulator.provider import built_in, discover
from simulator.run.runner import RunOptions, run
from simulator.scenario.loader import load_run
from simulator.server.app import Server
from simulator.server.spaces import DEFAULT_SPACE

_RUNS_USUAL: Final = "2000" if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else "60"
_SECONDS: Final = 1_000.0
_RUNS: Final = int(os.environ.get("SIMULATOR_EXPLORE_RUNS", _RUNS_USUAL))
"""How many runs nobody is to be blamed in; `make soak` asks for 50,000 in all."""
_HUNTED: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "late report overwrites": ("end-kept", {}),
    "billed per report": ("counted-once", {}),
    "failed is delivered": ("truth-believed", {}),
    "STOP ignored": ("stop-respected", {}),
    "new id for each try": ("sent-once", {}),
    "200 is success": ("truth-believed", {}),
    "report before the answer is dropped": ("early-report-kept", {"own_ids": False}),
    "billed when read": ("truth-believed", {}),
    "signature not checked at rbm": ("forgeries-refused", {}),
    "billed when read at bip": ("truth-believed", {}),
    "report before the answer is dropped at bip": ("early-report-kept", {}),
    "late event overwrites at bitel": ("end-kept", {}),
    "billed per event at bitel": ("counted-once", {}),
    "failed is delivered at bitel": ("truth-believed", {}),
}
"""What each breaks, and how its integrator is set up."""


def _again(search: Search, text: str) -> RunResult:
    """Return what `simulator run` makes of a saved file."""

    async def carried_out(server: Server) -> RunResult:
        plan = load_run(text, "found.yaml", server.registry.providers)
        await server.registry.delete(DEFAULT_SPACE)
        server.registry.create(DEFAULT_SPACE, seed=plan.scenario.seed, scenario=plan.scenario)
        return await run(server, plan, RunOptions())

    return search.loop.run_until_complete(carried_out(search.trials.server))


@pytest.mark.parametrize("name", _HUNTED)
def test_mutant_is_hunted_down(name: str, tmp_path: Path) -> None:
    """
    A bug is found, named, and shrunk to two messages and one rule; its file fails again when it is run.
    """
    mutant, (invariant, setup) = MUTANTS[name], _HUNTED[name]

    with hunting(mutant.providers[0], policy=mutant.policy, setup=setup) as search:
        search.search()
        (finding,) = search.findings
        write_finding(tmp_path, finding)
        ((path, text),) = read_found(tmp_path)
        result = _again(search, text)

    plan = load_run(text, str(path), discover())
    assert finding.invariant == invariant, mutant.wrong
    assert len(plan.drive) <= 2
    assert len(plan.scenario.rules) <= 1
    assert not result.passed


@pytest.mark.parametrize("provider", built_in())
def test_who_is_right_is_not_blamed(provider: str) -> None:
    """
    A correct integrator comes through everything, and the search says what it came to.
    """
    with hunting(provider, sweep=5, examples=_RUNS, seconds=_SECONDS, findings_max=5) as search:
        search.search()
        explored = search.outcome()

    assert [finding.detail for finding in explored.findings] == []
    assert explored.runs >= _RUNS
    assert explored.judged > explored.runs // 2
    assert len(explored.reached) >= 6
    assert set(explored.reached) | set(explored.missed) == set(SITUATIONS)


def test_same_seed_makes_the_same_search() -> None:
    """
    Two searches with one seed come to the same, and find the same file.
    """
    outcomes: list[Explored] = []
    for _ in range(2):
        with hunting("infobip", policy=MUTANTS["failed is delivered"].policy, seed=7) as search:
            search.search()
            outcomes.append(search.outcome())

    first, second = outcomes
    assert (first.runs, first.reached) == (second.runs, second.reached)
    assert [finding.name for finding in first.findings] == [finding.name for finding in second.findings]


def test_software_that_answers_differently_is_named() -> None:
    """
    What does not always come is a finding that says how often it came.
    """
    calls = iter(range(1_000))

    def now_and_then(result: RunResult) -> str | None:
        return "it was its turn" if next(calls) % 3 == 0 else None

    with hunting("infobip", own={"tests:now_and_then": now_and_then}, sweep=1) as search:
        search.search()
        (finding,) = search.findings

    assert (finding.invariant, finding.detail) == ("tests:now_and_then", "it was its turn")
    assert 0 < finding.again < finding.tries


@pytest.fixture(scope="module")
def counted() -> Iterator[Search]:
    """Yield a finished search that found one bug."""
    with hunting("infobip", policy=MUTANTS["billed per report"].policy) as search:
        search.search()
        yield search


def test_what_was_found_before_is_tried_first(counted: Search, tmp_path: Path) -> None:
    """
    A file of an earlier search that still fails is a finding again, and is not searched for once more.
    """
    write_finding(tmp_path, counted.findings[0])
    again = Search(counted.trials, counted.reach, counted.loop, counted.bounds, seed=1)
    before = counted.trials.count

    again.retry(read_found(tmp_path))

    assert counted.trials.count == before + 1
    assert [finding.name for finding in again.findings] == [finding.name for finding in counted.findings]


def test_finding_is_a_file_a_test_and_curl_lines(counted: Search, tmp_path: Path) -> None:
    """
    Each finding is three files: the scenario with its story, a test that compiles, and curl lines.
    """
    scenario, test, shell = write_finding(tmp_path, counted.findings[0])

    assert scenario.name == "counted-once-infobip-webhooks-duplicate.yaml"
    story = scenario.read_text("utf-8")
    assert story.startswith(f"# Broken: {INVARIANTS['counted-once']}.\n")
    assert "# simulator run counted-once-infobip-webhooks-duplicate.yaml\n" in story
    assert "webhook duplicated on purpose" in story
    compile(test.read_text("utf-8"), test.name, "exec")
    lines = [line for line in shell.read_text("utf-8").splitlines() if line.startswith("curl")]
    assert counted.reach.drive is not None
    assert [str(counted.reach.drive["call"]).removeprefix("POST ") in line for line in lines] == [
        True, False, False,
    ]  # fmt: skip


def test_workers_have_each_finding_once(counted: Search) -> None:
    """
    What several workers found is put together, each kind once, and situations are counted over all.
    """
    outcome = counted.outcome()

    together = outcome.together(outcome)

    assert [finding.name for finding in together.findings] == [finding.name for finding in outcome.findings]
    assert together.runs == 2 * outcome.runs
    assert together.reached == {name: 2 * count for name, count in outcome.reached.items()}


def test_elements_say_what_happens() -> None:
    """
    What tells one kind of finding from another are the words of the scenario, without how much.
    """
    sketch: Any = {
        "rules": [
            {"then": {"fate": "expire", "webhooks": {"duplicate": {"within": "1m"}}}},
            {"then": {"fate": {"deliver": {"after": "1m", "read": {"after": "1m"}}}}},
        ],
        "recipients": {"+41790000000": {"reachable": False}},
        "timeline": [{"at": "1m", "webhooks": "hold"}, {"at": "2m", "webhooks": "release"}],
    }

    assert elements(sketch) == ["fate.expire", "fate.read", "offline", "webhooks", "webhooks.duplicate"]

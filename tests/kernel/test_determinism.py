"""
One seed, one story: whatever the order of arrival, the neighbours, the date or the process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.model.clock import Clock
from simulator.kernel.model.submission import MessageKey, Submission
from simulator.kernel.model.units import ConstantDelay
from toys.bench import Bench
from toys.pigeon import pigeon
from toys.rich import PHONES, rich_scenario

TESTS = Path(__file__).parents[1]

BIRDS = st.builds(
    pigeon,
    to=st.sampled_from(PHONES),
    text=st.sampled_from(["coo", "coo?"]),
    validity_ms=st.sampled_from([2_000, 600_000, 86_400_000]),
    hold_until_ms=st.sampled_from([0, 0, 90_000]),
)
FLOCKS = st.lists(BIRDS, min_size=2, max_size=12)
SEEDS = st.integers(0, 2**32)


def run(seed: int, flock: list[Submission], epoch_ms: int = 0, tied: bool = False) -> Bench:
    """
    Submit one after the other at one instant, and let everything happen.
    """
    sim = Bench(seed)
    sim.simulation.clock.epoch_ms = epoch_ms
    if tied:
        # All arrive at one instant, and who comes first shows in the webhooks they share.
        batch = {"max": 3, "wait": 60_000}
        sim.account.configure({"webhook": {"batch": batch}, "deliver_after": ConstantDelay(1_000)})
    else:
        sim.simulation.load(rich_scenario())
    for submission in flock:
        sim.call(submission)
    sim.settle()
    return sim


def stories(sim: Bench) -> dict[MessageKey, list[str]]:
    """
    Return every message's story.
    """
    told: dict[MessageKey, list[str]] = {}
    for entry, line in zip(sim.simulation.journal, sim.narrative(), strict=True):
        if entry.key is not None:
            told.setdefault(entry.key, []).append(f"{line} {entry.ref}")
    return told


def interleaved(flock: list[Submission], order: list[int]) -> list[Submission]:
    """
    Return *flock* in another order of arrival; each recipient's own submissions keep theirs.
    """
    queues: dict[str, list[Submission]] = {}
    for submission in flock:
        queues.setdefault(submission.recipient, []).append(submission)
    arrived = []
    for number in order:
        waiting = [queue for queue in queues.values() if queue]
        if waiting:
            arrived.append(waiting[number % len(waiting)].pop(0))
    return arrived + [submission for queue in queues.values() for submission in queue]


@given(SEEDS, FLOCKS, st.lists(st.integers(0, 100), max_size=12), st.booleans())
def test_order_of_arrival_changes_no_story(
    seed: int, flock: list[Submission], order: list[int], tied: bool
) -> None:
    """
    Permuted submissions have the same ids, fates, instants and webhooks, to the byte and in order.
    """
    plain = run(seed, flock, tied=tied)

    permuted = run(seed, interleaved(flock, order), tied=tied)

    assert stories(permuted) == stories(plain)
    assert permuted.received == plain.received


@given(SEEDS, FLOCKS, BIRDS, st.integers(0, 12))
def test_message_to_somebody_else_changes_no_story(
    seed: int, flock: list[Submission], extra: Submission, place: int
) -> None:
    """
    A further recipient's message leaves everybody else's story and webhooks as they were.
    """
    other = "+905559999999"
    neighbour = pigeon(to=other, text=extra.text, validity_ms=extra.validity_ms)
    plain = run(seed, flock)

    crowded = run(seed, [*flock[:place], neighbour, *flock[place:]])

    others = {key: story for key, story in stories(crowded).items() if key.recipient != other}
    assert others == stories(plain)
    assert told_of_others(crowded, other) == told_of_others(plain, other)


def told_of_others(sim: Bench, recipient: str) -> list[str]:
    """
    Return what the integrator was told of all but one; a shared slow release may shift instants.
    """
    return sorted(received.body for received in sim.received if recipient not in received.body)


@given(SEEDS, FLOCKS)
def test_date_changes_no_story(seed: int, flock: list[Submission]) -> None:
    """
    Two runs that begin at different dates tell the same story.
    """
    today = run(seed, flock, epoch_ms=Clock().epoch_ms)

    later = run(seed, flock, epoch_ms=Clock().epoch_ms + 86_400_000)

    assert later.narrative() == today.narrative()
    assert later.received == today.received


@given(SEEDS, FLOCKS, st.lists(st.sampled_from(["1ms", "1s", "10m", "1h"]), max_size=5))
def test_steps_of_time_change_no_story(seed: int, flock: list[Submission], steps: list[str]) -> None:
    """
    Advancing in many small steps or in one is the same.
    """
    at_once = run(seed, flock)

    sim = Bench(seed)
    sim.simulation.clock.epoch_ms = 0
    sim.simulation.load(rich_scenario())
    for submission in flock:
        sim.call(submission)
    for step in steps:
        sim.advance(step)
    sim.settle()

    assert (sim.narrative(), sim.received) == (at_once.narrative(), at_once.received)


def test_other_seed_tells_another_story() -> None:
    """
    The seed is what makes the difference.
    """
    flock = [pigeon(to=to) for to in PHONES]

    told = {tuple(run(seed, flock).narrative()) for seed in range(5)}

    assert len(told) == 5


def test_process_changes_no_story() -> None:
    """
    Processes with different hash seeds tell the same, line for line.
    """
    told = {
        subprocess.run(
            [sys.executable, "-m", "toys.rich"],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}",
                "PYTHONUTF8": "1",
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("0", "1", "4242")
    }

    assert len(told) == 1
    assert len(told.pop().splitlines()) > 200

"""
Rows 16 to 18: storms over worker processes, by the command line, with signed webhooks.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import Figure, Plan, alternated, figure
from benchmarks.processes import ENVIRONMENT, REAL_S_MAX, receiver

__all__ = ["late_at_10000", "late_at_20000", "million", "rate_at_20000", "two_workers"]


def _storm(messages: int, workers: int, *, live: bool, rate: int = 20_000) -> dict[str, Any]:
    """Run a storm and return what is told of all workers; raises RuntimeError when anything is lost."""
    with receiver() as takes, TemporaryDirectory() as folder:
        file, card = Path(folder, "storm.json"), Path(folder, "card.json")
        webhook = {"url": takes.url, "client_token": "bench", "in_flight": 128, "pause_on_failure": "0s"}
        storm = {"messages": messages, "rate": f"{rate}/s"}
        scenario = {
            "name": "bench",
            "clock": {"mode": "live" if live else "frozen"},
            "providers": {"rbm": {"deliver_after": "0s", "webhook": webhook}},
            "timeline": [{"at": "0s", "provider": "rbm", "storm": storm}],
        }
        file.write_text(json.dumps(scenario))
        command = [sys.executable, "-m", "simulator.cli", "run", str(file), "--port", "0"]
        command += ["--workers", str(workers), "--progress", "none", "--json", str(card)]
        subprocess.run(
            command, env=ENVIRONMENT, check=True, timeout=REAL_S_MAX, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        done: dict[str, Any] = json.loads(card.read_text())["storm"]
        counts = {done["messages"], done["sent"], done["ended"], done["journalled"], takes.counts()["count"]}
        if counts != {messages} or done["incomplete"]:
            raise RuntimeError(f"expected {messages} everywhere, got {done}")
        return done


def two_workers(plan: Plan) -> Figure:
    """Measure how many webhooks two workers send a second, beside one worker."""
    count = plan.count(40_000, 1_000)
    pairs = alternated(
        plan.rounds,
        lambda: float(_storm(count, 1, live=False)["reached_per_s"]),
        lambda: float(_storm(count, 2, live=False)["reached_per_s"]),
    )
    return figure(pairs, "webhooks/s")


def _asked(plan: Plan, rate: int) -> list[dict[str, Any]]:
    """Ask two workers for so many webhooks a second, for five seconds."""
    return [_storm(plan.count(5 * rate, rate // 10), 2, live=True, rate=rate) for _ in range(plan.rounds)]


def rate_at_20000(plan: Plan) -> Figure:
    """Measure how many of 20,000 signed webhooks a second two workers send."""
    return figure([(None, done["reached_per_s"]) for done in _asked(plan, 20_000)], "webhooks/s")


def late_at_20000(plan: Plan) -> Figure:
    """Measure how late those are sent."""
    return _late(_asked(plan, 20_000))


def late_at_10000(plan: Plan) -> Figure:
    """Measure how late 10,000 a second are sent."""
    return _late(_asked(plan, 10_000))


def _late(done: list[dict[str, Any]]) -> Figure:
    reached = max(each["reached_per_s"] for each in done)
    return figure([(None, each["late"]["p99_us"] / 1_000) for each in done], "ms", f"at {reached:,.0f}/s")


def million(plan: Plan) -> Figure:
    """Measure what the larger of two workers holds in memory at most, of a million webhooks and a tenth."""
    count = plan.count(1_000_000, 10_000)
    few, many = (_storm(n, 2, live=False) for n in (count // 10, count))
    memory = (few["resident_max_bytes"] / 1e6, many["resident_max_bytes"] / 1e6)
    return figure([memory], "MB", f"{count:,} webhooks at {many['reached_per_s']:,.0f}/s")

"""
The verdict and the scorecard as JSON, for whoever draws trends.
"""

from __future__ import annotations

from dataclasses import asdict

import msgspec

from simulator.evidence.result import RunResult, Scorecard
from simulator.evidence.text import ROWS

__all__ = ["card", "card_line", "figures"]


def card(result: RunResult) -> bytes:
    """Return the verdict, every expectation with all its lines and messages, and every figure."""
    return msgspec.json.format(card_line(result), indent=2) + b"\n"


def card_line(result: RunResult) -> bytes:
    """Return the same in one line."""
    result = result.withheld()
    simulation = result.space.simulation
    document = {
        "scenario": result.scenario,
        "source": result.source,
        "seed": result.seed,
        "version": result.version,
        "verdict": result.verdict,
        "passed": result.passed,
        "elapsed_real_s": result.elapsed_real_s,
        "virtual_ms": simulation.clock.now_ms,
        "messages": result.messages,
        "expectations": [
            {
                "name": check.subject,
                "expected": check.name,
                "verdict": "missed" if not check.passed else "met" if check.judged else "not judged",
                "detail": check.detail,
                "lines": check.lines,
                "messages": [str(key) for key in check.blamed],
            }
            for check in result.checks
        ],
        "receiver": figures(result.scorecard),
    }
    if result.drive is not None:
        driven = asdict(result.drive)
        # What that was is told with the expectation, without secrets.
        del driven["first_failure"]
        document["drive"] = driven
    if result.storm is not None:
        document["storm"] = asdict(result.storm)
    return msgspec.json.encode(document)


def figures(scorecard: Scorecard) -> dict[str, int | float | None]:
    """Return every figure of the scorecard by name, times with their unit at its end; None: not measured."""
    values: dict[str, int | float | None] = {}
    for row in ROWS:
        unmeasured = row.unit == "us" and row.field.startswith("latency") and not scorecard.measured
        values[row.field] = None if unmeasured else getattr(scorecard, row.field)
    return values

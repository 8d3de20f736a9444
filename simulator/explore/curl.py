"""
A run as curl lines: the calls that made the software send, and the webhooks that it got, in their order.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from simulator.evidence.result import RunResult
from simulator.kernel.model.units import format_offset
from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.run.driving import arrivals, request_of
from simulator.scenario.goals import RunFile

__all__ = ["curl_lines"]

_LINES_MAX: Final = 50


def curl_lines(result: RunResult, plan: RunFile) -> tuple[str, ...]:
    """Return what repeats a run by hand, as far as no answer of the simulator is needed."""
    simulation = result.space.simulation
    start_ms = simulation.state.scenario_start_ms
    lines = [
        (start_ms + driven.at_ms, 0, _curl(request_of(driven, simulation.people)))
        for driven in arrivals(plan.drive, simulation.chance)
    ]
    lines += [
        (attempt.at_ms, 1, _curl(simulation.request_for(webhook, attempt.number)))
        for webhook in simulation.outbox.webhooks.values()
        for attempt in webhook.attempts
    ]
    lines.sort()
    return tuple(_timed(lines[:_LINES_MAX]))


def _timed(lines: list[tuple[int, int, str]]) -> Iterator[str]:
    for at_ms, _, line in lines:
        yield f"# {format_offset(at_ms)}"
        yield line


def _curl(request: WebhookRequest) -> str:
    words = ["curl", "-sS", "-X", request.method, request.url]
    for name, value in request.headers:
        words += ["-H", f"{name}: {value}"]
    if request.body:
        words += ["--data-binary", request.body.decode("utf-8", "replace")]
    return shlex.join(words)

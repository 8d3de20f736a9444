"""
Figures of the software under test, before and after: what must not grow without end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulator.evidence.result import Check
from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.run.audit import believed_at
from simulator.runtime.transport.redirects import followed
from simulator.runtime.transport.seam import Terms, Transport
from simulator.scenario.goals import Growth

__all__ = ["figures_of", "growth_checks"]

_TERMS: Final = Terms(timeout_real_ms=10_000, keep_bytes_max=1_048_576, read_bytes_max=1_048_576)


async def figures_of(growths: Sequence[Growth], client: Transport) -> list[float | str]:
    """Return each figure now, or in a text why there is none."""
    return [await _figure(growth, client) for growth in growths]


async def _figure(growths: Growth, client: Transport) -> float | str:
    request = WebhookRequest(url=growths.url, body=b"", method=growths.method)
    reply = await followed(client, request, _TERMS)
    if not 0 < reply.status < 400:
        return f"{growths.method} {growths.url} answers {reply.status}" if reply.status else reply.error
    value = believed_at(reply.body, growths.field)
    try:
        return float(value)
    except ValueError:
        return f"{growths.field} is {value}"


def growth_checks(
    growths: Sequence[Growth], before: Sequence[float | str], after: Sequence[float | str]
) -> list[Check]:
    """Return a check for each figure."""
    return [_check(*growth) for growth in zip(growths, before, after, strict=True)]


def _check(growths: Growth, before: float | str, after: float | str) -> Check:
    limits = [f"below {growths.below:g}"] if growths.below is not None else []
    limits += [f"grows by less than {growths.growth:g}"] if growths.growth is not None else []
    name = f"stays_below: {growths.field} {' and '.join(limits)}"
    if isinstance(after, str) or (isinstance(before, str) and growths.growth is not None):
        return Check(name=name, passed=False, detail=after if isinstance(after, str) else str(before))
    began = before if isinstance(before, float) else 0.0
    below = growths.below is None or after < growths.below
    steady = growths.growth is None or after - began < growths.growth
    return Check(name=name, passed=below and steady, detail=f"it was {before}, and is {after:g}")

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


async def figures_of(wanted: Sequence[Growth], client: Transport) -> list[float | str]:
    """Return each figure now, or in a text why there is none."""
    return [await _figure(one, client) for one in wanted]


async def _figure(wanted: Growth, client: Transport) -> float | str:
    request = WebhookRequest(url=wanted.url, body=b"", method=wanted.method)
    reply = await followed(client, request, _TERMS)
    if not 0 < reply.status < 400:
        return f"{wanted.method} {wanted.url} answers {reply.status}" if reply.status else reply.error
    value = believed_at(reply.body, wanted.field)
    try:
        return float(value)
    except ValueError:
        return f"{wanted.field} is {value}"


def growth_checks(
    wanted: Sequence[Growth], before: Sequence[float | str], after: Sequence[float | str]
) -> list[Check]:
    """Return a check for each figure."""
    return [_check(*one) for one in zip(wanted, before, after, strict=True)]


def _check(wanted: Growth, before: float | str, after: float | str) -> Check:
    limits = [f"below {wanted.below:g}"] if wanted.below is not None else []
    limits += [f"grows by less than {wanted.growth:g}"] if wanted.growth is not None else []
    name = f"stays_below: {wanted.field} {' and '.join(limits)}"
    if isinstance(after, str) or (isinstance(before, str) and wanted.growth is not None):
        return Check(name=name, passed=False, detail=after if isinstance(after, str) else str(before))
    began = before if isinstance(before, float) else 0.0
    below = wanted.below is None or after < wanted.below
    steady = wanted.growth is None or after - began < wanted.growth
    return Check(name=name, passed=below and steady, detail=f"it was {before}, and is {after:g}")

"""
Numbers and texts as readers of evidence want them.
"""

from __future__ import annotations

from typing import Final

from simulator.kernel.model.printable import printable
from simulator.kernel.webhooks.webhook import Attempt

__all__ = ["count", "cut", "latency", "outcome", "printable", "span"]

_DAY_MS: Final = 86_400_000
_UNITS_MS: Final = ((_DAY_MS, "d"), (3_600_000, "h"), (60_000, "m"))
# How exact a length is that tells two units, by how long it is.
_SECOND_UNITS_MS: Final = ((3_600_000, _DAY_MS), (60_000, 3_600_000), (1_000, 60_000))
_EXACT_MS: Final = (_DAY_MS, 3_600_000, 60_000, 1_000, 100, 10, 1)


def cut(text: str, limit: int) -> str:
    """Return *text*, or its first *limit* characters and an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def count(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun: `1 message`, `12,000 messages`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def latency(us: int) -> str:
    """Return a latency in the unit that suits it."""
    if us < 1_000:
        return f"{us} µs"
    return f"{us / 1_000:.1f} ms" if us < 1_000_000 else f"{us / 1_000_000:.2f} s"


def span(ms: int, apart_ms: int = _DAY_MS) -> str:
    """
    Return a length of virtual time in its two largest units: `2d 3h`, `1.5s`.

    It is rounded down; what differs by *apart_ms* or more, and is told with that,
    never sounds alike.
    """
    if ms < 0:
        return f"-{span(-ms, apart_ms)}"
    second_ms = next((unit for unit, from_ms in _SECOND_UNITS_MS if ms >= from_ms), 1)
    exact_ms = min(second_ms, next((unit for unit in _EXACT_MS if unit <= apart_ms), 1))
    rest = ms - ms % exact_ms
    if 0 < rest < 1_000:
        return f"{rest}ms"
    parts: list[str] = []
    for unit_ms, letter in _UNITS_MS:
        whole, rest = divmod(rest, unit_ms)
        if whole:
            parts.append(f"{whole}{letter}")
    if rest or not parts:
        parts.append(f"{rest / 1_000:g}s")
    return " ".join(parts)


def outcome(attempt: Attempt) -> str:
    """Return what an attempt came to: the status, or why there was none."""
    return str(attempt.status) if attempt.status else attempt.error or "no answer"

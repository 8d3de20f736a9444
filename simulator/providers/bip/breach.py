"""
What a request may break, and how loosely its values are read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple

from simulator.providers.bip.settings import Settings

__all__ = ["Breach", "number", "unknown_fields", "whole"]

_NUMERIC: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)


class Breach(NamedTuple):
    """
    A rule that a request breaks: its code (or the name of a rule without one), where, what was expected.
    """

    rule: int | str
    path: str
    expected: str


def number(value: Any, coerce: bool) -> float | None:
    """Return a finite number, or None; a text that holds one counts where *coerce* says so."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return float(value) if coerce and _NUMERIC.fullmatch(value.strip()) else None
    if isinstance(value, int | float):
        # A JSON integer may be too large for a float.
        return float(value) if abs(value) < 1e18 and math.isfinite(value) else None
    return None


def whole(value: Any, coerce: bool) -> int | None:
    """Return a whole number, or None."""
    read = number(value, coerce)
    return int(read) if read is not None and read == int(read) else None


def unknown_fields(
    value: Mapping[str, Any], known: AbstractSet[str], path: str, settings: Settings
) -> Iterator[Breach]:
    """Yield fields that are not *known*, where settings have them refused (OC-18)."""
    if settings.unknown_fields == "refuse":
        for name in value:
            if name not in known:
                where = f"{path}.{name}" if path else name
                yield Breach("unknown", where, f"expected one of {', '.join(sorted(known))}")

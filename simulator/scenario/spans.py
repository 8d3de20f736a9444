"""
How a span of time is written in a scenario: from and until.
"""

from __future__ import annotations

from typing import Final

from simulator.kernel.model.units import parse_duration
from simulator.schema.node import Node, describe
from simulator.schema.shapes import Scalar

__all__ = ["SPAN"]

_SPAN: Final = 'a span such as "10m..12m" or "10m.."'


def _span(node: Node) -> tuple[int, int | None]:
    start, dots, end = str(node.value).partition("..")
    if not isinstance(node.value, str) or not dots:
        raise ValueError(f"expected {_SPAN}, got {describe(node)}")
    start_ms = parse_duration(start.strip())
    end_ms = parse_duration(end.strip()) if end.strip() else None
    if end_ms is not None and end_ms <= start_ms:
        raise ValueError(f"expected a span that ends after it begins, got {describe(node)}")
    return start_ms, end_ms


SPAN: Final = Scalar[tuple[int, int | None]](
    expected=_SPAN,
    convert=_span,
    json_schema={"type": "string", "examples": ["10m..12m", "1h.."]},
)

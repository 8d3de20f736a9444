"""
Money, counted in millionths so that nothing is lost.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

__all__ = ["micros", "plain_amount"]

_MILLION: Final = 1_000_000


def micros(amount: int | float) -> int:
    """Return an amount as written, in millionths."""
    return int(Decimal(str(amount)) * _MILLION)


def plain_amount(amount_micros: int) -> int | float:
    """Return an amount as JSON shows it: a whole number where it is one."""
    whole, rest = divmod(amount_micros, _MILLION)
    return whole if not rest else amount_micros / _MILLION

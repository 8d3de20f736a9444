"""
Numbers that a provider takes.
"""

from __future__ import annotations

from hypothesis import strategies as st

from simulator.provider import Provider

__all__ = ["DIGITS", "number", "recipients"]

DIGITS = 7
"""So many follow where the numbers of a provider begin."""


def recipients(provider: Provider, *, least: int = 0, most: int = 10**DIGITS - 1) -> st.SearchStrategy[str]:
    """Return numbers of *provider*, with one of *least* to *most* at their ends."""
    return st.integers(least, most).map(lambda place: number(provider, place))


def number(provider: Provider, place: int) -> str:
    """Return the number of *provider* that ends in *place*."""
    return f"{provider.numbers}{place:0{DIGITS}}"

"""
Numbers that a provider takes.
"""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from simulator.provider import Provider

__all__ = ["recipients"]

_PLACE_MAX: Final = 9_999_999


def recipients(provider: Provider, *, least: int = 0, most: int = _PLACE_MAX) -> st.SearchStrategy[str]:
    """Return numbers of *provider*, with one of *least* to *most* at their ends."""
    return st.integers(least, most).map(provider.number)

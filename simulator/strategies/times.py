"""
How long, when, and how many, as scenarios write it.
"""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

__all__ = ["instants", "shares", "spans"]

_SPANS: Final = ("1m", "1s", "10s", "10m", "1h", "1d")
_INSTANTS: Final = ("0s", "1m", "10m", "1h", "1d")
_SHARES: Final = ("100%", "50%", "10%")


def spans() -> st.SearchStrategy[str]:
    """Return how long something takes; a minute is the plainest."""
    return st.sampled_from(_SPANS)


def instants() -> st.SearchStrategy[str]:
    """Return when something happens, counted from the start; at once is the plainest."""
    return st.sampled_from(_INSTANTS)


def shares() -> st.SearchStrategy[str]:
    """Return how many of all; every one is the plainest."""
    return st.sampled_from(_SHARES)

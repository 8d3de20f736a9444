"""
Calls that send a message, as a provider's clients make them.
"""

from __future__ import annotations

from hypothesis import strategies as st

from simulator.provider import Provider, SampleCall
from simulator.strategies.recipients import recipients
from simulator.strategies.texts import texts

__all__ = ["submissions"]


def submissions(
    provider: Provider,
    *,
    to: st.SearchStrategy[str] | None = None,
    text: st.SearchStrategy[str] | None = None,
) -> st.SearchStrategy[SampleCall]:
    """
    Return calls below the base URL of *provider* that send a text to one recipient.

    Raises ValueError for a provider that says nothing of how it is called.
    """
    sample = provider.sample
    if sample is None:
        raise ValueError(f"{provider.name} has no sample of a call that sends")
    return st.builds(sample, recipients(provider) if to is None else to, texts() if text is None else text)

"""
What a rule does in each of its three places, as scenarios write it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hypothesis import strategies as st

from simulator.provider import Provider
from simulator.schema.node import Json
from simulator.strategies.times import shares, spans

__all__ = ["answers", "fates", "webhook_faults"]

_TOGETHER_MAX: Final = 2


def webhook_faults() -> st.SearchStrategy[dict[str, Json]]:
    """Return what befalls webhooks: at least one thing, and no more than a few at once."""
    # Each with what it needs, so that shrinking drops it whole.
    faults = [st.tuples(st.just(name), part) for name, part in _webhook_parts().items()]
    several = st.lists(
        st.one_of(faults), min_size=1, max_size=_TOGETHER_MAX, unique_by=lambda fault: fault[0]
    )
    return several.map(dict)


def _webhook_parts() -> dict[str, st.SearchStrategy[Json]]:
    return {
        "duplicate": _options(st.fixed_dictionaries({"within": spans()}), {"ids": "new"}, {"times": 2}),
        "contradict": _options(st.fixed_dictionaries({"after": spans()}), {"share": "50%"}),
        "reorder": _options(st.fixed_dictionaries({"within": spans()}), {"share": "50%"}),
        "early": st.just(True),
        "delay": spans(),
        "truncate": shares(),
        "corrupt": shares(),
        "mis_sign": st.sampled_from(["100%", "missing", "50%"]),
        "content_type": shares(),
    }


def _options(plain: st.SearchStrategy[dict[str, str]], *more: Mapping[str, Json]) -> st.SearchStrategy[Json]:
    """Return *plain*, or the same with one of *more* besides."""
    return st.builds(lambda base, extra: {**base, **extra}, plain, st.sampled_from([{}, *more]))


_ANSWERS: Final[Sequence[dict[str, Json]]] = (
    {"gateway": 503},
    {"drop": "after"},
    {"drop": "before"},
    {"gateway": 502, "after_work": True},
    {"truncate": True},
    {"garble": True},
)


def answers(provider: Provider | None = None) -> st.SearchStrategy[dict[str, Json]]:
    """
    Return what a send is answered, in words that every provider has.

    With *provider*, in words of its own, too; these need a rule that names it in `when`.
    """
    own = provider.refusals if provider is not None else ()
    return st.sampled_from([*_ANSWERS, *({"refuse": refusal.refuse} for refusal in own)])


def fates(*, writes: bool = True) -> st.SearchStrategy[Json]:
    """Return what becomes of a message, in words that every provider has; *writes*: recipients can answer."""
    choices: list[st.SearchStrategy[Json]] = [
        spans().map(lambda after: {"deliver": {"after": after}}),
        spans().map(lambda after: {"fail": {"reason": "absent", "after": after}}),
        st.just("expire"),
        spans().map(lambda after: {"deliver": {"after": "1m", "read": {"after": after}}}),
    ]
    if writes:
        choices.append(
            spans().map(lambda after: {"deliver": {"after": "1m", "reply": {"text": "Yes", "after": after}}})
        )
    return st.one_of(choices)

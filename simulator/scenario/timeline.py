"""
How the timeline is written in a scenario: what happens at an instant.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from simulator.kernel.recipient import TRAITS, Value
from simulator.kernel.rule import Act, TimelineItem
from simulator.kernel.shape import (
    AnyJson,
    Choice,
    Duration,
    Either,
    Field,
    OneOf,
    RateShape,
    Record,
    Shape,
    Text,
    Word,
)
from simulator.kernel.units import Rate
from simulator.scenario.recipients import ADDRESS, trait_fields

__all__ = ["timeline_shape"]

_HOLD, _RELEASE = "hold", "release"
_NOTHING: Final = object()

_RELEASED: Final = Record(
    lambda rate=None: rate, [Field("rate", RateShape(), "So many per time; all at once, if not given.")]
)
_WEBHOOKS: Final = Either[object](
    Word(_HOLD),
    Word(_RELEASE),
    OneOf[Rate | None, Rate | None]({_RELEASE: _RELEASED}, lambda _, rate: rate),
)


def timeline_shape(providers: Iterable[str]) -> Shape[TimelineItem]:
    """Return how an item of the timeline looks."""
    return Record(
        _item,
        [
            Field("at", Duration(), "When, counted from the start of the scenario.", required=True),
            Field("recipient", ADDRESS, "Whom it is about: an address, or a prefix with *."),
            *trait_fields(),
            Field("writes", Text(0), "The recipient writes this."),
            Field("does", Text(1, 100), "What else the recipient does, in the provider's words."),
            Field("data", AnyJson(), "What the act needs beyond a text."),
            Field("to", Text(1, 200), "Whom the recipient writes to."),
            Field("webhooks", _WEBHOOKS, "Hold webhooks back, or release what was held."),
            Field("provider", Choice({name: name for name in providers}), "At this provider only."),
        ],
        doc="What happens at an instant.",
    )


def _item(
    at: int,
    recipient: str = "",
    writes: str | None = None,
    to: str = "",
    does: str = "",
    data: object = None,
    webhooks: object = _NOTHING,
    provider: str = "",
    **traits: Value,
) -> TimelineItem:
    acts = writes is not None or bool(does)
    if (traits or acts) and not recipient:
        raise ValueError("expected a recipient that this is about")
    if not traits and not acts and webhooks is _NOTHING:
        raise ValueError(f"expected something that happens: webhooks, writes, does, {', '.join(TRAITS)}")
    if acts and not provider:
        raise ValueError("expected the provider through which the recipient writes or acts")
    if data is not None and not does:
        raise ValueError("expected does (what the recipient does) beside data")
    return TimelineItem(
        at_ms=at,
        recipient=recipient,
        traits=traits,
        act=Act(does or "writes", text=writes or "", sender=to, data=data) if acts else None,
        hold=webhooks == _HOLD,
        release=webhooks if isinstance(webhooks, Rate) else None,
        release_at_once=webhooks == _RELEASE or webhooks is None,
        provider=provider,
    )

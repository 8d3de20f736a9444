"""
How a message looks on a phone: plain values that a provider makes of a submission, for whoever draws them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from simulator.kernel.model.submission import Submission

__all__ = ["Bubble", "Card", "Picture", "Suggestion", "plain_bubble"]


class Suggestion(NamedTuple):
    """
    Something that the recipient may tap.
    """

    label: str
    note: str = ""
    """What else a tap does on the device, such as opening a page."""
    does: str = ""
    """The act of the recipient that a tap is, in the provider's word; empty: nobody hears of it."""
    data: Mapping[str, Any] | None = None
    """The data of that act."""


class Picture(NamedTuple):
    """
    A file or place within a message, told rather than fetched.
    """

    kind: str
    """`image`, `video`, `audio`, `file`, `place`, `contact` and the like."""
    name: str
    url: str = ""


class Card(NamedTuple):
    """
    A card; several stand side by side.
    """

    title: str = ""
    text: str = ""
    picture: Picture | None = None
    suggestions: tuple[Suggestion, ...] = ()


class Bubble(NamedTuple):
    """
    What the recipient sees of a message.
    """

    text: str = ""
    cards: tuple[Card, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    pictures: tuple[Picture, ...] = ()
    note: str = ""
    """What is worth knowing about how it was sent, such as its parts and their encoding."""


def plain_bubble(submission: Submission) -> Bubble:
    """Return a message as its text alone."""
    return Bubble(submission.text, note=f"{submission.parts} parts" if submission.parts > 1 else "")

"""
How recipients are written in a scenario: circumstances, constant or over time.
"""

from __future__ import annotations

from typing import Final

from simulator.kernel.model.recipient import Trait, Traits, Value, Window, normal_address
from simulator.schema.node import Node
from simulator.schema.shapes import (
    Boolean,
    Duration,
    Either,
    Field,
    ListOf,
    Mapped,
    Record,
    Shape,
    Text,
    When,
)

__all__ = ["pattern_of", "recipient_shape", "trait_fields"]


def pattern_of(text: str) -> str:
    """Return an address, or a prefix with `*`, in the kernel's spelling."""
    prefixed = text.endswith("*") and len(text) > 1
    return f"{normal_address(text[:-1])}*" if prefixed else normal_address(text)


_NAMES: Final = Mapped(ListOf(Text(1, 100), max_items=100), lambda names: tuple(names))
_BOOLEAN: Final[Shape[Value]] = Boolean()
_TEXT: Final[Shape[Value]] = Text(1, 100)

_TRAITS: Final[dict[str, tuple[Shape[Value], str]]] = {
    "reachable": (_BOOLEAN, "Whether the phone is on and in coverage; messages wait while it is not."),
    "blocked": (_BOOLEAN, "Whether the recipient blocked the sender."),
    "blacklisted": (_BOOLEAN, "Whether the number is on a do-not-disturb or black list."),
    "known": (_BOOLEAN, "Whether there is such a subscriber at all."),
    "capable": (Either[Value](_BOOLEAN, _NAMES), "Rich features: names, or false for none at all."),
    "follower": (_BOOLEAN, "Whether the recipient follows the service."),
    "session": (_BOOLEAN, "Whether a session with the service is open."),
    "tester": (_TEXT, "State of the tester invitation."),
    "operator": (_TEXT, "MCC and MNC as digits, for example 22801."),
}


def trait_fields() -> list[Field]:
    """Return the circumstances as plain values, as a change from now on."""
    return [Field(name, shape, doc) for name, (shape, doc) in _TRAITS.items()]


def recipient_shape() -> Shape[Traits]:
    """Return how a recipient's circumstances over time look."""
    return Record(
        dict,
        [Field(name, _over_time(shape), doc) for name, (shape, doc) in _TRAITS.items()],
        doc="A recipient's circumstances.",
    )


def _window(value: Value, since: int = 0, until: int | None = None) -> Window:
    if until is not None and until <= since:
        raise ValueError("expected until to be later than from")
    return Window(value, since, until)


def _over_time(value: Shape[Value]) -> Shape[Trait]:
    window: Shape[Window] = Record(
        _window,
        [
            Field("is", value, "The value in this window.", required=True, argument="value"),
            Field("from", Duration(), "When it begins, counted from the start.", argument="since"),
            Field("until", Duration(), "When it ends; never, if not given."),
        ],
        doc="A value for a time.",
    )
    single: Shape[Trait] = Mapped(window, lambda span: Trait((span,)))
    several: Shape[Trait] = Mapped(ListOf(window, max_items=1_000), Trait)
    constant: Shape[Trait] = Mapped(value, lambda plain: Trait((Window(plain),)))
    return Either[Trait](
        When(lambda node: isinstance(node.value, dict), single), When(_lists_windows, several), constant
    )


def _lists_windows(node: Node) -> bool:
    return isinstance(node.value, list) and any(isinstance(part.value, dict) for part in node.value)

"""
Recipients and their circumstances over time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Final, TypeAlias

from simulator.kernel.model.turns import InTurns, at_once

__all__ = ["TRAITS", "Circumstances", "Directory", "Trait", "Window", "normal_address"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """
    What is true of a recipient at one instant; None where nobody said.
    """

    reachable: bool = True
    blocked: bool = False
    """The recipient blocked this sender."""
    blacklisted: bool = False
    """The number is on a do-not-disturb or black list of the operator or regulator."""
    known: bool | None = None
    """Whether the provider knows such a subscriber at all."""
    capable: bool | tuple[str, ...] | None = None
    """Rich features of the device: names, or False for none at all."""
    follower: bool | None = None
    session: bool | None = None
    tester: str | None = None
    operator: str | None = None
    """MCC and MNC as digits, for example 22801."""


Value: TypeAlias = bool | str | tuple[str, ...] | None

TRAITS: Final = tuple(f.name for f in fields(Circumstances))
_NOBODY: Final = Circumstances()


@dataclass(frozen=True, slots=True)
class Window:
    """
    A trait's value from one instant until another (None: for good), offsets in milliseconds.
    """

    value: Value
    from_ms: int = 0
    until_ms: int | None = None

    def holds(self, at_ms: int) -> bool:
        """Return True when *at_ms* lies in the window; the end is not part of it."""
        return self.from_ms <= at_ms and (self.until_ms is None or at_ms < self.until_ms)


@dataclass(frozen=True, slots=True)
class Trait:
    """
    One trait of a recipient over time; where windows overlap, the last one holds.
    """

    windows: tuple[Window, ...]

    def at(self, at_ms: int) -> tuple[bool, Value]:
        """Return whether the trait says anything at *at_ms*, and what."""
        window = self.window_at(at_ms)
        return (False, None) if window is None else (True, window.value)

    def window_at(self, at_ms: int) -> Window | None:
        """Return the window that holds at *at_ms*, or None when the trait says nothing then."""
        for window in reversed(self.windows):
            if window.holds(at_ms):
                return window
        return None

    def shifted(self, by_ms: int) -> Trait:
        """Return the same trait with every window *by_ms* later."""
        return Trait(
            tuple(
                Window(w.value, w.from_ms + by_ms, None if w.until_ms is None else w.until_ms + by_ms)
                for w in self.windows
            )
        )

    def next_change_after(self, at_ms: int) -> int | None:
        """Return the next instant at which the trait may change, or None."""
        edges = [w.from_ms for w in self.windows] + [
            w.until_ms for w in self.windows if w.until_ms is not None
        ]
        return min((edge for edge in edges if edge > at_ms), default=None)


Traits: TypeAlias = Mapping[str, Trait]


def normal_address(text: str) -> str:
    """
    Return the kernel's spelling of an address: `+` and digits for numbers, else unchanged.
    """
    digits = (
        text.strip().removeprefix("+").removeprefix("00")
        if text[:2] == "00"
        else text.strip().removeprefix("+")
    )
    return f"+{digits}" if digits.isascii() and digits.isdigit() else text.strip()


@dataclass(slots=True)
class _Layer:
    """Traits by exact address and by prefix, the longest prefix first; counted from an instant."""

    exact: dict[str, Traits] = field(default_factory=dict)
    prefixes: dict[int, dict[str, Traits]] = field(default_factory=dict)
    lengths: tuple[int, ...] = ()
    start_ms: int = 0

    def put(self, pattern: str, traits: Traits) -> None:
        if pattern.endswith("*"):
            prefix = pattern[:-1]
            table = self.prefixes.setdefault(len(prefix), {})
            table[prefix] = {**table.get(prefix, {}), **traits}
            self.lengths = tuple(sorted(self.prefixes, reverse=True))
        else:
            before = self.exact.get(pattern)
            # Ten thousands are put when a scenario is loaded, and they are its own.
            self.exact[pattern] = traits if before is None else {**before, **traits}

    def under(self, pattern: str) -> Traits:
        """Return the traits of exactly this address or prefix."""
        if pattern.endswith("*"):
            return self.prefixes.get(len(pattern) - 1, {}).get(pattern[:-1], {})
        return self.exact.get(pattern, {})

    def find(self, address: str) -> Iterator[Traits]:
        if (traits := self.exact.get(address)) is not None:
            yield self._counted(traits)
        for length in self.lengths:
            if (traits := self.prefixes[length].get(address[:length])) is not None:
                yield self._counted(traits)

    def _counted(self, traits: Traits) -> Traits:
        if not self.start_ms:
            return traits
        return {name: trait.shifted(self.start_ms) for name, trait in traits.items()}

    def still(self) -> _Layer:
        prefixes = {length: dict(table) for length, table in self.prefixes.items()}
        return _Layer(dict(self.exact), prefixes, self.lengths, self.start_ms)

    def __bool__(self) -> bool:
        return bool(self.exact or self.prefixes)


class Directory:
    """
    Who is reachable, blocked, capable and so on, at any instant.

    Two layers: what the scenario says, and what was changed since (through the
    control API or the timeline).  A change wins over the scenario; in a layer
    an exact address wins over a prefix, a longer prefix over a shorter one.
    Looking up costs the number of distinct prefix lengths, not of recipients.
    """

    __slots__ = ("_changes", "_said", "_scenario")

    def __init__(self) -> None:
        self._scenario = _Layer()
        self._changes = _Layer()
        self._said = False

    def load(self, recipients: Mapping[str, Traits], start_ms: int = 0) -> None:
        """Replace what the scenario says, counted from *start_ms*; changes made since then stay."""
        at_once(self.loading(recipients, start_ms))

    def loading(self, recipients: Mapping[str, Traits], start_ms: int) -> InTurns[None]:
        """Do the same in turns; until it is done, what was said before holds."""
        layer = _Layer(start_ms=start_ms)
        for pattern, traits in recipients.items():
            layer.put(pattern, traits)
            yield
        self._scenario = layer
        self._said = bool(self._scenario or self._changes)

    def change(
        self, pattern: str, traits: Mapping[str, Value], at_ms: int, until_ms: int | None = None
    ) -> None:
        """
        Set traits of an address or prefix (`+4179*`) from *at_ms* on, until changed again.

        With *until_ms* all is then as it would have been without.
        """
        self._said = True
        before = self._changes.under(pattern) if until_ms is not None else {}
        changed = {}
        for name, value in traits.items():
            windows = before[name].windows if name in before else ()
            left = [w for w in windows if w.until_ms is None or w.until_ms > at_ms]
            changed[name] = Trait((*left, Window(value, at_ms, until_ms)))
        self._changes.put(pattern, changed)

    def at(self, address: str, at_ms: int) -> Circumstances:
        """Return the circumstances of *address* at *at_ms*."""
        if not self._said:
            return _NOBODY
        values: dict[str, Value] = {}
        for trait_name, trait in self._traits(address):
            if trait_name not in values:
                stated, value = trait.at(at_ms)
                if stated:
                    values[trait_name] = value
        return Circumstances(**values) if values else _NOBODY  # type: ignore[arg-type]

    def since(self, address: str, trait_name: str, at_ms: int) -> int | None:
        """Return since when a trait of *address* has the value it has at *at_ms*; None: nobody said any."""
        for name, trait in self._traits(address):
            if name == trait_name and (window := trait.window_at(at_ms)) is not None:
                return window.from_ms
        return None

    def next_change_after(self, address: str, trait_name: str, at_ms: int) -> int | None:
        """Return the next instant at which a trait of *address* may change by itself, or None."""
        edges = (
            trait.next_change_after(at_ms) for name, trait in self._traits(address) if name == trait_name
        )
        return min((edge for edge in edges if edge is not None), default=None)

    def still(self) -> Directory:
        """Return a copy to which no address is added."""
        twin = copy(self)
        twin._scenario, twin._changes = self._scenario.still(), self._changes.still()
        return twin

    def known(self) -> list[str]:
        """Return the addresses and prefixes that anything was said about, sorted."""
        patterns: set[str] = set(self.addresses())
        for layer in (self._scenario, self._changes):
            for table in layer.prefixes.values():
                patterns.update(f"{prefix}*" for prefix in table)
        return sorted(patterns)

    def addresses(self) -> Iterator[str]:
        """Yield the addresses that anything was said about, each once; prefixes are none."""
        scenario = self._scenario.exact
        return chain(scenario, (address for address in self._changes.exact if address not in scenario))

    def _traits(self, address: str) -> Iterable[tuple[str, Trait]]:
        for layer in (self._changes, self._scenario):
            for traits in layer.find(address):
                yield from traits.items()

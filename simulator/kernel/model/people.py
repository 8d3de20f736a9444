"""
Made-up people: who is behind a number, where a scenario wants names in its texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from simulator.kernel.model.chance import Chance
from simulator.kernel.model.recipient import normal_address
from simulator.kernel.model.rules import Act

__all__ = ["People", "Person", "filled"]


class Person(NamedTuple):
    """
    Someone who does not exist.
    """

    name: str
    first_name: str
    last_name: str


_BLANK: Final = re.compile(r"\{([a-z_]+)\}")


class People:
    """
    Gives each address a person of a crowd, always the same one for the same seed.

    Without a crowd there is nobody, and texts stay as they are.
    """

    __slots__ = ("_chance", "_crowd")

    def __init__(self, crowd: Sequence[Person], chance: Chance) -> None:
        self._crowd = crowd
        self._chance = chance

    def of(self, address: str) -> Person | None:
        """Return the person with this address; None without a crowd, and for a prefix."""
        if not self._crowd or address.endswith("*"):
            return None
        draws = self._chance.of("person", normal_address(address))
        return self._crowd[draws.integer("place", 0, len(self._crowd) - 1)]

    def words(self, address: str) -> Mapping[str, str]:
        """Return what may be filled into texts about this address."""
        person = self.of(address)
        return person._asdict() if person is not None else {}

    def text(self, text: str, address: str) -> str:
        """Return a text with `{name}` and the like filled in."""
        return text if not self._crowd or "{" not in text else _filled(text, self.words(address))

    def act(self, act: Act, address: str) -> Act:
        """Return an act with what is filled in by who acts."""
        if not self._crowd:
            return act
        return act._replace(text=self.text(act.text, address), data=filled(act.data, self.words(address)))


def filled(plain: object, words: Mapping[str, str]) -> object:
    """Return plain data with every `{word}` in its texts replaced by what *words* has for it."""
    if isinstance(plain, str):
        return _filled(plain, words)
    if isinstance(plain, Mapping):
        return {name: filled(part, words) for name, part in plain.items()}
    if isinstance(plain, list | tuple):
        return [filled(part, words) for part in plain]
    return plain


def _filled(text: str, words: Mapping[str, str]) -> str:
    # In one pass, so that what is filled in is never filled itself.
    return _BLANK.sub(lambda blank: words.get(blank[1], blank[0]), text)

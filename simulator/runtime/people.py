"""
A crowd of people who do not exist, made by Faker; for demonstrations.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from simulator.kernel.model.people import Person

__all__ = ["crowd"]

_CROWD: Final = 500


@lru_cache(maxsize=4)
def crowd(locale: str) -> tuple[Person, ...]:
    """
    Return people with names as they are common in *locale*; none for an empty one.

    The same for everybody who has the same release of Faker: its lists change
    between releases, so a name is decoration and decides nothing.
    """
    if not locale:
        return ()
    from faker import Faker

    faker = Faker(locale)
    faker.seed_instance(0)
    people = []
    for _ in range(_CROWD):
        first, last = faker.first_name(), faker.last_name()
        people.append(Person(f"{first} {last}", first, last))
    return tuple(people)

"""
People behind the numbers: always the same ones, and nobody unless a scenario wants them.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.model.chance import Chance
from simulator.kernel.model.people import People, Person, filled
from simulator.kernel.model.rules import Act

ADA, BEN = Person("Ada Ay", "Ada", "Ay"), Person("Ben Bo", "Ben", "Bo")
CROWD = (ADA, BEN)
NUMBERS = st.integers(0, 10**7).map("+9053{:08d}".format)


@given(NUMBERS, st.integers(0, 99))
def test_number_has_the_same_person_however_it_is_written(number: str, seed: int) -> None:
    """
    Every provider and every text that speaks of a number means the same person.
    """
    people = People(CROWD, Chance(seed))

    assert people.of(number) == people.of(number.removeprefix("+")) == People(CROWD, Chance(seed)).of(number)


def test_numbers_are_shared_out_among_the_crowd() -> None:
    """
    It is the number that draws, so everybody of a small crowd has one of many numbers.
    """
    people = People(CROWD, Chance(1))

    assert {people.of(f"+90532{number:07d}") for number in range(50)} == set(CROWD)


def test_prefix_is_nobody() -> None:
    """
    Many numbers have no common name.
    """
    assert People(CROWD, Chance(1)).of("+90532*") is None


def test_names_are_filled_in_where_somebody_acts() -> None:
    """
    In the text and anywhere in the data; other braces stay as they are.
    """
    act = Act(
        "writes", "I am {name}, {age}", "+90", {"vcard": "FN:{last_name};{first_name}", "n": [1, "{name}"]}
    )

    told = People((ADA,), Chance(1)).act(act, "+905320000001")

    assert told == Act("writes", "I am Ada Ay, {age}", "+90", {"vcard": "FN:Ay;Ada", "n": [1, "Ada Ay"]})


@given(st.text(max_size=20))
def test_texts_stay_as_they_are_where_nobody_has_a_name(text: str) -> None:
    """
    A message with braces in it is not touched unless a scenario has people.
    """
    people = People((), Chance(1))
    act = Act("writes", "{name}" + text)

    assert people.text("{name}" + text, "+90") == "{name}" + text
    assert people.act(act, "+90") == act
    assert people.of("+90") is None


def test_what_is_filled_in_is_not_filled_again() -> None:
    """
    A name that looks like a blank stays a name.
    """
    assert filled("{a}{b}", {"a": "{b}", "b": "x"}) == "{b}x"

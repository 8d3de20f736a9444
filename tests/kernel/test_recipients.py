"""
What is true of a recipient depends on the instant, and on who said it last.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.model.recipient import Circumstances, Directory, Trait, Window, normal_address

PHONE = "+905550000001"


def directory(**said: dict[str, Trait]) -> Directory:
    """
    Return a directory in which the scenario says this, by address.
    """
    found = Directory()
    found.load({address.replace("_", "+").replace("x", "*"): traits for address, traits in said.items()})
    return found


def off(*spans: tuple[int, int | None]) -> dict[str, Trait]:
    """
    Return traits of a recipient who is unreachable in these spans.
    """
    return {"reachable": Trait(tuple(Window(False, start, end) for start, end in spans))}


def constantly(**traits: bool | str) -> dict[str, Trait]:
    """
    Return traits that always hold.
    """
    return {name: Trait((Window(value),)) for name, value in traits.items()}


def test_nobody_said_anything() -> None:
    """
    A recipient nobody spoke of is reachable, and everything else is open.
    """
    assert Directory().at(PHONE, 0) == Circumstances()


def test_window_begins_with_its_start_and_ends_before_its_end() -> None:
    """
    The end of a window is not part of it.
    """
    found = directory(_905550000001=off((10, 20)))

    assert [found.at(PHONE, at_ms).reachable for at_ms in (9, 10, 19, 20)] == [True, False, False, True]


def test_last_of_overlapping_windows_holds() -> None:
    """
    Where windows overlap, the one written last holds.
    """
    trait = Trait((Window("a", 0, 30), Window("b", 10, 20)))

    assert [trait.at(at_ms) for at_ms in (0, 10, 20, 30)] == [
        (True, "a"),
        (True, "b"),
        (True, "a"),
        (False, None),
    ]


def test_exact_address_wins_over_prefix_and_longer_over_shorter() -> None:
    """
    Per trait, the most exact pattern that says something decides.
    """
    found = directory(
        _9x=constantly(operator="nine", blocked=True, tester="yes"),
        _90555x=constantly(operator="long", blocked=False),
        _905550000001=constantly(operator="exact"),
    )

    assert found.at(PHONE, 0) == Circumstances(operator="exact", blocked=False, tester="yes")
    assert found.at("+905550000002", 0) == Circumstances(operator="long", blocked=False, tester="yes")
    assert found.at("+901", 0) == Circumstances(operator="nine", blocked=True, tester="yes")
    assert found.at("+1", 0) == Circumstances()


def test_pattern_that_says_nothing_now_leaves_it_to_the_next() -> None:
    """
    Outside its window an exact address lets the prefix speak.
    """
    found = directory(_9x=constantly(reachable=False), _905550000001=off((0, 10)))
    found.load(
        {
            "+9*": constantly(reachable=False),
            PHONE: {"reachable": Trait((Window(True, 0, 10),))},
        }
    )

    assert [found.at(PHONE, at_ms).reachable for at_ms in (0, 10)] == [True, False]


def test_change_wins_over_the_scenario_from_its_instant_on() -> None:
    """
    What is changed by command holds from then on, even against a more exact scenario.
    """
    found = directory(_905550000001=constantly(reachable=True, blocked=True))

    found.change("+90*", {"reachable": False}, 50)

    assert found.at(PHONE, 49) == Circumstances(reachable=True, blocked=True)
    assert found.at(PHONE, 50) == Circumstances(reachable=False, blocked=True)


def test_change_is_changed_again() -> None:
    """
    The latest command about one pattern holds.
    """
    found = Directory()
    found.change(PHONE, {"reachable": False}, 10)

    found.change(PHONE, {"reachable": True}, 20)

    assert found.at(PHONE, 20) == Circumstances()


def test_scenario_counts_from_when_it_is_loaded() -> None:
    """
    Windows shift with the start; what the former scenario said is gone, changes are not.
    """
    found = directory(_905550000001=constantly(blocked=True))
    found.change(PHONE, {"tester": "t"}, 0)

    found.load({PHONE: off((10, 20))}, 100)

    assert [found.at(PHONE, at_ms) for at_ms in (109, 110, 120)] == [
        Circumstances(tester="t"),
        Circumstances(tester="t", reachable=False),
        Circumstances(tester="t"),
    ]


def test_next_change_is_the_next_edge_of_any_pattern() -> None:
    """
    The edges of every pattern that covers the address count, others do not.
    """
    found = directory(_905550000001=off((10, 20)), _905x=off((15, None)), _1x=off((12, 13)))

    edges = [found.next_change_after(PHONE, "reachable", at_ms) for at_ms in (0, 10, 15, 20)]

    assert edges == [10, 15, 20, None]
    assert found.next_change_after(PHONE, "blocked", 0) is None


@given(
    st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(0, 30), st.booleans()), max_size=5),
    st.integers(0, 40),
)
def test_nothing_changes_before_the_next_change(
    spans: list[tuple[int, int | None, bool]], at_ms: int
) -> None:
    """
    Between an instant and the next change told, circumstances stay what they are.
    """
    trait = Trait(tuple(Window(value, start, end) for start, end, value in spans))
    found = Directory()
    found.load({PHONE: {"reachable": trait}})

    next_ms = found.next_change_after(PHONE, "reachable", at_ms)

    until_ms = 100 if next_ms is None else next_ms
    assert at_ms < until_ms
    assert {found.at(PHONE, between) for between in range(at_ms, until_ms)} == {found.at(PHONE, at_ms)}


def test_everyone_who_was_spoken_of_is_known() -> None:
    """
    Addresses and prefixes of scenario and commands, sorted, each once.
    """
    found = directory(_9x=constantly(blocked=True), _905550000001=off((0, 1)))
    found.change("+1", {"blocked": True}, 0)
    found.change(PHONE, {"blocked": True}, 0)

    assert found.known() == ["+1", "+9*", PHONE]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("+905550000001", "+905550000001"),
        ("905550000001", "+905550000001"),
        ("00905550000001", "+905550000001"),
        (" 905550000001 ", "+905550000001"),
        ("InfoSMS", "InfoSMS"),
        ("user@example", "user@example"),
        ("+90 555", "+90 555"),
        ("٩٠٥", "٩٠٥"),
        ("", ""),
    ],
)
def test_number_has_one_spelling(text: str, address: str) -> None:
    """
    Numbers are a plus and digits however they come; anything else stays itself.
    """
    assert normal_address(text) == address

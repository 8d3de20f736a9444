"""
The library of hardships: what is in it, that its names stay, and that its files are whole.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden import check_golden
from simulator.exam.hardships import Hardship, library, read_hardship
from simulator.exam.paper import NUMBERS
from simulator.provider import discover
from simulator.scenario.loader import ScenarioError
from simulator.scenario.shipped import hardships as files
from simulator.scenario.shipped import library as shipped
from simulator.scenario.yaml import dump, parse

_PROVIDERS = discover()
_LIBRARY = library(_PROVIDERS)
_PAGE = Path(__file__).parents[2] / "docs" / "exam.md"
_TABLE = "## The hardships\n"


@pytest.mark.parametrize("hardship", _LIBRARY, ids=lambda hardship: hardship.name)
def test_hardship_says_what_it_promises(hardship: Hardship) -> None:
    """
    Its name is plain, its promise one sentence, its numbers are those that are replaced.
    """
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", hardship.name)
    assert re.fullmatch(r"[A-Z][^.]+\.", hardship.promise.replace(": ", ", "))
    assert len(hardship.promise) <= 120
    assert hardship.judged_by
    text = dump(dict(hardship.tree))
    assert NUMBERS in text
    numbers = set(re.findall(r"\+[0-9]{5,}", text))
    assert all(number.startswith(NUMBERS) or NUMBERS.startswith(number) for number in numbers)
    assert set(hardship.lures) <= {rule["name"] for rule in hardship.tree.get("rules") or []}  # type: ignore[union-attr,call-overload,index]


def test_there_are_forty_for_each_provider_under_their_own_names() -> None:
    """
    Promises differ as names do, and those of the exam do not crowd the list of scenarios.
    """
    for provider in _PROVIDERS:
        own = [hardship for hardship in _LIBRARY if provider in hardship.providers]
        assert len(own) >= 40
        assert len({hardship.name for hardship in own}) == len(own)
        assert len({hardship.promise for hardship in own}) == len(own)
    assert not {path.parent for path in files()} & {path.parent for path in shipped()}


@pytest.mark.golden
def test_names_stay_from_release_to_release() -> None:
    """
    Baselines and JUnit histories go by these names: what is taken away or renamed breaks them.

    The page lists them all; `make golden` writes that list anew.
    """
    head, _, _ = _PAGE.read_text("utf-8").partition(_TABLE)
    providers = sorted(_PROVIDERS)
    rows = [["name", *providers, "promise"], ["---"] * (len(providers) + 2)]
    rows += [
        [f"`{each.name}`", *("✓" if name in each.providers else "" for name in providers), each.promise]
        for each in _LIBRARY
    ]

    check_golden(_PAGE, f"{head}{_TABLE}\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows))


def test_file_without_a_promise_is_no_hardship(tmp_path: Path) -> None:
    """
    It is refused with what is missing.
    """
    path = tmp_path / "nothing.yaml"
    path.write_text("rules: [{then: {fate: silence}}]")

    with pytest.raises(ScenarioError, match="expected hardship:, with the promise that it tests"):
        read_hardship(path, _PROVIDERS)


_PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.text(st.characters(blacklist_categories=["Cs"]), max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(blacklist_categories=["Cs"]), max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_PLAIN)
def test_what_is_written_is_read_again(value: object) -> None:
    """
    The file of a failure says what was run, whatever texts stand in it.
    """
    assert parse(dump(value)).plain() == value  # type: ignore[arg-type]

"""
Faker's people in a running space: texts of storms, acts and replies have names in them.
"""

from __future__ import annotations

import sys

import pytest
from faker.config import AVAILABLE_LOCALES

from harness import receiving, serving
from simulator.explain.narrative import what_of
from simulator.provider import discover
from simulator.runtime.people import crowd
from simulator.scenario.loader import LOCALES, ScenarioError, load_run


@pytest.mark.parametrize("locale", LOCALES)
def test_every_locale_has_a_crowd(locale: str) -> None:
    """
    Each locale that a scenario may name exists, and has many people with names of two parts.
    """
    people = crowd(locale)

    assert locale in AVAILABLE_LOCALES
    assert len(set(people)) > 400
    assert all(one.first_name and one.name == f"{one.first_name} {one.last_name}" for one in people)


async def test_storm_and_answers_have_names_in_them() -> None:
    """
    Who gets a message by name answers with the same name, and the control API tells it.
    """
    storm = {"messages": 5, "rate": "1/s", "recipient": "+9053", "text": "Hello {first_name}"}
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": receiver.url})
        await bench.load(
            {
                "people": {"locale": "tr_TR"},
                "rules": [{"then": {"fate": {"deliver": {"reply": {"text": "I am {name}"}}}}}],
                "timeline": [{"at": "1s", "provider": "infobip", "storm": storm}],
            }
        )
        await bench.space.driver.advance(None)
        texts = {key.recipient: m.submission.text for key, m in bench.space.simulation.messages.items()}
        acts = {
            entry.recipient: what_of(entry.fact)
            for entry in bench.space.simulation.journal
            if entry.kind.value == "act"
        }
        people = {address: bench.space.simulation.people.of(address) for address in texts}
        _, told = await bench.control("GET", f"/spaces/default/recipients/{next(iter(texts))}")

    assert len(texts) == 5
    assert all(one in crowd("tr_TR") for one in people.values())
    assert texts == {address: f"Hello {one.first_name}" for address, one in people.items() if one}
    assert acts == {address: f"writes {f'I am {one.name}'!r}" for address, one in people.items() if one}
    assert told["name"] == next(one.name for one in people.values() if one)


async def test_next_scenario_without_people_has_none() -> None:
    """
    People come and go with the scenario.
    """
    async with serving() as bench:
        await bench.load({"people": {"locale": "en_GB"}})
        before = bench.space.simulation.people.of("+905320000001")
        await bench.load({})

        assert before is not None
        assert bench.space.simulation.people.of("+905320000001") is None


_WITH_PEOPLE = "name: a\npeople: {locale: tr_TR}\n"


def test_file_with_people__says_how_to_get_faker_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Who would run the file is told at its place what to install; who checks it needs nothing.
    """
    monkeypatch.setitem(sys.modules, "faker", None)

    checked = load_run(_WITH_PEOPLE, "a.yaml", discover(), to_be_run=False)
    with pytest.raises(ScenarioError) as refusal:
        load_run(_WITH_PEOPLE, "a.yaml", discover())

    assert checked.scenario.people == "tr_TR"
    assert refusal.value.lines == [
        'a.yaml:2:1: people: names come from Faker: pip install "messaging-provider-simulator[people]"'
    ]


async def test_scenario_with_people__is_refused_by_the_control_api_where_faker_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A scenario put in force over HTTP is refused with the same sentence, and the one before stays.
    """
    monkeypatch.setitem(sys.modules, "faker", None)
    async with serving() as bench:
        status, body = await bench.control("PUT", "/spaces/default/scenario", {"people": {"locale": "de_DE"}})
        people = bench.space.simulation.scenario.people

    assert (status, people) == (422, "")
    assert body["errors"] == [
        'people: names come from Faker: pip install "messaging-provider-simulator[people]"'
    ]

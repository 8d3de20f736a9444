"""
Strategies give what is valid, and shrink to what is plain.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest
from aiohttp import ClientSession
from hypothesis import find, given, settings
from hypothesis import strategies as st

from simulator.provider import Provider, SampleCall, built_in, discover
from simulator.scenario.loader import load_run, read_run, scenario_shape
from simulator.scenario.yaml import dump, parse
from simulator.server.app import Server, ServerConfig
from simulator.server.spaces import DEFAULT_SPACE
from simulator.strategies import (
    answers,
    fates,
    recipients,
    scenarios,
    submissions,
    texts,
    timelines,
    webhook_faults,
)
from simulator.telecom.sms import Encoding, segment

_PROVIDERS = discover()
_SHAPE = scenario_shape(_PROVIDERS)
_DRIVE: Any = {"call": "POST http://127.0.0.1:9000/send", "body": {"to": "{recipient}", "text": "{text}"}}


@pytest.fixture(params=built_in())
def provider(request: pytest.FixtureRequest) -> Provider:
    """Return each provider in turn."""
    return _PROVIDERS[request.param]


@given(data=st.data())
def test_every_scenario_loads(data: st.DataObject) -> None:
    """
    Whatever is drawn is a scenario, as a tree and as the file that it is written to.
    """
    provider = data.draw(st.sampled_from(sorted(_PROVIDERS)).map(_PROVIDERS.__getitem__))
    tree = data.draw(scenarios(provider, drive=_DRIVE, restart="POST http://127.0.0.1:9000/restart"))

    text = dump(dict(tree))

    assert parse(text, "drawn.yaml").plain() == tree
    assert (
        load_run(text, "drawn.yaml", _PROVIDERS).drive
        == read_run(dict(tree), "drawn.yaml", _PROVIDERS, _SHAPE).drive
    )


def test_parts_of_rules_load() -> None:
    """
    Each part that a test may draw by itself is one that a rule takes.
    """

    @given(answer=answers(), fate=fates(), webhooks=webhook_faults())
    def loads(answer: Any, fate: Any, webhooks: Any) -> None:
        then = {"answer": answer, "fate": fate, "webhooks": webhooks}
        assert len(read_run({"rules": [{"then": then}]}, "drawn", _PROVIDERS, _SHAPE).scenario.rules) == 1

    loads()


def test_refusals_of_a_provider_load(provider: Provider) -> None:
    """
    What a provider says of its own refusals is what its rules take: one for good, one for a while.
    """
    for refusal in provider.refusals:
        then = {"answer": {"refuse": refusal.refuse}}
        tree: Any = {"rules": [{"when": {"provider": provider.name}, "then": then}]}
        assert len(read_run(tree, "drawn", _PROVIDERS, _SHAPE).scenario.rules) == 1

    assert {refusal.for_good for refusal in provider.refusals} == {True, False}


def test_nothing_is_the_plainest(provider: Provider) -> None:
    """
    A scenario shrinks to one message and no trouble at all.
    """
    tree = find(scenarios(provider, drive=_DRIVE), lambda tree: True, settings=settings(database=None))

    assert tree == {
        "drive": [
            {
                "call": "POST http://127.0.0.1:9000/send",
                "body": {"to": "{recipient}", "text": "Your code is 1234"},
                "recipient": provider.number(0),
            }
        ]
    }


@pytest.mark.parametrize(
    ("fault", "plainest"),
    [
        ("duplicate", {"within": "1m"}),
        ("contradict", {"after": "1m"}),
        ("reorder", {"within": "1m"}),
        ("truncate", "100%"),
        ("mis_sign", "100%"),
        ("delay", "1m"),
    ],
)
def test_faults_shrink_to_round_values(fault: str, plainest: Any) -> None:
    """
    A reader sees 1m and 100%, and one fault alone.
    """
    faults = find(webhook_faults(), lambda faults: fault in faults, settings=settings(database=None))

    assert faults == {fault: plainest}


def test_outage_ends(provider: Provider) -> None:
    """
    What is held back is released later: faults stop at some time.
    """
    outages = timelines(provider).filter(lambda items: any(item.get("webhooks") for item in items))

    items = find(outages, lambda items: True, settings=settings(database=None))

    assert [item["webhooks"] for item in items] == ["hold", "release"]


@given(text=texts(Encoding.GSM7))
def test_texts_keep_to_their_encoding(text: str) -> None:
    """
    A text of the plain alphabet is one, and none is empty.
    """
    assert text
    assert segment(text).encoding is Encoding.GSM7


def test_texts_come_to_boundaries() -> None:
    """
    Some texts are exactly as long as one part, and some are one character longer.
    """
    for length, parts in ((160, 1), (161, 2)):
        text = find(
            texts(Encoding.GSM7),
            lambda text, length=length: len(text) == length,  # type: ignore[misc]
            settings=settings(database=None),
        )

        assert segment(text).parts == parts


async def test_submissions_are_accepted(provider: Provider) -> None:
    """
    A call that is drawn is one that the provider takes.
    """
    calls: list[SampleCall] = []

    @settings(max_examples=10)
    @given(call=submissions(provider, to=recipients(provider, most=999)))
    def draw(call: SampleCall) -> None:
        calls.append(call)

    await asyncio.to_thread(draw)
    server = Server(ServerConfig(port=0, providers=_PROVIDERS))
    await server.start()
    try:
        space = server.registry.get(DEFAULT_SPACE)
        if provider.name == "bip":
            space.configure("bip", {"session": {"required": False}})
        async with ClientSession() as client:
            for call in {json.dumps(call): call for call in calls}.values():
                url = f"{server.url}/{provider.name}{call.path}"
                async with client.request(call.method, url, json=call.body, headers=call.headers) as answer:
                    assert answer.status == 200, await answer.text()
        assert len(space.simulation.messages) == len({json.dumps(call) for call in calls})
    finally:
        await server.stop()


def test_importing_the_package_does_not_import_hypothesis() -> None:
    """
    Whoever does not search does not wait for Hypothesis.
    """
    code = "import sys, simulator.commands.explore, simulator.cli; sys.exit('hypothesis' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_hypothesis_it_is_said_how_to_get_it() -> None:
    """
    Who lacks the extra reads its name.
    """
    code = "import sys; sys.modules['hypothesis'] = None; import simulator.strategies"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert 'pip install "messaging-provider-simulator[hypothesis]"' in run.stderr

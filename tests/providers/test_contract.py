"""
One contract over all providers: every one there is, the same questions.
"""

from __future__ import annotations

from typing import Final

import pytest
from aiohttp import ClientSession
from yarl import URL

from curl import curls_in
from providers.contract import PIGEON, ROWS
from simulator.provider import built_in
from simulator.testing import Question, contract, open_door

_PROVIDERS: Final = {**built_in(), "pigeon": PIGEON}
_NAMES: Final = sorted(set(_PROVIDERS) & set(ROWS))


def test_every_provider_has_a_row() -> None:
    """
    A provider of ours is held to the contract; its row goes into `providers/contract.py`.
    """
    assert set(_PROVIDERS) - set(ROWS) == set()


@pytest.mark.parametrize(
    "question", [question for name in _NAMES for question in contract(_PROVIDERS[name], ROWS[name])], ids=str
)
def test_provider_keeps_the_contract(question: Question) -> None:
    """
    The same questions to every provider, as `simulator.testing` asks those of others.
    """
    question()


@pytest.mark.parametrize("name", _NAMES)
async def test_example_of_the_banner_works(name: str) -> None:
    """
    The command that `serve` prints sends a message that arrives.
    """
    async with open_door(_PROVIDERS[name], ROWS[name]) as door, ClientSession() as http:
        (curl,) = curls_in(door.provider.example(door.url, door.credential))
        url = URL(curl.url, encoded=True)
        async with http.request(curl.method, url, headers=curl.headers, data=curl.body) as answer:
            status = answer.status
        await door.settle()

        assert 200 <= status < 300
        assert [message.state.value for message in door.messages] == ["delivered"]

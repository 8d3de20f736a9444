"""
What a client of each provider says is what that provider takes.
"""

from __future__ import annotations

import pytest

from harness import serving
from simulator.provider import built_in, space_credential

PROVIDERS = sorted(built_in())


@pytest.mark.parametrize("name", PROVIDERS)
async def test_client_sends_keeps_the_id_and_asks(name: str) -> None:
    """
    A send is accepted under the id that the client keeps; where there is a question for it, it is answered.
    """
    provider = built_in()[name]
    side = provider.client
    assert side is not None
    async with serving() as bench:
        credential = space_credential(provider, "default")
        call = side.send(credential, f"{provider.numbers}0000001", "hello", "load-1")
        url = f"{bench.url}/{name}{call.path}"
        async with bench.http.request(call.method, url, data=call.body, headers=call.headers) as answer:
            status, body = answer.status, await answer.read()
        message_id = side.id_of(body) if side.id_of is not None else "load-1"
        messages = list(bench.space.simulation.messages.values())
        state = ""
        if side.ask is not None:
            question = side.ask(credential, message_id)
            url = f"{bench.url}/{name}{question.path}"
            async with bench.http.request(question.method, url, headers=question.headers) as answer:
                state = side.state_of(await answer.read())
        simulation = bench.space.simulation
        names = {messages[0].id, *simulation.names_of(messages[0].submission).values()}

    assert status == 200, body
    assert len(messages) == 1
    assert message_id in names
    assert bool(state) == (side.ask is not None)

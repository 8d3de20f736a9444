"""
Answers and webhooks say what the provider says of itself, and nothing of what is inside.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from harness import KEY, receiving, serving
from raw import OK, answering, raw
from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.provider import discover
from simulator.runtime.guard import Guard
from simulator.runtime.transport.client import open_client
from simulator.runtime.transport.seam import Terms, answered

BODY = {"messages": [{"destinations": [{"to": "41793026727"}], "text": "hello"}]}


@pytest.mark.parametrize(
    "path", ["/infobip/account/1/balance", "/infobip/nowhere", "/_sim/health", "/_sim/v1/spaces", "/nowhere"]
)
async def test_answer_says_nothing_of_the_software_inside(path: str) -> None:
    """
    No answer has the header Server, unless it is the provider's own.
    """
    async with serving() as bench, bench.http.get(f"{bench.url}{path}", headers=KEY) as answer:
        assert "Server" not in answer.headers


async def test_provider_names_its_own_server_and_agent() -> None:
    """
    A provider that has a header Server, or User-Agent, of its own has it in answers and on webhooks.
    """
    infobip = replace(discover()["infobip"], server_header="Loft", user_agent="Loft-Hooks/2")
    agents: list[str] = []

    async def keep(request: Any) -> Any:
        agents.append(request.headers["User-Agent"])
        return web.Response()

    async with receiving() as receiver, serving(providers={"infobip": infobip}) as bench:
        receiver.answer = keep
        await bench.configure(webhook={"url": receiver.url})
        url = f"{bench.url}/infobip/sms/1/text/advanced"
        async with bench.http.post(url, json=BODY, headers=KEY) as answer:
            server = answer.headers["Server"]
        await bench.space.driver.advance(None)

    assert (server, agents) == ("Loft", ["Loft-Hooks/2"])


async def test_webhook_says_nothing_of_the_software_inside() -> None:
    """
    The User-Agent of a webhook whose provider has none of its own names neither us nor what sends it.
    """
    async with raw(answering(OK)) as receiver, open_client(Guard()) as client:
        await answered(client, WebhookRequest(url=receiver.url, body=b"{}"), Terms())

    lines = receiver.requests[0].split(b"\r\n")
    agents = [line for line in lines if line.lower().startswith(b"user-agent")]
    assert agents == [b"User-Agent: http-client/1.0"]

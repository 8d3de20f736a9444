"""
Pages of a proxy in front of Infobip, and webhooks that lack their signature.
"""

from __future__ import annotations

import pytest

from providers.infobip.bench import bench, one

PATHS = ["/sms/1/text/advanced", "/sms/2/text/advanced", "/sms/3/messages"]


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("path", PATHS)
async def test_gateway__answers_with_a_page_and_sends_nothing(path, status):
    """
    A proxy answers with HTML, in no envelope of Infobip's, and nothing was sent.
    """
    body = {"messages": [{"destinations": [{"to": "41793026727"}], "content": {"text": "hi"}, "text": "hi"}]}

    async with bench() as run:
        run.load({"rules": [{"then": {"answer": {"gateway": status}}}]})
        answer = await run.call("POST", path, body)
        messages = list(run.space.simulation.messages.values())

    assert (answer.status, messages) == (status, [])
    assert answer.headers["Content-Type"].startswith("text/html")
    assert b"<html" in answer.body.lower()


async def test_mis_sign_missing__leaves_the_signature_out():
    """
    A webhook may come without the header that a subscription signs with.
    """
    async with bench() as run:
        run.configure(webhook={"url": run.integrator.url, "hmac": {"secret": "s"}})
        run.load({"rules": [{"then": {"webhooks": {"mis_sign": "missing"}}}]})
        await run.send(one())
        await run.settle()

    (push,) = run.integrator.pushes
    assert "X-Signature" not in push.headers
    assert push.plain["results"][0]["status"]["id"] == 5

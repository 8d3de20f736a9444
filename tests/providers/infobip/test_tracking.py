"""
Clicks and conversions.
"""

from __future__ import annotations

from typing import Any

import pytest

from providers.infobip.bench import MONDAY, Bench, bench, one
from simulator.kernel.engine.account import ImpossibleAct
from simulator.kernel.model.rules import Act

PHONE = "+41793026727"
TEXT = "see https://example.com/offer today"


def clicks(run: Bench, **data: object) -> None:
    """Let the recipient click."""
    run.space.simulation.act("infobip", PHONE, Act("clicks", data=data or None))
    run.space.driver.nudge()


async def send_v2(run: Bench, **options: object) -> Any:
    """Send a text with a URL, its clicks pushed to the integrator."""
    body = {
        "bulkId": "B",
        **one(text=TEXT, callbackData="cb", entityId="ent", applicationId="app"),
        "urlOptions": {"trackingUrl": f"{run.integrator.url}/clicks", **options},
    }
    return await run.send(body, "/sms/2/text/advanced")


async def test_click__is_pushed_as_one_object():
    """
    A click on a delivered message is pushed alone, its date in milliseconds since 1970.
    """
    async with bench(deliver_after="1s") as run:
        answer = await send_v2(run)
        await run.advance("1m")
        clicks(run, recipientInfo={"deviceType": "Phone"}, geoLocationInfo={"city": "Zug"})
        await run.settle()

    (push,) = run.integrator.pushes
    assert push.path == "/clicks"
    assert push.plain == {
        "notificationType": "CLICKED",
        "recipient": "41793026727",
        "url": "https://example.com/offer",
        "sendDateTime": MONDAY + 60_000,
        "messageId": answer["messages"][0]["messageId"],
        "bulkId": "B",
        "callbackData": "cb",
        "recipientInfo": {"deviceType": "Phone"},
        "geoLocationInfo": {"city": "Zug"},
        "applicationId": "app",
        "entityId": "ent",
    }


async def test_click__on_a_named_message_and_url():
    """
    The act may say which message and which URL; else it is the latest message and its first URL.
    """
    async with bench(deliver_after="1s") as run:
        first = (await send_v2(run))["messages"][0]["messageId"]
        second = (await send_v2(run))["messages"][0]["messageId"]
        await run.advance("1m")
        clicks(run)
        clicks(run, messageId=first, url="https://example.com/other")
        await run.settle()

    told = [(push.plain["messageId"], push.plain["url"]) for push in run.integrator.pushes]
    assert told == [(second, "https://example.com/offer"), (first, "https://example.com/other")]


async def test_click__v3_and_v1_and_the_accounts_own_url():
    """
    v3 options and v1's `track: URL` make clicks known; without a URL in the send, settings say where to.
    """
    v3 = {
        "messages": [{"destinations": [{"to": "41793026727"}], "content": {"text": TEXT}}],
        "options": {"tracking": {"trackClicks": True, "shortenUrl": True}},
    }

    async with bench(deliver_after="1s") as run:
        run.configure(clicks={"url": f"{run.integrator.url}/account"})
        await run.send(v3, "/sms/3/messages")
        await run.advance("1m")
        clicks(run)
        await run.send({**one(text=TEXT), "tracking": {"track": "URL"}})
        await run.advance("1m")
        clicks(run)
        await run.settle()

    assert [push.path for push in run.integrator.pushes] == ["/account", "/account"]


async def test_click__on_the_timeline():
    """
    The timeline lets a recipient click.
    """
    item = {
        "at": "1h",
        "recipient": PHONE,
        "provider": "infobip",
        "does": "clicks",
        "data": {"url": "https://x.test"},
    }

    async with bench(deliver_after="1s") as run:
        run.load({"timeline": [item]})
        await send_v2(run)
        await run.settle()

    (push,) = run.integrator.pushes
    assert (push.at_ms, push.plain["url"]) == (3_600_000, "https://x.test")


@pytest.mark.parametrize(
    ("options", "data", "complaint"),
    [
        ({"trackClicks": False}, {}, "+41793026727 has got no message whose clicks are tracked"),
        ({"shortenUrl": False}, {}, "+41793026727 has got no message whose clicks are tracked"),
        ({}, {"messageId": "unknown"}, "+41793026727 has got no message whose clicks are tracked"),
        ({}, {"colour": "red"}, "expected data with messageId, url, recipientInfo, geoLocationInfo, or none"),
        (
            {"trackingUrl": ""},
            {},
            "neither the send (trackingUrl) nor the settings (clicks.url) say where to",
        ),
    ],
)
async def test_click__that_is_impossible(options, data, complaint):
    """
    A click on what was not tracked, or did not arrive, is refused in words.
    """
    async with bench(deliver_after="1s") as run:
        await send_v2(run, **options)
        await run.settle()
        with pytest.raises(ImpossibleAct) as refusal:
            clicks(run, **data)

    assert str(refusal.value) == complaint


async def test_click__before_delivery():
    """
    Nobody clicks on a message that has not arrived.
    """
    async with bench(deliver_after="1h") as run:
        await send_v2(run)
        with pytest.raises(ImpossibleAct):
            clicks(run)


async def test_conversion():
    """
    Ending a conversion tells the process key of the send, the client's own if it gave one.
    """
    async with bench() as run:
        minted = await run.send({**one(), "tracking": {"track": "SMS"}})
        given = await run.send({**one(), "tracking": {"track": "SMS", "processKey": "KEY"}})
        plain = await run.send(one())
        keys = [
            (await run.call("POST", f"/ct/1/log/end/{sent['messages'][0]['messageId']}")).plain
            for sent in (minted, given, plain)
        ]

    assert keys[:2] == [{"processKey": minted["trackingProcessKey"]}, {"processKey": "KEY"}]
    assert given["trackingProcessKey"] == "KEY"
    assert len(keys[2]["processKey"]) == 32


async def test_conversion__of_an_unknown_message():
    """
    A message that does not exist is not found.
    """
    async with bench() as run:
        answer = await run.call("POST", "/ct/1/log/end/unknown")

    assert answer.status == 404
    assert answer.plain == {
        "requestError": {
            "serviceException": {
                "messageId": "NOT_FOUND",
                "text": "Requested URL not found: /ct/1/log/end/unknown",
            }
        }
    }

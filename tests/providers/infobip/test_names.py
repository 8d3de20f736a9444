"""
Stories are found by the bulkId that the integrator chose; one of ours would say nothing to people.
"""

from __future__ import annotations

from typing import Any

from providers.infobip.bench import Bench, bench, one


async def control(run: Bench, path: str) -> Any:
    """Get something of the default space from the control API."""
    async with run.session.get(f"{run.server.url}/_sim/v1/spaces/default{path}") as answer:
        assert answer.status == 200
        return await answer.json()


async def test_messages_and_refusals_are_found_by_their_bulk_id():
    """
    The bulkId leads to every message of a send, and to the story of a call that was refused whole.
    """
    body = {
        "bulkId": "B-1",
        "messages": [{"destinations": [{"to": "41793026727"}, {"to": "41793026834"}], "text": "hi"}],
    }
    refused = {"bulkId": "B-2", "messages": [{"destinations": [{"to": "9991200429"}], "text": "hi"}]}

    async with bench() as run:
        await run.send(body)
        answer = await run.call("POST", "/sms/2/text/advanced", refused)
        listed = await control(run, "/messages?name=B-1")
        story = await control(run, "/messages/B-2/explain")

    assert answer.status == 429
    assert [item["recipient"] for item in listed["items"]] == ["+41793026727", "+41793026834"]
    assert [item["names"] for item in listed["items"]] == [{"bulkId": "B-1"}] * 2
    assert story["refusal"]["names"] == {"bulkId": "B-2"}


async def test_bulk_id_of_ours_leads_there_and_is_not_told():
    """
    A generated bulkId stands in the answer, so whoever looks for it finds its messages; stories go without.
    """
    async with bench() as run:
        answer = await run.send(one(), "/sms/2/text/advanced")
        listed = await control(run, f"/messages?name={answer['bulkId']}")
        queried = [await control(run, f"/messages?q={q}{answer['bulkId']}") for q in ("", "id:")]
        story = await control(run, f"/messages/{answer['bulkId']}/explain")

    (item,) = listed["items"]
    assert item["names"] == {}
    assert [found["items"] for found in queried] == [[item], [item]]
    assert answer["bulkId"] not in "".join(story["story"])

"""
The first hour: what the documentation shows works, and a refusal names what there is.
"""

from __future__ import annotations

from typing import Any

import pytest

from providers.bitel.bench import Bench, Got

_SMS = {"phoneNumber": "09120000001", "message": "hello"}
_CALL = {"phoneNumber": "09120000001", "voiceId": "1"}


async def _reason(bitel: Bench, path: str, body: Any) -> str:
    """Return why a call is refused, as the header has it."""
    sent = {"Authorization": "Bearer token"}
    async with bitel.client.post(f"{bitel.url}/api/v2{path}", json=body, headers=sent) as answer:
        assert answer.status >= 400
        return answer.headers["X-Simulator-Reason"]


async def test_documented_template_gives_the_documented_text() -> None:
    """
    The sample of the Template page, as it stands there.
    """
    async with Bench() as bitel:
        body = {"phoneNumber": "09120000001", "params": ["Bitel", "is", "awesome"], "templateId": 1234}
        got = await bitel.post("/sms/template", body)

    assert (got.status, got.body["result"]["message"]) == (200, "Truth: Bitel is awesome")


async def test_voices_and_servers_of_the_account_work_as_they_are() -> None:
    """
    Uploads and servers are not imitated, so whatever a client has was issued elsewhere.
    """
    body = {**_CALL, "voiceId": "0123456789abcdef0123456789abcdef", "serverId": "mirdamad1"}
    async with Bench() as bitel:
        got = await bitel.post("/voice/single", body)
        magic = await bitel.post("/voice/single", {**_CALL, "phoneNumber": "09602000006"})

    assert got.status == 200
    assert magic == Got(400, {"result": None, "error": "InvalidServer"})


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        (
            "/sms/template",
            {"phoneNumber": "09120000001", "params": [], "templateId": 99},
            "templateId: no template 99; there are 1, 2, 3, 1234",
        ),
        (
            "/sms/template",
            {"phoneNumber": "09120000001", "params": [], "templateId": 3},
            "templateId: template 3 is not reviewed yet (action review_template); reviewed are 1, 2, 1234",
        ),
        (
            "/sms/template",
            {"phoneNumber": "09120000001", "params": ["a"], "templateId": 2},
            "params: expected 2 of them for 'Dear {0}, order {1} is on its way.', got 1",
        ),
        (
            "/sms/single",
            {**_SMS, "gatewayNumber": "30001234"},
            "gatewayNumber: no gateway '30001234'; there are 10009909, which all share, "
            "and of your own 10007200",
        ),
        ("/voice/single", {**_CALL, "serverId": "x"}, "serverId: no server 'x'; there are 7, 8"),
        ("/voice/single", {**_CALL, "voiceId": "x"}, "voiceId: no voice 'x'; there are 1"),
    ],
)
async def test_refusal_names_what_there_is(path: str, body: Any, reason: str) -> None:
    """
    Bitel sends a code alone; the header says what would have been accepted.
    """
    async with Bench(servers=["7", "8"], voices=["1"]) as bitel:
        assert await _reason(bitel, path, body) == reason


async def test_nothing_to_name_is_said_so() -> None:
    """
    An account without dedicated numbers and without voices.
    """
    async with Bench(gateways=[], voices=[]) as bitel:
        gateway = await _reason(bitel, "/sms/single", {**_SMS, "gatewayNumber": "3"})
        voice = await _reason(bitel, "/voice/single", _CALL)

    assert gateway.endswith("which all share, and of your own none")
    assert voice == "voiceId: no voice '1'; there are none"


@pytest.mark.parametrize(("setting", "status"), [("strict", 400), ("lenient", 200)])
async def test_single_quotes_and_line_breaks_are_read_where_settings_say_so(
    setting: str, status: int
) -> None:
    """
    A public relay sends just that; whether Bitel takes it is not known.
    """
    body = b"{'message': 'first line\nsecond line', 'phoneNumber': '09120000001'}"
    async with Bench(json=setting) as bitel:
        got = await bitel.post("/sms/single", body)

    assert got.status == status
    if status == 200:
        assert got.body["result"]["message"] == "first line\nsecond line"


async def test_mixed_campaign_calls_each_number_once() -> None:
    """
    v1 answers a bare id; the records of the campaign are found by it.
    """
    body = {
        "phoneNumbers": ["09120000001", "09120000002"],
        "voiceIds": ["0123456789abcdef0123456789abcdef"],
        "messages": ["hello", "good bye"],
        "timeToLive": 60,
        "retryInterval": 30,
        "retryCount": 0,
        "speaker": "female",
        "serverId": "mirdamad1",
    }
    async with Bench() as bitel:
        got = await bitel.call("POST", "/api/v1/voice/campaign/mix", body)
        records = await bitel.call("GET", f"/api/v1/voice/campaign/cdr/{got.body['result']}")
        texts = [message.submission.text for message in bitel.space.simulation.messages.values()]

    assert got.status == 200
    assert [row["targetNumber"] for row in records.body["result"]] == ["09120000001", "09120000002"]
    assert texts == ["hello good bye"] * 2


@pytest.mark.parametrize(
    "more", [{}, {"voiceIds": [], "messages": []}, {"voiceIds": [""]}, {"messages": [""]}]
)
async def test_mixed_campaign_needs_something_to_be_heard(more: dict[str, Any]) -> None:
    """
    As other calls do.
    """
    async with Bench() as bitel:
        body = {"phoneNumbers": ["09120000001"], **more}
        got = await bitel.call("POST", "/api/v1/voice/campaign/mix", body)

    assert got == Got(400, {"result": None, "error": "InvalidRequest"})

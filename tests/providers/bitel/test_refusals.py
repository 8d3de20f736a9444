"""
What Bitel refuses, with which code and HTTP status, and that nothing is left of a refused call.
"""

from __future__ import annotations

from typing import Any

import pytest

from providers.bitel.bench import Bench, Got
from simulator.explain.narrative import why_of

_SMS = {"message": "hi", "phoneNumber": "09120000001"}
_BATCH = {"message": "hi", "phoneNumbers": ["09120000001", "09120000002"]}
_P2P = {"messages": ["a", "b"], "phoneNumbers": ["09120000001", "09120000002"]}
_OTP = {"phoneNumber": "09120000001", "appName": "Shop", "code": "1234"}
_TEMPLATE = {"phoneNumber": "09120000001", "params": ["1234"], "templateId": 1}
_CALL = {"phoneNumber": "09120000001", "voiceId": "1"}
_CALL_OTP = {"phoneNumber": "09120000001", "text": "12345"}
_CALL_TTS = {"phoneNumber": "09120000001", "text": "hello"}
_CALLS = {"phoneNumbers": ["09120000001"], "voiceId": "1"}
_CALLS_TTS = {"phoneNumbers": ["09120000001"], "text": "hello"}

_GOOD = {
    "/sms/single": _SMS,
    "/sms/batch": _BATCH,
    "/sms/batch/p2p": _P2P,
    "/sms/otp": _OTP,
    "/sms/template": _TEMPLATE,
    "/voice/otp": _CALL_OTP,
    "/voice/single": _CALL,
    "/voice/single/tts": _CALL_TTS,
    "/voice/batch": _CALLS,
    "/voice/batch/tts": _CALLS_TTS,
}


def _without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


_REFUSED: list[tuple[str, str, Any, str, int]] = [
    *((f"{path} without {name}", path, _without(body, name), "InvalidRequest", 400)
      for path, body in _GOOD.items() for name in body),
    *((f"{path} with null {name}", path, {**body, name: None}, "InvalidRequest", 400)
      for path, body in _GOOD.items() for name in body),
    *((f"{path} with an object for {name}", path, {**body, name: {}}, "InvalidRequest", 400)
      for path, body in _GOOD.items() for name in body),
    *((f"{path} with true for {name}", path, {**body, name: True}, "InvalidRequest", 400)
      for path, body in _GOOD.items() for name in body),
    *((f"{path} that is an array", path, [body], "InvalidRequest", 400) for path, body in _GOOD.items()),
    *((f"{path} that is no JSON", path, b'{"message": "hi",', "InvalidRequest", 400) for path in _GOOD),
    *((f"{path} without a body", path, None, "InvalidRequest", 400) for path in _GOOD),
    *((f"{path} in Latin-1", path, b'{"message":"\xe9"}', "InvalidRequest", 400) for path in _GOOD),
    ("an empty message", "/sms/single", {**_SMS, "message": ""}, "InvalidRequest", 400),
    ("an empty P2P message", "/sms/batch/p2p", {**_P2P, "messages": ["a", ""]}, "InvalidRequest", 400),
    ("nobody in a batch", "/sms/batch", {**_BATCH, "phoneNumbers": []}, "InvalidRequest", 400),
    ("nobody in P2P", "/sms/batch/p2p", {"messages": [], "phoneNumbers": []}, "InvalidRequest", 400),
    ("nobody to call", "/voice/batch", {**_CALLS, "phoneNumbers": []}, "InvalidRequest", 400),
    ("101 numbers", "/sms/batch",
     {**_BATCH, "phoneNumbers": [f"0912{n:07d}" for n in range(101)]}, "InvalidRequest", 400),
    ("101 calls", "/voice/batch/tts",
     {**_CALLS_TTS, "phoneNumbers": [f"0912{n:07d}" for n in range(101)]}, "InvalidRequest", 400),
    ("a text too few", "/sms/batch/p2p", {**_P2P, "messages": ["a"]}, "InvalidRequest", 400),
    ("a text too many", "/sms/batch/p2p", {**_P2P, "messages": ["a", "b", "c"]}, "InvalidRequest", 400),
    ("a number in a text", "/sms/batch/p2p", {**_P2P, "messages": ["a", 2]}, "InvalidRequest", 400),
    ("one bad number of two", "/sms/batch",
     {**_BATCH, "phoneNumbers": ["09120000001", "0912"]}, "InvalidRequest", 400),
    ("Persian digits", "/sms/single", {**_SMS, "phoneNumber": "۰۹۱۲۰۰۰۰۰۰۱"}, "InvalidRequest", 400),
    ("a foreign number", "/sms/single", {**_SMS, "phoneNumber": "+41793026727"}, "InvalidRequest", 400),
    ("an empty number", "/sms/single", {**_SMS, "phoneNumber": ""}, "InvalidRequest", 400),
    ("a strange gateway", "/sms/single", {**_SMS, "gatewayNumber": "30001"}, "InvalidGateway", 400),
    ("a strange batch gateway", "/sms/batch", {**_BATCH, "gatewayNumber": "30001"}, "InvalidGateway", 400),
    ("a strange P2P gateway", "/sms/batch/p2p", {**_P2P, "gatewayNumber": "30001"}, "InvalidGateway", 400),
    ("a gateway that is a number", "/sms/single", {**_SMS, "gatewayNumber": 10007200}, "InvalidRequest", 400),
    ("no app name", "/sms/otp", {**_OTP, "appName": ""}, "InvalidRequest", 400),
    ("no such template", "/sms/template", {**_TEMPLATE, "templateId": 99}, "InvalidTemplate", 400),
    ("a template under review", "/sms/template", {**_TEMPLATE, "templateId": 3}, "TemplatePending", 400),
    ("a parameter too few", "/sms/template", {**_TEMPLATE, "templateId": 2}, "TemplateFormatError", 400),
    ("a template's name", "/sms/template", {**_TEMPLATE, "templateId": "1"}, "InvalidRequest", 400),
    ("six digits", "/voice/otp", {**_CALL_OTP, "text": "123456"}, "InvalidRequest", 400),
    ("letters to spell", "/voice/otp", {**_CALL_OTP, "text": "12a"}, "InvalidRequest", 400),
    ("Persian digits to spell", "/voice/otp", {**_CALL_OTP, "text": "۱۲"}, "InvalidRequest", 400),
    ("nothing to say", "/voice/single/tts", {**_CALL_TTS, "text": ""}, "InvalidRequest", 400),
    ("a strange server", "/voice/single", {**_CALL, "serverId": "99"}, "InvalidServer", 400),
    ("a strange server for TTS", "/voice/batch/tts", {**_CALLS_TTS, "serverId": "99"}, "InvalidServer", 400),
    ("a strange voice", "/voice/single", {**_CALL, "voiceId": "99"}, "InvalidRequest", 400),
    ("an empty voice", "/voice/single", {**_CALL, "voiceId": ""}, "InvalidRequest", 400),
    ("an empty voice for many", "/voice/batch", {**_CALLS, "voiceId": ""}, "InvalidRequest", 400),
    ("negative retries", "/voice/single", {**_CALL, "retryCount": -1}, "InvalidRequest", 400),
    ("retries in words", "/voice/single", {**_CALL, "retryCount": "two"}, "InvalidRequest", 400),
    ("half a repetition", "/voice/otp", {**_CALL_OTP, "repeatCount": 1.5}, "InvalidRequest", 400),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "code", "status"),
    [row[1:] for row in _REFUSED],
    ids=[row[0].replace("/", " ").strip() for row in _REFUSED],
)
async def test_bad_call_is_refused_whole(path: str, body: Any, code: str, status: int) -> None:
    """
    A bad call gets the envelope with the code, and leaves no message behind.
    """
    async with Bench(servers=["1"], voices=["1"]) as bitel:
        got = await bitel.post(path, body)

        assert got == Got(status, {"result": None, "error": code})
        assert dict(bitel.space.simulation.messages) == {}


@pytest.mark.parametrize("path", ["/api/v2/voice/single", "/api/v2/voice/batch",
                                  "/api/v1/voice/single", "/api/v1/voice/campaign"])  # fmt: skip
@pytest.mark.parametrize("voices", [["7"], "any"])
async def test_call_that_plays_a_voice_needs_one(path: str, voices: Any) -> None:
    """
    Where a voice file is all that is played, an empty id is none, whichever voices exist.
    """
    async with Bench(voices=voices) as bitel:
        got = await bitel.call("POST", path, {**_CALL, **_CALLS, "voiceId": ""})

    assert got == Got(400, {"result": None, "error": "InvalidRequest"})


async def test_voice_before_a_code_may_be_left_empty() -> None:
    """
    An OTP call reads digits out, so an empty voiceId, serverId or gatewayNumber is none given.
    """
    async with Bench() as bitel:
        got = [
            await bitel.post("/voice/otp", {**_CALL_OTP, "voiceId": "", "serverId": ""}),
            await bitel.post("/sms/single", {**_SMS, "gatewayNumber": ""}),
        ]

    assert [one.status for one in got] == [200, 200]


@pytest.mark.parametrize("path", _GOOD)
async def test_good_call_is_not_refused(path: str) -> None:
    """
    The calls from which the bad ones are made are good themselves.
    """
    async with Bench() as bitel:
        got = await bitel.post(path, _GOOD[path])

    assert (got.status, got.body["error"]) == (200, None)


@pytest.mark.parametrize("path", ["/sms/single", "/sms/otp", "/voice/single"])
async def test_refusal_says_why_in_a_header_of_ours(path: str) -> None:
    """
    Bitel says nothing but a code; a header and the journal say what was expected and where.
    """
    async with Bench() as bitel:
        body = {**_GOOD[path], "phoneNumber": "0912\r\nX: y"}
        sent = {"Authorization": "Bearer token"}
        async with bitel.client.post(f"{bitel.url}/api/v2{path}", json=body, headers=sent) as answer:
            reason = answer.headers["X-Simulator-Reason"]
        noted = [(entry.code, why) for entry in bitel.space.simulation.journal if (why := why_of(entry.fact))]

    expected = "phoneNumber: expected a mobile number such as 09120000001, got '0912\\r\\nX: y'"
    assert reason.replace("\\\\", "\\").replace("\\'", "'") == expected
    assert noted == [("InvalidRequest", expected)]


async def test_refusal_of_a_deep_body_is_in_plain_words() -> None:
    """
    A body that is nested too deeply is refused as other bad ones are, with a reason that people understand.
    """
    async with Bench() as bitel:
        sent = {"Authorization": "Bearer token"}
        deep = b"[" * 100_000
        url = f"{bitel.url}/api/v2/sms/single"
        async with bitel.client.post(url, data=deep, headers=sent) as answer:
            got = (answer.status, answer.headers["X-Simulator-Reason"])

    assert got == (400, "expected a JSON object, got something else: values nested too deeply")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_scheme_of_the_token_may_have_any_case(scheme: str) -> None:
    """
    A published client writes `bearer`; that is good as well.
    """
    async with Bench() as bitel:
        got = await bitel.call(
            "POST", "/api/v2/sms/single", _SMS, headers={"Authorization": f"{scheme} token"}
        )

    assert got.status == 200


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic dTpw", "token", "Bearer invalid-token", "Bearer a b"]
)
async def test_call_without_a_good_token_gets_401(header: str | None) -> None:
    """
    A missing, malformed or refused token is answered 401 with a challenge, and nothing is sent.
    """
    async with Bench() as bitel:
        headers = {} if header is None else {"Authorization": header}
        url = f"{bitel.url}/api/v2/sms/single"
        async with bitel.client.post(url, json=_SMS, headers=headers) as answer:
            got = (answer.status, answer.headers["WWW-Authenticate"], await answer.json())

        assert got == (401, "Bearer", {"result": None, "error": "Unauthorized"})
        assert dict(bitel.space.simulation.messages) == {}


async def test_token_that_is_not_listed_gets_401() -> None:
    """
    Once tokens are listed, no other is accepted.
    """
    async with Bench(credentials=["mine"]) as bitel:
        mine = await bitel.call("POST", "/api/v2/sms/single", _SMS, headers={"Authorization": "Bearer mine"})
        other = await bitel.post("/sms/single", _SMS)

    assert (mine.status, other) == (200, Got(401, {"result": None, "error": "Unauthorized"}))


async def test_keys_may_have_any_case() -> None:
    """
    Two pages print keys in Pascal case and sample them in camel case; both are read.
    """
    async with Bench() as bitel:
        body = {"PhoneNumber": "09120000001", "PARAMS": ["7"], "templateid": 1}
        got = await bitel.post("/sms/template", body)

    assert got.body["result"]["message"] == "Your code is 7"


@pytest.mark.parametrize("path", ["/api/v2/sms/status/none", "/api/v2/voice/status/none",
                                  "/api/v1/sms/detail/single/none", "/api/v1/sms/detail/batch/none",
                                  "/api/v1/voice/cdr/none", "/api/v1/voice/campaign/cdr/none"])  # fmt: skip
async def test_unknown_id_is_not_found(path: str) -> None:
    """
    Asking for what was never sent gets NotFound.
    """
    async with Bench() as bitel:
        got = await bitel.call("GET", path)

    assert got == Got(404, {"result": None, "error": "NotFound"})


async def test_call_is_no_sms() -> None:
    """
    The id of a call is unknown to the SMS status, and the other way round.
    """
    async with Bench() as bitel:
        sms = (await bitel.post("/sms/single", _SMS)).body["result"]["id"]
        call = (await bitel.post("/voice/single", _CALL)).body["result"]["id"]
        got = [await bitel.get(f"/sms/status/{call}"), await bitel.get(f"/voice/status/{sms}")]

    assert got == [Got(404, {"result": None, "error": "NotFound"})] * 2

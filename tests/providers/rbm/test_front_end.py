"""
What Google's front end does before a method is reached, and what refusals say beyond Google's words.
"""

from __future__ import annotations

from typing import Any

import pytest
from yarl import URL

from providers.rbm.rig import PHONE, Bench, bench, configure

SEND = f"/v1/phones/{PHONE}/agentMessages?messageId=m1&agentId=welcome-bot"
TEXT = b'{"contentMessage":{"text":"hi"}}'


async def answer_to(
    made: Bench, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, str, Any]:
    """Call and return status, body and headers."""
    url = URL(f"{made.url}{path}", encoded=True)
    async with made.session.request(method, url, data=body, headers=made.headers | headers) as answer:
        return answer.status, await answer.text(), answer.headers


async def test_unknown_query_parameters_are_refused() -> None:
    """
    Google binds every parameter to a field of the request; what fits none is refused by its name.
    """
    async with bench() as made:
        status, body = await made.call("POST", f"{SEND}&agentid=x&foo=bar", TEXT)
        _, _, headers = await answer_to(made, "POST", f"{SEND}&foo=bar", TEXT)

    texts = [
        f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
        f"Field '{name}' could not be found in request message."
        for name in ("agentid", "foo")
    ]
    assert (status, body["error"]) == (
        400,
        {
            "code": 400,
            "message": "\n".join(texts),
            "status": "INVALID_ARGUMENT",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [{"description": text} for text in texts],
                }
            ],
        },
    )
    assert headers["X-Simulator-Reason"].endswith(
        "(this call takes messageId, agentId and Google's standard parameters)"
    )


@pytest.mark.parametrize(
    "query",
    ["alt=json", "prettyPrint=false", "$.xgafv=2", "quotaUser=a", "key=k", "fields=name", "uploadType=media"],
)
async def test_standard_query_parameters_are_taken(query: str) -> None:
    """
    What Google's generated clients may add to any call is taken.
    """
    async with bench() as made:
        status, _ = await made.call("POST", f"{SEND}&{query}", TEXT)

    assert status == 200


@pytest.mark.parametrize(("policy", "note"), [("warn", True), ("ignore", False)])
async def test_unknown_fields_are_taken_when_set(policy: str, note: bool) -> None:
    """
    With the setting a field of next month passes; `warn` names it in a header and the journal.
    """
    async with bench(unknown_fields=policy) as made:
        body = b'{"contentMessage":{"text":"hi"},"newField":1}'
        status, text, headers = await answer_to(made, "POST", f"{SEND}&newName=1", body)
        notes = [entry.fact for entry in made.space.simulation.journal if "newField" in str(entry.fact)]

    told = (
        "Unknown name \"newName\": Cannot bind query parameter. Field 'newName' could not be found in "
        "request message.; Unknown name \"newField\" at 'agent_message': Cannot find field. "
        "(as of 2026-11-04)"
    )
    assert status == 200
    assert "newField" not in text
    assert headers.get("X-Simulator-Note") == (told if note else None)
    assert len(notes) == note


async def test_unknown_field_is_refused_with_the_day_of_the_table() -> None:
    """
    The reason says how old the table of fields is, and which setting takes younger ones.
    """
    async with bench() as made:
        status, _, headers = await answer_to(made, "POST", SEND, b'{"contentMessage":{"text":"hi"},"foo":1}')

    assert status == 400
    assert headers["X-Simulator-Reason"] == (
        "Invalid JSON payload received. Unknown name \"foo\" at 'agent_message': Cannot find field. "
        "(fields are known as of 2026-11-04; `unknown_fields: warn` takes others)"
    )


async def test_media_has_an_alternative_text() -> None:
    """
    `contentDescription`, a field since November 2026, comes back in the answer.
    """
    media = {
        "height": "SHORT",
        "contentInfo": {"fileUrl": "https://example.com/shoe.png"},
        "contentDescription": "a red shoe",
    }
    card = {"richCard": {"standaloneCard": {"cardOrientation": "VERTICAL", "cardContent": {"media": media}}}}
    async with bench() as made:
        status, body = await made.send("m1", contentMessage=card)

    assert status == 200
    assert body["contentMessage"]["richCard"]["standaloneCard"]["cardContent"]["media"] == media


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/foo"),
        ("GET", f"/v1/phones/{PHONE}/agentMessages"),
        ("PUT", "/v1/files"),
        ("POST", "/v1/brands"),
    ],
)
async def test_what_is_not_served_is_answered_with_a_page(method: str, path: str) -> None:
    """
    Unknown paths and wrong methods get HTML, on which clients that parse every 404 come to grief.
    """
    async with bench() as made:
        status, text, headers = await answer_to(made, method, path)

    assert (status, headers["Content-Type"]) == (404, "text/html; charset=UTF-8")
    assert "<title>Error 404 (Not Found)!!1</title>" in text
    assert headers["X-Simulator-Reason"].startswith(f"rbm has no {method} {path}")


async def test_agent_that_is_not_known_is_named() -> None:
    """
    The lookup error has the id that was given, the reason those that there are.
    """
    async with bench(agents={"a-bot": {}, "b-bot": {}}) as made:
        path = f"/v1/phones/{PHONE}/agentMessages?messageId=m1"
        status, body = await made.call("POST", f"{path}&agentId=c-bot", TEXT)
        _, _, unknown = await answer_to(made, "POST", f"{path}&agentId=c-bot", TEXT)
        _, _, missing = await answer_to(made, "POST", path, TEXT)

    assert (status, "agent (ID: c-bot) that" in body["error"]["message"]) == (403, True)
    assert unknown["X-Simulator-Reason"].endswith("(there is no agent 'c-bot'; there are a-bot, b-bot)")
    assert missing["X-Simulator-Reason"].endswith(
        "(expected a query parameter agentId, such as agentId=welcome-bot; there are a-bot, b-bot)"
    )


@pytest.mark.parametrize(
    ("message_id", "wrong"),
    [
        ("a%2Fb", "messageId: must have no slash, got 'a/b'"),
        ("x" * 1_001, "messageId: must have at most 1000 characters, got 1001"),
    ],
)
async def test_id_is_refused_for_what_is_wrong_with_it(message_id: str, wrong: str) -> None:
    """
    Ids need not be UUIDs by default, so that is not what is told.
    """
    async with bench() as made:
        status, body = await made.send(message_id)

    assert (status, body["error"]["message"]) == (400, wrong)


async def test_expiry_is_refused_by_the_clock_of_the_space() -> None:
    """
    An instant of today is past or far ahead where the clock stands at another day; the reason says which.
    """
    body = b'{"contentMessage":{"text":"hi"},"expireTime":"2026-11-28T07:00:00Z"}'
    async with bench() as made:
        status, _, headers = await answer_to(made, "POST", SEND, body)

    assert status == 400
    assert headers["X-Simulator-Reason"].endswith("(the space's clock stands at 2026-01-05T09:00:00Z)")


@pytest.mark.parametrize(
    ("settings", "circumstances", "why"),
    [
        ({}, {"known": False}, f"NOT_REACHABLE: circumstances: {PHONE} is not known"),
        ({}, {"capable": False}, f"NOT_REACHABLE: circumstances: {PHONE} is not capable of RCS"),
        (
            {"agents": {"welcome-bot": {"launched": False}}},
            {"tester": "PENDING"},
            f"NOT_A_TESTER: circumstances: welcome-bot is not launched, and {PHONE} as a tester is PENDING",
        ),
    ],
)
async def test_recipient_that_refuses_says_why(
    settings: dict[str, Any], circumstances: dict[str, Any], why: str
) -> None:
    """
    What the circumstances of a recipient stand against is named in the reason and in the journal.
    """
    async with bench(**settings) as made:
        made.space.simulation.change_recipient(PHONE, circumstances)
        _, _, headers = await answer_to(made, "POST", SEND, TEXT)
        facts = [str(entry.fact) for entry in made.space.simulation.journal]

    assert headers["X-Simulator-Reason"] == why
    assert any(why.rpartition(": ")[2] in fact for fact in facts)


async def test_device_that_lacks_a_feature_is_told_alike_by_both_calls() -> None:
    """
    What the answer to a capability check leaves out, a message that needs it is refused for.
    """
    compose = {
        "text": "Call",
        "postbackData": "c",
        "composeAction": {"composeTextMessage": {"phoneNumber": "+1", "text": "t"}},
    }
    content = {"text": "x", "suggestions": [{"action": compose}]}
    async with bench() as made:
        _, capabilities = await made.call("GET", f"/v1/phones/{PHONE}/capabilities?requestId=r&agentId=a")
        refused, _ = await made.send("m1", contentMessage=content)
        await configure(made, features=["ACTION_COMPOSE"])
        accepted, _ = await made.send("m2", contentMessage=content)

    assert "ACTION_COMPOSE" not in capabilities["features"]
    assert (refused, accepted) == (400, 200)


async def test_device_that_is_long_gone_gets_neither_checks_nor_messages() -> None:
    """
    After 31 days without a connection both are 404; a day earlier both are taken.
    """
    day_ms = 86_400_000
    capable = f"/v1/phones/{PHONE}/capabilities?requestId=r&agentId=a"
    async with bench() as made:
        made.space.simulation.change_recipient(PHONE, {"reachable": False})
        await made.advance(30 * day_ms)
        before = [(await made.call("GET", capable))[0], (await made.send("m1"))[0]]
        await made.advance(2 * day_ms)
        checked, _ = await made.call("GET", capable)
        sent, _, headers = await answer_to(made, "POST", SEND.replace("m1", "m2"), TEXT)

    assert before == [200, 200]
    assert (checked, sent) == (404, 404)
    assert headers["X-Simulator-Reason"].endswith(f"{PHONE} has not been connected for 31 days")


async def test_discovery_knows_one_version() -> None:
    """
    Another version than the first is not found, rather than being answered with the first.
    """
    async with bench() as made:
        first, _ = await made.call("GET", "/$discovery/rest?version=v1")
        second, _, headers = await answer_to(made, "GET", "/$discovery/rest?version=v2")

    assert (first, second) == (200, 404)
    assert headers["X-Simulator-Reason"].endswith("(there is no version 'v2'; there is v1)")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", SEND), ("GET", "/v1/foo"), ("POST", "/token"), ("GET", "/$discovery/rest")]
)
async def test_every_answer_names_googles_front_end(method: str, path: str) -> None:
    """
    Whatever is answered, page or JSON, comes from ESF and from nobody else.
    """
    async with bench() as made:
        _, _, headers = await answer_to(made, method, path, TEXT)

    assert headers.getall("Server") == ["ESF"]


async def test_call_without_a_token_is_told_what_a_token_looks_like() -> None:
    """
    The reason of a 401 shows the two forms in which a token may come.
    """
    async with bench() as made:
        status, _, headers = await answer_to(made, "POST", SEND, TEXT, Authorization="")

    assert status == 401
    assert headers["X-Simulator-Reason"].endswith(
        "expected Authorization: Bearer <token>, or access_token=<token> in the query"
    )

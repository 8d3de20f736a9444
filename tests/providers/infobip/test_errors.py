"""
Calls that are refused whole, in the envelope of their generation.
"""

from __future__ import annotations

import base64

import pytest

from providers.infobip.bench import KEY, bench, one
from simulator.kernel.store.facts import Called

V1 = "/sms/1/text/advanced"
V2 = "/sms/2/text/advanced"
V3 = "/sms/3/messages"
BODY_V3 = {"messages": [{"destinations": [{"to": "41793026727"}], "content": {"text": "hi"}}]}


def legacy(message_id: str, text: str, errors: dict[str, list[str]] | None = None) -> dict[str, object]:
    """Return the envelope of v1 and v2."""
    exception: dict[str, object] = {"messageId": message_id, "text": text}
    if errors:
        exception["validationErrors"] = errors
    return {"requestError": {"serviceException": exception}}


def modern(code: str, description: str, action: str, violations=(), resources=()) -> dict[str, object]:
    """Return the envelope of v3."""
    return {
        "errorCode": code,
        "description": description,
        "action": action,
        "violations": [{"property": path, "violation": text} for path, text in violations],
        "resources": list(resources),
    }


def bad_v3(*violations: tuple[str, str]) -> dict[str, object]:
    """Return a v3 400."""
    return modern(
        "E400",
        "Request cannot be processed.",
        "Check the syntax, violations and adjust the request.",
        violations,
    )


AUTHENTICATION = {
    "name": "API Authentication",
    "url": "https://www.infobip.com/docs/essentials/api-authentication",
}


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "App",
        "App ",
        "Digest abc",
        "Basic !!!",
        "Basic " + base64.b64encode(b"nocolon").decode(),
        "App invalid",
    ],
)
async def test_401__missing_malformed_and_wrong_credentials_answer_alike(header):
    """
    Whatever is wrong with the credential, the answer is the same.
    """
    async with bench() as run:
        answer = await run.call("POST", V1, one(), authorization=header)

    assert answer.status == 401
    assert answer.plain == legacy("UNAUTHORIZED", "Invalid login details")


@pytest.mark.parametrize(
    "header",
    [
        KEY,
        "app 1234",
        "IBSSO token",
        "Bearer ey.J.x",
        "Basic " + base64.b64encode(b"user:pass:word").decode(),
    ],
)
async def test_every_scheme_is_accepted(header):
    """
    App, Basic, IBSSO and Bearer credentials are all good, in any case of the scheme.
    """
    async with bench() as run:
        answer = await run.call("POST", V1, one(), authorization=header)

    assert answer.status == 200


async def test_401__listed_credentials_alone():
    """
    Once settings list credentials, no other one is accepted.
    """
    async with bench(credentials=["user:secret"]) as run:
        good = await run.call(
            "POST", V1, one(), authorization="Basic " + base64.b64encode(b"user:secret").decode()
        )
        bad = await run.call("POST", V1, one())

    assert (good.status, bad.status) == (200, 401)


async def test_401__v3():
    """
    v3 answers 401 with an ApiError that leads to the documentation; a setting brings the old one back.
    """
    async with bench() as run:
        documented = await run.call("POST", V3, BODY_V3, authorization=None)
    async with bench(envelope_v3="legacy") as run:
        old = await run.call("POST", V3, BODY_V3, authorization=None)

    assert (documented.status, old.status) == (401, 401)
    assert documented.plain == modern(
        "E401",
        "The request lacks valid authentication credentials for the requested resource.",
        "Check the resources and adjust authentication credentials.",
        resources=[AUTHENTICATION],
    )
    assert old.plain == legacy("UNAUTHORIZED", "Invalid login details")


@pytest.mark.parametrize(
    ("method", "path", "shown"),
    [
        ("GET", V1, V1),
        ("DELETE", V3, V3),
        ("POST", "/sms/9/nothing", "/sms/9/nothing"),
        ("GET", "/sms/1/nothing?a=1", "/sms/1/nothing"),
    ],
)
async def test_404__unknown_path_or_wrong_method_even_without_credentials(method, path, shown):
    """
    There is no 405: a wrong method is a path not found, shown without its query, in the old envelope.
    """
    async with bench() as run:
        answer = await run.call(method, path, authorization=None)

    assert answer.status == 404
    assert answer.plain == legacy("NOT_FOUND", f"Requested URL not found: {shown}")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff", b'{"messages": [' * 5_000, b"7", b"\xef\xbb\xbf{}"]
)
async def test_400__what_is_not_a_request(body):
    """
    Broken JSON, or JSON that is no object, is a bad request.
    """
    async with bench() as run:
        first = await run.call("POST", V1, body)
        third = await run.call("POST", V3, body)

    assert (first.status, third.status) == (400, 400)
    assert first.plain["requestError"]["serviceException"]["messageId"] == "BAD_REQUEST"
    assert third.plain["errorCode"] == "E400"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_400__wrong_content_type(content_type):
    """
    A body that is neither JSON nor XML by its content type is a bad request without details.
    """
    async with bench() as run:
        answer = await run.call("POST", V1, one(), headers={"Content-Type": content_type})

    assert answer.status == 400
    assert answer.plain == legacy("BAD_REQUEST", "Bad request")


async def test_400__no_destinations():
    """
    Missing and empty destinations are named by their place.
    """
    body = {"messages": [{"text": "x"}, {"destinations": [], "text": "x"}]}

    async with bench() as run:
        answer = await run.call("POST", V1, body)

    assert answer.status == 400
    assert answer.plain == legacy(
        "BAD_REQUEST",
        "Bad Request",
        {
            "messages[0].destinations": ["must not be empty"],
            "messages[1].destinations": ["must not be empty"],
        },
    )


@pytest.mark.parametrize(
    ("change", "path", "text"),
    [
        ({"callbackData": "x" * 4_001}, "messages[0].callbackData", "size must be between 0 and 4000"),
        ({"entityId": "x" * 51}, "messages[0].entityId", "size must be between 0 and 50"),
        ({"applicationId": "x" * 51}, "messages[0].applicationId", "size must be between 0 and 50"),
        (
            {"campaignReferenceId": "x" * 256},
            "messages[0].campaignReferenceId",
            "size must be between 0 and 255",
        ),
        (
            {"destinations": [{"to": "1" * 65}]},
            "messages[0].destinations[0].to",
            "size must be between 0 and 64",
        ),
        ({"text": 5}, "messages[0].text", "expected string, got integer"),
        ({"flash": "yes"}, "messages[0].flash", "expected boolean, got string"),
        (
            {"destinations": [{"to": 41793026727}]},
            "messages[0].destinations[0].to",
            "expected string, got integer",
        ),
        ({"validityPeriod": 0}, "messages[0].validityPeriod", "must be greater than 0"),
        (
            {"sendAt": "tomorrow"},
            "messages[0].sendAt",
            "must be a date such as 2030-01-01T00:00:00.000+0000, got 'tomorrow'",
        ),
        ({"sendAt": "2026-07-05T09:00:00.000+0000"}, "messages[0].sendAt", "must be at most 180 days ahead"),
        (
            {"notifyContentType": "text/html"},
            "messages[0].notifyContentType",
            "must be one of application/json, application/xml, got 'text/html'",
        ),
        (
            {"language": {"languageCode": "XX"}},
            "messages[0].language.languageCode",
            "must be one of TR, ES, PT, AUTODETECT, got 'XX'",
        ),
        ({"deliveryTimeWindow": {"days": []}}, "messages[0].deliveryTimeWindow.days", "must not be empty"),
        (
            {"deliveryTimeWindow": {"days": ["MONDAY"], "from": {"hour": 6, "minute": 0}}},
            "messages[0].deliveryTimeWindow",
            "from and to must be given together",
        ),
        (
            {
                "deliveryTimeWindow": {
                    "days": ["MONDAY"],
                    "from": {"hour": 6, "minute": 0},
                    "to": {"hour": 6, "minute": 59},
                }
            },
            "messages[0].deliveryTimeWindow",
            "from and to must be at least 1 hour apart",
        ),
        (
            {"regional": {"indiaDlt": {}}},
            "messages[0].regional.indiaDlt.principalEntityId",
            "must not be null",
        ),
        (
            {"regional": {"turkeyIys": {"recipientType": "X"}}},
            "messages[0].regional.turkeyIys.recipientType",
            "must be one of BIREYSEL, TACIR, got 'X'",
        ),
    ],
)
async def test_400__each_mistake_is_named_by_its_place(change, path, text):
    """
    A value that cannot be used is refused with its place and what was expected; nothing is sent.
    """
    async with bench() as run:
        answer = await run.call("POST", V1, one(**change))
        count = len(run.space.simulation.messages)

    assert answer.status == 400
    assert answer.plain == legacy("BAD_REQUEST", "Bad Request", {path: [text]})
    assert count == 0


async def test_400__v3():
    """
    v3 names every violation, and validates the ids that v2 clips.
    """
    body = {
        "messages": [
            {"destinations": [{"to": "41793026727", "messageId": "m" * 201}], "content": {"text": None}},
            {"destinations": [{}]},
        ],
        "options": {"schedule": {"bulkId": "b" * 101}},
    }

    async with bench() as run:
        answer = await run.call("POST", V3, body)

    assert answer.status == 400
    assert answer.plain == bad_v3(
        ("messages[0].content.text", "Must not be null."),
        ("messages[0].destinations[0].messageId", "Size must be between 0 and 200."),
        ("messages[1].content.text", "Must not be null."),
        ("messages[1].destinations[0].to", "Must not be null."),
        ("options.schedule.bulkId", "Size must be between 0 and 100."),
    )


@pytest.mark.parametrize(
    ("http", "v2", "code"),
    [
        (400, ("BAD_REQUEST", "Bad request"), "E400"),
        (401, ("UNAUTHORIZED", "Invalid login details"), "E401"),
        (403, ("FORBIDDEN", "Forbidden"), "E403"),
        (404, ("NOT_FOUND", None), "E404"),
        (429, ("TOO_MANY_REQUESTS", "Too many requests"), "E429"),
        (500, ("GENERAL_ERROR", "Something went wrong. Please contact support."), "E500"),
    ],
)
async def test_magic_recipient_refuses_the_whole_call(http, v2, code):
    """
    A reserved number for each HTTP refusal makes the call fail, in the envelope of its generation.
    """
    to = f"99912{http:05d}"

    async with bench() as run:
        second = await run.call("POST", V2, one(to))
        third = await run.call(
            "POST", V3, {"messages": [{"destinations": [{"to": to}], "content": {"text": "hi"}}]}
        )

    assert (second.status, third.status) == (http, http)
    exception = second.plain["requestError"]["serviceException"]
    assert exception["messageId"] == v2[0]
    assert v2[1] is None or exception["text"] == v2[1]
    assert third.plain["errorCode"] == code
    assert sorted(third.plain) == ["action", "description", "errorCode", "resources", "violations"]


async def test_429__tells_when_to_come_back():
    """
    A throttled call is answered 429 with Retry-After in whole seconds.
    """
    rule = {
        "name": "busy",
        "when": {"provider": "infobip"},
        "then": {"answer": {"throttle": {"rate": "1/10s", "burst": 1}}},
    }

    async with bench() as run:
        run.load({"rules": [rule]})
        first = await run.call("POST", V1, one())
        second = await run.call("POST", V1, one("41793026834"))

    assert (first.status, second.status) == (200, 429)
    assert second.headers["Retry-After"] == "10"
    assert second.plain == legacy("TOO_MANY_REQUESTS", "Too many requests")


async def test_400__oversized_body():
    """
    A body beyond the limit is refused in the provider's own words, and the server goes on.
    """
    async with bench() as run:
        answer = await run.call("POST", V1, b" " * 1_100_000)
        after = await run.call("POST", V1, one())

    assert answer.status == 400
    assert answer.plain == legacy("BAD_REQUEST", "Bad request")
    assert after.status == 200


@pytest.mark.parametrize(
    ("setting", "body", "path", "text"),
    [
        ({"empty_text": "refuse"}, one(text=""), "messages[0].text", "must not be empty"),
        (
            {"past_send_at": "refuse"},
            one(sendAt="2026-01-05T08:59:59.999+0000"),
            "messages[0].sendAt",
            "must not be in the past",
        ),
    ],
)
async def test_400__where_settings_choose_so(setting, body, path, text):
    """
    An empty text and a past sendAt are accepted, unless settings choose a bad request.
    """
    async with bench() as run:
        accepted = await run.call("POST", V1, body)
        run.configure(**setting)
        refused = await run.call("POST", V1, body)

    assert (accepted.status, refused.status) == (200, 400)
    assert refused.plain == legacy("BAD_REQUEST", "Bad Request", {path: [text]})


@pytest.mark.parametrize(
    ("setting", "message_id", "text"),
    [("FORBIDDEN", "FORBIDDEN", "Forbidden"), ("UNAUTHORIZED", "UNAUTHORIZED", "Unauthorized access")],
)
async def test_403__is_a_setting(setting, message_id, text):
    """
    A 403 is worded as documented, or as the official client's tests have it.
    """
    async with bench(forbidden=setting) as run:
        answer = await run.call("POST", V1, one("9991200403"))

    assert (answer.status, answer.plain) == (403, legacy(message_id, text))


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"Content-Type": "text/plain"}, b"{}", "Content-Type: expected application/json"),
        (
            {"Content-Type": "application/json"},
            b'{"messages": [',
            "body: expected JSON, got something else: ",
        ),
        ({"Content-Type": "application/json"}, b" " * 30_000_000, "expected a body of at most "),
    ],
)
async def test_bare_bad_request__says_in_a_header_and_the_journal_what_was_expected(
    headers: dict[str, str], body: bytes, expected: str
) -> None:
    """
    Where Infobip's body says "Bad request" and no more, a header of ours says why, and so does the journal.
    """
    async with bench() as it:
        answer = await it.call("POST", V1, body, headers=headers)

        reason = answer.headers["X-Simulator-Reason"]
        noted = [e.fact.detail for e in it.space.simulation.journal if isinstance(e.fact, Called)]
        assert (answer.status, answer.plain) == (400, legacy("BAD_REQUEST", "Bad request"))
        assert reason.startswith(expected)
        assert noted == [reason]

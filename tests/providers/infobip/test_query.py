"""
Sends by query string.
"""

from __future__ import annotations

import pytest

from providers.infobip.bench import bench
from providers.infobip.test_requirement_page import ACCEPTED, ENROUTE
from simulator.kernel.store.facts import Called

V1 = "/sms/1/text/query"
V3 = "/sms/3/text/query"
LOGIN = [("username", "u"), ("password", "p")]


async def test_v1__credentials_in_the_query():
    """
    v1 takes user name and password as parameters, and answers in the shape of v1 with a count.
    """
    async with bench() as run:
        answer = await run.call(
            "GET",
            V1,
            query=[*LOGIN, ("from", "InfoSMS"), ("to", "41793026727"), ("text", "hi")],
            authorization=None,
        )

    assert answer.status == 200
    assert answer.plain == {
        "messages": [
            {"to": "41793026727", "status": ENROUTE, "smsCount": 1, "messageId": "9593247281168285258"}
        ]
    }


async def test_v1__journal_has_the_query_without_the_credentials():
    """
    A call's fact tells its parameters; what proves who calls is withheld.
    """
    async with bench() as run:
        query = [*LOGIN, ("to", "41793026727"), ("text", "hi")]
        await run.call("GET", V1, query=query, authorization=None)
        (call,) = [e.fact for e in run.space.simulation.journal if isinstance(e.fact, Called)]

    assert (call.method, call.path, call.status) == ("GET", V1, 200)
    assert call.query == (
        ("username", "(withheld)"),
        ("password", "(withheld)"),
        ("to", "41793026727"),
        ("text", "hi"),
    )


@pytest.mark.parametrize(
    "query",
    [
        [],
        [("username", "u")],
        [("password", "p")],
        [("username", ""), ("password", "p")],
        [("username", "invalid"), ("password", "p")],
    ],
)
async def test_v1__both_credentials_are_needed(query):
    """
    One of the two, or a wrong one, is no login.
    """
    async with bench() as run:
        answer = await run.call("GET", V1, query=[*query, ("to", "41793026727")], authorization=None)

    assert answer.status == 401


@pytest.mark.parametrize(
    ("method", "path"), [("GET", V3), ("GET", "/sms/1/reports"), ("POST", "/sms/1/text/advanced")]
)
async def test_credentials_in_the_query_work_nowhere_else(method, path):
    """
    Only `GET /sms/1/text/query` reads user name and password from the query.
    """
    async with bench() as run:
        answer = await run.call(method, path, query=[*LOGIN, ("to", "1")], authorization=None)

    assert answer.status == 401


async def test_v1__header_alone_is_refused():
    """
    v1 requires user name and password in the query: a good header does not stand in for them, and is told so.
    """
    query = [("to", "41793026727"), ("text", "hi")]
    async with bench() as run:
        alone = await run.call("GET", V1, query=query)
        both = await run.call("GET", V1, query=[*LOGIN, *query])

    assert (alone.status, both.status) == (401, 200)
    assert alone.plain == {
        "requestError": {"serviceException": {"messageId": "UNAUTHORIZED", "text": "Invalid login details"}}
    }
    assert alone.headers["X-Simulator-Reason"] == (
        "the credential is missing, or not of a form that the provider takes: "
        "expected username and password in the query; this call takes no Authorization header"
    )


async def test_to_may_be_repeated_and_a_list():
    """
    Recipients come repeated, separated by commas, or both; their order is kept.
    """
    async with bench() as run:
        answer = await run.get(
            V1,
            *LOGIN,
            ("to", "41793026727,41793026834"),
            ("to", "+41793026700"),
            ("text", "hi"),
            ("bulkId", "B"),
        )

    assert answer["bulkId"] == "B"
    assert [entry["to"] for entry in answer["messages"]] == ["41793026727", "41793026834", "41793026700"]


@pytest.mark.parametrize(
    ("written", "read"), [("true", True), ("True", True), ("False", False), ("false", False), ("", False)]
)
async def test_booleans_as_clients_write_them(written, read):
    """
    `true`, `True`, `False` and an empty value are all understood.
    """
    async with bench() as run:
        await run.get(V1, *LOGIN, ("to", "41793026727"), ("flash", written), ("intermediateReport", written))
        (message,) = run.space.simulation.messages.values()

    item = message.submission.details.item
    assert (item.flash, item.intermediate) == (read, read)


async def test_every_parameter_is_kept():
    """
    What stands in the query is what the message is sent with.
    """
    async with bench() as run:
        answer = await run.get(
            V1,
            *LOGIN,
            ("bulkId", "B"),
            ("from", "InfoSMS"),
            ("to", "41793026727"),
            ("text", "Çok güzel & more"),
            ("transliteration", "TURKISH"),
            ("languageCode", "TR"),
            ("notifyUrl", f"{run.integrator.url}/q"),
            ("notifyContentType", "application/json"),
            ("callbackData", "data"),
            ("validityPeriod", "30"),
            ("sendAt", "2026-01-05T10:00:00.000+0000"),
            ("track", "SMS"),
            ("processKey", "KEY"),
            ("trackingType", "CAMPAIGN"),
            ("turkeyIysBrandCode", "12"),
            ("turkeyIysRecipientType", "BIREYSEL"),
            ("somethingElse", "ignored"),
        )
        (message,) = run.space.simulation.messages.values()
        await run.settle()

    assert answer == {
        "bulkId": "B",
        "trackingProcessKey": "KEY",
        "messages": [{"to": "41793026727", "status": ACCEPTED, "messageId": "9593247281168285258"}],
    }
    assert message.submission.validity_ms == 30 * 60_000
    assert message.submission.hold_until_ms == 3_600_000
    assert message.submission.details.item.regional.turkey_iys.brand_code == 12
    (push,) = run.integrator.pushes
    assert (push.path, push.plain["results"][0]["callbackData"]) == ("/q", "data")


async def test_v3__shape_and_count():
    """
    v3 answers in the shape of v3, and counts when asked.
    """
    async with bench() as run:
        answer = await run.get(
            V3, ("to", "41793026727"), ("text", "hi"), ("includeSmsCountInResponse", "True")
        )

    assert answer == {
        "bulkId": answer["bulkId"],
        "messages": [
            {
                "messageId": "9593247281168285258",
                "status": ACCEPTED,
                "destination": "41793026727",
                "details": {"messageCount": 1},
            }
        ],
    }


async def test_text_is_needed_on_v3_only():
    """
    v1 sends an empty message without a text, v3 refuses.
    """
    async with bench() as run:
        first = await run.call("GET", V1, query=[*LOGIN, ("to", "41793026727")])
        third = await run.call("GET", V3, query=[("to", "41793026727")])

    assert (first.status, third.status) == (200, 400)
    assert third.plain["violations"] == [{"property": "text", "violation": "Must not be null."}]


@pytest.mark.parametrize(
    ("parameter", "path", "text"),
    [
        (("flash", "maybe"), "flash", "must be true or false, got 'maybe'"),
        (("validityPeriod", "soon"), "validityPeriod", "must be a whole number, got 'soon'"),
        (("sendAt", "soon"), "sendAt", "must be a date such as 2030-01-01T00:00:00.000+0000, got 'soon'"),
        (("languageCode", "XX"), "languageCode", "must be one of TR, ES, PT, AUTODETECT, got 'XX'"),
        (("track", "X"), "track", "must be one of SMS, URL, got 'X'"),
        (("callbackData", "x" * 4_001), "callbackData", "size must be between 0 and 4000"),
    ],
)
async def test_400__each_mistake_is_named(parameter, path, text):
    """
    A parameter that cannot be used is refused by name.
    """
    async with bench() as run:
        answer = await run.call("GET", V1, query=[*LOGIN, ("to", "41793026727"), parameter])

    assert answer.status == 400
    assert answer.plain["requestError"]["serviceException"]["validationErrors"] == {path: [text]}


async def test_400__no_recipient():
    """
    A query without any `to` is a bad request.
    """
    async with bench() as run:
        answer = await run.call("GET", V1, query=[*LOGIN, ("text", "hi")])

    assert answer.plain["requestError"]["serviceException"]["validationErrors"] == {
        "to": ["must not be empty"]
    }

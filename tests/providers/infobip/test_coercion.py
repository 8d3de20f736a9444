"""
Scalars of the wrong type: refused with their place, or taken for what they hold.
"""

from __future__ import annotations

from typing import Any

import pytest

from providers.infobip.bench import bench, one

V1, V2, V3 = "/sms/1/text/advanced", "/sms/2/text/advanced", "/sms/3/messages"


async def test_wrong_types_are_refused_with_their_places():
    """
    A number in a text, and a text that is a number, are bad requests unless the account coerces them.
    """
    async with bench() as run:
        answer = await run.call("POST", V1, one(41793026727, validityPeriod="720"))

    assert answer.status == 400
    assert answer.plain["requestError"]["serviceException"]["validationErrors"] == {
        "messages[0].destinations[0].to": ["expected string, got integer"],
        "messages[0].validityPeriod": ["expected integer, got string"],
    }


@pytest.mark.parametrize("path", [V1, V2])
async def test_coerce__values_are_taken_for_what_they_hold(path):
    """
    With `coerce`, "720" is a number, "true" a boolean, and the number of a telephone its text.
    """
    body = one(41793026727, text=1234, validityPeriod="720", flash="true", intermediateReport="False")

    async with bench(coerce=True) as run:
        answer = await run.send(body, path)
        (message,) = run.space.simulation.messages.values()

    assert answer["messages"][0]["to"] == "41793026727"
    submission = message.submission
    item = submission.details.item
    assert (submission.text, item.validity_ms, item.flash, item.intermediate) == (
        "1234",
        43_200_000,
        True,
        False,
    )


async def test_coerce__v3_and_other_calls_as_well():
    """
    Every body is read alike: those of v3 and of calls that send nothing.
    """
    content = {"text": 99}
    period = {"amount": "3", "timeUnit": "HOURS"}
    body = {
        "messages": [
            {"destinations": [{"to": 41793026727}], "content": content, "options": {"validityPeriod": period}}
        ]
    }

    async with bench(coerce=True) as run:
        await run.send(body, V3)
        (message,) = run.space.simulation.messages.values()
        preview = await run.send({"text": 12}, "/sms/1/preview")

    assert (message.submission.text, message.submission.validity_ms) == ("99", 3 * 3_600_000)
    assert preview["originalText"] == "12"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (one(validityPeriod="soon"), "messages[0].validityPeriod"),
        (one(flash=[]), "messages[0].flash"),
        ({"messages": {"0": 1}}, "messages"),
    ],
)
async def test_coerce__what_holds_no_such_value_is_refused(body: Any, place: str):
    """
    Coercion guesses nothing: what holds no value of the type is refused as before.
    """
    async with bench(coerce=True) as run:
        answer = await run.call("POST", V1, body)

    assert answer.status == 400
    assert list(answer.plain["requestError"]["serviceException"]["validationErrors"]) == [place]


@pytest.mark.parametrize(
    "rest",
    [b'"x":' + b"[" * 900 + b"]" * 900 + b"}", b"nonsense", b'"x":"\xff"}'],
    ids=["nested", "no JSON", "no UTF-8"],
)
async def test_coerce__what_is_broken_behind_a_wrong_type_is_refused(rest: bytes):
    """
    A body that is broken, too, is a bad request and not a failure.
    """
    async with bench(coerce=True) as run:
        answer = await run.call("POST", V1, b'{"messages":7,' + rest)

    assert answer.status == 400

"""
Binary content: bytes in hexadecimal, through every call that takes them.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.infobip.bench import bench
from providers.infobip.test_requirement_page import ACCEPTED, ENROUTE
from simulator.providers.infobip.counting import count_binary, good_header
from simulator.providers.infobip.wire import Binary

HEX = "54 65 73 74 20 6d 65 73 73 61 67 65 2e"


def advanced(binary: object, **more: object) -> dict[str, Any]:
    """Return the body of an advanced binary send."""
    return {
        "messages": [{"from": "InfoSMS", "destinations": [{"to": "41793026727"}], "binary": binary, **more}]
    }


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/sms/1/binary/single", {"to": "41793026727", "binary": {"hex": HEX}}, ENROUTE),
        ("/sms/1/binary/multi", {"messages": [{"to": ["41793026727"], "binary": {"hex": HEX}}]}, ENROUTE),
        ("/sms/1/binary/advanced", advanced({"hex": HEX, "dataCoding": 0, "esmClass": 0}), ENROUTE),
        ("/sms/2/binary/advanced", advanced({"hex": HEX}), ACCEPTED),
    ],
)
async def test_sends(path, body, status):
    """
    Single, multi and advanced take hexadecimal bytes; the answers are those of text.
    """
    async with bench() as run:
        answer = await run.send(body, path)
        (message,) = run.space.simulation.messages.values()

    entry = {"to": "41793026727", "status": status, "messageId": "9593247281168285258"}
    if path.startswith("/sms/1/"):
        assert answer == {"messages": [entry | {"smsCount": 1}]}
    else:
        assert answer == {"bulkId": answer["bulkId"], "messages": [entry]}
    assert message.submission.details.item.binary == Binary(b"Test message.", 0, 0)


async def test_v3_content():
    """
    v3 takes bytes where a text could stand, and counts no parts for them.
    """
    content = {"hex": "0048 0065 006c 006c 006f", "dataCoding": 8, "esmClass": 0}
    body = {
        "messages": [{"destinations": [{"to": "41793026727"}], "content": content}],
        "options": {"includeSmsCountInResponse": True},
    }

    async with bench() as run:
        answer = await run.send(body, "/sms/3/messages")
        (message,) = run.space.simulation.messages.values()
        (row,) = (await run.get("/sms/3/logs"))["results"]

    assert answer["messages"] == [
        {"messageId": "9593247281168285258", "status": ACCEPTED, "destination": "41793026727"}
    ]
    assert message.submission.details.item.binary.octets.decode("utf-16-be") == "Hello"
    assert row["content"] == {"hex": "00 48 00 65 00 6c 00 6c 00 6f", "dataCoding": 8, "esmClass": 0}


@pytest.mark.parametrize(
    ("binary", "path", "text"),
    [
        (None, "messages[0].binary.hex", "must not be null"),
        ({}, "messages[0].binary.hex", "must not be null"),
        ({"hex": ""}, "messages[0].binary.hex", "must not be empty"),
        ({"hex": "5"}, "messages[0].binary.hex", "must be bytes in hexadecimal, such as 0f c2 4a"),
        ({"hex": "5 4"}, "messages[0].binary.hex", "must be bytes in hexadecimal, such as 0f c2 4a"),
        ({"hex": "zz"}, "messages[0].binary.hex", "must be bytes in hexadecimal, such as 0f c2 4a"),
        ({"hex": "54", "dataCoding": 256}, "messages[0].binary.dataCoding", "must be between 0 and 255"),
        ({"hex": "54", "esmClass": -1}, "messages[0].binary.esmClass", "must be between 0 and 255"),
    ],
)
async def test_400__what_is_no_binary_content(binary, path, text):
    """
    Bytes that are none are refused with what was expected.
    """
    async with bench() as run:
        answer = await run.call("POST", "/sms/1/binary/advanced", advanced(binary))

    assert answer.status == 400
    assert answer.plain["requestError"]["serviceException"]["validationErrors"] == {path: [text]}


async def test_application_and_entity_ids_are_longer_than_with_text():
    """
    Binary sends take ids of 66 characters, where text takes 50.
    """
    async with bench() as run:
        longest = await run.call("POST", "/sms/2/binary/advanced", advanced({"hex": "54"}, entityId="e" * 66))
        longer = await run.call("POST", "/sms/2/binary/advanced", advanced({"hex": "54"}, entityId="e" * 67))

    assert (longest.status, longer.status) == (200, 400)


@pytest.mark.parametrize(
    ("octets", "good"),
    [
        ("05 00 03 cc 02 01 41", True),
        ("06 08 04 00 cc 02 01 41", True),
        ("00 41", True),
        ("05 00 04 cc 02 01 41", False),
        ("0b 05 04 0b 84 23 f0 00 03 cc 02 01", True),
        ("09 00 03", False),
        ("01 00", False),
    ],
)
async def test_user_data_header(octets, good):
    """
    With the header bit set, content must begin with a header whose elements fill it; else status 24.
    """
    async with bench() as run:
        answer = await run.send(advanced({"hex": octets, "esmClass": 64}), "/sms/1/binary/advanced")
        without = await run.send(advanced({"hex": octets}), "/sms/1/binary/advanced")

    assert answer["messages"][0]["status"]["id"] == (7 if good else 24)
    assert without["messages"][0]["status"]["id"] == 7


@given(octets=st.binary(min_size=1, max_size=300), esm_class=st.integers(0, 255))
def test_user_data_header__any_bytes_get_a_verdict(octets, esm_class):
    """
    Whatever bytes come, the check answers yes or no; without the header bit always yes.
    """
    result = good_header(Binary(octets, 0, esm_class))

    assert result or esm_class & 0x40


@pytest.mark.parametrize(
    ("length", "data_coding", "parts"),
    [
        (1, 0, 1),
        (160, 0, 1),
        (161, 0, 2),
        (306, 0, 2),
        (307, 0, 3),
        (140, 8, 1),
        (141, 8, 2),
        (268, 4, 2),
        (269, 4, 3),
    ],
)
def test_parts(length, data_coding, parts):
    """
    Septets fill 160, or 153 a part; octets 140, or 134 a part.
    """
    assert count_binary(Binary(b"x" * length, data_coding)) == parts


async def test_too_long_content_is_rejected():
    """
    More than 25 parts, or more than 4000 bytes, is status 25.
    """
    async with bench() as run:
        fits = await run.send(advanced({"hex": "41" * 25 * 153}), "/sms/1/binary/advanced")
        long = await run.send(advanced({"hex": "41" * 4_001}), "/sms/1/binary/advanced")

    assert fits["messages"][0]["status"]["id"] == 7
    assert long["messages"][0]["status"]["id"] == 25

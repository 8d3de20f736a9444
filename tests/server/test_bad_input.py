"""
Bad input over HTTP: the provider's own error shape or acceptance, no trace, nothing half applied.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from house import House, in_shape, open_house

SEND = "/infobip/sms/2/text/advanced"
SENDS = [
    "/infobip/sms/1/text/single",
    "/infobip/sms/1/text/multi",
    "/infobip/sms/1/text/advanced",
    SEND,
    "/infobip/sms/3/messages",
]
HOSTILE = [
    "\x00\x01\x1b[31m\x7f",
    "\u202eright to left \u05d0\u0628",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "<script>alert(1)</script>",
    "'; DROP TABLE messages; --",
    "{{7*7}}${7*7}",
    "../../../../etc/passwd",
    "\r\nX-Injected: yes",
    "\ufeff\uffff\ufffe",
    "a" * 20_000,
    "e\u0301" * 500,
    "%s%n%x",
    "*",
    "+*",
]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Yield a server that runs for all tests of this module."""
    with open_house() as opened:
        yield opened


def send(house: House, path: str, body: bytes, headers: dict[str, str] | None = None) -> int:
    """Send; assert acceptance or a refusal in shape with nothing done; return the status."""
    before = house.messages()
    status, kind, answer = house.call("POST", path, body, headers)
    if status == 200:
        assert json.loads(answer)["messages"]
    else:
        in_shape(status, kind, answer, modern=path.startswith("/infobip/sms/3/"))
        assert house.messages() == before
    return status


leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(HOSTILE)
)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
fuzz = settings(max_examples=60, suppress_health_check=list(HealthCheck))


@fuzz
@given(st.sampled_from(SENDS), st.binary(max_size=300))
def test_arbitrary_bytes__are_refused_in_shape(house: House, path: str, body: bytes) -> None:
    """
    Whatever bytes are sent: the provider's own 400, and no message.
    """
    assert send(house, path, body) == 400
    house.is_well()


@fuzz
@given(st.sampled_from(SENDS), anything)
def test_arbitrary_json__is_accepted_or_refused_in_shape(house: House, path: str, body: Any) -> None:
    """
    Whatever JSON is sent: an answer that names each message, or the provider's own 400.
    """
    assert send(house, path, json.dumps(body).encode()) in (200, 400)
    house.is_well()


FIELDS = [
    "from",
    "text",
    "transliteration",
    "notifyUrl",
    "notifyContentType",
    "callbackData",
    "sendAt",
    "entityId",
    "applicationId",
    "campaignReferenceId",
    "validityPeriod",
    "flash",
    "language",
    "deliveryTimeWindow",
    "destinations",
    "regional",
]


@fuzz
@given(
    st.dictionaries(st.sampled_from(FIELDS), anything, min_size=1, max_size=4), st.sampled_from(SENDS[2:4])
)
def test_anything_in_any_field__is_accepted_or_refused_in_shape(
    house: House, fields: dict[str, Any], path: str
) -> None:
    """
    Any value in any field of a message: acceptance or the provider's own 400.
    """
    message = {"destinations": [{"to": "41793026727"}], "text": "x", **fields}

    assert send(house, path, json.dumps({"messages": [message]}).encode()) in (200, 400)
    house.is_well()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text__is_harmless_in_every_field(house: House, text: str) -> None:
    """
    Control characters, markup and the like travel through send, report, journal and metrics unharmed.
    """
    message = {
        "destinations": [{"to": text[:60], "messageId": text[:200]}],
        "from": text[:60],
        "text": text,
        "callbackData": text[:4_000],
        "entityId": text[:50],
        "notifyUrl": text[:100],
    }
    send(house, SEND, json.dumps({"messages": [message], "bulkId": text}).encode())
    for path in (
        f"/infobip/{quote(text[:100])}",
        f"/s/{quote(text[:100])}/infobip/x",
        f"/{quote(text[:100])}",
    ):
        assert house.call("GET", path)[0] == 404
    control = house.server.control
    control.call("POST", "/spaces/default/clock/advance", {"by": "10s"})
    for path in ("/messages", "/webhooks", "/journal", "/recipients", "/requests"):
        control.call("GET", f"/spaces/default{path}")
    found = control.call("GET", "/spaces/default/messages", query={"sender": text[:60]})["items"]
    for one in found[:3]:
        url = f"/_sim/v1/spaces/default/messages/{quote(one['id'], safe='')}/explain"
        assert house.call("GET", url)[0] == 200

    assert house.call("GET", "/_sim/metrics")[0] == 200
    house.is_well()


@pytest.mark.parametrize(
    "to", ["", " ", "0", "+", "00", "٠١٢٣٤٥٦٧٨", "41 79 302 67 27", "1" * 64, "abc", "+41793026727*", "\x00"]
)
def test_odd_number__is_rejected_inside_a_200(house: House, to: str) -> None:
    """
    A recipient that is no number is rejected in the answer, not by an error of the whole call.
    """
    body = {"messages": [{"destinations": [{"to": to}], "text": "x"}]}

    assert send(house, SEND, json.dumps(body).encode()) == 200
    house.is_well()


@pytest.mark.parametrize(
    "date",
    [
        "0000-00-00T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59.999-14:00",
        "2026-02-30T00:00:00Z",
        "2026-01-05T25:00:00Z",
        "2026-01-05T00:00:00+99:99",
        "99999-01-01T00:00:00Z",
        "yesterday",
        "",
    ],
)
def test_absurd_date__is_accepted_or_refused_in_shape(house: House, date: str) -> None:
    """
    Dates that do not exist or lie too far ahead are refused; past ones mean now.
    """
    message = {"destinations": [{"to": "41793026727"}], "text": "x", "sendAt": date}

    assert send(house, SEND, json.dumps({"messages": [message]}).encode()) in (200, 400)
    house.is_well()


def test_ten_thousand_destinations__are_all_answered(house: House) -> None:
    """
    A request with ten thousand recipients gets ten thousand entries.
    """
    numbers = [{"to": f"4179{number:07}"} for number in range(10_000)]
    body = json.dumps({"messages": [{"destinations": numbers, "text": "x"}]}).encode()
    before = house.messages()

    status, _, answer = house.call("POST", SEND, body)

    assert status == 200
    assert len(json.loads(answer)["messages"]) == 10_000
    assert house.messages() == before + 10_000
    house.is_well()


@pytest.mark.parametrize("size", [1_048_577, 5_000_000])
@pytest.mark.parametrize("path", SENDS)
def test_body_over_a_megabyte__is_refused_in_shape(house: House, size: int, path: str) -> None:
    """
    A body larger than allowed gets the provider's own error, whether or not it says how large it is.
    """
    body = b'{"x":"' + b"y" * size + b'"}'
    before = house.messages()

    status, kind, answer = house.call("POST", path, body)
    chunked = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: App k\r\n"
        "Content-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (65_536, b"z" * 65_536) for _ in range(size // 65_536 + 1))
    raw = house.raw(chunked + chunks + b"0\r\n\r\n")

    in_shape(status, kind, answer, modern="/sms/3/" in path)
    assert raw.startswith(b"HTTP/1.1 400 ")
    assert house.messages() == before
    house.is_well()


def test_body_just_under_the_limit__is_read(house: House) -> None:
    """
    A body of exactly a megabyte is read like any other.
    """
    good = {"messages": [{"destinations": [{"to": "41793026727"}], "text": "x"}], "unknown": ""}
    spare = 1_048_576 - len(json.dumps(good))

    assert send(house, SEND, json.dumps({**good, "unknown": "u" * spare}).encode()) == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "",
        "application/json/x",
        ";",
        "\xe9",
    ],
)
def test_wrong_content_type__is_refused_in_shape(house: House, content_type: str) -> None:
    """
    A send that is not declared as JSON is refused and does nothing.
    """
    body = json.dumps({"messages": [{"destinations": [{"to": "41793026727"}], "text": "x"}]}).encode()

    status = send(house, SEND, body, {"Authorization": "App k", "Content-Type": content_type})

    assert status == 400
    house.is_well()

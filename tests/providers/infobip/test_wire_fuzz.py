"""
Infobip's wire functions take anything: they read it or refuse it, and never fail otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.provider import Refuse, Violation
from simulator.providers.infobip.wire import SendRequest
from simulator.providers.infobip.wire_v1 import parse_advanced, parse_multi, parse_single
from simulator.providers.infobip.wire_v3 import parse_messages

PARSERS: list[Callable[[bytes], SendRequest]] = [
    lambda body: parse_single(1)(body),
    lambda body: parse_multi(1)(body),
    lambda body: parse_advanced(1)(body),
    lambda body: parse_advanced(2)(body),
    lambda body: parse_messages(body),
]

WINDOW = {"days": ["MONDAY"], "from": {"hour": 6, "minute": 0}, "to": {"hour": 15, "minute": 30}}
GOOD: list[dict[str, Any]] = [
    {"from": "InfoSMS", "to": ["41793026727"], "text": "My first"},
    {"messages": [{"from": "InfoSMS", "to": "41793026727", "text": "My first"}]},
    {
        "bulkId": "BULK-ID-123-xyz",
        "messages": [
            {
                "from": "InfoSMS",
                "destinations": [{"to": "41793026727", "messageId": "MESSAGE-ID-123-xyz"}, {"to": "1"}],
                "text": "Artık Ulusal Dil Tanımlayıcısı",
                "flash": False,
                "language": {"languageCode": "TR", "singleShift": True},
                "transliteration": "TURKISH",
                "intermediateReport": True,
                "notifyUrl": "http://127.0.0.1/dlr",
                "notifyContentType": "application/json",
                "callbackData": "DLR callback data",
                "validityPeriod": 720,
                "sendAt": "2026-03-01T10:00:00.000+01:00",
                "deliveryTimeWindow": WINDOW,
                "regional": {"turkeyIys": {"brandCode": 1, "recipientType": "TACIR"}},
            }
        ],
        "tracking": {"track": "SMS", "type": "MY_CAMPAIGN"},
        "sendingSpeedLimit": {"amount": 10, "timeUnit": "HOUR"},
    },
    {
        "messages": [
            {
                "sender": "InfoSMS",
                "destinations": [{"to": "41793026727", "messageId": "id"}],
                "content": {"text": "x", "transliteration": "GREEK", "language": {"languageCode": "ES"}},
                "options": {
                    "validityPeriod": {"amount": 720, "timeUnit": "HOURS"},
                    "deliveryTimeWindow": WINDOW,
                    "platform": {"entityId": "e", "applicationId": "a"},
                },
                "webhooks": {"delivery": {"url": "http://127.0.0.1/", "intermediateReport": True}},
            }
        ],
        "options": {"schedule": {"bulkId": "b", "sendAt": "2026-03-01T10:00:00.000+0000"}},
    },
]

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from([10**30, -1, 2**63, 1e308, "", "\ud800", "\u202e"]),
    st.sampled_from(["0000-00-00T00:00:00", "9999-12-31T23:59:59", "2026-02-30T00:00:00Z"]),
)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every part of *value*."""
    found = [here]
    if isinstance(value, dict):
        for name, inner in value.items():
            found += places(inner, (*here, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found += places(inner, (*here, number))
    return found


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return *value* with *new* at *path*."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """Return a good body with up to three of its parts replaced by something else."""
    body: Any = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 3))):
        body = changed(body, draw(st.sampled_from(places(body))), draw(anything))
    return json.dumps(body, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


def read(parse: Callable[[bytes], SendRequest], body: bytes) -> None:
    """Assert that *body* is read or refused, and that a refusal can be told in JSON."""
    found: list[Violation] = []
    request: SendRequest | None = None
    try:
        request = parse(body)
    except Refuse as refuse:
        found = refuse.facts["violations"]

    assert msgspec.json.encode(found)
    assert all(said for _, said in found)
    if request is not None:
        assert request.destination_count >= 1
        assert all(envelope.item.validity_ms >= 1 for envelope in request.envelopes)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("good", GOOD)
def test_any_generation__takes_or_refuses_any_generations_body(
    parse: Callable[[bytes], SendRequest], good: dict[str, Any]
) -> None:
    """
    The body of one call sent to another is read or refused.
    """
    read(parse, json.dumps(good).encode())


@given(st.binary(max_size=200), st.sampled_from(PARSERS))
def test_arbitrary_bytes__are_read_or_refused(body: bytes, parse: Callable[[bytes], SendRequest]) -> None:
    """
    Bytes of any kind are read or refused.
    """
    read(parse, body)


@given(anything, st.sampled_from(PARSERS))
def test_arbitrary_json__is_read_or_refused(body: Any, parse: Callable[[bytes], SendRequest]) -> None:
    """
    JSON of any shape is read or refused.
    """
    read(parse, json.dumps(body).encode("utf-8", "surrogatepass"))


@given(mutations(), st.sampled_from(PARSERS))
def test_good_body_with_wrong_parts__is_read_or_refused(
    body: bytes, parse: Callable[[bytes], SendRequest]
) -> None:
    """
    A good body in which parts have the wrong type or an absurd value is read or refused.
    """
    read(parse, body)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b"[" * 100_000,
        b'{"messages":' * 5_000,
        b'{"messages":[' + b"{}," * 9_999 + b"{}]}",
        b'{"text":"\\ud800"}',
        b'{"messages":[{"destinations":[{"to":"1"}],"validityPeriod":' + b"9" * 5_000 + b"}]}",
        b'{"messages":[{"destinations":[{"to":"1"}],"validityPeriod":1e400}]}',
        b'{"messages":[{"destinations":[{"to":"1"}],"validityPeriod":NaN}]}',
        b'{"messages":1,"messages":[]}',
    ],
)
def test_nasty_body__is_read_or_refused(parse: Callable[[bytes], SendRequest], body: bytes) -> None:
    """
    Deep nesting, marks, huge numbers, repeated keys: read or refused.
    """
    read(parse, body)

"""
Whatever comes in: an answer of the provider's own, nothing half-applied, and the server goes on.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.infobip.bench import bench, one
from simulator.provider import Refuse
from simulator.providers.infobip.decoding import Format
from simulator.providers.infobip.wire import SendRequest
from simulator.providers.infobip.wire_query import parse_query
from simulator.providers.infobip.wire_v1 import parse_advanced, parse_multi, parse_single
from simulator.providers.infobip.wire_v3 import parse_messages

PARSERS = {
    "v1 advanced": parse_advanced(1),
    "v2 advanced": parse_advanced(2),
    "v2 binary": parse_advanced(2, binary=True),
    "single": parse_single(1),
    "binary single": parse_single(1, binary=True),
    "multi": parse_multi(1),
    "v3": parse_messages,
}
KEYS = [
    "messages", "destinations", "to", "messageId", "from", "text", "binary", "hex", "content", "options",
    "schedule", "sendAt", "bulkId", "language", "languageCode", "transliteration", "validityPeriod", "amount",
    "timeUnit", "deliveryTimeWindow", "days", "hour", "minute", "tracking", "track", "urlOptions", "webhooks",
    "delivery", "url", "notifyUrl", "callbackData", "regional", "indiaDlt", "sendingSpeedLimit", "flash",
]  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["41793026727", "TR", "MONDAY", "2026-01-05T10:00:00Z", "MINUTE", "54 65", "SMS"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)
DESTINATIONS = st.fixed_dictionaries({"destinations": st.just([{"to": "41793026727"}])})
# Half of the bodies have the right frame, so that the mistakes lie deeper.
BODIES = JSON | st.builds(
    lambda rest, message, frame: {**rest, "messages": [{**message, **frame}]},
    st.dictionaries(st.sampled_from(KEYS), JSON, max_size=3),
    st.dictionaries(st.sampled_from(KEYS), JSON, max_size=6),
    DESTINATIONS,
)


@pytest.mark.parametrize("parser", PARSERS)
@settings(max_examples=150)
@given(body=BODIES)
def test_any_json__is_read_or_refused(parser, body):
    """
    Every JSON value is a request or a bad request whose mistakes have a place and a text.
    """
    encoded = json.dumps(body).encode()

    try:
        read = PARSERS[parser](encoded)
    except Refuse as refuse:
        read = refuse

    if isinstance(read, Refuse):
        assert all(violation.text for violation in read.facts["violations"])
    else:
        assert isinstance(read, SendRequest)
        assert read.destination_count >= 1


@pytest.mark.parametrize("written", list(Format))
@given(body=st.binary(max_size=200))
def test_any_bytes__are_read_or_refused(written, body):
    """
    Bytes that are no document are a bad request, in either format.
    """
    with pytest.raises(Refuse):
        parse_advanced(1)(body, written)


@given(
    query=st.lists(
        st.tuples(
            st.sampled_from(
                ["to", "text", "flash", "sendAt", "validityPeriod", "track", "turkeyIysBrandCode"]
            ),
            st.text(max_size=30),
        ),
        max_size=6,
    ),
    generation=st.sampled_from([1, 3]),
)
def test_any_query__is_read_or_refused(query, generation):
    """
    Every query is a request or a bad request.
    """
    try:
        read: Any = parse_query(query, generation)
    except Refuse as refuse:
        read = refuse.facts

    assert read


TEXTS = {
    "control characters": "a\x00b\x07c\x1bd",
    "right to left": "\u202eمرحبا\u202c",
    "emoji": "👩‍👩‍👧‍👦🇹🇷",
    "markup": "<script>alert('x')</script>&amp;",
    "lone surrogate escaped": "\ud800",
    "long": "x" * 3_000,
    "line ends": "a\r\nb\u2028c",
}


@pytest.mark.parametrize("kind", TEXTS)
async def test_hostile_text(kind):
    """
    A text of any kind is sent and shown again in the log unchanged, or refused; XML shows what it can.
    """
    body = json.dumps(one(text=TEXTS[kind])).encode()

    async with bench() as run:
        sent = await run.call("POST", "/sms/1/text/advanced", body)
        rows = await run.call("GET", "/sms/1/logs")
        document = await run.call("GET", "/sms/1/logs.xml")
        after = await run.call("POST", "/sms/1/text/advanced", one())

    assert (rows.status, document.status, after.status) == (200, 200, 200)
    if kind == "lone surrogate escaped":
        # JSON may escape half a character; it is no text that could be sent.
        assert (sent.status, rows.plain) == (400, {"results": []})
    else:
        assert sent.status == 200
        assert rows.plain["results"][0]["text"] == TEXTS[kind]


async def test_ten_thousand_destinations():
    """
    A request with ten thousand recipients is answered entry by entry, and each is delivered.
    """
    destinations = [{"to": f"417930{n:05d}"} for n in range(10_000)]
    body = {"messages": [{"destinations": destinations, "from": "InfoSMS", "text": "x"}]}

    async with bench() as run:
        answer = await run.send(body)
        await run.settle()
        states = {message.state.value for message in run.space.simulation.messages.values()}

    assert [entry["to"] for entry in answer["messages"]] == [d["to"] for d in destinations]
    assert states == {"delivered"}


async def test_nothing_is_half_applied():
    """
    One mistake in the last of many messages sends none of them, and charges nothing.
    """
    good = {"destinations": [{"to": "41793026727"}], "text": "x"}
    body = {"messages": [*[good] * 50, {**good, "validityPeriod": -1}]}

    async with bench(balance=10) as run:
        answer = await run.call("POST", "/sms/1/text/advanced", body)
        count = len(run.space.simulation.messages)
        balance = await run.get("/account/1/balance")

    assert answer.status == 400
    assert (count, balance["balance"]) == (0, 10)


async def test_many_mistakes__are_told_up_to_a_hundred():
    """
    A request with a thousand mistakes is told of the first hundred.
    """
    body = {"messages": [{"text": "x"}] * 1_000}

    async with bench() as run:
        answer = await run.call("POST", "/sms/1/text/advanced", body)

    assert len(answer.plain["requestError"]["serviceException"]["validationErrors"]) == 100


@pytest.mark.parametrize(
    "send_at",
    [
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-02-30T00:00:00Z",
        "2026-01-05T25:00:00Z",
        "9" * 500,
        "2026-01-05T10:00:00+99:99",
    ],
)
async def test_absurd_dates(send_at):
    """
    An absurd date is past, too far ahead, or no date; never an accident.
    """
    async with bench() as run:
        answer = await run.call("POST", "/sms/1/text/advanced", one(sendAt=send_at))

    assert answer.status == (200 if send_at.startswith("0001") else 400)


def test_huge_validity__is_48_hours():
    """
    A number of 400 digits is too long a validity like any other: 48 hours.
    """
    body = msgspec.json.encode(one()).replace(b'"text"', b'"validityPeriod": 1' + b"0" * 400 + b', "text"')

    (envelope,) = parse_advanced(1)(body).envelopes

    assert envelope.item.validity_ms == 48 * 3_600_000

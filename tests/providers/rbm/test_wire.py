"""
Reading RBM's bodies: lenient JSON, protobuf's JSON mapping, limits and unions.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.provider import NotJson, Refuse, decode_json
from simulator.providers.rbm.content import check_content, classification, features_needed
from simulator.providers.rbm.instants import format_instant, parse_duration, parse_instant
from simulator.providers.rbm.schema import message_shapes
from simulator.providers.rbm.settings import FEATURES
from simulator.providers.rbm.wire import Intake, read_body

ROOT = "agent_message"
CONTENT = "agent_message.content_message"

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def _read(body: dict[str, Any], intake: Intake | None = None) -> dict[str, Any]:
    return read_body(json.dumps(body).encode(), "AgentMessage", ROOT, intake or Intake())


def _refusal(body: dict[str, Any], intake: Intake | None = None) -> list[tuple[str, str]]:
    with pytest.raises(Refuse) as refused:
        check_content(_read(body, intake).get("contentMessage"), CONTENT)
    return [(violation.field, violation.text) for violation in refused.value.facts["violations"]]


def _single_quoted(text: str) -> str:
    """Write JSON as Google's curl samples do: single quotes, a comma after the last item."""
    plain = json.loads(text)

    def write(value: Any) -> str:
        if isinstance(value, str):
            return "'" + json.dumps(value)[1:-1].replace("'", "\\'") + "'"
        if isinstance(value, list):
            return "[" + "".join(f"{write(part)} ," for part in value) + "]"
        if isinstance(value, dict):
            return "{" + "".join(f"{write(k)}: {write(v)}," for k, v in value.items()) + "}"
        return json.dumps(value)

    return write(plain)


@given(_JSON)
def test_sloppy_json_means_what_good_json_means(value: Any) -> None:
    """
    Single quotes and trailing commas change nothing about what is read.
    """
    sloppy = "\n " + _single_quoted(json.dumps(value))

    read = decode_json(sloppy.encode())

    assert read == value


@given(st.text(alphabet="{}[]'\",:\\u0019afnte+-. ", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """
    No body, however broken, ends in anything but values or NotJson.
    """
    try:
        read = decode_json(text.encode())
    except NotJson:
        return

    assert json.loads(json.dumps(read)) == read


def test_sloppy_json__is_refused_when_strict() -> None:
    """
    The strict setting takes RFC 8259 alone.
    """
    with pytest.raises(NotJson):
        decode_json(b"{'a': 1}", strict=True)


def test_deep_nesting_is_refused() -> None:
    """
    A body of brackets is refused, not a stack overflow.
    """
    with pytest.raises(NotJson):
        decode_json(b"[" * 100_000)


def test_both_spellings_and_nulls_are_read() -> None:
    """
    snake_case, camelCase, null, enums by number and doubles as text are protobuf's JSON mapping.
    """
    read = _read(
        {
            "content_message": {
                "richCard": {"standalone_card": {"cardOrientation": 2, "cardContent": {"title": "t"}}},
                "text": None,
                "suggestions": [
                    {
                        "action": {
                            "text": "where",
                            "postback_data": "p",
                            "viewLocationAction": {"latLong": {"latitude": "37.5", "longitude": -122}},
                        }
                    }
                ],
            },
            "message_traffic_type": "PROMOTION",
            "name": "output only, ignored",
        }
    )

    assert read == {
        "contentMessage": {
            "richCard": {"standaloneCard": {"cardOrientation": "VERTICAL", "cardContent": {"title": "t"}}},
            "suggestions": [
                {
                    "action": {
                        "text": "where",
                        "postbackData": "p",
                        "viewLocationAction": {"latLong": {"latitude": 37.5, "longitude": -122}},
                    }
                }
            ],
        },
        "messageTrafficType": "PROMOTION",
    }


def test_body_of_googles_python_helper_is_read() -> None:
    """
    Explicit nulls and empty lists, as the helper posts them, are unset fields.
    """
    read = _read(
        {"contentMessage": {"contentInfo": {"fileUrl": "https://a.b/c.png", "thumbnailUrl": None},
                            "suggestions": []}}
    )  # fmt: skip

    assert read == {"contentMessage": {"contentInfo": {"fileUrl": "https://a.b/c.png"}}}


def _chips(count: int, text: str = "yes") -> list[dict[str, Any]]:
    return [{"reply": {"text": text, "postbackData": f"p{n}"}} for n in range(count)]


def _card(**card: Any) -> dict[str, Any]:
    return {"richCard": {"standaloneCard": {"cardContent": card}}}


def _action(**action: Any) -> dict[str, Any]:
    return {"text": "x", "suggestions": [{"action": {"text": "go", "postbackData": "p", **action}}]}


def _carousel(count: int, width: str = "MEDIUM", **media: Any) -> dict[str, Any]:
    cards: list[dict[str, Any]] = [{"title": "t"} for _ in range(count)]
    if media:
        cards[0]["media"] = media
    return {"richCard": {"carouselCard": {"cardWidth": width, "cardContents": cards}}}


_MEDIA = {"height": "TALL", "contentInfo": {"fileUrl": "https://a.b/c.png"}}

_GOOD = {
    "longest text": {"text": "x" * 3072},
    "eleven chips": {"text": "x", "suggestions": _chips(11, "x" * 25)},
    "four on a card": _card(title="t" * 200, description="d" * 2000, suggestions=_chips(4)),
    "ten cards": _carousel(10, **_MEDIA),
    "short number": _action(dialAction={"phoneNumber": "1011"}),
    "poles": _action(viewLocationAction={"latLong": {"latitude": -90, "longitude": 180}}),
}

_BAD = {
    "text": ({"text": "x" * 3073}, f"{CONTENT}.text", "must have at most 3072 characters, got 3073"),
    "chips": (
        {"text": "x", "suggestions": _chips(12)},
        f"{CONTENT}.suggestions",
        "must have at most 11 items, got 12",
    ),
    "card suggestions": (
        _card(title="t", suggestions=_chips(5)),
        f"{CONTENT}.rich_card.standalone_card.card_content.suggestions",
        "must have at most 4 items, got 5",
    ),
    "card title": (
        _card(title="t" * 201),
        f"{CONTENT}.rich_card.standalone_card.card_content.title",
        "must have at most 200 characters, got 201",
    ),
    "one card": (
        _carousel(1),
        f"{CONTENT}.rich_card.carousel_card.card_contents",
        "must have between 2 and 10 items, got 1",
    ),
    "small and tall": (
        _carousel(2, "SMALL", **_MEDIA),
        f"{CONTENT}.rich_card.carousel_card.card_contents[0].media.height",
        "must not be TALL in a SMALL carousel",
    ),
    "empty card": (
        _card(suggestions=_chips(1)),
        f"{CONTENT}.rich_card.standalone_card.card_content",
        "must have at least one of title, description and media",
    ),
    "lonely picture": (
        {"richCard": {"standaloneCard": {"cardOrientation": "HORIZONTAL", "cardContent": {"media": _MEDIA}}}},
        f"{CONTENT}.rich_card.standalone_card.card_content",
        "must have title, description or suggestions beside its media when HORIZONTAL",
    ),
    "no content": (
        {"suggestions": _chips(1)},
        CONTENT,
        "must have one of text, uploaded_rbm_file, rich_card, content_info",
    ),
    "postback": (
        {"text": "x", "suggestions": [{"reply": {"text": "a", "postbackData": "p" * 2049}}]},
        f"{CONTENT}.suggestions[0].reply.postback_data",
        "must have at most 2048 characters, got 2049",
    ),
    "dial": (
        _action(dialAction={"phoneNumber": "tel:1"}),
        f"{CONTENT}.suggestions[0].action.dial_action.phone_number",
        'must match ^[0-9+*#]+$, got "tel:1"',
    ),
    "latitude": (
        _action(viewLocationAction={"latLong": {"latitude": 90.5, "longitude": 0}}),
        f"{CONTENT}.suggestions[0].action.view_location_action.lat_long.latitude",
        "must be between -90 and 90, got 90.5",
    ),
    "calendar": (
        _action(createCalendarEventAction={"startTime": "2026-01-05T09:00:00Z"}),
        f"{CONTENT}.suggestions[0].action.create_calendar_event_action.title",
        "must not be empty",
    ),
    "url": (
        _action(openUrlAction={"url": "not a url"}),
        f"{CONTENT}.suggestions[0].action.open_url_action.url",
        "must be a URL as in RFC 3986",
    ),
    "no action": (
        _action(),
        f"{CONTENT}.suggestions[0].action",
        "must have an action, such as dial_action or open_url_action",
    ),
}


@pytest.mark.parametrize("content", _GOOD.values(), ids=_GOOD)
def test_content_at_the_limit_is_accepted(content: dict[str, Any]) -> None:
    """
    What is just within a documented limit is read, and echoed as it was.
    """
    read = _read({"contentMessage": content})
    check_content(read["contentMessage"], CONTENT)

    assert read == {"contentMessage": content}


@pytest.mark.parametrize(("content", "field", "text"), _BAD.values(), ids=_BAD)
def test_content_beyond_a_limit_is_refused(content: dict[str, Any], field: str, text: str) -> None:
    """
    The refusal names the field in protobuf's spelling and says what was expected.
    """
    found = _refusal({"contentMessage": content})

    assert found == [(field, f"{field}: {text}")]


def test_known_wordings_are_used_for_suggestion_texts() -> None:
    """
    Texts of more than 25 characters are refused in the words that resellers pass on.
    """
    reply = _refusal({"contentMessage": {"text": "x", "suggestions": _chips(1, "x" * 26)}})
    action = _refusal({"contentMessage": _action(text="x" * 26, shareLocationAction={})})

    assert reply == [
        (
            f"{CONTENT}.suggestions[0].reply.text",
            "Within suggested reply, the provided text exceeds the maximum allowed length.",
        )
    ]
    assert action == [
        (
            f"{CONTENT}.suggestions[0].action.text",
            "Within suggested action, the provided text exceeds the maximum allowed length.",
        )
    ]


def test_card_suggestions__ten_when_set() -> None:
    """
    Older texts allow ten suggestions on a card; a setting does, too.
    """
    content = _card(title="t", suggestions=_chips(10))

    read = _read({"contentMessage": content}, Intake(card_suggestions_max=10))

    assert read == {"contentMessage": content}


def test_unknown_keys_are_all_named() -> None:
    """
    Every unknown key is a violation, with the place it was found at.
    """
    found = _refusal({"contentMessage": {"text": "x", "bar": 1}, "foo": 2})

    assert found == [
        (
            CONTENT,
            f"Invalid JSON payload received. Unknown name \"bar\" at '{CONTENT}': Cannot find field.",
        ),
        (
            ROOT,
            f"Invalid JSON payload received. Unknown name \"foo\" at '{ROOT}': Cannot find field.",
        ),
    ]


def test_unknown_keys__at_the_top_level_have_no_place() -> None:
    """
    Methods whose body has no wrapper complain without one.
    """
    with pytest.raises(Refuse) as refused:
        read_body(b'{"foo": 1}', "BatchGetUsersRequest", "", Intake())

    assert refused.value.facts["violations"] == (
        ("", 'Invalid JSON payload received. Unknown name "foo": Cannot find field.'),
    )


def test_unknown_keys__ignored_when_set() -> None:
    """
    The setting drops them silently.
    """
    assert _read({"foo": 1}, Intake(unknown="ignore")) == {}


def test_two_of_a_union_are_refused() -> None:
    """
    ttl and expireTime are one union, as are the contents of a message.
    """
    expiry = _refusal({"contentMessage": {"text": "x"}, "ttl": "1s", "expireTime": "2026-01-06T00:00:00Z"})
    content = _refusal({"contentMessage": {"text": "x", "contentInfo": {"fileUrl": "https://a.b/c"}}})

    assert [field for field, _ in expiry + content] == [ROOT, CONTENT]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ttl", "10"),
        ("ttl", 10),
        ("expireTime", "tomorrow"),
        ("messageTrafficType", "SPAM"),
        ("messageTrafficType", 99),
        ("contentMessage", "hi"),
    ],
)
def test_value_of_a_wrong_kind_is_refused(field: str, value: object) -> None:
    """
    Durations, instants, enums and messages must be what they are called.
    """
    found = _refusal({"contentMessage": {"text": "x"}, field: value})

    assert len(found) == 1
    assert found[0][1].startswith("Invalid value at 'agent_message.")


@given(st.integers(0, 4_000_000_000_000))
def test_instants_are_read_as_they_are_written(unix_ms: int) -> None:
    """
    What we write as an instant reads as the same instant.
    """
    read = parse_instant(format_instant(unix_ms))

    assert read is not None
    assert read == (unix_ms, format_instant(unix_ms))


def test_instants_have_none_three_six_or_nine_digits() -> None:
    """
    Offsets become UTC, fractions are padded to a group of three.
    """
    given_texts = ["2026-01-05T10:00:00+01:00", "2026-01-05T09:00:00.5Z", "2026-01-05T09:00:00.1234567Z"]

    written = [read.text for text in given_texts if (read := parse_instant(text)) is not None]

    assert written == [
        "2026-01-05T09:00:00Z",
        "2026-01-05T09:00:00.500Z",
        "2026-01-05T09:00:00.123456700Z",
    ]


def test_durations_may_have_fractions() -> None:
    """
    Protobuf's durations are seconds with up to nine digits behind the point.
    """
    read = [parse_duration(text) for text in ("600s", "3.5s", "0.000000001s", "-1s", "1m", "1.s")]

    assert read == [600_000, 3_500, 0, -1_000, None, None]


def test_features_are_what_the_content_needs() -> None:
    """
    Cards and actions need features; texts and replies none.
    """
    webview = _action(openUrlAction={"url": "https://a.b", "application": "WEBVIEW"})
    carousel = _carousel(2)

    needed = [features_needed({"text": "x", "suggestions": _chips(2)}), features_needed(webview | carousel)]

    assert needed == [[], ["RICHCARD_CAROUSEL", "ACTION_OPEN_URL", "ACTION_OPEN_URL_IN_WEBVIEW"]]


def test_classification_counts_bytes_of_the_text_alone() -> None:
    """
    161 bytes are two segments; a card or a share-location action makes it a media message.
    """
    found = [
        classification({"text": "é" * 80}),
        classification({"text": "é" * 80 + "x", "suggestions": _chips(11)}),
        classification(_card(title="t")),
        classification(_action(shareLocationAction={})),
    ]

    assert found == [
        {"classificationType": "RICH_MESSAGE", "segmentCount": 1},
        {"classificationType": "RICH_MESSAGE", "segmentCount": 2},
        {"classificationType": "RICH_MEDIA_MESSAGE"},
        {"classificationType": "RICH_MEDIA_MESSAGE"},
    ]


def test_features__are_those_of_the_discovery_document() -> None:
    """
    Settings name the features themselves, to start sooner; they are the same ones, in the same order.
    """
    assert message_shapes()["Capabilities"].by_name["features"].words == FEATURES

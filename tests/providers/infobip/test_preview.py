"""
Previews: the documented check values, and options.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.infobip.bench import bench
from providers.infobip.test_text import GREEK
from simulator.providers.infobip.counting import segment_as

TURKISH = "Değerli müşterimiz, sipariişiniz yola çıktı ve yarın adresinize ulaşacak. Bizi seçtiğiniz için sağ"


async def shown(**body: object) -> list[tuple[int, int, object]]:
    """Return parts, room and configuration of each preview."""
    async with bench() as run:
        answer = await run.send(body, "/sms/1/preview")
    assert answer["originalText"] == body["text"]
    return [(p["messageCount"], p["charactersRemaining"], p["configuration"]) for p in answer["previews"]]


async def test_plain_text():
    """
    60 ASCII characters are one part with 100 left; without options there is one preview.
    """
    assert await shown(text="x" * 60) == [(1, 100, {})]


async def test_turkish():
    """
    98 Turkish characters are two parts with 36 left; with the language, one part with 57 left.
    """
    text = TURKISH[:98]
    assert len(text) == 98

    assert await shown(text=text, languageCode="TR") == [
        (2, 36, {}),
        (1, 57, {"language": {"languageCode": "TR"}}),
    ]


async def test_greek():
    """
    155 Greek characters are three parts with 46 left; transliterated, one part with 5 left.
    """
    assert await shown(text=GREEK, transliteration="GREEK") == [
        (3, 46, {}),
        (1, 5, {"transliteration": "GREEK"}),
    ]


async def test_text_preview_is_the_text_as_sent():
    """
    The second preview shows the transliterated text, the first one the original.
    """
    async with bench() as run:
        answer = await run.send(
            {"text": "Şöyle", "transliteration": "TURKISH", "languageCode": "TR"}, "/sms/1/preview"
        )

    assert answer == {
        "originalText": "Şöyle",
        "previews": [
            {"textPreview": "Şöyle", "messageCount": 1, "charactersRemaining": 65, "configuration": {}},
            {
                "textPreview": "Soyle",
                "messageCount": 1,
                "charactersRemaining": 150,
                "configuration": {"language": {"languageCode": "TR"}, "transliteration": "TURKISH"},
            },
        ],
    }


@pytest.mark.parametrize(
    "options", [{"transliteration": "NONE"}, {"languageCode": None, "transliteration": None}]
)
async def test_no_option(options):
    """
    NONE and null are no options.
    """
    assert await shown(text="x", **options) == [(1, 159, {})]


async def test_autodetect():
    """
    AUTODETECT picks the table that keeps the text short.
    """
    assert await shown(text=TURKISH[:98], languageCode="AUTODETECT") == [
        (2, 36, {}),
        (1, 57, {"language": {"languageCode": "AUTODETECT"}}),
    ]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"text": ["must not be null"]}),
        ({"text": 5}, {"text": ["expected string, got integer"]}),
        (
            {"text": "x", "languageCode": "DE"},
            {"languageCode": ["must be one of TR, ES, PT, AUTODETECT, got 'DE'"]},
        ),
    ],
)
async def test_400(body, errors):
    """
    A preview that cannot be made is refused with the place.
    """
    async with bench() as run:
        answer = await run.call("POST", "/sms/1/preview", body)

    assert answer.status == 400
    assert answer.plain["requestError"]["serviceException"]["validationErrors"] == errors


@pytest.mark.parametrize(
    ("language", "locking", "single", "units"),
    [
        ("TR", None, None, 155),
        ("TR", True, True, 152),
        ("TR", False, True, 155),
        ("ES", None, None, 155),
        ("ES", True, False, 155),
        ("PT", True, None, 155),
        ("TR", False, False, 160),
    ],
)
def test_shift_tables_cost_their_headers(language, locking, single, units):
    """
    Each table in force takes room; Spanish has no locking table and gets its single-shift one.
    """
    _, found = segment_as("hello", language, locking=locking, single=single)

    assert found.units_per_part == units


@given(text=st.text(max_size=400))
def test_preview_and_send_count_alike(text):
    """
    Room and parts always add up: what is left is less than one part, and never negative.
    """
    _, found = segment_as(text)

    assert 0 <= found.remaining <= found.units_per_part
    assert found.parts >= 1

"""
Files in messages: what is known of uploads must fit.
"""

from __future__ import annotations

import io
from typing import Any

import pytest

from providers.rbm.rig import Bench, bench, configure

MIB = 1_048_576
MESSAGE = "agent_message.content_message"


async def upload(made: Bench, media_type: str, size: int = 10) -> str:
    """Upload a file and return its name."""
    url = f"{made.url}/upload/v1/files?agentId=welcome-bot&uploadType=media"
    headers = made.headers | {"Content-Type": media_type}
    async with made.session.post(url, data=io.BytesIO(b"x" * size), headers=headers) as answer:
        assert answer.status == 200
        return str((await answer.json())["name"])


def card(**uploaded: str) -> dict[str, Any]:
    """Return a card that shows an upload."""
    return {"media": {"height": "MEDIUM", "uploadedRbmFile": uploaded}}


def standalone(**uploaded: str) -> dict[str, Any]:
    """Return a message with one such card."""
    return {"richCard": {"standaloneCard": {"cardOrientation": "VERTICAL", "cardContent": card(**uploaded)}}}


def wrongs(body: Any) -> list[str]:
    """Return what an error complains about."""
    return [violation["description"] for violation in body["error"]["details"][0]["fieldViolations"]]


@pytest.mark.parametrize("files", ["any", "uploaded"])
async def test_files_of_a_message_are_limited_together(files: str) -> None:
    """
    Two uploads of 60 MiB are too much for one message, though each alone is not; one named twice counts once.
    """
    async with bench(files=files) as made:
        first, second = [await upload(made, "video/mp4", 60 * MIB) for _ in range(2)]

        def carousel(*names: str) -> dict[str, Any]:
            cards = [card(fileName=name) for name in names]
            return {"richCard": {"carouselCard": {"cardWidth": "MEDIUM", "cardContents": cards}}}

        both, body = await made.send("m1", contentMessage=carousel(first, second))
        same, _ = await made.send("m2", contentMessage=carousel(first, first))

    assert (both, same) == (400, 200)
    assert wrongs(body) == [f"{MESSAGE}: files must have at most {100 * MIB} bytes together, got {120 * MIB}"]


@pytest.mark.parametrize(
    ("media_type", "size", "complaints"),
    [
        ("image/png", 100_000, []),
        ("image/png", 100_001, ["must have at most 100000 bytes, got 100001"]),
        ("audio/mp3", 10, ["must be an image, got audio/mp3"]),
        (
            "application/pdf",
            100_001,
            ["must be an image, got application/pdf", "must have at most 100000 bytes, got 100001"],
        ),
    ],
)
async def test_thumbnail_is_a_small_image(media_type: str, size: int, complaints: list[str]) -> None:
    """
    At most 100 kB and one of the image types, in cards and outside of them.
    """
    async with bench() as made:
        video, thumbnail = await upload(made, "video/mp4"), await upload(made, media_type, size)
        uploaded = {"fileName": video, "thumbnailName": thumbnail}
        plain, told = await made.send("m1", contentMessage={"uploadedRbmFile": uploaded})
        carded, told_of_card = await made.send("m2", contentMessage=standalone(**uploaded))

    expected = 400 if complaints else 200
    assert (plain, carded) == (expected, expected)
    if complaints:
        path = f"{MESSAGE}.uploaded_rbm_file.thumbnail_name"
        card_path = f"{MESSAGE}.rich_card.standalone_card.card_content.media.uploaded_rbm_file.thumbnail_name"
        assert wrongs(told) == [f"{path}: {complaint}" for complaint in complaints]
        assert wrongs(told_of_card) == [f"{card_path}: {complaint}" for complaint in complaints]


@pytest.mark.parametrize("media_type", ["audio/mp3", "application/ogg"])
async def test_audio_is_a_message_of_its_own(media_type: str) -> None:
    """
    Audio is sent as a file; a card cannot play it.
    """
    async with bench() as made:
        name = await upload(made, media_type)
        plain, _ = await made.send("m1", contentMessage={"uploadedRbmFile": {"fileName": name}})
        carded, body = await made.send("m2", contentMessage=standalone(fileName=name))

    path = f"{MESSAGE}.rich_card.standalone_card.card_content.media.uploaded_rbm_file.file_name"
    assert (plain, carded) == (200, 400)
    assert wrongs(body) == [f"{path}: must not be audio in a card, got {media_type}"]


async def test_pdf_in_a_card_needs_a_device_that_shows_it() -> None:
    """
    A device without PDF_IN_RICH_CARDS is refused the card, not the file; one that has it gets both.
    """
    async with bench() as made:
        name = await upload(made, "application/pdf")
        plain, _ = await made.send("m1", contentMessage={"uploadedRbmFile": {"fileName": name}})
        refused, body = await made.send("m2", contentMessage=standalone(fileName=name))
        await configure(made, features=["RICHCARD_STANDALONE", "PDF_IN_RICH_CARDS"])
        shown, _ = await made.send("m3", contentMessage=standalone(fileName=name))

    assert (plain, refused, shown) == (200, 400, 200)
    assert body["error"]["message"] == (
        "The device of the recipient does not support a feature that the message needs."
    )


async def test_files_by_url_are_not_judged() -> None:
    """
    A file by URL is never fetched, so nothing is known that could be wrong.
    """
    async with bench() as made:
        _, body = await made.call("POST", "/v1/files?agentId=a", {"fileUrl": "https://example.com/a.mp3"})
        status, _ = await made.send("m1", contentMessage=standalone(fileName=body["name"]))

    assert status == 200

"""
How messages look on a phone: each provider tells it in the same plain words.
"""

from __future__ import annotations

from typing import Any

import pytest

from harness import Bench, serving
from simulator.provider import Bubble, Card, Picture, Suggestion

PHONE = "+905321234567"


def shown(bench: Bench, provider: str) -> list[Bubble]:
    """Return how the messages of a provider look, the oldest first."""
    messages = bench.space.simulation.messages.values()
    show = bench.server.registry.providers[provider].show
    return [show(message.submission) for message in messages if message.key.provider == provider]


async def test_infobip__tells_encoding_and_parts() -> None:
    """
    One letter outside the alphabet turns a short message into two of another encoding.
    """
    async with serving() as bench:
        await bench.send(text="hello")
        await bench.send(text="ж" * 71)

        assert shown(bench, "infobip") == [
            Bubble("hello", note="GSM7, 1 part, 5 characters"),
            Bubble("ж" * 71, note="UCS2, 2 parts, 71 characters"),
        ]


async def send_bip(bench: Bench, item: dict[str, Any], name: str = "t-1") -> None:
    """Send one BiP message to a user who has a session."""
    await bench.control(
        "POST", f"/spaces/default/recipients/{PHONE}/inbound", {"provider": "bip", "writes": "x"}
    )
    body = {
        "txnid": name,
        "receiver": {"type": 2, "address": PHONE.removeprefix("+")},
        "composition": {"list": [item]},
    }
    basic = {"Authorization": "Basic dXNlcjpwYXNz"}
    status, answer = await bench.post("/bip/tes/rest/spi/sendmsgserv", body, headers=basic)
    assert (status, answer["resultcode"]) == (200, 0), answer


BIP: list[tuple[dict[str, Any], Bubble]] = [
    ({"type": 0, "message": "Merhaba"}, Bubble("Merhaba")),
    (
        {"type": 2, "message": "https://timsac.bip.com/a/b.jpg", "size": 9, "ratio": 1},
        Bubble(pictures=(Picture("image", "b.jpg", "https://timsac.bip.com/a/b.jpg"),)),
    ),
    (
        {"type": 7, "location": {"lat": 41, "lon": 29, "title": "Galata", "zoomlevel": 9}},
        Bubble(pictures=(Picture("place", "Galata"),)),
    ),
    (
        {"type": 10, "vCard": {"name": "Ayşe", "surname": "Yılmaz"}},
        Bubble(pictures=(Picture("contact", "Ayşe Yılmaz"),)),
    ),
    (
        {"type": 14, "document": {"filepath": "https://timsac.bip.com/a/fatura.pdf"}},
        Bubble(pictures=(Picture("file", "fatura.pdf", "https://timsac.bip.com/a/fatura.pdf"),)),
    ),
    (
        {
            "type": 13,
            "tmmtype": 0,
            "singletmm": {
                "title": "Kargo",
                "postbackid": "pb",
                "buttonlist": [
                    {"type": 1, "name": "Evde", "payload": "home"},
                    {"type": 0, "name": "Takip", "url": "https://example.com/"},
                ],
            },
        },
        Bubble(
            cards=(
                Card(
                    "Kargo",
                    suggestions=(
                        Suggestion("Evde", "", "taps", {"postbackid": "pb", "payload": "home"}),
                        Suggestion("Takip", "opens https://example.com/"),
                    ),
                ),
            ),
            note="single template",
        ),
    ),
    (
        {
            "type": 13,
            "tmmtype": 2,
            "polltmm": {"title": "Çay?", "pollid": "p1", "optionlist": [{"optionid": 4, "name": "Evet"}]},
        },
        Bubble(
            cards=(
                Card(
                    "Çay?",
                    suggestions=(Suggestion("Evet", "", "answers poll", {"pollid": "p1", "optionids": [4]}),),
                ),
            ),
            note="poll template",
        ),
    ),
]


@pytest.mark.parametrize(("item", "bubble"), BIP, ids=[f"type {item['type']}" for item, _ in BIP])
async def test_bip__shows_each_type_of_content(item: dict[str, Any], bubble: Bubble) -> None:
    """
    Files are named rather than fetched, buttons say what a tap sends back.
    """
    async with serving() as bench:
        await send_bip(bench, item)

        assert shown(bench, "bip") == [bubble]


async def test_rbm__names_the_media_of_cards_and_files() -> None:
    """
    The media of a card and a file of its own are told by kind, name and address.
    """
    file = {"contentInfo": {"fileUrl": "https://example.com/menu.pdf"}}
    media = {"height": "MEDIUM", "contentInfo": {"fileUrl": "https://example.com/clip.mp4?x=1"}}
    card = {"cardOrientation": "VERTICAL", "cardContent": {"title": "Watch", "media": media}}
    async with serving() as bench:
        for name, content in (("m1", file), ("m2", {"richCard": {"standaloneCard": card}})):
            path = f"/rbm/v1/phones/{PHONE}/agentMessages?messageId={name}&agentId=bot"
            bearer = {"Authorization": "Bearer ya29.token"}
            status, answer = await bench.post(path, {"contentMessage": content}, headers=bearer)
            assert status == 200, answer

        assert shown(bench, "rbm") == [
            Bubble(pictures=(Picture("file", "menu.pdf", "https://example.com/menu.pdf"),)),
            Bubble(
                cards=(
                    Card(
                        "Watch", picture=Picture("video", "clip.mp4?x=1", "https://example.com/clip.mp4?x=1")
                    ),
                )
            ),
        ]


async def test_bip__what_a_button_says_can_be_tapped() -> None:
    """
    What a suggestion names as its act is one that the recipient can do as it stands.
    """
    async with serving() as bench:
        for number, (item, _) in enumerate(BIP[-2:]):
            await send_bip(bench, item, f"t-{number}")
            await bench.control("POST", "/spaces/default/clock/advance", {"by": "1m"})
        taps = [
            tap for one in shown(bench, "bip") for card in one.cards for tap in card.suggestions if tap.does
        ]

        answers = []
        for tap in taps:
            act = {"provider": "bip", "does": tap.does, "text": tap.label, "data": tap.data}
            status, _ = await bench.control("POST", f"/spaces/default/recipients/{PHONE}/inbound", act)
            answers.append((tap.label, status))

        assert answers == [("Evde", 202), ("Evet", 202)]

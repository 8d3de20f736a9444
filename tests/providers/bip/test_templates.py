"""
Carousels and the rich media of 2016, which clients send and users answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from simulator.kernel.model.rules import Act
from simulator.provider import Refuse
from simulator.providers.bip.settings import Settings
from simulator.providers.bip.wire import SendRequest, parse_list, parse_multi, parse_single

USER = "905320000001"


def card(name: str, **more: object) -> dict[str, object]:
    """Return a card of a carousel with a link and a button."""
    return {
        "title": name,
        "description": f"about {name}",
        "image": {"url": "https://timsac.bip.com/a.png", "ratio": 1},
        "buttonlist": [
            {"type": "0", "name": "Open", "url": "https://example.com"},
            {"type": "1", "name": f"Buy {name}", "payload": f"buy-{name}"},
        ],
        **more,
    }


CAROUSEL = {
    "type": 13,
    "tmmtype": 4,
    "carouseltmm": {"postbackid": "ASDF", "list": [card("first"), card("second")]},
}
POLL_2016 = {
    "type": 8,
    "richmediatype": 2,
    "richmedialist": [
        {
            "title": "Tea or coffee?",
            "image": "http://timsac.turkcell.com.tr/a.png",
            "ratio": 1,
            "pollid": "77",
            "options": [{"optionid": 5, "text": "Tea"}, {"optionid": 6, "text": "Coffee"}],
        }
    ],
}
SINGLE_2016 = {
    "type": 8,
    "richmediatype": 0,
    "richmedialist": [{"title": "News", "description": "d", "url": "http://x", "urltext": "more"}],
}


def parsed(item: object, settings: Settings | None = None) -> SendRequest:
    """Return a send of one message to one user, read."""
    receiver = {"type": 2, "address": USER}
    body = {"txnid": "t", "receiver": receiver, "composition": {"list": [item]}}
    return parse_single(json.dumps(body).encode(), settings or Settings())


def why(item: object, settings: Settings | None = None) -> str:
    """Return why a send is refused."""
    with pytest.raises(Refuse) as caught:
        parsed(item, settings)
    return caught.value.why


@pytest.mark.parametrize(
    ("data", "payload"),
    [
        (None, "buy-first"),
        ({"button": "Buy second"}, "buy-second"),
        ({"payload": "buy-second"}, "buy-second"),
    ],
)
async def test_button_of_a_carousel_is_tapped(
    bip: Callable[..., Any], data: dict[str, str] | None, payload: str
) -> None:
    """
    Whichever card it stands on, with the one postback id of the carousel.
    """
    async with bip(session={"required": False}) as bench:
        await bench.send(USER, CAROUSEL)
        await bench.settle()
        bench.space.simulation.act("bip", f"+{USER}", Act("taps", data=data))
        await bench.settle()

    assert bench.hooks[-1][1]["postback"] == {"postbackid": "ASDF", "payload": payload}


def test_carousel_is_known_by_its_first_title() -> None:
    """
    Stories and rules see a text.
    """
    assert parsed(CAROUSEL).parts[0].contents[0].text == "first"


@pytest.mark.parametrize(
    ("item", "place"),
    [
        ({"tmmtype": 4, "nonsense": {"x": 1}}, "carouseltmm: expected an object"),
        ({"tmmtype": 4, "singletmm": {"title": "t"}}, "singletmm: expected carouseltmm with tmmtype 4"),
        (
            {"tmmtype": 0, "carouseltmm": CAROUSEL["carouseltmm"]},
            "carouseltmm: expected singletmm with tmmtype 0",
        ),
        ({"tmmtype": 4, "carouseltmm": {"postbackid": "p"}}, "carouseltmm.list: expected at least one card"),
        (
            {"tmmtype": 4, "carouseltmm": {"list": [card("a")]}},
            "carouseltmm.postbackid: expected an id, since a button has a payload",
        ),
        (
            {"tmmtype": 4, "carouseltmm": {"postbackid": "p", "list": [card("a"), "x"]}},
            "carouseltmm.list[1]: expected an object with title, description, image, buttonlist",
        ),
        (
            {"tmmtype": 4, "carouseltmm": {"postbackid": "p", "list": [card("a", title=[])]}},
            "carouseltmm.list[0].title: expected a text",
        ),
        (
            {"tmmtype": 1, "singletmm": {"title": "t"}},
            "singletmm: expected the object of a multi template, whose name is not known with tmmtype 1",
        ),
        ({"tmmtype": 1, "x": 5}, "expected the object of a multi template"),
    ],
)
def test_template_without_the_object_of_its_type_is_refused(item: dict[str, object], place: str) -> None:
    """
    An object of another type is refused like a missing one.
    """
    refused = why({"type": 13, **item})

    separator = "" if place.startswith("expected") else "."
    path = "composition.list[0]"
    assert refused == (f"{path}{separator}{place}" if separator else f"{path}: {place}")


async def test_poll_of_2016_is_answered_as_in_2016(bip: Callable[..., Any]) -> None:
    """
    The old answer has the poll and the option beside the content type R.
    """
    async with bip(session={"required": False}) as bench:
        await bench.send(USER, POLL_2016)
        await bench.settle()
        bench.space.simulation.act("bip", f"+{USER}", Act("answers old poll", text="Coffee"))
        await bench.settle()

    answer = bench.hooks[-1][1]
    assert (answer["ctype"], answer["pollid"], answer["optionid"]) == ("R", "77", 6)


def test_messages_of_2016_stand_under_content() -> None:
    """
    In place of the composition, at the top and in a list of receivers with messages of their own.
    """
    content = {"list": [{"type": 0, "message": "hi"}, SINGLE_2016]}
    receiver = {"type": 2, "address": USER}
    bodies = (
        (parse_single, {"receiver": receiver, "content": content}),
        (parse_list, {"receivers": [receiver], "content": content}),
        (parse_multi, {"receivercontentlist": [{"receiver": receiver, "content": content}]}),
    )

    read = [
        [
            [one.text for one in part.contents]
            for part in parse(json.dumps({"txnid": "t", **body}).encode(), Settings()).parts
        ]
        for parse, body in bodies
    ]

    assert read == [[["hi", "News"]]] * 3


def test_what_was_sent_in_2016_is_refused_where_settings_say_so() -> None:
    """
    Then it is as if it had never been: an unknown type, a missing composition.
    """
    strict = Settings(legacy_2016="refuse")
    body = {"txnid": "t", "receiver": {"type": 2, "address": USER}, "content": {"list": [SINGLE_2016]}}

    assert "type: expected one of 0, 2, 3, 4, 5, 6, 7, 9, 10, 13, 14" in why(SINGLE_2016, strict)
    with pytest.raises(Refuse, match="composition: expected an object"):
        parse_single(json.dumps(body).encode(), strict)


def test_breach_under_content_is_told_where_it_stands() -> None:
    """
    The place has the name that the client wrote.
    """
    body = {"txnid": "t", "receiver": {"type": 2, "address": USER}, "content": {"list": []}}

    with pytest.raises(Refuse, match=r"content\.list: expected a list of at least one message"):
        parse_single(json.dumps(body).encode(), Settings())


@pytest.mark.parametrize(
    ("item", "place"),
    [
        ({"richmediatype": 3}, "richmediatype: expected one of 0, 1, 2"),
        ({"richmediatype": 0}, "richmedialist: expected at least one object"),
        ({"richmediatype": 0, "richmedialist": [{"title": []}]}, "richmedialist[0].title: expected a text"),
        (
            {"richmediatype": 2, "richmedialist": [{"options": [{}]}]},
            "richmedialist[0].options: expected 2 to 4 options",
        ),
    ],
)
def test_rich_media_has_rules(item: dict[str, object], place: str) -> None:
    """
    What the samples show, and no more.
    """
    assert why({"type": 8, **item}) == f"composition.list[0].{place}"

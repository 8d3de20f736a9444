"""
Verification: each rule, the code it answers, and what real clients send all the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.provider import Refuse
from simulator.providers.bip.content import Breach
from simulator.providers.bip.settings import Settings
from simulator.providers.bip.wire import parse_list, parse_multi, parse_single

TEXT = {"type": 0, "message": "hello"}
PHOTO = {"type": 2, "message": "http://x/a.jpg", "size": 1000, "ratio": 1}
AUDIO = {"type": 3, "message": "http://x/a.mp3", "size": 1000}
VIDEO = {"type": 4, "message": "http://x/a.mp4", "size": 50, "ratio": "0.5"}
STICKER = {"type": 5, "message": "http://x/a.png"}
CAPS = {"type": 6, "message": "http://x/a.png"}
PLACE = {"lat": "41.0", "lon": "29.0", "title": "a", "desc": "b", "zoomlevel": "15"}
LOCATION = {"type": 7, "location": PLACE}
LINE = {"type": 9}
CARD = {"name": "Ayşe", "surname": "Y", "phonenumbers": ["+905320000001"], "addresses": [{"city": "İzmir"}]}
CONTACT = {"type": 10, "vCard": CARD}
SINGLE = {
    "type": 13,
    "tmmtype": 0,
    "singletmm": {"title": "t", "postbackid": "p", "buttonlist": [{"type": 1, "name": "A", "payload": "a"}]},
}
POLL = {
    "type": 13,
    "tmmtype": 2,
    "polltmm": {"title": "t", "pollid": "q", "polltype": 0, "optionlist": [{"optionid": 1, "name": "A"}]},
}
QUICK = {"type": 13, "tmmtype": 3, "quickreplytmm": {"postbackid": "p", "buttonlist": []}}
MULTI = {"type": 13, "tmmtype": 1, "whatever": {}}
DOCUMENT = {"type": 14, "document": {"filepath": "http://x/a.pdf"}}

GOOD = [
    TEXT, PHOTO, AUDIO, VIDEO, STICKER, CAPS, LOCATION, LINE, CONTACT, SINGLE, POLL, QUICK, MULTI, DOCUMENT,
]  # fmt: skip


def call(item: object, **more: object) -> bytes:
    """Return the body of a send of one message to one user."""
    receiver = {"type": 2, "address": "905320000001"}
    body = {"txnid": "t", "receiver": receiver, "composition": {"list": [item]}, **more}
    return json.dumps({name: value for name, value in body.items() if value is not ...}).encode()


def breach_of(refuse: Refuse) -> Breach:
    """Return which rule a request breaks."""
    breach = refuse.facts["breach"]
    assert isinstance(breach, Breach)
    return breach


def rule_of(body: bytes, settings: Settings | None = None) -> tuple[int | str, str]:
    """Return which rule a body breaks, and where."""
    with pytest.raises(Refuse) as caught:
        parse_single(body, settings or Settings())
    return breach_of(caught.value).rule, breach_of(caught.value).path


@pytest.mark.parametrize("item", GOOD, ids=lambda item: f"{item['type']}-{item.get('tmmtype', '')}")
def test_each_content_type_is_accepted(item: dict[str, object]) -> None:
    """
    Every content type of the documentation passes as it is documented.
    """
    request = parse_single(call(item), Settings())

    assert [content.type for content in request.parts[0].contents] == [item["type"]]


@pytest.mark.parametrize(
    ("item", "rule", "path"),
    [
        ({**TEXT, "message": None}, 1004, "message"),
        ({**TEXT, "message": "  "}, 1004, "message"),
        ({**TEXT, "message": "x" * 2_049}, 1004, "message"),
        ({**TEXT, "size": 1}, 1005, "size"),
        ({**TEXT, "ratio": 1}, 1006, "ratio"),
        ({**TEXT, "itemid": "1"}, 1007, "itemid"),
        ({**TEXT, "itemid": "1", "size": 1}, 1005, "size"),
        ({**PHOTO, "message": "x" * 513}, 1004, "message"),
        ({**PHOTO, "size": 0}, 1005, "size"),
        ({**PHOTO, "size": 20 * 1_048_576 + 1}, 1005, "size"),
        ({**PHOTO, "size": True}, 1005, "size"),
        ({**PHOTO, "size": 10**400}, 1005, "size"),
        ({**PHOTO, "ratio": 0.09}, 1006, "ratio"),
        ({**PHOTO, "ratio": "3.1"}, 1006, "ratio"),
        ({**PHOTO, "ratio": None}, 1006, "ratio"),
        ({**PHOTO, "itemid": 1}, 1007, "itemid"),
        ({**AUDIO, "size": None}, 1005, "size"),
        ({**AUDIO, "ratio": 1}, 1006, "ratio"),
        # The documentation's own example of a video has this size.
        ({**VIDEO, "size": 120}, 1005, "size"),
        ({**STICKER, "itemid": 1}, 1007, "itemid"),
        ({**CAPS, "size": 1}, 1005, "size"),
        ({"type": 7}, 1012, "location.lat"),
        ({"type": 7, "location": {**PLACE, "lat": "90.1"}}, 1012, "location.lat"),
        ({"type": 7, "location": {**PLACE, "lon": -181}}, 1012, "location.lon"),
        ({"type": 7, "location": {**PLACE, "zoomlevel": 25}}, 1053, "location.zoomlevel"),
        ({"type": 10}, 1027, "vCard"),
        ({"type": 10, "vCard": {**CARD, "name": ""}}, 1027, "vCard.name"),
        ({"type": 10, "vCard": {**CARD, "surname": "x" * 201}}, 1028, "vCard.surname"),
        ({"type": 10, "vCard": {**CARD, "phonenumbers": ["12"]}}, 1029, "vCard.phonenumbers"),
        ({"type": 10, "vCard": {**CARD, "phonenumbers": ["123"] * 4}}, 1029, "vCard.phonenumbers"),
        ({"type": 10, "vCard": {**CARD, "addresses": ["x"]}}, 1030, "vCard.addresses"),
        ({"type": 14}, 1070, "document"),
        ({"type": 14, "document": {"filename": "a"}}, 1070, "document.filepath"),
        ({"type": 14, "document": {"filepath": "http://x/"}}, 1070, "document.filename"),
        ({"type": 14, "document": {"filepath": "http://x"}}, 1070, "document.filename"),
        ({"type": 14, "document": {"filepath": "http://x/#a", "filename": " "}}, 1070, "document.filename"),
        ({"type": 13}, "template", "tmmtype"),
        ({"type": 13, "tmmtype": 0}, "template", "singletmm"),
        ({"type": 13, "tmmtype": 0, "singletmm": {"postbackid": "p"}}, "template", "singletmm"),
        ({"type": 13, "tmmtype": 2, "polltmm": {"title": "t"}}, "template", "polltmm.optionlist"),
        (
            {
                "type": 13,
                "tmmtype": 0,
                "singletmm": {"title": "t", "buttonlist": [{"name": "A", "payload": "a"}]},
            },
            "template",
            "singletmm.postbackid",
        ),
        (
            {"type": 13, "tmmtype": 3, "quickreplytmm": {"buttonlist": [{"type": "x", "name": "A"}]}},
            "template",
            "quickreplytmm.buttonlist[0].type",
        ),
        ({"type": 1}, "type", "type"),
        ({}, "type", "type"),
        ({"type": [0]}, "type", "type"),
    ],
)
def test_content_that_breaks_a_rule_is_refused_with_its_code(
    item: dict[str, object], rule: int | str, path: str
) -> None:
    """
    The first broken rule of a message, by ascending code, decides.
    """
    assert rule_of(call(item)) == (rule, f"composition.list[0].{path}")


@pytest.mark.parametrize(
    ("changes", "rule", "path"),
    [
        ({"txnid": ...}, "txnid", "txnid"),
        ({"txnid": ""}, "txnid", "txnid"),
        ({"txnid": True}, "txnid", "txnid"),
        ({"receiver": ...}, "receiver", "receiver"),
        ({"receiver": {"type": 3, "address": "905320000001"}}, "receiver", "receiver.type"),
        ({"receiver": {"type": 1, "address": "905320000001"}}, "address", "receiver.address"),
        ({"receiver": {"type": 2}}, "address", "receiver.address"),
        ({"receiver": {"type": 2, "address": "5320000001"}}, "address", "receiver.address"),
        ({"receiver": {"type": 0, "address": " "}}, "address", "receiver.address"),
        ({"composition": ...}, "composition", "composition"),
        ({"composition": {"list": []}}, "composition", "composition.list"),
        ({"composition": {"list": ["x"]}}, "composition", "composition.list[0]"),
        ({"expire": 4}, "expire", "expire"),
        ({"ttl": 0}, "ttl", "ttl"),
        ({"ttl": "soon"}, "ttl", "ttl"),
        # The top level comes before receivers, these before messages.
        ({"expire": 4, "receiver": {"type": 9}, "composition": {"list": [{}]}}, "expire", "expire"),
        ({"receiver": {"type": 9}, "composition": {"list": [{}]}}, "receiver", "receiver.type"),
    ],
)
def test_structure_that_breaks_a_rule_is_refused(changes: dict[str, object], rule: str, path: str) -> None:
    """
    Rules without a known code have names, to which settings may give codes.
    """
    assert rule_of(call(TEXT, **changes)) == (rule, path)


def test_what_clients_send_is_taken() -> None:
    """
    A numeric txnid, numbers as texts, blanks around an address and unknown fields all pass.
    """
    body = {
        "txnid": 4711,
        "receiver": {"type": "2", "address": " 905320000001 ", "extra": 1},
        "composition": {"list": [{"type": "0", "message": "hello"}]},
        "expire": "60",
        "ttl": "30",
    }

    request = parse_single(json.dumps(body).encode(), Settings())

    part = request.parts[0]
    assert (request.txnid, request.ttl_s, part.expire_s) == ("4711", 30, 60)
    assert (part.receiver.written, part.receiver.address) == ("905320000001", "+905320000001")


def test_what_clients_send_is_refused_where_settings_are_strict() -> None:
    """
    Without coercion a numeric txnid is none.
    """
    assert rule_of(call(TEXT, txnid=4711), Settings(coerce=False)) == ("txnid", "txnid")


def test_all_followers_cannot_stand_in_a_list() -> None:
    """
    Type 1 belongs to sendmsgserv alone.
    """
    body = {"txnid": "t", "receivers": [{"type": 1}], "composition": {"list": [TEXT]}}

    with pytest.raises(Refuse) as caught:
        parse_list(json.dumps(body).encode(), Settings())

    assert breach_of(caught.value).path == "receivers[0].type"


@pytest.mark.parametrize(
    ("order", "path"),
    [
        (("call", "receivers", "messages"), "expire"),
        (("receivers", "messages", "call"), "receiver.type"),
        (("messages", "call", "receivers"), "composition.list[0].type"),
    ],
)
def test_which_area_is_verified_first_is_a_setting(order: tuple[str, ...], path: str) -> None:
    """
    Of several violations one is told, and the documentation does not say which.
    """
    body = call({}, expire=4, receiver={"type": 9})

    assert rule_of(body, Settings(verification_order=order))[1] == path


@pytest.mark.parametrize("order", [("receivers", "messages", "call"), ("messages", "receivers", "call")])
@pytest.mark.parametrize("parse", [parse_single, parse_list, parse_multi])
def test_order_of_verification_does_not_change_what_is_missing(
    parse: Callable[..., Any], order: tuple[str, ...]
) -> None:
    """
    An empty body is refused for a part that it has not, whatever is looked at first.
    """
    with pytest.raises(Refuse) as caught:
        parse(b'{"txnid": "t"}', Settings(verification_order=order))

    assert breach_of(caught.value).rule in ("receiver", "composition")
    assert caught.value.facts["txnid"] == "t"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"extra": 1}, "extra"),
        ({"receiver": {"type": 2, "address": "905320000001", "extra": 1}}, "receiver.extra"),
        ({"composition": {"list": [TEXT], "extra": 1}}, "composition.extra"),
        ({"composition": {"list": [{**TEXT, "extra": 1}]}}, "composition.list[0].extra"),
        ({"composition": {"list": [{**TEXT, "vCard": CARD}]}}, "composition.list[0].vCard"),
        (
            {"composition": {"list": [{**LOCATION, "location": {**PLACE, "extra": 1}}]}},
            "composition.list[0].location.extra",
        ),
    ],
)
def test_unknown_fields_are_refused_where_settings_say_so(changes: dict[str, object], path: str) -> None:
    """
    Ignored by default; a strict service names the first one.
    """
    body = call(TEXT, **changes)

    assert parse_single(body, Settings()).txnid == "t"
    assert rule_of(body, Settings(unknown_fields="refuse")) == ("unknown", path)


@pytest.mark.parametrize("item", GOOD, ids=lambda item: f"{item['type']}-{item.get('tmmtype', '')}")
def test_documented_content_has_no_unknown_field(item: dict[str, object]) -> None:
    """
    What the documentation shows passes a service that refuses unknown fields, too.

    How a multi template is written is not known, so nothing in it is unknown.
    """
    request = parse_single(call(item, expire=60, ttl=5), Settings(unknown_fields="refuse"))

    assert request.ttl_s == 5


def test_item_of_a_list_that_is_no_object_is_refused() -> None:
    """
    Also where settings let a malformed receiver pass, for there is no composition to send.
    """
    body = json.dumps({"txnid": "t", "receivercontentlist": ["x"]}).encode()

    with pytest.raises(Refuse) as caught:
        parse_multi(body, Settings(bad_receiver="recipient"))

    assert breach_of(caught.value).path == "receivercontentlist[0]"


def test_stickers_of_lenient_settings_may_be_a_json_text() -> None:
    """
    One client sends {"url": …} as a text, and an itemid.
    """
    item = {"type": 5, "message": '{"url":"http://x/a.png"}', "itemid": "1"}

    request = parse_single(call(item), Settings(lenient_media=True))

    assert request.parts[0].contents[0].type == 5


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("http://timsac.turkcell.com.tr/fts/a.jpg", True),
        ("http://timsac.turkcell.com.tr/fts/a.mp3", False),
        ("http://elsewhere.example/a.jpg", False),
        ("http://[", False),
    ],
)
def test_media_addresses_are_checked_where_settings_say_so(address: str, good: bool) -> None:
    """
    Host and kind are told from the address alone; nothing is fetched.
    """
    body = call({**PHOTO, "message": address})

    if good:
        parse_single(body, Settings(check_media=True))
    else:
        assert rule_of(body, Settings(check_media=True))[0] == 1004


@pytest.mark.parametrize(
    ("kind", "address", "good"),
    [
        (5, "https://bip.com/stickers/1.png", True),
        (6, "https://bip.com/caps/1.png", True),
        (6, "https://bip.com/caps/1.mp3", False),
        (5, "http://[x.png", False),
        (2, "https://bip.com/photos/1.png", False),
    ],
)
def test_stickers_and_caps_come_from_published_lists(kind: int, address: str, good: bool) -> None:
    """
    Only what is uploaded has to be at the hosts of the file service; its kind is told from its ending.
    """
    body = call({**(PHOTO if kind == 2 else CAPS), "type": kind, "message": address})

    if good:
        assert parse_single(body, Settings(check_media=True)).parts[0].contents[0].type == kind
    else:
        assert rule_of(body, Settings(check_media=True))[0] == 1004


def test_sizes_and_ratios_may_be_texts_without_coercion_too() -> None:
    """
    The documentation types them as texts and prints numbers.
    """
    item = {**PHOTO, "size": "1000", "ratio": "0.5"}

    assert parse_single(call(item), Settings(coerce=False)).txnid == "t"


@pytest.mark.parametrize(
    ("media", "path"),
    [
        ({"title": {"a": 1}}, "singletmm.title"),
        ({"title": "t", "description": ["x"]}, "singletmm.description"),
        ({"title": "  "}, "singletmm"),
        ({"title": "t", "image": "x"}, "singletmm.image"),
        ({"title": "t", "postbackid": [None]}, "singletmm.postbackid"),
        (
            {"title": "t", "postbackid": "p", "buttonlist": [{"name": "A", "payload": {"a": True}}]},
            "singletmm.buttonlist[0].payload",
        ),
        (
            {"title": "t", "postbackid": " ", "buttonlist": [{"name": "A", "payload": "A"}]},
            "singletmm.postbackid",
        ),
    ],
)
def test_parts_of_a_template_are_texts(media: dict[str, object], path: str) -> None:
    """
    What comes back with a tap must be what was sent, so nothing else than a text is taken.
    """
    item = {"type": 13, "tmmtype": 0, "singletmm": media}

    assert rule_of(call(item)) == ("template", f"composition.list[0].{path}")


def test_poll_needs_an_id_to_be_answered_by() -> None:
    """
    A poll without pollid could never be told from another; 0 is as good an id as any number.
    """
    poll = {"title": "t", "optionlist": [{"optionid": 1, "name": "A"}]}
    bodies = [call({"type": 13, "tmmtype": 2, "polltmm": {**poll, "pollid": one}}) for one in (None, " ", 0)]

    for body in bodies[:2]:
        assert rule_of(body) == ("template", "composition.list[0].polltmm.pollid")
    template = parse_single(bodies[2], Settings()).parts[0].contents[0].template
    assert template is not None
    assert template.poll_id == "0"


NAMES = st.sampled_from(
    ["txnid", "receiver", "receivers", "receivercontentlist", "composition", "list", "type", "address",
     "message", "location", "vCard", "document", "tmmtype", "singletmm", "polltmm", "buttonlist",
     "optionlist", "expire", "ttl", "size", "ratio", "phonenumbers", "addresses", "filepath"]
)  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
ITEMS = st.builds(
    lambda kind, template, inner, more: {**more, "type": kind, "tmmtype": template, **inner},
    st.sampled_from([0, 2, 3, 4, 5, 6, 7, 9, 10, 13, 14]),
    st.sampled_from([0, 1, 2, 3, 4]),
    st.dictionaries(
        st.sampled_from(["location", "vCard", "document", "singletmm", "polltmm", "quickreplytmm"]), JSON
    ),
    st.dictionaries(NAMES, JSON, max_size=4),
)


def _reads(parse: Callable[..., Any], body: bytes) -> str:
    """Return the txnid of a body that is taken, or what was expected of one that is not."""
    try:
        return str(parse(body, Settings()).txnid)
    except Refuse as refuse:
        return breach_of(refuse).expected


@given(JSON, st.sampled_from([parse_single, parse_list, parse_multi]))
def test_no_body_breaks_the_reader(body: object, parse: Callable[..., Any]) -> None:
    """
    Whatever JSON comes, it is a request or a refusal.
    """
    assert _reads(parse, json.dumps(body).encode())


@given(ITEMS)
def test_no_message_breaks_the_reader(item: object) -> None:
    """
    Whatever stands in a composition, it is taken or refused.
    """
    said = _reads(parse_single, call(item))

    assert said == "t" or said.startswith("expected")


@given(st.binary(max_size=40))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    """
    What is no JSON object is refused as such.
    """
    assert _reads(parse_single, body).startswith("expected")


async def test_refusal_has_the_shape_of_bip(bip: Callable[..., Any]) -> None:
    """
    A refusal has txnid and code; where and what was expected stand in a header and in the journal.
    """
    async with bip(structural_codes={"expire": 1099}, verification_http=422) as bench:
        got = await bench.send("905320000001", expire=7)
        broken = await bench.call("sendmsgserv", "{")
        form = await bench.call("sendmsgserv", {}, headers={"Content-Type": "text/plain"})

    assert got == (422, {"txnid": "t-1", "resultcode": 1099}, "expire: expected one of 3, 5, 10, 60")
    assert broken == (422, {"txnid": None, "resultcode": 1}, "body: expected a JSON object")
    assert form == (422, {"txnid": None, "resultcode": 1}, "Content-Type: expected application/json")


async def test_calls_without_credentials_path_or_method_are_refused(bip: Callable[..., Any]) -> None:
    """
    401, 404 and 405 as plain HTTP has them; BiP documents none.
    """
    async with bip() as bench:
        nobody = await bench.call("sendmsgserv", {}, headers={"Authorization": "Bearer x"})
        invalid = await bench.call("sendmsgserv", {}, headers={"Authorization": "Basic aW52YWxpZDp4"})
        nowhere = await bench.call("nothing", {})
        got = await bench.call("sendmsgserv", "", method="GET")

    assert [one.status for one in (nobody, invalid, nowhere, got)] == [401, 401, 404, 405]


async def test_malformed_receiver_of_a_list_may_be_refused_alone(bip: Callable[..., Any]) -> None:
    """
    By a setting, a list goes on without the receiver that is malformed.
    """
    async with bip(bad_receiver="recipient") as bench:
        got = await bench.send_list("905320000001", "12")
        await bench.advance(500)

    assert got == (200, {"txnid": "t-2", "resultcode": 0}, "")
    assert [one["resultcode"] for one in bench.hooks[0][1]["list"]] == [0, 1]

"""
What BiP users do, and what the service's feedback URL hears of it.

Source: "Receiving messages" and "User actions"; what is marked as captured was
seen in real bodies of 2020, and follow and unfollow in the vendor's sample.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from simulator.provider import Act, Draws, ImpossibleAct
from simulator.providers.bip.breach import number
from simulator.providers.bip.templates import Template

__all__ = ["ACTS", "Doing", "event_fields"]

Fields = dict[str, object]


class Doing(NamedTuple):
    """
    What there is to go by when a user does something.
    """

    act: Act
    draws: Draws
    new_file: Callable[[Draws, str], str]
    """Returns the address of a file with such an ending, for what the user sends."""
    template: Template | None
    """The last template with buttons that was delivered to the user."""
    poll: Template | None
    """The last poll that was delivered to the user."""
    location_form: str
    """How locations are written: `documented` or `captured`."""

    @property
    def data(self) -> Mapping[str, Any]:
        """The data of the act; raises ImpossibleAct when it is not a mapping."""
        data = self.act.data
        if data is None:
            return {}
        if not isinstance(data, Mapping):
            raise ImpossibleAct(f"expected data as a mapping for {self.act.kind!r}")
        return data

    def text(self, name: str, default: str = "") -> str:
        """Return a text of the data, or the act's own, or *default*."""
        value = self.data.get(name, self.act.text or default)
        if not isinstance(value, str):
            raise ImpossibleAct(f"expected data.{name} as a text for {self.act.kind!r}")
        return value


def event_fields(doing: Doing) -> Fields | None:
    """
    Return the fields of the webhook that an act leads to, or None when it leads to none.

    Raises ImpossibleAct, with what would be possible.
    """
    act = ACTS.get(doing.act.kind)
    if act is None:
        raise ImpossibleAct(f"BiP users cannot do {doing.act.kind!r}; they can: {', '.join(ACTS)}")
    return act(doing)


def _message(ctype: str, doing: Doing, **payload: object) -> Fields:
    fields: Fields = {"type": "M", "ctype": ctype, **payload}
    for name in ("avatarUrl", "nickname"):
        if name in doing.data:
            fields[name] = _text(doing.data, name, "")
    return fields


def _text(data: Mapping[str, Any], name: str, default: str) -> str:
    value = data.get(name, default)
    if not isinstance(value, str):
        raise ImpossibleAct(f"expected data.{name} as a text")
    return value


def _writes(doing: Doing) -> Fields:
    return _message("T", doing, content=doing.act.text)


def _sends(ctype: str, ending: str) -> Callable[[Doing], Fields]:
    def send(doing: Doing) -> Fields:
        return _message(ctype, doing, content=doing.text("content", doing.new_file(doing.draws, ending)))

    return send


def _location(doing: Doing) -> Fields:
    data = doing.data
    lat, lon = data.get("lat", "41.0082"), data.get("lon", "28.9784")
    numbers = {"lat": number(lat, True), "lon": number(lon, True)}
    if None in numbers.values():
        raise ImpossibleAct("expected data.lat and data.lon as numbers")
    place = {"title": _text(data, "title", ""), "desc": _text(data, "desc", "")}
    if doing.location_form == "documented":
        return _message("L", doing, location={"lat": str(lat), "lon": str(lon), **place})
    return _message(
        "L",
        doing,
        content=f"(lat:{lat}, lon:{lon})",
        location={**numbers, **place, "zoomlevel": None},
    )


def _document(doing: Doing) -> Fields:
    name = doing.text("filename", "document.pdf")
    size = doing.data.get("size", 1_024)
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise ImpossibleAct("expected data.size as a whole number of bytes")
    extension = name.rpartition(".")[2] if "." in name else ""
    path = _text(doing.data, "filepath", doing.new_file(doing.draws, extension or "bin"))
    document = {"filename": name, "filepath": path, "extension": extension, "size": size}
    return _message("Document", doing, document=document)


def _contact(doing: Doing) -> Fields:
    card = doing.text("vcard", "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ayşe\r\nTEL:+905320000001\r\nEND:VCARD\r\n")
    return _message("vcard", doing, vcard={"value": base64.b64encode(card.encode()).decode()})


def _buzzes(doing: Doing) -> Fields:
    return _message("Buzz", doing)


def _taps(doing: Doing) -> Fields:
    data, template = doing.data, doing.template
    for name in ("postbackid", "payload"):
        _text(data, name, "")
    if "postbackid" in data and "payload" in data:
        postback = {name: _text(data, name, "") for name in ("postbackid", "payload")}
        return _message("Postback", doing, postback=postback)
    if template is None or not template.buttons:
        raise ImpossibleAct(
            "there is no delivered template with postback buttons; expected data.postbackid and data.payload"
        )
    postback_id = _text(data, "postbackid", template.postback_id)
    if postback_id != template.postback_id:
        raise ImpossibleAct(
            f"the last template is {template.postback_id!r}; expected data.payload with {postback_id!r}"
        )
    payload = _payload(doing, template)
    return _message("Postback", doing, postback={"postbackid": postback_id, "payload": payload})


def _payload(doing: Doing, template: Template) -> str:
    """Return the payload of the button that is tapped: the one with that payload, or else by its name."""
    if "payload" in doing.data:
        payload = _text(doing.data, "payload", "")
        payloads = [payload for _, payload in template.buttons]
        if payload not in payloads:
            listed = ", ".join(payloads)
            raise ImpossibleAct(f"there is no payload {payload!r}; the last template has: {listed}")
        return payload
    button = doing.text("button", template.buttons[0][0])
    for name, payload in template.buttons:
        if button in (name, payload):
            return payload
    names = ", ".join(name for name, _ in template.buttons)
    raise ImpossibleAct(f"there is no button {button!r}; the last template has: {names}")


def _answers_poll(doing: Doing) -> Fields:
    poll_id, options = _poll_answer(doing)
    return _message("Poll", doing, poll={"pollid": poll_id, "optionids": options})


def _answers_old_poll(doing: Doing) -> Fields:
    poll_id, options = _poll_answer(doing)
    return {"type": "M", "ctype": "R", "pollid": poll_id, "optionid": options[0]}


def _poll_answer(doing: Doing) -> tuple[str | int, list[int]]:
    data, template = doing.data, doing.poll
    poll_id = data.get("pollid", template.poll_id if template is not None else "")
    if isinstance(poll_id, bool) or not isinstance(poll_id, str | int | None):
        raise ImpossibleAct("expected data.pollid as a text or a whole number")
    if poll_id is None or poll_id == "":
        raise ImpossibleAct("there is no delivered poll; expected data.pollid and data.optionids")
    options = data.get("optionids")
    if options is None and template is not None and template.options:
        options = [_option(doing.act.text, template)]
    if not isinstance(options, list) or not options or not all(type(option) is int for option in options):
        raise ImpossibleAct("expected data.optionids as a list of whole numbers")
    if template is not None and template.poll_id == str(poll_id):
        _check_options(options, template)
    return poll_id, options


def _option(name: str, template: Template) -> int:
    if not name:
        return template.options[0][0]
    for option_id, option in template.options:
        if option == name:
            return option_id
    names = ", ".join(option for _, option in template.options)
    raise ImpossibleAct(f"there is no option {name!r}; the poll has: {names}")


def _check_options(options: list[int], template: Template) -> None:
    option_ids = [option_id for option_id, _ in template.options]
    unknown = [option for option in options if option not in option_ids]
    if unknown:
        listed = ", ".join(map(str, option_ids))
        raise ImpossibleAct(f"there is no option {unknown[0]}; the poll has: {listed}")
    if len(options) > 1 and not template.multiple:
        raise ImpossibleAct("the poll allows one choice only")


def _follows(doing: Doing) -> Fields:
    return {"type": "E", "event": "S"}


def _unfollows(doing: Doing) -> Fields:
    return {"type": "E", "event": "U"}


def _opens_chat(doing: Doing) -> None:
    # A page about this webhook exists, its body is not known: nothing is sent rather than a guess.
    return None


def _reads(doing: Doing) -> None:
    # What is read is reported message by message, not as something that the user did.
    return None


ACTS: Final[Mapping[str, Callable[[Doing], Fields | None]]] = {
    "writes": _writes,
    "sends photo": _sends("I", "jpg"),
    "sends video": _sends("V", "mp4"),
    "sends audio": _sends("A", "mp3"),
    "sends sticker": _sends("S", "png"),
    "sends caps": _sends("C", "png"),
    "sends location": _location,
    "sends document": _document,
    "sends contact": _contact,
    "buzzes": _buzzes,
    "taps": _taps,
    "answers poll": _answers_poll,
    "answers old poll": _answers_old_poll,
    "follows": _follows,
    "unfollows": _unfollows,
    "opens chat": _opens_chat,
    "reads": _reads,
}
"""Every act by the word that scenario files and the control API have for it."""

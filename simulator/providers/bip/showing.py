"""
How a BiP message looks on the device.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from simulator.provider import Bubble, Card, Picture, Submission, Suggestion, plain_bubble
from simulator.providers.bip.breach import whole
from simulator.providers.bip.codes import TEMPLATES
from simulator.providers.bip.details import Details
from simulator.providers.bip.templates import Template

__all__ = ["show"]

_FILES: Final = {2: "image", 3: "audio", 4: "video", 5: "sticker", 6: "caps"}


def show(submission: Submission) -> Bubble:
    """Return what the recipient sees of a message."""
    details = submission.details
    if not isinstance(details, Details):
        return plain_bubble(submission)
    content = details.content
    item = content.item
    if content.type in _FILES:
        return Bubble(pictures=(_file(_FILES[content.type], content.text),))
    if content.type == 13 and item is not None:
        return _template(item, content.template)
    picture = None if item is None else _other(item)
    return Bubble(content.text, pictures=() if picture is None else (picture,))


def _file(kind: str, address: str) -> Picture:
    return Picture(kind, address.rpartition("/")[2] or address, address)


def _other(item: Mapping[str, Any]) -> Picture | None:
    place, contact, document = item.get("location"), item.get("vCard"), item.get("document")
    if isinstance(place, dict):
        return Picture("place", str(place.get("title") or f"{place.get('lat')}, {place.get('lon')}"))
    if isinstance(contact, dict):
        return Picture("contact", " ".join(str(contact[n]) for n in ("name", "surname") if contact.get(n)))
    if isinstance(document, dict):
        path = str(document.get("filepath", ""))
        return Picture("file", str(document.get("filename") or path.rpartition("/")[2]), path)
    return None


def _template(item: Mapping[str, Any], template: Template | None) -> Bubble:
    kind = whole(item.get("tmmtype"), True)
    name, key = TEMPLATES.get(kind if kind is not None else -1, ("template", ""))
    media = item.get(key) if key else None
    if not isinstance(media, dict):
        return Bubble(note=f"{name} template")
    options = () if template is None else tuple(_option(template, *option) for option in template.options)
    if kind == 3:
        return Bubble(suggestions=_buttons(media, template), note="quick reply")
    parts = [part for part in media.get("list") or () if isinstance(part, dict)]
    if parts:
        return Bubble(cards=tuple(_card(part, template) for part in parts), note=f"{name} template")
    card = _card(media, template)
    return Bubble(cards=(card._replace(suggestions=(*card.suggestions, *options)),), note=f"{name} template")


def _card(media: Mapping[str, Any], template: Template | None) -> Card:
    image = media.get("image")
    picture = _file("image", str(image.get("url", ""))) if isinstance(image, dict) else None
    return Card(
        str(media.get("title") or ""), str(media.get("description") or ""), picture, _buttons(media, template)
    )


def _buttons(media: Mapping[str, Any], template: Template | None) -> tuple[Suggestion, ...]:
    buttons = media.get("buttonlist") or ()
    return tuple(_button(button, template) for button in buttons if isinstance(button, dict))


def _button(button: Mapping[str, Any], template: Template | None) -> Suggestion:
    label = str(button.get("name", ""))
    if button.get("payload") is None or template is None:
        return Suggestion(label, f"opens {button['url']}" if button.get("url") else "")
    data = {"postbackid": template.postback_id, "payload": str(button["payload"])}
    return Suggestion(label, does="taps", data=data)


def _option(template: Template, option: int, name: str) -> Suggestion:
    return Suggestion(name, does="answers poll", data={"pollid": template.poll_id, "optionids": [option]})

"""
Template media, and the rich media of 2016: their rules, and what users can do with them.

Source: "Template media messages"; polls, quick replies and carousels as clients
send them; rich media from the vendor's samples of 2016.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from simulator.providers.bip.breach import Breach, whole
from simulator.providers.bip.codes import TEMPLATES
from simulator.providers.bip.settings import Settings

__all__ = [
    "RICH_MEDIA",
    "TEMPLATE_MEDIA",
    "Template",
    "rich_media",
    "template",
    "template_of",
    "title_of",
]

RICH_MEDIA, TEMPLATE_MEDIA = 8, 13
"""Values of a message's `type`."""

_SINGLE, _POLL, _CAROUSEL = 0, 2, 4
_RICH_POLL: Final = 2
_RICH_TYPES: Final = (0, 1, 2)
_RICH_OPTIONS: Final = (2, 4)


class Template(Struct, frozen=True, gc=False):
    """
    What a recipient can do with a template: its postback id and buttons, or the options of a poll.
    """

    postback_id: str = ""
    buttons: tuple[tuple[str, str], ...] = ()
    """Name and payload of each button that sends something back."""
    poll_id: str = ""
    options: tuple[tuple[int, str], ...] = ()
    multiple: bool = False


# -- rules ----------------------------------------------------------------------------------------


def template(item: Mapping[str, Any], path: str, settings: Settings) -> Iterator[Breach]:
    """Yield the rules that a template breaks."""
    kind = whole(item.get("tmmtype"), settings.coerce)
    if kind not in TEMPLATES or kind is None:
        yield Breach("template", f"{path}.tmmtype", f"expected one of {', '.join(map(str, TEMPLATES))}")
        return
    yield from _only(item, path, kind)
    key = TEMPLATES[kind].key
    if not key:
        return
    media = item.get(key)
    path = f"{path}.{key}"
    if not isinstance(media, dict) or not media:
        yield Breach("template", path, "expected an object")
    elif kind == _CAROUSEL:
        yield from _carousel(media, path, settings)
    else:
        yield from _parts(media, path, settings)
        if kind == _SINGLE and _empty(media.get("title")) and _empty(media.get("description")):
            yield Breach("template", path, "expected a title, or a description where there is no title")
        if kind == _POLL:
            yield from _poll(media, path, settings)
        else:
            yield from _buttons(media, path, settings, media.get("postbackid"), f"{path}.postbackid")


def _only(item: Mapping[str, Any], path: str, kind: int) -> Iterator[Breach]:
    """Yield the objects of templates of another type; what those of an unknown name look like is open."""
    own = TEMPLATES[kind]
    for other in TEMPLATES.values():
        if other.key and other is not own and item.get(other.key) is not None:
            expected = own.key or f"the object of a {own.name} template, whose name is not known"
            yield Breach("template", f"{path}.{other.key}", f"expected {expected} with tmmtype {kind}")
    if not own.key and not any(isinstance(value, dict) for value in item.values()):
        yield Breach("template", path, f"expected the object of a {own.name} template")


def _plain(value: Any, settings: Settings) -> bool:
    """Return True for a text, and for a number where those count as texts."""
    if isinstance(value, bool):
        return False
    return value is None or isinstance(value, str) or (settings.coerce and isinstance(value, int | float))


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _parts(media: Mapping[str, Any], path: str, settings: Settings) -> Iterator[Breach]:
    for name in ("title", "description", "postbackid", "pollid"):
        if not _plain(media.get(name), settings):
            yield Breach("template", f"{path}.{name}", "expected a text")
    if media.get("image") is not None and not isinstance(media["image"], dict):
        yield Breach("template", f"{path}.image", "expected an object with url and ratio")


def _buttons(
    media: Mapping[str, Any], path: str, settings: Settings, postback_id: Any, postback_path: str
) -> Iterator[Breach]:
    buttons = media.get("buttonlist")
    if buttons is None:
        return
    if not isinstance(buttons, list):
        yield Breach("template", f"{path}.buttonlist", "expected a list of buttons")
        return
    for place, button in enumerate(buttons):
        where = f"{path}.buttonlist[{place}]"
        if not isinstance(button, dict) or not isinstance(button.get("name"), str):
            yield Breach("template", where, "expected a button with a name")
        # Some clients send the type as a text.
        elif button.get("type") is not None and whole(button["type"], True) is None:
            yield Breach("template", f"{where}.type", "expected a whole number")
        elif not _plain(button.get("payload"), settings):
            yield Breach("template", f"{where}.payload", "expected a text")
        elif button.get("payload") is not None and _empty(postback_id):
            # What a tap sends back is told apart by it; templates that want no answer have neither.
            yield Breach("template", postback_path, "expected an id, since a button has a payload")
            return


def _carousel(media: Mapping[str, Any], path: str, settings: Settings) -> Iterator[Breach]:
    if not _plain(media.get("postbackid"), settings):
        yield Breach("template", f"{path}.postbackid", "expected a text")
    cards = media.get("list")
    if not isinstance(cards, list) or not cards:
        yield Breach("template", f"{path}.list", "expected at least one card")
        return
    for place, card in enumerate(cards):
        where = f"{path}.list[{place}]"
        if not isinstance(card, dict) or not card:
            yield Breach("template", where, "expected an object with title, description, image, buttonlist")
            continue
        yield from _parts(card, where, settings)
        yield from _buttons(card, where, settings, media.get("postbackid"), f"{path}.postbackid")


def _poll(media: Mapping[str, Any], path: str, settings: Settings) -> Iterator[Breach]:
    if media.get("polltype") is not None and whole(media["polltype"], settings.coerce) not in (0, 1):
        yield Breach("template", f"{path}.polltype", "expected 0 (single choice) or 1 (multiple choice)")
    options = media.get("optionlist")
    if not isinstance(options, list) or not options or not all(isinstance(o, dict) for o in options):
        yield Breach("template", f"{path}.optionlist", "expected at least one option")
    if _empty(media.get("pollid")):
        yield Breach("template", f"{path}.pollid", "expected an id, by which answers are told apart")


def rich_media(item: Mapping[str, Any], path: str, settings: Settings) -> Iterator[Breach]:
    """Yield the rules that a message of the rich media of 2016 breaks."""
    kind = whole(item.get("richmediatype"), settings.coerce)
    if kind not in _RICH_TYPES:
        expected = f"expected one of {', '.join(map(str, _RICH_TYPES))}"
        yield Breach("template", f"{path}.richmediatype", expected)
        return
    cards = item.get("richmedialist")
    if not isinstance(cards, list) or not cards or not all(isinstance(card, dict) for card in cards):
        yield Breach("template", f"{path}.richmedialist", "expected at least one object")
        return
    for place, card in enumerate(cards):
        where = f"{path}.richmedialist[{place}]"
        yield from _parts({**card, "image": None}, where, settings)
        options = card.get("options")
        low, high = _RICH_OPTIONS
        if kind == _RICH_POLL and not (
            isinstance(options, list)
            and low <= len(options) <= high
            and all(isinstance(option, dict) for option in options)
        ):
            yield Breach("template", f"{where}.options", f"expected {low} to {high} options")


# -- what users can do with it --------------------------------------------------------------------


def title_of(item: Mapping[str, Any]) -> str:
    """Return the first title or description, for people to know it by."""
    for card in _cards(item):
        for part in ("title", "description"):
            if isinstance(card.get(part), str):
                return str(card[part])
    return ""


def template_of(item: Mapping[str, Any]) -> Template | None:
    """Return what can be tapped or answered in a verified message, or None when it is of an unknown form."""
    cards = _cards(item)
    if not cards:
        return None
    first = cards[0]
    if whole(item.get("richmediatype"), True) == _RICH_POLL and "richmedialist" in item:
        options = _options(first.get("options"), "text")
        return Template(poll_id=_text(first.get("pollid")), options=options)
    if whole(item.get("tmmtype"), True) == _POLL:
        return Template(
            poll_id=_text(first.get("pollid")),
            options=_options(first.get("optionlist"), "name"),
            multiple=whole(first.get("polltype"), True) == 1,
        )
    buttons = tuple(
        (str(button.get("name", "")), _text(button["payload"]))
        for card in cards
        for button in card.get("buttonlist") or []
        if button.get("payload") is not None
    )
    carousel = item.get(TEMPLATES[_CAROUSEL].key)
    postback_id = (carousel if isinstance(carousel, dict) else first).get("postbackid")
    return Template(postback_id=_text(postback_id), buttons=buttons)


def _cards(item: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the objects with title and buttons; those of templates of an unknown form are not found."""
    if isinstance(item.get("richmedialist"), list):
        return list(item["richmedialist"])
    kind = TEMPLATES.get(whole(item.get("tmmtype"), True) or 0)
    media = item.get(kind.key) if kind is not None and kind.key else None
    if not isinstance(media, dict):
        return []
    return list(media["list"]) if kind is TEMPLATES[_CAROUSEL] else [media]


def _options(options: Any, name: str) -> tuple[tuple[int, str], ...]:
    read = []
    for place, option in enumerate(options or []):
        option_id = whole(option.get("optionid"), True)
        read.append((place if option_id is None else option_id, str(option.get(name, ""))))
    return tuple(read)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)

"""
Rules about the content of messages, each with the code that a breach of it is answered.

Source: the pages under "Content types" of the Discover API documentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from simulator.providers.bip.breach import Breach, number, unknown_fields, whole
from simulator.providers.bip.codes import TEMPLATES
from simulator.providers.bip.settings import Settings
from simulator.providers.bip.templates import rich_media, template

__all__ = ["breaches"]

_TEXT_LENGTH_MAX: Final = 2_048
_URL_LENGTH_MAX: Final = 512
_BYTES_MAX: Final = 20 * 1_048_576
_VIDEO_MEGABYTES_MAX: Final = 50
_NAME_LENGTH_MAX: Final = 200
_PARTS_MAX: Final = 3
_PHONE: Final = re.compile(r"\+?[0-9]{2,15}", re.ASCII)

_IMAGES: Final = ("jpg", "jpeg", "png", "gif", "webp", "bmp")
_KINDS: Final = {
    2: _IMAGES,
    3: ("mp3", "aac", "m4a", "ogg", "wav", "amr", "opus"),
    4: ("mp4", "3gp", "mov", "avi", "mkv", "webm"),
    5: _IMAGES,
    6: _IMAGES,
}


Rule = Callable[[Mapping[str, Any], str, Settings], Iterator[Breach]]


def breaches(item: Mapping[str, Any], path: str, settings: Settings) -> Iterator[Breach]:
    """Yield the rules that a message of a composition breaks, by ascending code."""
    kind = whole(item.get("type"), settings.coerce)
    rules = _RULES if settings.legacy_2016 == "refuse" else _RULES_WITH_LEGACY
    rule = rules.get(kind) if kind is not None else None
    if rule is None or kind is None:
        yield Breach("type", f"{path}.type", f"expected one of {', '.join(map(str, rules))}")
        return
    yield from rule(item, path, settings)
    named = TEMPLATES.get(whole(item.get("tmmtype"), True) or 0) if kind == 13 else None
    if named is not None and not named.key:
        # What the object of this template is called is not known, so anything may be it.
        return
    yield from unknown_fields(item, {"type", *_FIELDS[kind]}, path, settings)
    for name, known in _INNER_FIELDS.items():
        inner = item.get(name)
        if isinstance(inner, dict):
            yield from unknown_fields(inner, known, f"{path}.{name}", settings)


def _filled(value: Any, length_max: int) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= length_max


def _absent(item: Mapping[str, Any], path: str, names: Mapping[str, int]) -> Iterator[Breach]:
    for name, code in names.items():
        if item.get(name) is not None:
            yield Breach(code, f"{path}.{name}", "expected it to be absent for this type")


def _within(
    item: Mapping[str, Any], path: str, name: str, code: int, limits: tuple[float, float]
) -> Iterator[Breach]:
    low, high = limits
    # Typed as texts in the documentation, sent as numbers by clients: both are taken.
    value = number(item.get(name), True)
    if value is None or not low <= value <= high:
        yield Breach(code, f"{path}.{name}", f"expected a number from {low:.9g} to {high:.9g}")


_NOT_OF_TEXT: Final = {"size": 1005, "ratio": 1006, "itemid": 1007}
_NOT_OF_LENIENT: Final = {"size": 1005, "ratio": 1006}


def _text(item: Mapping[str, Any], path: str, settings: Settings) -> Iterator[Breach]:
    if not _filled(item.get("message"), _TEXT_LENGTH_MAX):
        yield Breach(1004, f"{path}.message", f"expected a text of 1 to {_TEXT_LENGTH_MAX} characters")
    yield from _absent(item, path, _NOT_OF_TEXT)


def _address(value: Any, path: str, code: int, kind: int, settings: Settings) -> Iterator[Breach]:
    if not _filled(value, _URL_LENGTH_MAX):
        yield Breach(code, path, f"expected the address of a file, at most {_URL_LENGTH_MAX} characters")
    elif settings.check_media:
        yield from _media(value, path, code, kind, settings)


def _media(value: str, path: str, code: int, kind: int, settings: Settings) -> Iterator[Breach]:
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
    except ValueError:
        yield Breach(code, path, "expected the address of a file")
        return
    # Stickers and caps are taken from published lists, not from uploads.
    if kind not in (5, 6) and host not in settings.media_hosts:
        yield Breach(code, path, f"expected an address at {' or '.join(settings.media_hosts)}")
    elif kind in _KINDS and parts.path.rpartition(".")[2].lower() not in _KINDS[kind]:
        yield Breach(code, path, f"expected an address that ends in one of {', '.join(_KINDS[kind])}")


def _photo(item: Mapping[str, Any], path: str, settings: Settings) -> Iterator[Breach]:
    yield from _address(item.get("message"), f"{path}.message", 1004, 2, settings)
    yield from _within(item, path, "size", 1005, (1, _BYTES_MAX))
    yield from _within(item, path, "ratio", 1006, (0.1, 3))
    yield from _absent(item, path, {"itemid": 1007})


def _audio(item: Mapping[str, Any], path: str, settings: Settings) -> Iterator[Breach]:
    yield from _address(item.get("message"), f"{path}.message", 1004, 3, settings)
    yield from _within(item, path, "size", 1005, (1, _BYTES_MAX))
    yield from _absent(item, path, {"ratio": 1006, "itemid": 1007})


def _video(item: Mapping[str, Any], path: str, settings: Settings) -> Iterator[Breach]:
    yield from _address(item.get("message"), f"{path}.message", 1004, 4, settings)
    # In megabytes, unlike photos; the documentation's own example of 120 breaks its rule.
    yield from _within(item, path, "size", 1005, (1, _VIDEO_MEGABYTES_MAX))
    yield from _within(item, path, "ratio", 1006, (0.1, 3))
    yield from _absent(item, path, {"itemid": 1007})


def _sticker(item: Mapping[str, Any], path: str, settings: Settings) -> Iterator[Breach]:
    message = item.get("message")
    if settings.lenient_media and isinstance(message, str) and message.lstrip().startswith("{"):
        # A client of 2020 sent {"url": …} as a text, as a fix against the real service.
        message = _inner_url(message)
    yield from _address(message, f"{path}.message", 1004, 5, settings)
    names = {
        name: code for name, code in _NOT_OF_TEXT.items() if name != "itemid" or not settings.lenient_media
    }
    yield from _absent(item, path, names)


def _inner_url(message: str) -> Any:
    try:
        inner = msgspec.json.decode(message)
    except (msgspec.MsgspecError, RecursionError):
        return None
    return inner.get("url") if isinstance(inner, dict) else None


def _location(item: Mapping[str, Any], path: str, settings: Settings) -> Iterator[Breach]:
    place = item.get("location")
    place = place if isinstance(place, dict) else {}
    path = f"{path}.location"
    yield from _within(place, path, "lat", 1012, (-90, 90))
    yield from _within(place, path, "lon", 1012, (-180, 180))
    yield from _within(place, path, "zoomlevel", 1053, (1, 24))


def _finish_line(item: Mapping[str, Any], path: str, settings: Settings) -> Iterator[Breach]:
    return iter(())


def _contact(item: Mapping[str, Any], path: str, settings: Settings) -> Iterator[Breach]:
    card = item.get("vCard")
    path = f"{path}.vCard"
    if not isinstance(card, dict) or not card:
        yield Breach(1027, path, "expected a contact with at least a name")
        return
    if not _filled(card.get("name"), _NAME_LENGTH_MAX):
        yield Breach(1027, f"{path}.name", f"expected a name of 1 to {_NAME_LENGTH_MAX} characters")
    surname = card.get("surname")
    if surname is not None and (not isinstance(surname, str) or len(surname) > _NAME_LENGTH_MAX):
        yield Breach(1028, f"{path}.surname", f"expected a text of at most {_NAME_LENGTH_MAX} characters")
    phones = card.get("phonenumbers")
    if phones is not None and not _phones(phones):
        yield Breach(1029, f"{path}.phonenumbers", "expected up to 3 numbers of 3 to 15 characters")
    places = card.get("addresses")
    if places is not None and not _places(places):
        yield Breach(1030, f"{path}.addresses", "expected up to 3 addresses, each an object")


def _phones(phones: Any) -> bool:
    return (
        isinstance(phones, list)
        and len(phones) <= _PARTS_MAX
        and all(isinstance(p, str) and 3 <= len(p) <= 15 and _PHONE.fullmatch(p) for p in phones)
    )


def _places(places: Any) -> bool:
    return isinstance(places, list) and len(places) <= _PARTS_MAX and all(isinstance(p, dict) for p in places)


def _document(item: Mapping[str, Any], path: str, settings: Settings) -> Iterator[Breach]:
    document = item.get("document")
    path = f"{path}.document"
    if not isinstance(document, dict) or not document:
        yield Breach(1070, path, "expected an object with a filepath")
        return
    file_path = document.get("filepath")
    breach = next(_address(file_path, f"{path}.filepath", 1070, 14, settings), None)
    if breach is not None:
        yield breach
        return
    name = document.get("filename")
    if name is not None and not isinstance(name, str):
        yield Breach(1070, f"{path}.filename", "expected a text")
    elif not (name or "").strip() and not _last_part(str(file_path)):
        yield Breach(1070, f"{path}.filename", "expected a file name, for the path does not end in one")


def _last_part(address: str) -> str:
    try:
        return urlsplit(address).path.rpartition("/")[2]
    except ValueError:
        return ""


_RULES: Final[Mapping[int, Rule]] = {
    0: _text,
    2: _photo,
    3: _audio,
    4: _video,
    5: _sticker,
    6: _sticker,
    7: _location,
    9: _finish_line,
    10: _contact,
    13: template,
    14: _document,
}

_RULES_WITH_LEGACY: Final[Mapping[int, Rule]] = dict(sorted({**_RULES, 8: rich_media}.items()))

_MEDIA: Final = frozenset({"message", "size", "ratio", "itemid"})
_FIELDS: Final[Mapping[int, AbstractSet[str]]] = {
    0: _MEDIA,
    2: _MEDIA,
    3: _MEDIA,
    4: _MEDIA,
    5: _MEDIA,
    6: _MEDIA,
    7: {"location"},
    8: {"richmediatype", "richmedialist"},
    9: frozenset(),
    10: {"vCard"},
    13: {"tmmtype", *(kind.key for kind in TEMPLATES.values() if kind.key)},
    14: {"document"},
}
"""What a message of each type may have; of media, also what is refused by a code of its own."""

_INNER_FIELDS: Final[Mapping[str, AbstractSet[str]]] = {
    "location": {"lat", "lon", "title", "desc", "zoomlevel"},
    "vCard": {"name", "surname", "phonenumbers", "addresses"},
    "document": {"filename", "filepath"},
}
"""Templates are not among them, since their fields are not completely known."""

"""
How an agent message looks on the device.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from simulator.provider import Bubble, Card, Picture, Submission, Suggestion, plain_bubble
from simulator.providers.rbm.content import cards_of
from simulator.providers.rbm.reporting import Details

__all__ = ["show"]

_ACTIONS: Final = {
    "openUrlAction": ("opens", "url"),
    "dialAction": ("dials", "phoneNumber"),
    "viewLocationAction": ("shows a place", ""),
    "createCalendarEventAction": ("creates an event:", "title"),
    "shareLocationAction": ("shares the location", ""),
    "composeAction": ("writes a message", ""),
}
_KINDS: Final = (
    ("image", (".jpg", ".jpeg", ".png", ".gif", ".webp")),
    ("video", (".mp4", ".m4v", ".mpeg", ".mpg", ".webm", ".3gp")),
    ("audio", (".mp3", ".aac", ".ogg", ".amr")),
    ("file", (".pdf",)),
)


def show(submission: Submission) -> Bubble:
    """Return what the recipient sees of a message."""
    details = submission.details
    content = details.resource.get("contentMessage") if isinstance(details, Details) else None
    if not isinstance(content, dict):
        return plain_bubble(submission)
    pictures = [_file(content.get(name)) for name in ("contentInfo", "uploadedRbmFile")]
    return Bubble(
        text=str(content.get("text", "")),
        cards=tuple(_card(card) for _, card in cards_of(content)),
        suggestions=_suggestions(content.get("suggestions", ())),
        pictures=tuple(picture for picture in pictures if picture is not None),
    )


def _card(card: Mapping[str, Any]) -> Card:
    media = card.get("media", {})
    picture = _file(media.get("contentInfo")) or _file(media.get("uploadedRbmFile"))
    if picture is None and media.get("fileName"):
        picture = _file({"fileName": media["fileName"]})
    return Card(
        title=str(card.get("title", "")),
        text=str(card.get("description", "")),
        picture=picture,
        suggestions=_suggestions(card.get("suggestions", ())),
    )


def _file(info: Mapping[str, Any] | None) -> Picture | None:
    if not info:
        return None
    url = str(info.get("fileUrl", ""))
    name = str(info.get("fileName", "")) or url
    path = name.partition("?")[0].lower()
    kind = next((kind for kind, endings in _KINDS if path.endswith(endings)), "file")
    return Picture(kind, name.rpartition("/")[2] or name, url)


def _suggestions(suggestions: Iterable[Mapping[str, Any]]) -> tuple[Suggestion, ...]:
    return tuple(_suggestion(inner) for one in suggestions for inner in one.values())


def _suggestion(inner: Mapping[str, Any]) -> Suggestion:
    label = str(inner.get("text", ""))
    notes = [
        f"{words} {inner[name].get(part, '')}".strip()
        for name, (words, part) in _ACTIONS.items()
        if isinstance(inner.get(name), dict)
    ]
    data = {"text": label}
    if "postbackData" in inner:
        data["postbackData"] = str(inner["postbackData"])
    return Suggestion(label, ", ".join(notes), "taps", data)

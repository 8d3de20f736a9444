"""
What is in an agent message: the rules that go beyond single fields, and what it asks of a device.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from simulator.providers.rbm.wire import Violation, bad_request

__all__ = [
    "cards_of",
    "check_content",
    "classification",
    "features_needed",
    "is_plain_text",
    "suggestions_of",
    "text_of",
]

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+", re.ASCII)
_SEGMENT_BYTES: Final = 160

Note: TypeAlias = Callable[[str, str], None]
"""Takes down what is wrong, and where."""

_FEATURES: Final = {
    "dialAction": "ACTION_DIAL",
    "viewLocationAction": "ACTION_VIEW_LOCATION",
    "createCalendarEventAction": "ACTION_CREATE_CALENDAR_EVENT",
    "openUrlAction": "ACTION_OPEN_URL",
    "shareLocationAction": "ACTION_SHARE_LOCATION",
    "composeAction": "ACTION_COMPOSE",
}


def cards_of(content: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return every card of a content with its path."""
    card = content.get("richCard", {})
    if "standaloneCard" in card:
        content = card["standaloneCard"].get("cardContent")
        return [] if content is None else [("rich_card.standalone_card.card_content", content)]
    cards = card.get("carouselCard", {}).get("cardContents", [])
    return [(f"rich_card.carousel_card.card_contents[{n}]", content) for n, content in enumerate(cards)]


def _placed_suggestions(content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, suggestion in enumerate(content.get("suggestions", ())):
        yield f"suggestions[{number}]", suggestion
    for path, card in cards_of(content):
        for number, suggestion in enumerate(card.get("suggestions", ())):
            yield f"{path}.suggestions[{number}]", suggestion


def suggestions_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every suggestion of a content, chips first, then card by card."""
    return [suggestion for _, suggestion in _placed_suggestions(content)]


def text_of(content: dict[str, Any]) -> str:
    """Return the words of a content: its text, or the titles and descriptions of its cards."""
    if "text" in content:
        return str(content["text"])
    words = [card.get(part, "") for _, card in cards_of(content) for part in ("title", "description")]
    return "\n".join(word for word in words if word)


def is_plain_text(content: dict[str, Any]) -> bool:
    """Return True for the usual case: a text alone, which every device can show."""
    return len(content) == 1 and "text" in content


def check_content(content: dict[str, Any] | None, root: str) -> None:
    """Raise Refuse when a content message breaks a rule that no single field shows."""
    if content and is_plain_text(content):
        # A single field, which was checked when it was read.
        return
    violations: list[Violation] = []

    def note(path: str, text: str) -> None:
        where = f"{root}.{path}" if path else root
        violations.append(Violation(where, f"{where}: {text}"))

    if not content or not content.keys() - {"suggestions"}:
        note("", "must have one of text, uploaded_rbm_file, rich_card, content_info")
        raise bad_request(violations)
    _check_files(content, "", note)
    _check_cards(content, note)
    for path, suggestion in _placed_suggestions(content):
        _check_suggestion(path, suggestion, note)
    if violations:
        raise bad_request(violations)


def _check_files(holder: dict[str, Any], path: str, note: Note) -> None:
    prefix = f"{path}." if path else ""
    if (info := holder.get("contentInfo")) is not None:
        _check_url(f"{prefix}content_info.file_url", info.get("fileUrl"), note)
        if info.get("thumbnailUrl") is not None:
            _check_url(f"{prefix}content_info.thumbnail_url", info["thumbnailUrl"], note)
    if (uploaded := holder.get("uploadedRbmFile")) is not None and not uploaded.get("fileName"):
        note(f"{prefix}uploaded_rbm_file.file_name", "must not be empty")


def _check_url(path: str, url: str | None, note: Note) -> None:
    if not url:
        note(path, "must not be empty")
    elif _URL.fullmatch(url) is None:
        note(path, "must be a URL as in RFC 3986")


def _check_cards(content: dict[str, Any], note: Note) -> None:
    card = content.get("richCard")
    if card is None:
        return
    cards = cards_of(content)
    if not cards:
        note("rich_card", "must have one of standalone_card and carousel_card, with content")
    carousel = card.get("carouselCard", {})
    if "carouselCard" in card and not 2 <= len(carousel.get("cardContents", ())) <= 10:
        note("rich_card.carousel_card.card_contents", "must have between 2 and 10 items")
    small = carousel.get("cardWidth") == "SMALL"
    horizontal = card.get("standaloneCard", {}).get("cardOrientation") == "HORIZONTAL"
    for path, content in cards:
        media = content.get("media")
        if not content.keys() & {"title", "description", "media"}:
            note(path, "must have at least one of title, description and media")
        if media is None:
            continue
        if not media.keys() & {"contentInfo", "uploadedRbmFile", "fileName"}:
            note(f"{path}.media", "must have one of content_info and uploaded_rbm_file")
        _check_files(media, f"{path}.media", note)
        if small and media.get("height") == "TALL":
            note(f"{path}.media.height", "must not be TALL in a SMALL carousel")
        if horizontal and not content.keys() & {"title", "description", "suggestions"}:
            note(path, "must have title, description or suggestions beside its media when HORIZONTAL")


def _check_suggestion(path: str, suggestion: dict[str, Any], note: Note) -> None:
    if not suggestion:
        note(path, "must have one of reply and action")
        return
    kind = "reply" if "reply" in suggestion else "action"
    offer = suggestion[kind]
    path = f"{path}.{kind}"
    if not offer.get("text"):
        note(f"{path}.text", "must not be empty")
    if kind == "reply":
        return
    if offer.get("fallbackUrl"):
        _check_url(f"{path}.fallback_url", offer["fallbackUrl"], note)
    if not offer.keys() & _FEATURES.keys():
        note(path, "must have an action, such as dial_action or open_url_action")
    if (dial := offer.get("dialAction")) is not None and not dial.get("phoneNumber"):
        note(f"{path}.dial_action.phone_number", "must not be empty")
    if (opening := offer.get("openUrlAction")) is not None:
        _check_url(f"{path}.open_url_action.url", opening.get("url"), note)
    if (event := offer.get("createCalendarEventAction")) is not None and not event.get("title"):
        note(f"{path}.create_calendar_event_action.title", "must not be empty")
    if (view := offer.get("viewLocationAction")) is not None and not view.keys() & {"latLong", "query"}:
        note(f"{path}.view_location_action", "must have lat_long or query")


def features_needed(content: dict[str, Any]) -> list[str]:
    """Return the features that a device must have to show a content, each once."""
    needed: dict[str, None] = {}
    card = content.get("richCard", {})
    if "standaloneCard" in card:
        needed["RICHCARD_STANDALONE"] = None
    if "carouselCard" in card:
        needed["RICHCARD_CAROUSEL"] = None
    for suggestion in suggestions_of(content):
        action = suggestion.get("action", {})
        for name, feature in _FEATURES.items():
            # With a fallback URL a device without the feature opens that instead.
            if name in action and not action.get("fallbackUrl"):
                needed[feature] = None
        if action.get("openUrlAction", {}).get("application") == "WEBVIEW":
            needed["ACTION_OPEN_URL_IN_WEBVIEW"] = None
    return list(needed)


def classification(content: dict[str, Any]) -> dict[str, Any]:
    """Return how the message is billed in the United States.  Source: "US billing model"."""
    plain = "text" in content
    for suggestion in suggestions_of(content):
        action = suggestion.get("action", {})
        opens = action.get("openUrlAction")
        plain = plain and ("reply" in suggestion or "dialAction" in action or opens is not None)
        plain = plain and not (opens and opens.get("application") == "WEBVIEW")
    if not plain:
        return {"classificationType": "RICH_MEDIA_MESSAGE"}
    segments = -(-len(str(content["text"]).encode()) // _SEGMENT_BYTES)
    return {"classificationType": "RICH_MESSAGE", "segmentCount": segments}

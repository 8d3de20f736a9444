"""
Clicks: a recipient follows a URL of a message, and the integrator is told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from simulator.provider import Act, ImpossibleAct, Message, Report, State, Watch
from simulator.providers.infobip.details import details_of
from simulator.providers.infobip.settings import Settings

__all__ = ["Click", "click_report", "render_click"]

_ENCODER: Final = msgspec.json.Encoder()
_URL: Final = re.compile(r"https?://\S+")
_DATA: Final = ("messageId", "url", "recipientInfo", "geoLocationInfo")


class Click(Struct, frozen=True, kw_only=True, gc=False):
    """
    One click, as it is pushed.
    """

    message: Message
    url: str
    at_ms: int
    recipient_info: object = None
    geo_location_info: object = None


def click_report(
    recipient: str, act: Act, settings: Settings, watch: Watch, tracked: list[Message]
) -> Report:
    """Return what is owed when *recipient* follows a URL, or raise ImpossibleAct."""
    click = _clicked(recipient, act, watch, tracked)
    tracking = details_of(click.message.mould).tracking
    target = (tracking.url if tracking else "") or settings.clicks.url
    if not target:
        raise ImpossibleAct("neither the send (trackingUrl) nor the settings (clicks.url) say where to")
    return Report(
        provider="infobip",
        recipient=recipient,
        label=f"CLICKED {click.message.id}",
        target=target,
        at_ms=click.at_ms,
        payload=click,
    )


def _clicked(recipient: str, act: Act, watch: Watch, tracked: list[Message]) -> Click:
    """
    Return the click of *recipient* on a message whose clicks are tracked.

    *tracked* are the recipient's messages of that kind, the oldest first; the act
    may name one by `messageId`, else it is the latest that has arrived.
    """
    data = act.data if act.data is not None else {}
    if not isinstance(data, Mapping) or not set(data) <= set(_DATA):
        raise ImpossibleAct(f"expected data with {', '.join(_DATA)}, or none")
    arrived = [message for message in tracked if message.state in (State.DELIVERED, State.READ)]
    message_id = data.get("messageId")
    if message_id is not None:
        arrived = [message for message in arrived if message.id == message_id]
    if not arrived:
        raise ImpossibleAct(f"{recipient} has got no message whose clicks are tracked")
    message = arrived[-1]
    url = data.get("url") or act.text
    if not url:
        match = _URL.search(message.text)
        if match is None:
            raise ImpossibleAct(f"message {message.id} has no URL in its text")
        url = match[0]
    return Click(
        message=message,
        url=str(url),
        at_ms=watch.now_ms,
        recipient_info=data.get("recipientInfo"),
        geo_location_info=data.get("geoLocationInfo"),
    )


def render_click(click: Click, to: str, bulk_id: str, details: Mapping[str, str], epoch_ms: int) -> bytes:
    """Return the push of a click: one object, no `results`; what is not known is left out."""
    body: dict[str, object] = {
        "notificationType": "CLICKED",
        "recipient": to,
        "url": click.url,
        # Milliseconds since 1970, unlike every other date of this API.
        "sendDateTime": epoch_ms + click.at_ms,
        "messageId": click.message.id,
        "bulkId": bulk_id,
        "callbackData": details.get("callbackData"),
        "recipientInfo": click.recipient_info,
        "geoLocationInfo": click.geo_location_info,
        "applicationId": details.get("applicationId"),
        "entityId": details.get("entityId"),
    }
    return _ENCODER.encode({name: value for name, value in body.items() if value})

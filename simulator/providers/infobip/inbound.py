"""
Inbound messages: what recipients write, pushed (MO_JSON_2) and kept for pulling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from simulator.provider import Act, Draws, ImpossibleAct, Report, Watch, segment
from simulator.providers.infobip.details import is_number
from simulator.providers.infobip.settings import Settings
from simulator.providers.infobip.style import Style

__all__ = ["Inbound", "inbound_report", "render_inbound", "split_keyword"]

_ENCODER: Final = msgspec.json.Encoder()
_DATA: Final = ("callbackData", "applicationId", "entityId", "campaignReferenceId")


class Inbound(Struct, frozen=True, kw_only=True, gc=False):
    """
    A message that a recipient wrote.
    """

    message_id: str
    sender: str
    to: str
    text: str
    keyword: str
    clean_text: str
    parts: int
    done_ms: int
    currency: str
    more: tuple[tuple[str, str], ...] = ()
    """callbackData, applicationId, entityId and campaignReferenceId, where they were given."""
    network_id: int | None = None
    """That of the latest send to this recipient that had one."""

    def fits(self, filters: Mapping[str, str]) -> bool:
        """Return True when the message passes the filters of a pull."""
        values = dict(self.more)
        return all(values.get(name) == value for name, value in filters.items())


def split_keyword(text: str, keywords: Sequence[str]) -> tuple[str, str]:
    """Return the configured keyword that a text begins with, and the text without it."""
    first, _, rest = text.strip().partition(" ")
    for keyword in keywords:
        if first.casefold() == keyword.casefold():
            return keyword, rest.strip()
    return "", text


def inbound_report(
    recipient: str, act: Act, draws: Draws, settings: Settings, watch: Watch, network_id: int | None
) -> Report:
    """Return what is owed when *recipient* writes, or raise ImpossibleAct."""
    if not is_number(recipient):
        raise ImpossibleAct(f"expected a phone number that writes, got {recipient!r}")
    message = _received(recipient, act, draws, settings, watch.now_ms, network_id)
    return Report(
        provider="infobip",
        recipient=recipient,
        label=f"INBOUND {message.message_id}",
        target=settings.inbound.url,
        at_ms=message.done_ms,
        batch="inbound",
        payload=message,
    )


def _received(
    recipient: str, act: Act, draws: Draws, settings: Settings, now_ms: int, network_id: int | None
) -> Inbound:
    data = act.data if act.data is not None else {}
    if not isinstance(data, Mapping) or not all(
        name in _DATA and isinstance(value, str) for name, value in data.items()
    ):
        raise ImpossibleAct(f"expected data with texts for {', '.join(_DATA)}, or none")
    keyword, clean_text = split_keyword(act.text, settings.inbound.keywords)
    return Inbound(
        message_id=draws.digits("inbound.id", 18),
        sender=recipient.removeprefix("+"),
        to=(act.sender or settings.inbound.number).removeprefix("+"),
        text=act.text,
        keyword=keyword,
        clean_text=clean_text,
        parts=segment(act.text).parts,
        done_ms=now_ms,
        currency=settings.currency,
        more=tuple((name, data[name]) for name in _DATA if data.get(name)),
        network_id=network_id,
    )


def render_inbound(messages: Sequence[Inbound], pending: int, style: Style) -> bytes:
    """Return inbound messages as they are pushed and pulled alike."""
    results = []
    for message in messages:
        row: dict[str, object] = {
            "messageId": message.message_id,
            "from": message.sender,
            "to": message.to,
            "text": message.text,
            "cleanText": message.clean_text,
            "keyword": message.keyword,
            "receivedAt": style.date(message.done_ms),
            "smsCount": message.parts,
            "price": style.price(0, message.currency),
            **dict(message.more),
        }
        if not message.keyword:
            del row["keyword"]
        if message.network_id is not None:
            row["networkId"] = message.network_id
        results.append(row)
    return _ENCODER.encode({"results": results, "messageCount": len(results), "pendingMessageCount": pending})

"""
What a request to send is read into, whichever generation of the API it came through.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from msgspec import Struct

from simulator.provider import Refuse, Violation
from simulator.providers.infobip.text import Transliteration

__all__ = [
    "VALIDITY_MS_MAX",
    "Binary",
    "Destination",
    "Envelope",
    "Item",
    "Regional",
    "SendRequest",
    "SpeedLimit",
    "Tracking",
    "Window",
    "bad_request",
    "plain_item",
]

VALIDITY_MS_MAX = 48 * 3_600_000
"""Longer validities silently become this one; it is the default, too."""

_PLAIN_MAX: Final = 1_024


def bad_request(violations: Sequence[Violation] = (), why: str = "") -> Refuse:
    """Return the refusal that Infobip answers with 400; *why* is what the answer leaves unsaid."""
    reasons = [f"{path}: {text}" if path else text for path, text in violations]
    return Refuse("BAD_REQUEST", "; ".join([*reasons, why] if why else reasons), violations=tuple(violations))


class IndiaDlt(Struct, rename="camel"):
    """
    India's registration of a sender's templates.
    """

    content_template_id: str | None = None
    principal_entity_id: str | None = None
    telemarketer_id: str | None = None


class TurkeyIys(Struct, rename="camel"):
    """
    Turkey's register of consent.
    """

    brand_code: int | None = None
    recipient_type: str | None = None


class SouthKorea(Struct, rename="camel"):
    """
    South Korea's registration of resellers.
    """

    reseller_code: int | None = None
    title: str | None = None


class Regional(Struct, rename="camel"):
    """
    What regulators of single countries ask for.
    """

    india_dlt: IndiaDlt | None = None
    turkey_iys: TurkeyIys | None = None
    south_korea: SouthKorea | None = None


class Binary(Struct, frozen=True, gc=False):
    """
    The content of a message given as bytes.
    """

    octets: bytes
    data_coding: int = 0
    esm_class: int = 0


class Window(Struct, frozen=True, gc=False):
    """
    When a message may be sent: on these days (0 is Monday), from minute to minute of the UTC day.
    """

    days: tuple[int, ...]
    from_minute: int = 0
    to_minute: int = 1_440


class SpeedLimit(Struct, frozen=True, gc=False):
    """
    How many messages of a bulk may leave per so many milliseconds.
    """

    amount: int
    per_ms: int


class Destination(Struct, frozen=True, gc=False):
    """
    One recipient as written, and the client's id for the message.
    """

    to: str
    id: str = ""
    network_id: int | None = None
    place: str = ""
    """Where in the body it stands, if it has no number."""


class Item(Struct, frozen=True, kw_only=True, gc=False, eq=False):
    """
    What one message of a request asks for, for all of its destinations, beyond sender and text.
    """

    flash: bool = False
    language: str = ""
    single_shift: bool | None = None
    locking_shift: bool | None = None
    transliteration: Transliteration = Transliteration.NONE
    binary: Binary | None = None
    notify: bool = True
    notify_url: str = ""
    content_type: str = "application/json"
    intermediate: bool = False
    callback_data: str = ""
    validity_ms: int = VALIDITY_MS_MAX
    send_at_unix_ms: int | None = None
    window: Window | None = None
    entity_id: str = ""
    application_id: str = ""
    campaign_id: str = ""
    regional: Regional | None = None


@lru_cache(maxsize=_PLAIN_MAX)
def plain_item(notify_url: str) -> Item:
    """Return what is asked for by a message that only says where its reports go; one for all of these."""
    return Item(notify_url=notify_url)


class Envelope(NamedTuple):
    """
    One message of a request: what it says, what it asks for, and to whom it goes.
    """

    sender: str
    text: str
    item: Item
    destinations: list[Destination]


class Tracking(Struct, frozen=True, kw_only=True, gc=False):
    """
    What a request says about following its recipients: conversions and clicks.
    """

    track: str = ""
    """`SMS` or `URL`, v1 and v2 only."""
    process_key: str = ""
    clicks: bool = False
    url: str = ""
    """Where clicks are pushed to; empty: the account's own setting."""


class SendRequest(Struct, frozen=True, kw_only=True):
    """
    A request to send, whichever generation of the API it came through.
    """

    generation: int
    envelopes: list[Envelope]
    bulk_id: str = ""
    tracking: Tracking | None = None
    include_count: bool | None = None
    speed_limit: SpeedLimit | None = None

    @property
    def destination_count(self) -> int:
        """How many messages this would be."""
        return sum([len(envelope.destinations) for envelope in self.envelopes])

    @property
    def scheduled(self) -> bool:
        """True when any of it names the time at which it is to be sent."""
        return any(envelope.item.send_at_unix_ms is not None for envelope in self.envelopes)

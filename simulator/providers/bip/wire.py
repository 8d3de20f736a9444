"""
BiP's wire format: the bodies of send calls, verified and read into one shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple, NoReturn, TypeVar

import msgspec
from msgspec import Struct

from simulator.provider import Refuse, TooManyValues, decode_long
from simulator.providers.bip.addresses import is_hash, is_msisdn, number_of
from simulator.providers.bip.breach import Breach, number, unknown_fields, whole
from simulator.providers.bip.content import breaches
from simulator.providers.bip.settings import Settings
from simulator.providers.bip.templates import (
    RICH_MEDIA,
    TEMPLATE_MEDIA,
    Template,
    template_of,
    title_of,
)

__all__ = [
    "ALL_FOLLOWERS",
    "HASHED",
    "PLAIN",
    "Content",
    "Part",
    "Receiver",
    "SendRequest",
    "bad_request",
    "decode",
    "parse_list",
    "parse_multi",
    "parse_single",
    "required_txnid",
    "txnid_of",
]

HASHED, ALL_FOLLOWERS, PLAIN = 0, 1, 2
"""Values of `receiver.type`."""

_Receivers = TypeVar("_Receivers")
_Messages = TypeVar("_Messages")

_EXPIRE: Final = (3, 5, 10, 60)
_TTL_S_MAX: Final = 400 * 86_400
_TEXT_SHOWN_MAX: Final = 2_048
_TXNID_BYTES_MAX: Final = 1_048_576
"""A longer body that is broken is not read once more for its txnid."""


def bad_request(breach: Breach, txnid: str | None = None) -> Refuse:
    """Return the refusal of a request that breaks a rule, the first one of verification."""
    return Refuse(str(breach.rule), f"{breach.path}: {breach.expected}", breach=breach, txnid=txnid)


class Receiver(Struct, frozen=True, gc=False):
    """
    One receiver: how it was written, and the kernel's spelling of whom that is.
    """

    kind: int
    written: str = ""
    address: str = ""
    known: bool = True
    """False for what stands for nobody."""
    broken: Breach | None = None
    """What is wrong with it; only where settings let a malformed receiver pass verification."""


class Content(Struct, frozen=True, gc=False):
    """
    One message of a composition, as far as anything later depends on it.
    """

    type: int
    text: str = ""
    template: Template | None = None
    item: Mapping[str, Any] | None = None
    """The whole of it as it came, where a text does not say all."""


class Part(Struct, frozen=True, gc=False):
    """
    What one receiver gets.
    """

    receiver: Receiver
    contents: tuple[Content, ...]
    expire_s: int = 0


class SendRequest(Struct, frozen=True, kw_only=True):
    """
    A request to send, by whichever method it came.
    """

    txnid: str
    method: str
    parts: tuple[Part, ...]
    """One per receiver; of a broadcast just one, for all followers."""
    ttl_s: int = 0

    @property
    def broadcast(self) -> bool:
        """True when it goes to all followers and nobody else, by the method for that."""
        return self.method == "sendmsgserv" and self.parts[0].receiver.kind == ALL_FOLLOWERS


def decode(body: bytes) -> dict[str, Any]:
    """Return the JSON object in *body*; raises Refuse."""
    try:
        value = decode_long(body)
    except TooManyValues as trouble:
        raise bad_request(Breach("body", "body", str(trouble))) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise bad_request(Breach("body", "body", "expected a JSON object")) from None
    if not isinstance(value, dict):
        raise bad_request(Breach("body", "body", "expected a JSON object"))
    return value


def txnid_of(body: bytes) -> str | None:
    """Return the txnid of a body, however bad the rest of it is, or None."""
    if len(body) > _TXNID_BYTES_MAX:
        return None
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return _txnid(value.get("txnid"), coerce=True) if isinstance(value, dict) else None


def _txnid(value: Any, coerce: bool) -> str | None:
    if isinstance(value, str):
        return value or None
    if coerce and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def required_txnid(body: Mapping[str, Any], settings: Settings) -> str:
    """Return the txnid of a body; raises Refuse when there is none."""
    txnid = _txnid(body.get("txnid"), settings.coerce)
    if txnid is None:
        raise bad_request(Breach("txnid", "txnid", "expected a text that is not empty"))
    return txnid


def parse_single(body: bytes, settings: Settings) -> SendRequest:
    """Return a call of sendmsgserv; raises Refuse."""
    reader = _Reader(decode(body), settings, (_RECEIVER, _COMPOSITION), {"ttl"})
    to, contents = reader.verified(
        lambda: reader.receiver(reader.top(_RECEIVER), "receiver", alone=True),
        reader.composition,
    )
    return SendRequest(
        txnid=reader.txnid,
        method="sendmsgserv",
        parts=(Part(to, contents, reader.expire_s),),
        ttl_s=reader.ttl_s,
    )


def parse_list(body: bytes, settings: Settings) -> SendRequest:
    """
    Return a call of sendmsgservlist; raises Refuse.

    The documentation's table calls the list `receiver`; the vendor's sample and
    every client send `receivers`.
    """
    reader = _Reader(decode(body), settings, (_RECEIVERS, _COMPOSITION))
    everyone, contents = reader.verified(
        lambda: reader.listed(reader.top(_RECEIVERS), "receivers", lambda item: item),
        reader.composition,
    )
    return SendRequest(
        txnid=reader.txnid,
        method="sendmsgservlist",
        parts=tuple(Part(to, contents, reader.expire_s) for to in everyone),
    )


def parse_multi(body: bytes, settings: Settings) -> SendRequest:
    """Return a call of sendmultiusermulticontent; raises Refuse."""
    reader = _Reader(decode(body), settings, (_CONTENT_LIST,))
    everyone, compositions = reader.verified(
        lambda: reader.listed(reader.top(_CONTENT_LIST), "receivercontentlist", _inner_receiver, ".receiver"),
        lambda: reader.compositions(reader.top(_CONTENT_LIST), "receivercontentlist"),
    )
    parts = tuple(
        Part(to, contents, expire_s or reader.expire_s)
        for to, (expire_s, contents) in zip(everyone, compositions, strict=True)
    )
    return SendRequest(txnid=reader.txnid, method="sendmultiusermulticontent", parts=parts)


def _inner_receiver(item: Any) -> Any:
    return item.get("receiver") if isinstance(item, dict) else item


class _Need(NamedTuple):
    """
    A part of the top level that a method cannot do without.
    """

    rule: str
    name: str
    kind: type
    expected: str


_RECEIVER: Final = _Need("receiver", "receiver", dict, "expected an object")
_RECEIVERS: Final = _Need("receiver", "receivers", list, "expected a list of receivers")
_CONTENT_LIST: Final = _Need(
    "receiver", "receivercontentlist", list, "expected a list of receivers with their compositions"
)
_COMPOSITION: Final = _Need("composition", "composition", dict, "expected an object")


class _Reader:
    """
    Reads one body, area by area, and stops at the first rule that it breaks (OC-11).
    """

    __slots__ = ("_body", "_composition", "_known", "_needs", "_settings", "expire_s", "ttl_s", "txnid")

    def __init__(
        self,
        body: dict[str, Any],
        settings: Settings,
        needs: Sequence[_Need],
        optional: AbstractSet[str] = frozenset(),
    ) -> None:
        self._body = body
        self._settings = settings
        self._composition = _COMPOSITION._replace(name=self._name_of_composition(body))
        self._needs = [self._composition if need is _COMPOSITION else need for need in needs]
        self._known = {"txnid", "expire", *(need.name for need in self._needs), *optional}
        self.txnid = _txnid(body.get("txnid"), settings.coerce) or ""
        self.expire_s = 0
        self.ttl_s = 0

    def verified(
        self, receivers: Callable[[], _Receivers], messages: Callable[[], _Messages]
    ) -> tuple[_Receivers, _Messages]:
        """Return what the body holds, its areas verified in the order of the settings."""
        areas: dict[str, Callable[[], Any]] = {
            "call": self._call,
            "receivers": receivers,
            "messages": messages,
        }
        read = {area: areas[area]() for area in self._settings.verification_order}
        return read["receivers"], read["messages"]

    def _call(self) -> None:
        self.txnid = required_txnid(self._body, self._settings)
        self.expire_s = self.expire(self._body.get("expire"), "expire")
        if "ttl" in self._known:
            self.ttl_s = self._ttl(self._body.get("ttl"))
        for need in self._needs:
            self.top(need)
        self._strict(self._body, self._known, "")

    def _strict(self, value: Mapping[str, Any], known: AbstractSet[str], path: str) -> None:
        breach = next(unknown_fields(value, known, path, self._settings), None)
        if breach is not None:
            self.refuse(breach)

    def refuse(self, breach: Breach) -> NoReturn:
        raise bad_request(breach, self.txnid or None)

    def top(self, need: _Need) -> Any:
        """Return a part of the top level."""
        value = self._body.get(need.name)
        if not isinstance(value, need.kind):
            self.refuse(Breach(need.rule, need.name, need.expected))
        return value

    def expire(self, value: Any, path: str) -> int:
        if value is None:
            return 0
        seconds = whole(value, self._settings.coerce)
        if seconds not in _EXPIRE or seconds is None:
            self.refuse(Breach("expire", path, f"expected one of {', '.join(map(str, _EXPIRE))}"))
        return seconds

    def _ttl(self, value: Any) -> int:
        if value is None:
            return 0
        seconds = whole(value, self._settings.coerce)
        if seconds is None or not 0 < seconds <= _TTL_S_MAX:
            self.refuse(Breach("ttl", "ttl", f"expected seconds, from 1 to {_TTL_S_MAX}"))
        return seconds

    def listed(
        self, items: list[Any], path: str, pick: Callable[[Any], Any], suffix: str = ""
    ) -> list[Receiver]:
        """Return the receivers of a list, in order."""
        if not items and self._settings.empty_list == "refuse":
            self.refuse(Breach("receiver", path, "expected at least one receiver"))
        return [
            self.receiver(pick(item), f"{path}[{place}]{suffix}", alone=False)
            for place, item in enumerate(items)
        ]

    def receiver(self, value: Any, path: str, *, alone: bool) -> Receiver:
        """Return one receiver; whether all followers may be one of several is a setting (OC-16)."""
        receiver = self._receiver(value, path, alone)
        if isinstance(receiver, Receiver):
            return receiver
        if alone or self._settings.bad_receiver == "request":
            self.refuse(receiver)
        written = value.get("address") if isinstance(value, dict) else None
        # A number can be repeated as it was written; what is neither that nor a text, not at all.
        plain = isinstance(written, str | int | float) and not isinstance(written, bool)
        return Receiver(PLAIN, str(written) if plain else "", broken=receiver)

    def _receiver(self, value: Any, path: str, alone: bool) -> Receiver | Breach:
        if not isinstance(value, dict):
            return Breach("receiver", path, "expected an object with a type")
        kind = whole(value.get("type"), self._settings.coerce)
        everyone = alone or self._settings.broadcast_in_list == "accept"
        kinds = (HASHED, ALL_FOLLOWERS, PLAIN) if everyone else (HASHED, PLAIN)
        if kind is None or kind not in kinds:
            return Breach("receiver", f"{path}.type", f"expected one of {', '.join(map(str, kinds))}")
        breach = next(unknown_fields(value, {"type", "address"}, path, self._settings), None)
        if breach is not None:
            return breach
        written = value.get("address")
        if kind == ALL_FOLLOWERS:
            if written is not None:
                return Breach("address", f"{path}.address", "expected it to be absent for all followers")
            return Receiver(ALL_FOLLOWERS)
        if isinstance(written, int) and not isinstance(written, bool) and self._settings.coerce:
            written = str(written)
        if not isinstance(written, str) or not written.strip():
            return Breach("address", f"{path}.address", "expected a text that is not empty")
        if self._settings.trim_addresses:
            written = written.strip()
        if kind == PLAIN:
            if not is_msisdn(written):
                return Breach("address", f"{path}.address", "expected a number of the form 905XXXXXXXXX")
            return Receiver(PLAIN, written, f"+{written}")
        if number := number_of(written):
            return Receiver(HASHED, written, number)
        if self._settings.known_hashes == "any" and is_hash(written):
            return Receiver(HASHED, written, written)
        # Whatever was written, it is nobody's number.
        return Receiver(HASHED, written, f"hash:{written}", known=False)

    def compositions(self, items: list[Any], path: str) -> list[tuple[int, tuple[Content, ...]]]:
        """Return what each receiver of a list gets: for how many seconds, and the messages."""
        read = []
        for place, item in enumerate(items):
            where = f"{path}[{place}]"
            if not isinstance(item, dict):
                self.refuse(Breach("receiver", where, "expected an object with receiver and composition"))
            expire_s = self.expire(item.get("expire"), f"{where}.expire")
            name = self._name_of_composition(item)
            read.append((expire_s, self.contents(item.get(name), f"{where}.{name}")))
            self._strict(item, {"receiver", name, "expire"}, where)
        return read

    def _name_of_composition(self, holder: Mapping[str, Any]) -> str:
        """Return under which name messages stand: in 2016 it was `content`."""
        legacy = self._settings.legacy_2016 == "accept"
        only_old = holder.get("composition") is None and holder.get("content") is not None
        return "content" if legacy and only_old else "composition"

    def composition(self) -> tuple[Content, ...]:
        """Return the messages of the top level."""
        return self.contents(self.top(self._composition), self._composition.name)

    def contents(self, composition: Any, path: str) -> tuple[Content, ...]:
        """Return the messages of a composition, each verified."""
        items = composition.get("list") if isinstance(composition, dict) else None
        if not isinstance(items, list) or not items:
            self.refuse(Breach("composition", f"{path}.list", "expected a list of at least one message"))
        self._strict(composition, {"list"}, path)
        read = []
        for place, item in enumerate(items):
            where = f"{path}.list[{place}]"
            if not isinstance(item, dict):
                self.refuse(Breach("composition", where, "expected an object with a type"))
            breach = next(breaches(item, where, self._settings), None)
            if breach is not None:
                self.refuse(breach)
            read.append(_content(item))
        return tuple(read)


def _content(item: Mapping[str, Any]) -> Content:
    kind = int(number(item["type"], True) or 0)
    message = item.get("message")
    template = None
    if kind in (RICH_MEDIA, TEMPLATE_MEDIA):
        message, template = title_of(item), template_of(item)
    text = message[:_TEXT_SHOWN_MAX] if isinstance(message, str) else ""
    return Content(kind, text, template, item if kind != 0 else None)

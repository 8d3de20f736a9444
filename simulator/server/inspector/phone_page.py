"""
Phones: who has one, and one of them as a handset with the conversation of all providers.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from simulator.evidence.words import span
from simulator.explain.narrative import words_of
from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.message import Message
from simulator.kernel.model.recipient import Circumstances, normal_address
from simulator.kernel.model.units import format_offset
from simulator.kernel.store.facts import Acted
from simulator.kernel.store.journal import Entry
from simulator.provider import Bubble, Suggestion
from simulator.server.inspector.frame import (
    Pill,
    Visit,
    dom_id,
    link_to_message,
    link_to_phone,
    one_line,
    page,
    pill,
    words_of_message,
)
from simulator.server.operations.conversation import Conversation, conversation

__all__ = ["phone_page", "phones_page"]

_PHONES_MAX: Final = 200
_LOOKED_AT_MAX: Final = 20_000
_OUTSIDE_MAX: Final = 8
_TRUE_UNSAID: Final = frozenset({"known", "capable"})
"""What providers take for true until somebody says otherwise; so a first press says otherwise."""
_HOLES: Final = (("1 min", "1m"), ("10 min", "10m"), ("1 h", "1h"), ("3 days", "72h"))
"""For how long a phone may be out of coverage: in words, and as the control API has it."""
_SWITCHES: Final = (
    ("blocked", "Blocked", "The recipient blocked the sender."),
    ("blacklisted", "Black-listed", "The number is on a do-not-disturb or black list."),
    ("known", "Known", "The provider knows such a subscriber."),
    ("capable", "Capable", "The device has rich features, such as RCS."),
    ("follower", "Follower", "The recipient follows the service."),
    ("session", "Session", "A session with the service is open."),
)


class PhoneRow(NamedTuple):
    """
    A phone in the list.
    """

    address: str
    href: str
    person: str
    last: str
    at: str
    messages: int
    waiting: int
    on: bool


class Tap(NamedTuple):
    """
    Something on the phone that can be tapped, with the body of the call that taps it.
    """

    label: str
    note: str
    body: str


class ShownCard(NamedTuple):
    """
    A card with its taps.
    """

    title: str
    text: str
    picture: object
    taps: list[Tap]


class ShownItem(NamedTuple):
    """
    A bubble of the conversation: a message that arrived, or what the recipient did.
    """

    id: str
    mine: bool
    provider: str
    sender: str
    at: str
    text: str
    note: str
    cards: list[ShownCard]
    taps: list[Tap]
    pictures: object
    state: Pill | None
    href: str
    read: bool


class Outside(NamedTuple):
    """
    A message that is not on the phone: on its way, waiting, or one that never came.
    """

    provider: str
    text: str
    state: Pill
    note: str
    href: str


class Switch(NamedTuple):
    """
    A circumstance that can be switched.
    """

    name: str
    title: str
    about: str
    checked: str
    """As `aria-checked` has it; mixed: nobody said anything about it, and the provider's default holds."""
    body: str


class Acts(NamedTuple):
    """
    What the recipient can do through a provider.
    """

    provider: str
    title: str
    to: str
    taps: list[Tap]
    busy: bool
    """True when the conversation has something of this provider."""


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def phones_page(visit: Visit) -> str:
    """Return the list of phones: those that were sent to last, and those that something was said about."""
    simulation = visit.space.simulation
    rows: dict[str, PhoneRow] = {}
    newest = islice(reversed(simulation.messages.values()), _LOOKED_AT_MAX)
    for message in newest:
        address = message.key.recipient
        row = rows.get(address)
        if row is None:
            if len(rows) >= _PHONES_MAX:
                continue
            row = _phone_row(visit, address, message)
        rows[address] = row._replace(
            messages=row.messages + 1, waiting=row.waiting + (message.state is State.WAITING)
        )
    for address in simulation.directory.known()[:_PHONES_MAX]:
        if not address.endswith("*") and address not in rows:
            rows[address] = _phone_row(visit, address, None)
    chosen = normal_address(visit.query.get("number", ""))
    return page(
        "phones.html",
        visit,
        "phones",
        "Phones",
        rows=list(rows.values())[:_PHONES_MAX],
        wanted=link_to_phone(visit, chosen) if chosen else "",
        number=visit.query.get("number", ""),
    )


def _phone_row(visit: Visit, address: str, last: Message | None) -> PhoneRow:
    simulation = visit.space.simulation
    person = simulation.people.of(address)
    return PhoneRow(
        address=address,
        href=link_to_phone(visit, address),
        person=person.name if person is not None else "",
        last=one_line(words_of_message(visit, last), 80) if last is not None else "",
        at=format_offset(last.changed_ms) if last is not None else "",
        messages=0,
        waiting=0,
        on=simulation.directory.at(address, simulation.clock.now_ms).reachable,
    )


def phone_page(visit: Visit) -> str:
    """Return a phone as a handset."""
    space = visit.space
    simulation = space.simulation
    address = normal_address(visit.rest)
    now_ms = simulation.clock.now_ms
    talk = conversation(space, address)
    circumstances = simulation.directory.at(address, now_ms)
    items = [_shown(visit, item) for item in talk.items]
    acts = [_acts(visit, name, talk) for name in visit.controller.providers]
    acts.sort(key=lambda item: not item.busy)
    person = simulation.people.of(address)
    return page(
        "phone.html",
        visit,
        "phones",
        f"Phone {address}",
        address=address,
        person=person.name if person is not None else "",
        on=circumstances.reachable,
        operator=circumstances.operator or "",
        power=_json({"reachable": not circumstances.reachable}),
        holes=[(words, _json({"reachable": False, "for": length})) for words, length in _HOLES],
        back=_back(visit, address, now_ms),
        items=items,
        waiting=[
            _outside(visit, item, f"expires in {span(item.expires_ms - now_ms)}") for item in talk.waiting
        ],
        waiting_note=_waiting_note(talk, now_ms),
        pending=[_outside(visit, item, "") for item in reversed(talk.pending)][:_OUTSIDE_MAX],
        failed=[_outside(visit, item, item.code or item.reason.value) for item in reversed(talk.failed)][
            :_OUTSIDE_MAX
        ],
        switches=[_switch(circumstances, *item) for item in _SWITCHES],
        acts=acts,
    )


def _back(visit: Visit, address: str, now_ms: int) -> str:
    """Return when a phone that is out of reach may be back by itself; empty: not by itself."""
    directory = visit.space.simulation.directory
    if directory.at(address, now_ms).reachable:
        return ""
    back_ms = directory.next_change_after(address, "reachable", now_ms)
    return f"may be back in {span(back_ms - now_ms)}" if back_ms is not None else ""


def _waiting_note(talk: Conversation, now_ms: int) -> str:
    first_ms = talk.first_expiry_ms
    if first_ms is None:
        return ""
    number = len(talk.waiting)
    what = "1 message waits" if number == 1 else f"{number} messages wait"
    which = "it" if number == 1 else "the first"
    return f"{what} in the network, {which} expires in {span(max(0, first_ms - now_ms))}"


def _shown(visit: Visit, item: Message | Entry) -> ShownItem:
    return _message_item(visit, item) if isinstance(item, Message) else _act_item(item)


def _message_item(visit: Visit, message: Message) -> ShownItem:
    name, sender = message.key.provider, message.submission.sender
    bubble: Bubble = visit.controller.providers[name].show(message.submission)
    return ShownItem(
        id=dom_id(message.key),
        mine=False,
        provider=name,
        sender=sender,
        at=format_offset(message.changed_ms),
        text=bubble.text,
        note=bubble.note,
        cards=[
            ShownCard(
                card.title, card.text, card.picture, [_tap(name, sender, item) for item in card.suggestions]
            )
            for card in bubble.cards
        ],
        taps=[_tap(name, sender, item) for item in bubble.suggestions],
        pictures=bubble.pictures,
        state=pill(message.state),
        href=link_to_message(visit, message.key),
        read=message.state is State.READ,
    )


def _act_item(entry: Entry) -> ShownItem:
    fact = entry.fact
    assert isinstance(fact, Acted)
    wrote = fact.act == "writes"
    return ShownItem(
        id=f"a-{entry.seq}",
        mine=True,
        provider=entry.provider,
        sender="",
        at=format_offset(entry.at_ms),
        text=fact.text if wrote else words_of(entry),
        note="" if wrote else "act",
        cards=[],
        taps=[],
        pictures=(),
        state=None,
        href="",
        read=False,
    )


def _tap(provider: str, sender: str, item: Suggestion) -> Tap:
    if not item.does:
        return Tap(item.label, item.note, "")
    body: dict[str, object] = {"provider": provider, "does": item.does, "text": item.label}
    if sender:
        body["to"] = sender
    if item.data is not None:
        body["data"] = dict(item.data)
    return Tap(item.label, item.note, _json(body))


def _outside(visit: Visit, message: Message, note: str) -> Outside:
    return Outside(
        message.key.provider,
        one_line(words_of_message(visit, message), 120),
        pill(message.state),
        note,
        link_to_message(visit, message.key),
    )


def _switch(circumstances: Circumstances, name: str, title: str, about: str) -> Switch:
    value = getattr(circumstances, name)
    if value is None:
        return Switch(name, title, about, "mixed", _json({name: name not in _TRUE_UNSAID}))
    return Switch(name, title, about, "true" if value else "false", _json({name: not value}))


def _acts(visit: Visit, name: str, talk: Conversation) -> Acts:
    provider = visit.controller.providers[name]
    mine = [item for item in (*talk.items, *talk.waiting, *talk.pending) if _provider_of(item) == name]
    senders = [
        item.submission.sender for item in mine if isinstance(item, Message) and item.submission.sender
    ]
    to: Mapping[str, object] = {"to": senders[-1]} if senders else {}
    taps = [
        Tap(act, "", _json({"provider": name, "does": act, **to})) for act in provider.acts if act != "writes"
    ]
    return Acts(name, provider.title, senders[-1] if senders else "", taps, bool(mine))


def _provider_of(item: Message | Entry) -> str:
    return item.key.provider if isinstance(item, Message) else item.provider

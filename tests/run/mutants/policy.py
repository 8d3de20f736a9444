"""
Every decision that an integrator makes, each with the right answer as its default.

A mutant is a policy with one of them replaced.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web

from run.mutants.calls import Answer, Call, Row, judge, spelt
from run.mutants.ledger import CORRECT_STATES, FINAL, Message, Told
from run.mutants.reading import genuine, read, utc

__all__ = ["Policy", "believes", "bills", "event_of", "falls_back", "is_stop", "wait_s", "whole_body"]

_TRIES_MAX = 12
_WAIT_S_MAX = 60.0


async def whole_body(request: web.Request) -> bytes:
    """Return a body, however it is transferred."""
    return await request.read()


def event_of(told: Told) -> str:
    """Return what is the same when the same thing is told again, by whatever delivery."""
    return f"{told.kind} {told.provider} {told.event}"


def believes(message: Message, told: Told, state: str, at: str) -> bool:
    """
    Return True when *told* changes what is believed of *message*.

    The first end is the truth, by the provider's own time where it gives one.  At
    RBM, delivery beats an expiry and a revocation, in any order.
    """
    if state == "PENDING":
        return False
    if message.state not in FINAL:
        return True
    arrived = state in ("DELIVERED", "READ")
    if message.state == "DELIVERED" and state == "READ":
        return True
    if told.provider == "rbm":
        return arrived and message.state in ("EXPIRED", "REVOKED")
    return told.provider == "infobip" and at < message.done_at


def bills(message: Message, told: Told, state: str, fresh: bool, believed: bool) -> bool:
    """Return True when a message is to be paid for now: once, when it has arrived."""
    return fresh and believed and not message.billed and state in ("DELIVERED", "READ")


def falls_back(message: Message, cause: str) -> int:
    """Return how many SMS are due when RBM says *cause*: one, unless it arrived or one was sent."""
    due = cause in ("404", "revoked", "TTL_EXPIRATION_REVOKED", "TTL_EXPIRATION_REVOKE_FAILED")
    return int(due and not message.fallbacks and message.state not in ("DELIVERED", "READ"))


def wait_s(tries: int, retry_after_s: float) -> float | None:
    """Return how long to wait after so many tries, at least as long as was asked for; None: give up."""
    if tries >= _TRIES_MAX:
        return None
    return max(min(2.0 ** (tries - 1), _WAIT_S_MAX), retry_after_s)


def is_stop(text: str) -> bool:
    """Return True for a text that asks for silence, however it is written."""
    return text.strip().upper() == "STOP"


def _any_type(_: str) -> int | None:
    return None


def _same_id(id: str, _: int) -> str:
    return id


def _every_row(tolds: Sequence[Told]) -> Sequence[Told]:
    return tolds


def _told_parts(_: Message, told: Told) -> int:
    return told.parts


def _own_reference(told: Told) -> str:
    return told.id


def _taken_all_the_same(provider: str) -> int:
    return 200


def _sent_row(told: Told) -> Row:
    """Return what a sent report says of one receiver: accepted, which is not delivered, or refused."""
    return Row((told.id,) if told.id else (), told.word != "0", told.code if told.word != "0" else "")


def _revoked(status: int) -> bool:
    """Return True when a message was pulled back; 404: it has arrived or will have, and the event says so."""
    return status == 200


def _stored(_: Told) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Policy:
    """
    What an integrator does at each point where one can go wrong.
    """

    # -- a webhook comes in
    body_of: Callable[[web.Request], Awaitable[bytes]] = whole_body
    refuses_type: Callable[[str], int | None] = _any_type
    """With what a content type is answered that is not looked into; None: it does not matter."""
    genuine: Callable[[str, bytes, Mapping[str, str], Sequence[str]], bool] = genuine
    read: Callable[[str, bytes], list[Told]] = read
    taken: int = 200
    forged: int = 403
    unreadable: int = 400
    unknown: Callable[[str], int] = _taken_all_the_same
    """With what a provider's report about an unknown message is answered."""
    works_real_s: float = 0.0
    """How long it takes before it answers."""
    stores: Callable[[Told], bool] = _stored
    """Whether what was acknowledged is kept."""
    inbox_on_disk: bool = True
    messages_on_disk: bool = True
    keeps_bodies: bool = False

    # -- what is believed
    rows: Callable[[Sequence[Told]], Sequence[Told]] = _every_row
    """Which of the things that one webhook tells are heard."""
    event_of: Callable[[Told], str] = event_of
    reference: Callable[[Told], str] = _own_reference
    """By what a report is tied to its message."""
    sent_row: Callable[[Told], Row] = _sent_row
    keeps_unknown: bool = True
    """Whether a report about a message that nobody knows waits until somebody does."""
    states: Mapping[str, str] = field(default_factory=lambda: CORRECT_STATES)
    believes: Callable[[Message, Told, str, str], bool] = believes
    bills: Callable[[Message, Told, str, bool, bool], bool] = bills
    utc: Callable[[str], str] = utc
    parts: Callable[[Message, Told], int] = _told_parts
    is_stop: Callable[[str], bool] = is_stop
    falls_back: Callable[[Message, str], int] = falls_back

    # -- a call goes out
    registers_first: bool = True
    """Whether a message is known before the call is made."""
    judge: Callable[[Call, Answer], list[Row] | None] = judge
    wait_s: Callable[[int, float], float | None] = wait_s
    gives_up_as: str = "PENDING"
    """What a message is taken for when nobody ever said yes or no."""
    id_of_try: Callable[[str, int], str] = _same_id
    spelt: Callable[[str, str], str] = spelt
    revoked: Callable[[int], bool] = _revoked
    respects_stop: bool = True

"""
Scheduled bulks: when they are sent, and whether.
"""

from __future__ import annotations

from collections.abc import Awaitable
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from simulator.provider import Answer, Call, Gateway, InTurns, Message, Refuse, State, Violation
from simulator.providers.infobip.account import Account
from simulator.providers.infobip.bulk import Bulk
from simulator.providers.infobip.calls import account_of, body_of
from simulator.providers.infobip.dates import clock_words, format_date, parse_date
from simulator.providers.infobip.render import json_answer
from simulator.providers.infobip.timing import SEND_AT_AHEAD_MS_MAX, Pacer, hold_until_ms
from simulator.providers.infobip.wire import bad_request

__all__ = ["BulkStatus", "get_bulk", "get_status", "put_bulk", "put_status"]


class BulkStatus(StrEnum):
    """
    Where a bulk is; one L in CANCELED.
    """

    PENDING = "PENDING"
    PAUSED = "PAUSED"
    PROCESSING = "PROCESSING"
    CANCELED = "CANCELED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"


# Which changes a client may ask for is not documented; these are our choice (OC-5).
_TRANSITIONS: Final = {
    BulkStatus.PENDING: (BulkStatus.PAUSED, BulkStatus.CANCELED),
    BulkStatus.PAUSED: (BulkStatus.PENDING, BulkStatus.CANCELED),
}


class _SendAt(Struct, rename="camel"):
    send_at: str | None = None


class _Status(Struct):
    status: str | None = None


_SEND_AT: Final = msgspec.json.Decoder(_SendAt)
_STATUS: Final = msgspec.json.Decoder(_Status)


def _bulk_of(call: Call, account: Account) -> Bulk:
    bulk_id = call.query_value("bulkId")
    if not bulk_id:
        raise bad_request([Violation("bulkId", "must not be null")])
    bulk = account.bulks.get(bulk_id)
    if bulk is None:
        why = f"there is no scheduled bulk {bulk_id[:100]!r}; {account.bulks.words()}"
        raise Refuse("NOT_FOUND", why, text="Bulk not found")
    return bulk


def _scheduled(bulk: Bulk, gateway: Gateway) -> list[Message]:
    messages = (gateway.message_of(key) for key in bulk.keys)
    return [message for message in messages if message is not None and message.state is State.SCHEDULED]


def status_of(bulk: Bulk, gateway: Gateway) -> BulkStatus:
    """Return where a bulk is: what was asked of it, else how far its messages are."""
    if bulk.canceled:
        return BulkStatus.CANCELED
    if bulk.paused:
        return BulkStatus.PAUSED
    waiting = len(_scheduled(bulk, gateway))
    if not waiting:
        return BulkStatus.FINISHED
    return BulkStatus.PENDING if waiting == len(bulk.keys) else BulkStatus.PROCESSING


def get_bulk(call: Call) -> Answer:
    """Answer when a bulk is sent."""
    account = account_of(call)
    return _bulk_answer(_bulk_of(call, account), account)


def get_status(call: Call) -> Answer:
    """Answer where a bulk is."""
    bulk = _bulk_of(call, account_of(call))
    return json_answer({"bulkId": bulk.id, "status": status_of(bulk, call.gateway)})


def _bulk_answer(bulk: Bulk, account: Account) -> Answer:
    send_at = format_date(bulk.send_at_unix_ms, account.settings.time_zone)
    return json_answer({"bulkId": bulk.id, "sendAt": send_at})


def put_bulk(call: Call) -> Answer | Awaitable[Answer]:
    """Send a bulk at another time."""
    account = account_of(call)
    gateway = call.gateway
    body: _SendAt = body_of(call, _SEND_AT)
    bulk = _bulk_of(call, account)
    send_at_unix_ms = _date(body, gateway)
    _check_alone(bulk)
    status = status_of(bulk, gateway)
    if status not in _TRANSITIONS:
        raise bad_request([Violation("sendAt", f"a bulk that is {status} cannot be rescheduled")])

    def steps() -> InTurns[Answer]:
        bulk.send_at_unix_ms = send_at_unix_ms
        yield from _reschedule(bulk, gateway)
        return _bulk_answer(bulk, account)

    return call.in_turns(steps())


def _date(body: _SendAt, gateway: Gateway) -> int:
    if body.send_at is None:
        raise bad_request([Violation("sendAt", "must not be null")])
    moment = parse_date(body.send_at)
    if moment is None:
        raise bad_request(
            [
                Violation(
                    "sendAt",
                    f"must be a date such as 2030-01-01T00:00:00.000+0000, got {body.send_at[:40]!r}",
                )
            ]
        )
    if moment > gateway.unix_ms() + SEND_AT_AHEAD_MS_MAX:
        raise bad_request(
            [Violation("sendAt", "must be at most 180 days ahead")], clock_words(gateway.unix_ms())
        )
    return moment


def _check_alone(bulk: Bulk) -> None:
    # Source: the scheduling pages of 2015: "only one message object, and a unique bulkId".
    if not bulk.alone:
        raise bad_request([Violation("bulkId", "must be unique, of a request with one message object")])


def _reschedule(bulk: Bulk, gateway: Gateway) -> InTurns[None]:
    item = msgspec.structs.replace(bulk.item, send_at_unix_ms=bulk.send_at_unix_ms)
    pacer = Pacer(bulk.speed_limit, gateway) if bulk.speed_limit is not None else None
    earliest_ms = hold_until_ms(item, gateway)
    for message in _scheduled(bulk, gateway):
        at_ms = pacer.next(item, earliest_ms) if pacer is not None else earliest_ms
        gateway.reschedule(message, at_ms)
        if bulk.paused:
            gateway.suspend(message)
        yield


def put_status(call: Call) -> Answer | Awaitable[Answer]:
    """Pause, resume or cancel a bulk."""
    account = account_of(call)
    gateway = call.gateway
    body: _Status = body_of(call, _STATUS)
    bulk = _bulk_of(call, account)
    if body.status is None or body.status not in BulkStatus.__members__:
        raise bad_request([Violation("status", f"must be one of {', '.join(BulkStatus)}")])
    _check_alone(bulk)
    target, status = BulkStatus(body.status), status_of(bulk, gateway)
    if target not in _TRANSITIONS.get(status, ()):
        if target is status and account.settings.bulk_transitions == "lenient":
            return json_answer({"bulkId": bulk.id, "status": status})
        raise bad_request([Violation("status", f"cannot change from {status} to {target}")])

    def steps() -> InTurns[Answer]:
        yield from _change(bulk, target, gateway)
        return json_answer({"bulkId": bulk.id, "status": status_of(bulk, gateway)})

    return call.in_turns(steps())


def _change(bulk: Bulk, target: BulkStatus, gateway: Gateway) -> InTurns[None]:
    messages = _scheduled(bulk, gateway)
    match target:
        case BulkStatus.PAUSED:
            bulk.paused = True
            for message in messages:
                gateway.suspend(message)
                yield
        case BulkStatus.PENDING:
            bulk.paused = False
            yield from _reschedule(bulk, gateway)
        case BulkStatus.CANCELED:
            bulk.canceled, bulk.paused = True, False
            for message in messages:
                gateway.cancel(message, "31/4100")
                yield

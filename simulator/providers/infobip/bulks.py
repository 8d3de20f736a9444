"""
Scheduled bulks: when they are sent, and whether.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.lifecycle import Move, State
from simulator.kernel.model.message import Message, Rung
from simulator.kernel.model.submission import Reason
from simulator.provider import Answer, Call
from simulator.providers.infobip.account import Account
from simulator.providers.infobip.bulk import Bulk
from simulator.providers.infobip.calls import account_of, body_of, refusal
from simulator.providers.infobip.dates import format_date, parse_date
from simulator.providers.infobip.render import json_answer
from simulator.providers.infobip.timing import SEND_AT_AHEAD_MS_MAX, Pacer, hold_until_ms
from simulator.providers.infobip.wire import BadRequest
from simulator.violations import Violation

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


class _NoBulk(Exception):
    """There is no scheduled bulk of this id."""


def _bulk_of(call: Call, account: Account) -> Bulk:
    bulk_id = call.parameter("bulkId")
    if not bulk_id:
        raise BadRequest([Violation("bulkId", "must not be null")])
    bulk = account.bulks.get(bulk_id)
    if bulk is None:
        raise _NoBulk
    return bulk


def _no_bulk(call: Call) -> Answer:
    return refusal(call, "NOT_FOUND", text="Bulk not found")


def _scheduled(bulk: Bulk, simulation: Simulation) -> list[Message]:
    messages = (simulation.messages.get(key) for key in bulk.keys)
    return [message for message in messages if message is not None and message.state is State.SCHEDULED]


def status_of(bulk: Bulk, simulation: Simulation) -> BulkStatus:
    """Return where a bulk is: what was asked of it, else how far its messages are."""
    if bulk.canceled:
        return BulkStatus.CANCELED
    if bulk.paused:
        return BulkStatus.PAUSED
    waiting = len(_scheduled(bulk, simulation))
    if not waiting:
        return BulkStatus.FINISHED
    return BulkStatus.PENDING if waiting == len(bulk.keys) else BulkStatus.PROCESSING


def get_bulk(call: Call) -> Answer:
    """Answer when a bulk is sent."""
    try:
        return _bulk_answer(_bulk_of(call, account_of(call)))
    except _NoBulk:
        return _no_bulk(call)


def get_status(call: Call) -> Answer:
    """Answer where a bulk is."""
    try:
        bulk = _bulk_of(call, account_of(call))
    except _NoBulk:
        return _no_bulk(call)
    return json_answer({"bulkId": bulk.id, "status": status_of(bulk, call.gateway.simulation)})


def _bulk_answer(bulk: Bulk) -> Answer:
    return json_answer({"bulkId": bulk.id, "sendAt": format_date(bulk.send_at_unix_ms)})


def put_bulk(call: Call) -> Answer:
    """Send a bulk at another time."""
    account = account_of(call)
    simulation = call.gateway.simulation
    body: _SendAt = body_of(call, _SEND_AT)
    try:
        bulk = _bulk_of(call, account)
    except _NoBulk:
        return _no_bulk(call)
    send_at_unix_ms = _date(body, simulation)
    _check_alone(bulk)
    status = status_of(bulk, simulation)
    if status not in _TRANSITIONS:
        raise BadRequest([Violation("sendAt", f"a bulk that is {status} cannot be rescheduled")])
    bulk.send_at_unix_ms = send_at_unix_ms
    _reschedule(bulk, simulation)
    return _bulk_answer(bulk)


def _date(body: _SendAt, simulation: Simulation) -> int:
    if body.send_at is None:
        raise BadRequest([Violation("sendAt", "must not be null")])
    moment = parse_date(body.send_at)
    if moment is None:
        raise BadRequest(
            [
                Violation(
                    "sendAt",
                    f"must be a date such as 2030-01-01T00:00:00.000+0000, got {body.send_at[:40]!r}",
                )
            ]
        )
    if moment > simulation.clock.unix_ms() + SEND_AT_AHEAD_MS_MAX:
        raise BadRequest([Violation("sendAt", "must be at most 180 days ahead")])
    return moment


def _check_alone(bulk: Bulk) -> None:
    # Source: the scheduling pages of 2015: "only one message object, and a unique bulkId".
    if not bulk.alone:
        raise BadRequest([Violation("bulkId", "must be unique, of a request with one message object")])


def _reschedule(bulk: Bulk, simulation: Simulation) -> None:
    clock = simulation.clock
    item = msgspec.structs.replace(bulk.item, send_at_unix_ms=bulk.send_at_unix_ms)
    pacer = Pacer(bulk.speed_limit, clock) if bulk.speed_limit is not None else None
    earliest_ms = hold_until_ms(item, clock)
    for message in _scheduled(bulk, simulation):
        at_ms = pacer.next(item, earliest_ms) if pacer is not None else earliest_ms
        simulation.reschedule(message, at_ms)
        if bulk.paused:
            simulation.suspend(message)


def put_status(call: Call) -> Answer:
    """Pause, resume or cancel a bulk."""
    account = account_of(call)
    simulation = call.gateway.simulation
    body: _Status = body_of(call, _STATUS)
    try:
        bulk = _bulk_of(call, account)
    except _NoBulk:
        return _no_bulk(call)
    if body.status is None or body.status not in BulkStatus.__members__:
        raise BadRequest([Violation("status", f"must be one of {', '.join(BulkStatus)}")])
    _check_alone(bulk)
    wanted, status = BulkStatus(body.status), status_of(bulk, simulation)
    if wanted not in _TRANSITIONS.get(status, ()):
        if wanted is status and account.settings.bulk_transitions == "lenient":
            return json_answer({"bulkId": bulk.id, "status": status})
        raise BadRequest([Violation("status", f"cannot change from {status} to {wanted}")])
    _change(bulk, wanted, simulation)
    return json_answer({"bulkId": bulk.id, "status": status_of(bulk, simulation)})


def _change(bulk: Bulk, wanted: BulkStatus, simulation: Simulation) -> None:
    messages = _scheduled(bulk, simulation)
    match wanted:
        case BulkStatus.PAUSED:
            bulk.paused = True
            for message in messages:
                simulation.suspend(message)
        case BulkStatus.PENDING:
            bulk.paused = False
            _reschedule(bulk, simulation)
        case BulkStatus.CANCELED:
            bulk.canceled, bulk.paused = True, False
            for message in messages:
                simulation.move(message, Move.REVOKE, "31/4100", Reason.CANCELED, by=Rung.CLIENT)

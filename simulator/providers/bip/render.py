"""
BiP's answers and webhooks, as bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from simulator.provider import Answer

__all__ = ["REQID_MAX", "Entry", "Event", "SentReport", "UserReport", "answer_json", "format_time", "render"]

REQID_MAX: Final = 2**31 - 1

_ENCODER: Final = msgspec.json.Encoder()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ZONE_MS: Final = 3 * 3_600_000
"""Istanbul is three hours ahead of UTC all year; the documentation prints +0300 throughout."""


_NAMES: Final = {"number": "numberofmessage", "total": "totalnumberofmessage"}


class Entry(Struct, frozen=True, gc=False, rename=_NAMES):
    """
    What became of one message, in an answer or in a sent report.

    The three wordings of the last two fields disagree; read as the index of the
    message and how many the receiver gets, which fits the example of a failure.
    """

    resultcode: int
    receiver: str
    reportid: str | None
    number: int | None
    total: int


class SentReport(Struct, frozen=True, gc=False):
    """
    What became of an asynchronous call.
    """

    reqid: int
    txnid: str
    resultcode: int
    list: Sequence[Entry]


class UserReport(Struct, frozen=True, gc=False):
    """
    A message was delivered, or read.
    """

    sender: str
    msgid: int
    at_ms: int
    txnid: str
    report_id: str
    report_type: int


class Event(Struct, frozen=True, gc=False):
    """
    Something a user did, with the fields that are particular to it.
    """

    sender: str
    msgid: int
    at_ms: int
    fields: Mapping[str, object]


def answer_json(body: Mapping[str, object], status: int = 200) -> Answer:
    """Return an answer with *body* as JSON."""
    return Answer(status, _ENCODER.encode(body), "application/json;charset=UTF-8")


def format_time(unix_ms: int) -> str:
    """Return an instant as BiP writes it: `18.05.2018 16:11:58.633 +0300`."""
    moment = _EPOCH + timedelta(milliseconds=unix_ms + _ZONE_MS)
    return f"{moment:%d.%m.}{moment.year:04d} {moment:%H:%M:%S}.{unix_ms % 1000:03d} +0300"


def render(payload: object, epoch_ms: int) -> bytes:
    """Return the body of a webhook."""
    match payload:
        case SentReport():
            return _ENCODER.encode(payload)
        case UserReport():
            return _ENCODER.encode(
                {
                    "sender": payload.sender,
                    "type": "R",
                    "msgid": payload.msgid,
                    "sendtime": format_time(epoch_ms + payload.at_ms),
                    "txnid": payload.txnid,
                    "report": {"reportid": payload.report_id, "reporttype": payload.report_type},
                }
            )
        case Event():
            return _ENCODER.encode(
                {
                    "sender": payload.sender,
                    "msgid": payload.msgid,
                    "sendtime": format_time(epoch_ms + payload.at_ms),
                    **payload.fields,
                }
            )
    raise TypeError(f"expected a report of BiP, got {type(payload).__name__}")

"""
Bitel's answers and webhooks, as bytes.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw, Struct

from simulator.provider import Answer
from simulator.providers.bitel.codes import CALL_STATUSES, SMS_STATUSES, CallStatus, SmsStatus
from simulator.providers.bitel.settings import WebhookBody

__all__ = [
    "CallFacts",
    "SmsFacts",
    "amount",
    "bare_answer",
    "call_object",
    "call_record_v1",
    "call_webhook",
    "error_answer",
    "result_answer",
    "sms_detail_v1",
    "sms_object",
    "sms_status_object",
    "sms_webhook",
]

_ENCODER: Final = msgspec.json.Encoder()
_JSON: Final = "application/json; charset=utf-8"


class SmsFacts(Struct, frozen=True, kw_only=True, gc=False):
    """
    What can be told of a short message at one instant.
    """

    id: str
    gateway: str
    to: str
    text: str
    requested_s: int
    status: str
    status_text: str
    parts: int
    price_milli: int
    batch_id: str

    @property
    def row(self) -> SmsStatus:
        """The status as the catalogue has it."""
        return SMS_STATUSES[self.status]


class CallFacts(Struct, frozen=True, kw_only=True, gc=False):
    """
    What can be told of a call at one instant.
    """

    id: str
    to: str
    status: str
    bill_s: int
    requested_s: int
    executed_s: int
    price_milli: int
    campaign_id: str
    transaction_id: str

    @property
    def row(self) -> CallStatus:
        """The status as the catalogue has it."""
        return CALL_STATUSES[self.status]


def result_answer(result: object) -> Answer:
    """Return a successful answer."""
    return Answer(200, _ENCODER.encode({"result": result, "error": None}), _JSON)


def row_of(shown: object) -> Raw:
    """Return a row of what may be a long answer as JSON: encoded by itself, in a turn of its own."""
    return Raw(_ENCODER.encode(shown))


def bare_answer(body: object) -> Answer:
    """Return a successful answer without the envelope."""
    return Answer(200, _ENCODER.encode(body), _JSON)


def error_answer(status: int, code: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Return an error answer; a code is all that Bitel says."""
    return Answer(status, _ENCODER.encode({"result": None, "error": code}), _JSON, headers)


def _toman(amount_milli: int) -> float:
    return amount_milli / 1_000


def sms_object(facts: SmsFacts) -> dict[str, object]:
    """Return a message as send calls answer it; prices are negative once charged."""
    return {
        "id": facts.id,
        "gatewayNumber": facts.gateway,
        "phoneNumber": facts.to,
        "message": facts.text,
        "requestDate": facts.requested_s,
        "status": facts.row.code,
        "statusText": facts.status_text,
        "partCount": facts.parts,
        "price": _toman(-facts.price_milli),
    }


def sms_status_object(facts: SmsFacts, shape: str) -> dict[str, object]:
    """
    Return a message as the status call answers it.

    The page's field table, its sample and the send replies differ; the table is
    the only one that v2 has of its own (OC-3).
    """
    if shape == "send":
        return sms_object(facts)
    if shape == "legacy_sample":
        return {
            "id": facts.id,
            "message": facts.text,
            "phoneNumber": facts.to,
            "requestDate": facts.requested_s,
            "result": "ok",
            "smsCount": facts.parts,
            "balanceSubtracted": _toman(facts.price_milli),
        }
    return {
        "id": facts.id,
        "gatewayNumber": facts.gateway,
        "phoneNumber": facts.to,
        "message": facts.text,
        "requestDate": facts.requested_s,
        "statusCode": facts.row.code,
        "status": facts.row.name,
        "smsCount": facts.parts,
        "price": _toman(-facts.price_milli),
    }


def sms_detail_v1(facts: SmsFacts) -> dict[str, object]:
    """Return a message as v1 details tell it: no code 2 there, and amounts are positive."""
    status = SMS_STATUSES["WAITING"] if facts.status == "CHECK_OK" else facts.row
    return {
        "id": facts.id,
        "message": facts.text,
        "phoneNumber": facts.to,
        "requestDate": facts.requested_s,
        "result": "ok",
        "smsCount": facts.parts,
        "balanceSubtracted": _toman(facts.price_milli),
        "deliveryStatus": status.name,
        "deliveryStatusCode": status.code,
    }


def call_object(facts: CallFacts) -> dict[str, object]:
    """Return a call; unlike with SMS, `status` is the word and `statusCode` the number."""
    return {
        "id": facts.id,
        "phoneNumber": facts.to,
        "status": facts.row.name,
        "statusCode": facts.row.code,
        "billSec": facts.bill_s,
        "requestDate": facts.requested_s,
        "executionDate": facts.executed_s,
        "price": _toman(-facts.price_milli),
    }


def call_record_v1(facts: CallFacts) -> dict[str, object]:
    """Return a call as v1's call detail records tell it."""
    return {
        "requestId": facts.id,
        "targetNumber": facts.to,
        "status": facts.row.name,
        "billSec": facts.bill_s,
        "requestDate": facts.requested_s,
        "executionDate": facts.executed_s,
        "transactionId": facts.transaction_id,
        "balanceSubtracted": _toman(facts.price_milli),
    }


def _status_word(code: int, name: str, text: str, body: WebhookBody) -> object:
    return {"name": name, "code": code, "text": text}[body.status]


def amount(price_milli: int, body: WebhookBody) -> float:
    """Return what was taken from the balance, as an event writes it."""
    return _toman(price_milli if body.amount == "positive" else -price_milli)


def _batch(batch_id: str, body: WebhookBody) -> str | None:
    return (batch_id or None) if body.batch_id == "shared" else None


def sms_webhook(facts: SmsFacts, body: WebhookBody) -> bytes:
    """Return the one event of a short message; it has no phone number.  Source: "Sms Webhook Events"."""
    word = _status_word(facts.row.code, facts.row.name, facts.status_text, body)
    return _ENCODER.encode(
        {
            "requestId": facts.id,
            "batchId": _batch(facts.batch_id, body),
            "balanceSubtracted": amount(facts.price_milli, body),
            "cause": word,
            "smsCount": facts.parts,
            "requestDate": facts.requested_s,
            "deliveryStatus": word,
        }
    )


def call_webhook(facts: CallFacts, body: WebhookBody) -> bytes:
    """Return the one event of a call.  Source: "Voice Webhook Events"."""
    text = facts.row.name.replace("_", " ").title().replace(" ", "")
    return _ENCODER.encode(
        {
            "requestId": facts.id,
            "campaignId": _batch(facts.campaign_id, body),
            "balanceSubtracted": amount(facts.price_milli, body),
            "cause": _status_word(facts.row.code, facts.row.name, text, body),
            "billSec": facts.bill_s,
            "number": facts.to,
            "requestDate": facts.requested_s,
        }
    )

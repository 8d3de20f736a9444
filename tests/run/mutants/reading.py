"""
Webhooks of all four providers, taken apart.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from run.mutants.ledger import Told

__all__ = ["UNREADABLE", "decoded", "genuine", "read", "utc"]

UNREADABLE: Final = (ValueError, LookupError, TypeError, AttributeError)
"""What reading a body raises that is not what it should be."""


def utc(text: str) -> str:
    """Return a provider's instant in UTC, or nothing for nothing."""
    for form in ("%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z", "%d.%m.%Y %H:%M:%S.%f %z"):
        try:
            return datetime.strptime(text, form).astimezone(UTC).isoformat(timespec="milliseconds")
        except ValueError:
            continue
    return ""


def decoded(raw: bytes) -> bytes:
    """Return the data inside an envelope of RBM, byte for byte."""
    return base64.b64decode(json.loads(raw)["message"]["data"], validate=True)


def genuine(provider: str, raw: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
    """Return True when a webhook is signed with one of *secrets*, over the bytes as they came."""
    if not secrets:
        return True
    if provider == "rbm":
        data, shown = decoded(raw), headers.get("X-Goog-Signature", "")
        signed = [base64.b64encode(hmac.digest(key.encode(), data, "sha512")).decode() for key in secrets]
    else:
        shown = headers.get("X-Signature", "")
        signed = [hmac.new(key.encode(), raw, hashlib.sha256).hexdigest() for key in secrets]
    return any(hmac.compare_digest(shown.encode(), good.encode()) for good in signed)


def read(provider: str, raw: bytes) -> list[Told]:
    """Return everything that a webhook tells; raises one of UNREADABLE."""
    return _READERS[provider](json.loads(raw))


def _infobip(body: Any) -> list[Told]:
    return [_infobip_inbound(row) if "text" in row else _infobip_report(row) for row in body["results"]]


def _infobip_report(row: Any) -> Told:
    status, done_at = row["status"], row["doneAt"]
    # Generations one and two say smsCount, the third messageCount.
    parts = row["messageCount"] if "messageCount" in row else row["smsCount"]
    return Told(
        "report",
        "infobip",
        id=row["messageId"],
        word=status["name"],
        group=status["groupName"],
        event=f"{row['messageId']} {status['name']} {done_at}",
        at=done_at,
        code=status["name"],
        parts=parts,
        price=row["price"]["pricePerMessage"] * parts,
        number=row["to"],
    )


def _infobip_inbound(row: Any) -> Told:
    return Told("inbound", "infobip", event=row["messageId"], number=row["from"], text=row["text"])


def _rbm(body: Any) -> list[Told]:
    envelope, data = body["message"], json.loads(base64.b64decode(body["message"]["data"], validate=True))
    number = data.get("senderPhoneNumber", data.get("phoneNumber", ""))
    word = data.get("eventType")
    if word is None:
        event = data.get("messageId") or data["eventId"]
        return [
            Told("inbound", "rbm", event=event, envelope=envelope["messageId"], number=number,
                 text=data.get("text", ""))
        ]  # fmt: skip
    if word == "UNSUBSCRIBE":
        return [Told("inbound", "rbm", word=word, event=data["eventId"], number=number, text="STOP")]
    return [
        Told(
            "report",
            "rbm",
            id=data.get("messageId", ""),
            word=word,
            event=data["eventId"],
            envelope=envelope["messageId"],
            at=data.get("sendTime", ""),
            code=word,
            number=number,
        )
    ]


def _bip(body: Any) -> list[Told]:
    if "reqid" in body:
        return [
            Told(
                "sent",
                "bip",
                id=entry["reportid"] or "",
                word=str(entry["resultcode"]),
                event=f"{body['txnid']} {entry['receiver']} {entry['reportid']} {entry['resultcode']}",
                call=body["txnid"],
                code=str(entry["resultcode"]),
                number=entry["receiver"],
            )
            for entry in body["list"]
        ]
    if body["type"] == "R":
        report = body["report"]
        return [
            Told(
                "report",
                "bip",
                id=report["reportid"],
                word=str(report["reporttype"]),
                event=f"{report['reportid']} {report['reporttype']}",
                envelope=str(body["msgid"]),
                call=body["txnid"],
                at=body["sendtime"],
                code=str(report["reporttype"]),
                number=body["sender"],
            )
        ]
    # A copy has a msgid of its own; nobody writes the same twice within a millisecond.
    event = f"{body['sender']} {body['sendtime']} {body.get('content', '')}"
    return [
        Told("inbound", "bip", event=event, envelope=str(body["msgid"]), number=body["sender"],
             text=body.get("content", ""))
    ]  # fmt: skip


def _bitel(body: Any) -> list[Told]:
    id, word = body["requestId"], body["deliveryStatus"]
    return [
        Told(
            "report",
            "bitel",
            id=id,
            word=word,
            event=f"{id} {word}",
            code=word,
            parts=body["smsCount"],
            price=body["balanceSubtracted"],
        )
    ]


_READERS: Final[Mapping[str, Callable[[Any], list[Told]]]] = {
    "infobip": _infobip,
    "rbm": _rbm,
    "bip": _bip,
    "bitel": _bitel,
}

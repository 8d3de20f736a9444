"""
Calls to the four providers, and what their answers mean.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from run.mutants.ledger import Message

__all__ = ["CHANNELS", "Answer", "Call", "Request", "Row", "judge", "provider_of", "request_for", "spelt"]


class Request(NamedTuple):
    """
    One HTTP request, below the simulator's base URL.
    """

    method: str
    path: str
    body: Any
    headers: Mapping[str, str]


class Answer(NamedTuple):
    """
    What came back; status 0: the connection broke.
    """

    status: int
    body: bytes = b""
    retry_after_s: float = 0.0


class Row(NamedTuple):
    """
    What an answer says of one message.
    """

    ids: tuple[str, ...] = ()
    """The provider's own ids for it, which later reports name."""
    refused: bool = False
    code: str = ""


@dataclass(kw_only=True)
class Call:
    """
    One call that sends one text to one or more recipients.
    """

    channel: str
    """`infobip` (first generation), `infobip2`, `infobip3`, `rbm`, `bip`, `bip-list`, `bip-all`, `bitel`."""
    id: str
    messages: list[Message]
    text: str
    own_ids: bool
    ttl: str
    report_url: str
    intermediate: bool
    tries: int = 0
    sent_ids: list[str] | None = None
    """The messages' ids as the last try had them."""


CHANNELS: Final = ("infobip", "infobip2", "infobip3", "rbm", "bip", "bip-list", "bip-all", "bitel")
_APP: Final = {"Authorization": "App integrator"}
_BEARER: Final = {"Authorization": "Bearer integrator"}
_BASIC: Final = {"Authorization": f"Basic {base64.b64encode(b'service:secret').decode()}"}
_REPEATED: Final = "REJECTED_DUPLICATE_MESSAGE_ID"
_GROUPS: Final = frozenset({"PENDING", "DELIVERED", "UNDELIVERABLE", "EXPIRED", "REJECTED"})


def provider_of(channel: str) -> str:
    """Return whose channel it is."""
    return channel.partition("-")[0].rstrip("23")


def spelt(provider: str, number: str) -> str:
    """Return a number as the provider wants it: Bitel as dialled in Iran, BiP without the plus."""
    digits = number.removeprefix("+")
    if provider == "bitel" and digits.startswith("98"):
        return f"0{digits.removeprefix('98')}"
    return digits if provider == "bip" else number


def request_for(call: Call, spell: Callable[[str, str], str], id_of: Callable[[str], str]) -> Request:
    """Return the request of *call*, with each message's id as *id_of* has it."""
    numbers = [spell(provider_of(call.channel), one.to) for one in call.messages]
    ids = call.sent_ids = [id_of(one.id) for one in call.messages]
    match call.channel:
        case "infobip" | "infobip2" | "infobip3":
            return _infobip(call, numbers, ids)
        case "rbm":
            path = f"/rbm/v1/phones/{numbers[0]}/agentMessages?messageId={ids[0]}&agentId=welcome-bot"
            content: dict[str, Any] = {"contentMessage": {"text": call.text}}
            return Request("POST", path, content | ({"ttl": call.ttl} if call.ttl else {}), _BEARER)
        case "bitel" if len(numbers) > 1:
            texts = [call.text] * len(numbers)
            batch = {"messages": texts, "phoneNumbers": numbers}
            return Request("POST", "/bitel/api/v2/sms/batch/p2p", batch, _BEARER)
        case "bitel":
            single = {"message": call.text, "phoneNumber": numbers[0]}
            return Request("POST", "/bitel/api/v2/sms/single", single, _BEARER)
        case _:
            return _bip(call, numbers, id_of(call.id))


def _infobip(call: Call, numbers: list[str], ids: list[str]) -> Request:
    destinations = [
        {"to": number, "messageId": id} if call.own_ids else {"to": number}
        for number, id in zip(numbers, ids, strict=True)
    ]
    if call.channel == "infobip3":
        hook = {"url": call.report_url, "intermediateReport": call.intermediate}
        message: dict[str, Any] = {
            "sender": "Bank",
            "destinations": destinations,
            "content": {"text": call.text},
            "webhooks": {"delivery": hook},
        }
        return Request("POST", "/infobip/sms/3/messages", {"messages": [message]}, _APP)
    message = {
        "from": "Bank",
        "destinations": destinations,
        "text": call.text,
        "notifyUrl": call.report_url,
        "intermediateReport": call.intermediate,
    }
    generation = 2 if call.channel == "infobip2" else 1
    return Request("POST", f"/infobip/sms/{generation}/text/advanced", {"messages": [message]}, _APP)


def _bip(call: Call, numbers: list[str], txnid: str) -> Request:
    receivers = [{"type": 2, "address": number} for number in numbers]
    body: dict[str, Any] = {"txnid": txnid, "composition": {"list": [{"type": 0, "message": call.text}]}}
    if call.channel == "bip-list":
        return Request("POST", "/bip/tes/rest/spi/sendmsgservlist", body | {"receivers": receivers}, _BASIC)
    receiver = {"type": 1} if call.channel == "bip-all" else receivers[0]
    return Request("POST", "/bip/tes/rest/spi/sendmsgserv", body | {"receiver": receiver}, _BASIC)


def judge(call: Call, answer: Answer) -> list[Row] | None:
    """
    Return what an answer says of each message of *call*; None: neither yes nor no, so try again.

    A call that broke off, a 429, a 5xx and a body that makes no sense say nothing
    about the message: it may be on its way.
    """
    if answer.status in (0, 429) or answer.status >= 500:
        return None
    if answer.status >= 400:
        return [Row(refused=True, code=str(answer.status)) for _ in call.messages]
    try:
        rows = _JUDGES[provider_of(call.channel)](call, json.loads(answer.body))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return rows if len(rows) == len(call.messages) else None


def _infobip_rows(call: Call, body: Any) -> list[Row]:
    rows = []
    for sent_id, entry in zip(call.sent_ids or (), body["messages"], strict=True):
        group, name = entry["status"]["groupName"], entry["status"]["name"]
        id = entry.get("messageId", sent_id)
        if group not in _GROUPS or (call.own_ids and id != sent_id):
            raise ValueError("an answer with flipped bytes")
        # Refused because it was there before: an earlier try had done the work.
        refused = group == "REJECTED" and not (name == _REPEATED and call.tries > 1)
        rows.append(Row((id,), refused, name if refused else ""))
    return rows


def _rbm_rows(call: Call, body: Any) -> list[Row]:
    if not body["name"].startswith("phones/"):
        raise ValueError("an answer with flipped bytes")
    return [Row((body["name"].rpartition("/")[2],)) for _ in call.messages]


def _bip_rows(call: Call, body: Any) -> list[Row]:
    code = body["resultcode"]
    if code != 0 or "list" not in body:
        # An asynchronous call is told nothing more now; the sent report takes it apart by receiver.
        return [Row(refused=code != 0, code=str(code) if code else "") for _ in call.messages]
    ids = tuple(entry["reportid"] for entry in body["list"] if entry["resultcode"] == 0)
    return [Row(ids, not ids)]


def _bitel_rows(call: Call, body: Any) -> list[Row]:
    result = body["result"]
    return [Row((entry["id"],)) for entry in (result if isinstance(result, list) else [result])]


_JUDGES: Final[Mapping[str, Callable[[Call, Any], list[Row]]]] = {
    "infobip": _infobip_rows,
    "rbm": _rbm_rows,
    "bip": _bip_rows,
    "bitel": _bitel_rows,
}
